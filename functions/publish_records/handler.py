"""Publish the final outcomes of one batch; for a trial, record that its region has passed."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.reach import reach_of
from yikatong.aws.wiring import wiring
from yikatong.use_cases.publish_records import publish_records

logger = Logger(service="publish_records")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    written = publish_records(event["batch_id"], reach_of(wiring(), "publish_records"))
    logger.info("records published", batch_id=event["batch_id"], records=written)
    return {"records": written}
