"""A person ordered one message sent once more; the bureau API asked who they are, and waits for the answer."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.reach import reach_of
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.resend_message import resend_or_say_why

logger = Logger(service="resend_message")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    outcome = resend_or_say_why(
        event["message_id"],
        event["ordered_by"],
        reach_of(w, "resend_message"),
        workflow=w.workflow,
        bank=w.bank,
        banks=committed_banks(),
        now=w.now(),
    )
    logger.info("resend ordered", message_id=event["message_id"], outcome=outcome["outcome"])
    return outcome
