"""The bureau API's routes, a module for each noun. They lie in the layer and not in the function's own folder, because only
here one import finds them in Lambda, in tests and under the type checker alike."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from yikatong.aws.bureau_api import batches, departures, funds, messages, occasions, runs, traces, uploads

ROUTERS = (
    uploads.router,
    departures.router,
    batches.router,
    occasions.router,
    funds.router,
    runs.router,
    messages.router,
    traces.router,
)


def include_routes(app: APIGatewayRestResolver) -> None:
    """Every route of the API."""
    for router in ROUTERS:
        app.include_router(router)
