"""A person recorded money that came back; the bureau API asked who they are, and waits for what came of it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.use_cases.record_recovery import record_or_say_why

logger = Logger(service="record_recovery")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    control = w.control_of(f"principal:{event['ordered_by']}")
    outcome = record_or_say_why(event, control=control, lake=w.lake, orders=w.orders, book=w.book, now=w.now())
    logger.info("recovery recorded", batch_id=event["batch_id"], outcome=outcome["outcome"])
    return outcome
