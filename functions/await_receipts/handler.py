"""Leave the waiting task's token where a receipt will find it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.use_cases.await_receipts import await_receipts

logger = Logger(service="await_receipts")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    woken = await_receipts(event["batch_id"], event["task_token"], control=w.control, lake=w.lake, workflow=w.workflow)
    logger.info("receipts awaited", batch_id=event["batch_id"], answered_already=woken)
    return {"answered": woken}
