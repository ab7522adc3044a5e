"""What a subsidy may spend in a region and year; raised funds order a run themselves (PROTOCOL R3)."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yikatong.batches import Batch, batches_pk
from yikatong.errors import Refusal
from yikatong.funds import Funds, funds_key, no_funds_yet
from yikatong.plan import Mode, PlanBook, is_formal_day
from yikatong.ports import Control, Orders, RunOrder
from yikatong.principals import Action, Principal, authorize
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
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能设定资金额度。", "unregistered")
    funds = control.read(Funds, *funds_key(subsidy.code, region, year)) or no_funds_yet(subsidy.code, region, year)
    allocated = funds.allocate(request.allocated_fen, request.reason, principal.name)
    if allocated != funds:
        control.save(allocated)
        allocated = allocated.model_copy(update={"version": funds.version + 1})
    if _may_free_batches(funds, request.allocated_fen):
        cause = f"funds{region}v{allocated.version}"
        for waiting_year, as_of in _waiting(control, book, subsidy.code, region, year, today):
            orders.order_run(RunOrder(waiting_year, subsidy.code, Mode.FORMAL.value, as_of, f"{cause}p{waiting_year}"))
    return allocated


def _may_free_batches(before: Funds, allocated_fen: int) -> bool:
    """Lowered funds free nobody; equal ones may be the repetition of a raise whose order was lost."""
    return before.allocated_fen is not None and allocated_fen >= before.allocated_fen


def _waiting(
    control: Control, book: PlanBook, code: str, region: str, year: int, today: date
) -> list[tuple[int, date]]:
    """(plan year, as_of) of the runs that take up the batches which a run carried over for lack of these funds.

    `as_of` is today, or, where 正式发放时间 is over, the day the batch was claimed on: it must not wait for next year.
    """
    batches = control.query(Batch, batches_pk(code, Mode.FORMAL), f"{code}.{Mode.FORMAL}.{region}.")
    found = set()
    for batch in batches:
        if not (batch.carried and batch.state in BINDABLE and batch.funds_year == year):
            continue
        run = control.read(Run, *run_key(code, batch.run_id))
        assert run is not None, f"{batch.batch_id} was carried over by no run"
        formal_day = is_formal_day(book.by_code(batch.plan_year, code), today)
        found.add((batch.plan_year, today if formal_day else run.as_of))
    return sorted(found)
