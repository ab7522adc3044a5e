"""Rows that a batch could not pay and that may be paid later: which batches have some, and the run that takes them up.

Held rows whose card is mended, and rows whose claim was released, are paid by child batches under the parent's approval
(PROTOCOL C4, W2). Whatever may have freed such rows orders a run that only follows up; no tick need come (R3). The rows
themselves are looked at by `use_cases.take_up_rows`. No polars here: the APIs ask as well.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from yikatong.batches import Batch, Tally, batches_pk
from yikatong.payments import digest_of
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import AGAIN, Control, Orders, RunOrder
from yikatong.states import SETTLEABLE


def child_id(parent_id: str, n: int) -> str:
    """The id of a batch's n-th child, counted from 1: two executions that make it at once make the same one."""
    scope, _ = parent_id.rsplit(".", 1)
    return f"{scope}.{digest_of('child', parent_id, n)[:16]}"


def approval_expired(batch: Batch, as_of: date, settings: Settings) -> bool:
    return as_of > batch.approved_on + timedelta(days=settings.for_subsidy(batch.code).approval_expiry_days)


def rows_left(batch: Batch) -> Tally:
    """What the batch held or did not send, and no child has taken up; nothing until the bank was told of the others."""
    if batch.selection is None or batch.state not in SETTLEABLE:
        return Tally()
    return batch.selection.held + batch.selection.not_sent - batch.passed_on


def may_have_children(batch: Batch, as_of: date, settings: Settings) -> bool:
    """Whether rows of it are left, and the approval under which they would be paid still holds on that day (W2)."""
    return (
        batch.mode == Mode.FORMAL and rows_left(batch).count > 0 and not approval_expired(batch, as_of, settings)
    )  # fmt: skip


def concerns(order: RunOrder, batch: Batch) -> bool:
    """Whether a run of this order may bind the batch, or take up its rows: one that only follows up keeps to its plan."""
    return not order.again or batch.plan_year == order.plan_year


def order_follow_ups(batches: Iterable[Batch], cause: str, *, orders: Orders, settings: Settings, today: date) -> None:
    """Order a run for every subsidy and plan year of those batches that have rows left.

    `cause` names what may have freed them: the same news again is the same run, and a run that finds nothing closes itself.
    """
    found = {(batch.plan_year, batch.code) for batch in batches if may_have_children(batch, today, settings)}
    for plan_year, code in sorted(found):
        orders.order_run(RunOrder(plan_year, code, Mode.FORMAL.value, today, f"{AGAIN}{cause}p{plan_year}"))


def formal_batches(codes: Iterable[str], control: Control) -> Iterable[Batch]:
    for code in codes:
        yield from control.query(Batch, batches_pk(code, Mode.FORMAL))


def codes_of(book: PlanBook) -> list[str]:
    """The permanent codes of every subsidy in any year's plan."""
    return sorted({subsidy.code for plan in book.plans for subsidy in plan.subsidies if subsidy.code is not None})


def codes_sharing(claim_group: str, book: PlanBook, settings: Settings) -> list[str]:
    """The codes of the subsidies of one claim group: what one of them releases, another may have lost (C1)."""
    return [code for code in codes_of(book) if settings.for_subsidy(code).claim_group == claim_group]
