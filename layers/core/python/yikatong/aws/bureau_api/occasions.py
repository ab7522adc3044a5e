"""Occasions of the subsidies that are paid 多次/年."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from yikatong.aws.bureau_api.common import caller, decided, new_router
from yikatong.aws.wiring import wiring
from yikatong.use_cases.open_occasion import OccasionRequest, list_occasions, occasion_view, open_occasion

router = new_router()


@router.post("/v1/occasions")
def post_occasion(body: OccasionRequest) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    occasion = decided(lambda: open_occasion(made.control, made.book, who, body))
    return occasion_view(occasion)


@router.get("/v1/occasions")
def get_occasions(
    plan_year: Annotated[int, Query(ge=2000, le=2100)], number: Annotated[int, Query(ge=1)]
) -> dict[str, Any]:
    made = wiring()
    found = list_occasions(made.control, made.book, caller(router), plan_year, number)
    return {"occasions": [occasion_view(occasion) for occasion in found]}
