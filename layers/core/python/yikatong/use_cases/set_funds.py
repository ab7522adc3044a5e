"""What a subsidy may spend in a region and year; raised funds order a run themselves (PROTOCOL R3)."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yikatong.batches import Batch, batches_pk
from yikatong.errors import Refusal
from yikatong.funds import Funds, funds_key, no_funds_yet
from yikatong.money import yuan
from yikatong.plan import Mode, PlanBook, is_formal_day
from yikatong.ports import AGAIN, Control, Orders, RunOrder
from yikatong.principals import Action, Principal, authorize
from yikatong.regions import require_known
from yikatong.runs import Run, run_key
from yikatong.states import BINDABLE

MOST_FEN = 10**14
"""A trillion yuan: above it somebody mistook the unit."""


class FundsRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allocated_fen: Annotated[int, Field(ge=0, le=MOST_FEN, strict=True)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


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
        for waiting_year, as_of, kind in _waiting(control, book, subsidy.code, region, year, today):
            name = f"{kind}{cause}p{waiting_year}"
            orders.order_run(RunOrder(waiting_year, subsidy.code, Mode.FORMAL.value, as_of, name))
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
    """A plan's batches are paid in its year or, as arrears, in the next: other years' funds nobody would ever use."""
    if year not in (plan_year, plan_year + 1):
        raise Refusal(f"{plan_year}年计划的资金年度只能是 {plan_year} 或 {plan_year + 1}，读到 {year}。", "bad_year")


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


def _waiting(
    control: Control, book: PlanBook, code: str, region: str, year: int, today: date
) -> list[tuple[int, date, str]]:
    """(plan year, as_of, how the cause begins) of the runs that take up what was carried over for lack of these funds.

    `as_of` is today, or, where 正式发放时间 is over, the day the batch was claimed on: it must not wait for next year. What
    follows up an earlier batch needs no 正式发放时间: a run of its own takes it up today.
    """
    batches = control.query(Batch, batches_pk(code, Mode.FORMAL), f"{code}.{Mode.FORMAL}.{region}.")
    found = set()
    for batch in batches:
        if not (batch.carried and batch.state in BINDABLE and batch.funds_year == year):
            continue
        run = control.read(Run, *run_key(code, batch.run_id))
        assert run is not None, f"{batch.batch_id} was carried over by no run"
        if is_formal_day(book.by_code(batch.plan_year, code), today):
            found.add((batch.plan_year, today, ""))
        elif batch.follows_up:
            found.add((batch.plan_year, today, AGAIN))
        else:
            found.add((batch.plan_year, run.as_of, ""))
    return sorted(found)
