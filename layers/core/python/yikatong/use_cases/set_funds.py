"""What a subsidy may spend in a region and year; raised funds order a run themselves (PROTOCOL R3)."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from yikatong.carried import order_carried
from yikatong.errors import Refusal
from yikatong.funds import Funds, funds_key, no_funds_yet
from yikatong.money import yuan
from yikatong.plan import PlanBook
from yikatong.ports import Control, Orders
from yikatong.principals import Action, Principal, authorize
from yikatong.reasons import Reason
from yikatong.regions import require_known

MOST_YEARS_LATER = 5
MOST_FEN = 10**14
"""A trillion yuan: above it somebody mistook the unit."""


class FundsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allocated_fen: Annotated[int, Field(ge=0, le=MOST_FEN, strict=True)]
    reason: Reason


def set_funds(
    control: Control,
    orders: Orders,
    book: PlanBook,
    principal: Principal,
    *,
    plan_year: int,
    number: int,
    region: str,
    year: int,
    request: FundsRequest,
    today: date,
) -> Funds:
    """Set the allocation of a subsidy, region and year of `as_of`; `number` is read in the plan of `plan_year`.

    When batches of that region wait for a later run, one is ordered. Setting the same again orders again: the first
    time may have died in between, and a run that finds nothing to pay closes itself.
    """
    subsidy = book.subsidy(plan_year, number)
    authorize(principal, Action.SET_FUNDS, region, subsidy)
    require_known(region)
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能设定资金额度。", "unregistered")
    _refuse_other_years(plan_year, year)
    funds = control.read(Funds, *funds_key(subsidy.code, region, year)) or no_funds_yet(subsidy.code, region, year)
    _refuse_less_than_used(funds, request.allocated_fen)
    allocated = funds.allocate(request.allocated_fen, request.reason, principal.name)
    if allocated != funds:
        control.save(allocated)
        allocated = allocated.model_copy(update={"version": funds.version + 1})
    if _may_free_batches(funds, request.allocated_fen):
        cause = f"funds{region}v{allocated.version}"
        order_carried(allocated, cause, control=control, orders=orders, book=book, today=today)
    return allocated


def show_funds(
    control: Control, book: PlanBook, principal: Principal, *, plan_year: int, number: int, region: str, year: int
) -> Funds:
    """The funds as they stand; where nothing was set or used yet, without a limit and at zero."""
    subsidy = book.subsidy(plan_year, number)
    authorize(principal, Action.SEE_BATCHES, region, subsidy)
    require_known(region)
    _refuse_other_years(plan_year, year)
    code = subsidy.code or ""
    return control.read(Funds, *funds_key(code, region, year)) or no_funds_yet(code, region, year)


def _refuse_other_years(plan_year: int, year: int) -> None:
    """A plan's batches are paid in its year, as arrears in the next, and as reissues some years later; never before."""
    if not plan_year <= year <= plan_year + MOST_YEARS_LATER:
        last = plan_year + MOST_YEARS_LATER
        raise Refusal(f"{plan_year}年计划的资金年度只能是 {plan_year} 至 {last}，读到 {year}。", "bad_year")


def _refuse_less_than_used(funds: Funds, allocated_fen: int) -> None:
    used_fen = funds.reserved_fen + funds.spent_fen
    if allocated_fen < used_fen:
        raise Refusal(
            f"额度不能低于已占用和已支出的金额：已占用 {yuan(funds.reserved_fen)} 元，已支出 {yuan(funds.spent_fen)} 元，"
            f"合计 {yuan(used_fen)} 元。",
            "below_used",
        )


def _may_free_batches(before: Funds, allocated_fen: int) -> bool:
    """Lowered funds free nobody; equal ones may be the repetition of a raise whose order was lost."""
    return before.allocated_fen is not None and allocated_fen >= before.allocated_fen
