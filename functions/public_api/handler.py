"""The public API: the plan, the policy documents, what was disclosed, and one's own payment records. Open to all.

The query is a POST: name and id number never stand in an address. An unknown person and a wrong name get the same empty
answer by the same way. Bodies are never logged; no polars here, the first query of the day must not wait for it.
"""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.problems import Problems
from yikatong.aws.public_api import new_app
from yikatong.aws.public_api.common import logger
from yikatong.aws.public_api.door import answer
from yikatong.aws.wiring import wiring

problems = Problems(new_app(), logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return answer(problems, event, context, wiring().environment.get("SITE_ORIGIN") or "")
