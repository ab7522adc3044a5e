"""Store one batch's instruction, move it to INSTRUCTED, and hand its messages to the bank, each at most once."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.instruct_bank import instruct_bank

logger = Logger(service="instruct_bank")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    handed_over = instruct_bank(
        event["batch_id"],
        event["run_id"],
        control=w.control_of("function:instruct_bank"),
        lake=w.lake,
        bank=w.bank,
        banks=committed_banks(),
        book=w.book,
        settings=w.settings,
        secret=w.payment_secret,
        now=w.now(),
    )
    if handed_over is None:
        logger.info("batch skipped", batch_id=event["batch_id"])
        return {"outcome": "skipped"}
    logger.info("bank instructed", extra={"batch_id": event["batch_id"], **handed_over})
    return {"outcome": "instructed"}
