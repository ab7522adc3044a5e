"""Third step of `payout`: claim every slot of the run's batches, once."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.metrics import count
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.claim_payments import claim_payments

logger = Logger(service="claim_payments")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    claimed = claim_payments(
        event["run_id"],
        event["code"],
        control=w.control_of("function:claim_payments"),
        lake=w.lake,
        banks=committed_banks(),
        book=w.book,
        settings=w.settings,
    )
    count("AlteredClaims", claimed.stopped)
    logger.info("payments claimed", run_id=event["run_id"], batches=claimed.batches, stopped=claimed.stopped)
    return {"claimed": claimed.batches, "stopped": claimed.stopped}
