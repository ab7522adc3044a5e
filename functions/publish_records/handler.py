"""Publish the final outcomes of one batch; for a trial, record that its region has passed."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.use_cases.publish_records import publish_records

logger = Logger(service="publish_records")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    written = publish_records(
        event["batch_id"],
        control=w.control,
        lake=w.lake,
        records=w.records,
        orders=w.orders,
        book=w.book,
        record_secret=w.record_secret,
        today=w.now().date(),
    )
    logger.info("records published", batch_id=event["batch_id"], records=written)
    return {"records": written}
