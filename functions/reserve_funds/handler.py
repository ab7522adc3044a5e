"""Reserve one batch's money, whole or not at all."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.use_cases.reserve_funds import reserve_funds

logger = Logger(service="reserve_funds")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    outcome = reserve_funds(event["batch_id"], event["run_id"], control=wiring().control_of("function:reserve_funds"))
    logger.info("funds", batch_id=event["batch_id"], outcome=outcome)
    return {"outcome": outcome}
