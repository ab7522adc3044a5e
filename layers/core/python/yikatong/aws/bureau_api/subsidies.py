"""Subsidies: which are paused, and pausing and resuming one."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from yikatong.aws.bureau_api.common import Because, caller, control_of, decided, new_router
from yikatong.aws.wiring import wiring
from yikatong.use_cases.pause_subsidy import list_subsidies, pause_subsidy, pause_view, resume_subsidy

router = new_router()
Year = Annotated[int, Path(ge=2000, le=2100)]
Number = Annotated[int, Path(ge=1)]


@router.get("/v1/subsidies")
def get_subsidies(plan_year: Annotated[int, Query(ge=2000, le=2100)]) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    found = list_subsidies(made.control, made.book, who, plan_year)
    return {"subsidies": [pause_view(subsidy, pause) for subsidy, pause in found]}


@router.post("/v1/subsidies/<plan_year>/<number>/pause")
def post_pause(plan_year: Year, number: Number, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    pause = decided(lambda: pause_subsidy(control_of(who), made.book, who, plan_year, number, body.reason, made.now()))
    return pause_view(made.book.subsidy(plan_year, number), pause)


@router.post("/v1/subsidies/<plan_year>/<number>/resume")
def post_resume(plan_year: Year, number: Number, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    pause = decided(
        lambda: resume_subsidy(control_of(who), made.orders, made.book, who, plan_year, number, body.reason, made.now())
    )
    return pause_view(made.book.subsidy(plan_year, number), pause)
