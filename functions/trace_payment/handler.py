"""A clerk asked why somebody was not paid; the bureau API asked who they are, and waits for the answer.

The answer holds personal data: it is handed back and written nowhere else.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.use_cases.tell_story import Archive
from yikatong.use_cases.trace_payment import trace_or_say_why

logger = Logger(service="trace_payment")


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    w = wiring()
    archive = Archive(w.control, w.lake, w.audit, w.records, w.book, w.settings, w.record_secret, w.now().date())
    answer = trace_or_say_why(event["request"], event["asked_by"], archive)
    logger.info("traced", outcome=answer["outcome"], stories=len(answer.get("stories", ())))
    return answer
