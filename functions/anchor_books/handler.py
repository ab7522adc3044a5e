"""Once a day: the heads of all audit chains in one object, chained to the one before."""

from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.ports import SHANGHAI
from yikatong.use_cases.anchor_books import anchor_books

logger = Logger(service="anchor_books")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    on = datetime.fromisoformat(event["scheduled_at"].replace("Z", "+00:00")).astimezone(SHANGHAI).date()
    root = anchor_books(on, control=w.control, audit=w.audit, book=w.book)
    logger.info("books anchored", date=on.isoformat(), root=root)
    return {"root": root}
