"""Funds: how much a region may pay of a subsidy in a year."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path

from yikatong.aws.bureau_api.common import caller, control_of, decided, new_router
from yikatong.aws.wiring import wiring
from yikatong.funds import Funds
from yikatong.regions import Region, name_of
from yikatong.use_cases.set_funds import FundsRequest, set_funds, show_funds

router = new_router()
Year = Annotated[int, Path(ge=2000, le=2100)]


@router.get("/v1/funds/<plan_year>/<number>/<region>/<year>")
def get_funds(plan_year: Year, number: int, region: Annotated[Region, Path()], year: Year) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    where = {"plan_year": plan_year, "number": number, "year": year}
    return funds_view(show_funds(made.control, made.book, who, region=region, **where))


@router.put("/v1/funds/<plan_year>/<number>/<region>/<year>")
def put_funds(
    plan_year: Year, number: int, region: Annotated[Region, Path()], year: Year, body: FundsRequest
) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    funds = decided(
        lambda: set_funds(
            control_of(who),
            made.orders,
            made.book,
            who,
            plan_year=plan_year,
            number=number,
            region=region,
            year=year,
            request=body,
            today=made.now().date(),
        )
    )
    return funds_view(funds)


def funds_view(funds: Funds) -> dict[str, Any]:
    """Fen; `allocated_fen` and `available_fen` are None where no limit was set."""
    shown = {"code", "region", "year", "allocated_fen", "reserved_fen", "spent_fen", "reason", "set_by"}
    return funds.model_dump(include=shown) | {
        "available_fen": funds.available_fen,
        "region_name": name_of(funds.region),
    }
