"""The bureau API's routes, a module for each noun. They lie in the layer and not in the function's own folder, because only
here one import finds them in Lambda, in tests and under the type checker alike."""

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from yikatong.aws.bureau_api import (
    batches,
    departures,
    disclosure,
    funds,
    messages,
    occasions,
    payments,
    policies,
    portal_exports,
    queues,
    records,
    runs,
    subsidies,
    traces,
    uploads,
    work,
)

ROUTERS = (
    uploads.router,
    departures.router,
    policies.router,
    batches.router,
    occasions.router,
    funds.router,
    runs.router,
    subsidies.router,
    work.router,
    messages.router,
    payments.router,
    queues.router,
    records.router,
    traces.router,
    disclosure.router,
    portal_exports.router,
)


def include_routes(app: APIGatewayRestResolver) -> None:
    """Every route of the API."""
    for router in ROUTERS:
        app.include_router(router)
