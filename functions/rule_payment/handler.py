"""A person ruled on a frozen payment; the bureau API asked who they are, and waits for what came of it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.reach import reach_for
from yikatong.aws.wiring import wiring
from yikatong.bank.settings import committed_banks
from yikatong.use_cases.rule_payment import rule_or_say_why

logger = Logger(service="rule_payment")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    w = wiring()
    reach = reach_for(w, f"principal:{event['ordered_by']}")
    outcome = rule_or_say_why(event, reach=reach, workflow=w.workflow, banks=committed_banks(), now=w.now())
    logger.info("payment ruled on", batch_id=event["batch_id"], outcome=outcome["outcome"])
    return outcome
