"""Batches that a run carried to the next one for lack of funds, and the runs that take them up (PROTOCOL R3).

Whatever gives money to these funds orders them: a raise, a withdrawal, a rejection, a return, a recovery. No tick need come.
"""

from datetime import date

from yikatong.batches import Batch, batches_pk
from yikatong.funds import Funds
from yikatong.plan import Mode, PlanBook, is_formal_day
from yikatong.ports import AGAIN, Control, Orders, RunOrder
from yikatong.runs import Run, run_key
from yikatong.states import BINDABLE


def order_carried(funds: Funds, cause: str, *, control: Control, orders: Orders, book: PlanBook, today: date) -> None:
    """Order a run for everything that waits for these funds; without a limit nothing does. The same cause is the same run."""
    if funds.allocated_fen is None:
        return
    for plan_year, as_of, kind in _waiting(control, book, funds.code, funds.region, funds.year, today):
        orders.order_run(RunOrder(plan_year, funds.code, Mode.FORMAL.value, as_of, f"{kind}{cause}p{plan_year}"))


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
