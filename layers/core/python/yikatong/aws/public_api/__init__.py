"""The public API: its routes, a module for each noun, put together in `new_app`."""

import json
from functools import partial
from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver


def new_app() -> APIGatewayRestResolver:
    """The application with every route of the public API."""
    from yikatong.aws.public_api import disclosure, plans, policies, queries

    app = APIGatewayRestResolver(
        enable_validation=True,
        # Chinese as it is: escaped it would be twice as long.
        serializer=partial(json.dumps, ensure_ascii=False, separators=(",", ":")),
        # An answer that is not as described is our fault, not the caller's.
        response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    for noun in (plans, policies, disclosure, queries):
        app.include_router(noun.router)
    return app
