"""The bureau API: what people do with rosters, batches, funds and runs. IAM-signed; every route asks `authorize`.

A route (`yikatong.aws.bureau_api`, a module for each noun) decodes a typed request, calls one use case and encodes its
answer. A refusal becomes a problem detail (RFC 9457) in Chinese, in its own words. Bodies are never logged.
"""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.bureau_api import include_routes
from yikatong.aws.bureau_api.common import logger
from yikatong.aws.problems import Problems

app = APIGatewayRestResolver(enable_validation=True)
include_routes(app)
problems = Problems(app, logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return problems.resolve(event, context)
