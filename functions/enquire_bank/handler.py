"""Ask the bank about the messages of one batch that it has not answered."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.enquire_bank import enquire_bank

logger = Logger(service="enquire_bank")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    answered = enquire_bank(
        event["batch_id"], control=w.control, lake=w.lake, bank=w.bank, banks=committed_banks(), now=w.now()
    )
    logger.info("bank asked", batch_id=event["batch_id"], attempt=event["attempt"], answered=answered)
    return {"outcome": "answered" if answered else "waiting"}
