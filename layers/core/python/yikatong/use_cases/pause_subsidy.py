"""An operator pauses the formal payout of a subsidy everywhere, and lets it go on; nothing that waited is lost."""

from datetime import date, datetime
from typing import Any

from yikatong.batches import Batch, batches_pk
from yikatong.errors import Refusal
from yikatong.pauses import Pause, read_pause
from yikatong.plan import Mode, PlanBook, Subsidy, is_formal_day
from yikatong.ports import AGAIN, Control, Orders, RunOrder
from yikatong.principals import PROVINCE, Action, Principal, authorize, leads
from yikatong.runs import Run, run_key
from yikatong.states import BINDABLE


def pause_subsidy(
    control: Control, book: PlanBook, principal: Principal, plan_year: int, number: int, reason: str, now: datetime
) -> Pause:
    """From now on no run of it begins and no further batch is instructed. The same again changes nothing."""
    code = _code(book, principal, plan_year, number)
    pause = read_pause(control, code)
    if pause.paused:
        return pause
    # Days missed in an earlier pause stay: its resumption may have been broken off before it ordered their runs.
    return _saved(control, pause, principal, reason, now, paused=True)


def resume_subsidy(
    control: Control,
    orders: Orders,
    book: PlanBook,
    principal: Principal,
    plan_year: int,
    number: int,
    reason: str,
    now: datetime,
) -> Pause:
    """Let it go on, and order the runs that take up what waited; a repetition orders the same runs again.

    They are dated today, or, where 正式发放时间 is over, on the day the batch was claimed on or its run did not begin: it
    must not wait for next year.
    """
    code = _code(book, principal, plan_year, number)
    pause = read_pause(control, code)
    if pause.version == 0:
        raise Refusal(f"{book.subsidy(plan_year, number)}没有暂停过。", "conflict")
    if pause.paused:
        pause = _saved(control, pause, principal, reason, now, paused=False)
    for order in _runs_to_catch_up(control, book, pause, now.date()):
        orders.order_run(order)
    return pause


def list_subsidies(
    control: Control, book: PlanBook, principal: Principal, plan_year: int
) -> list[tuple[Subsidy, Pause]]:
    """The year's registered subsidies that are the principal's, each with its pause."""
    authorize(principal, Action.SEE_RUNS)
    subsidies = [each for each in book.plan(plan_year).subsidies if each.code is not None and leads(principal, each)]
    return [(each, read_pause(control, each.code)) for each in subsidies if each.code is not None]


def pause_view(subsidy: Subsidy, pause: Pause) -> dict[str, Any]:
    """A subsidy and whether it is paused; the last word on it, with its reason, also after the resumption."""
    shown = pause.model_dump(mode="json", include={"code", "paused", "reason", "by", "at"})
    return {"number": subsidy.number, "name": subsidy.name} | shown


def _code(book: PlanBook, principal: Principal, plan_year: int, number: int) -> str:
    subsidy = book.subsidy(plan_year, number)
    authorize(principal, Action.PAUSE_SUBSIDY, PROVINCE, subsidy)
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，没有可暂停的发放。", "unregistered")
    return subsidy.code


def _saved(
    control: Control, pause: Pause, principal: Principal, reason: str, now: datetime, **changes: object
) -> Pause:
    if not reason.strip():
        raise Refusal("请写明原因。", "invalid")
    word = {"reason": reason.strip(), "by": principal.name, "at": now.isoformat(timespec="seconds")}
    changed = pause.model_copy(update=word | changes)
    control.save(changed)
    return changed.model_copy(update={"version": pause.version + 1})


def _runs_to_catch_up(control: Control, book: PlanBook, pause: Pause, today: date) -> list[RunOrder]:
    """For each plan year of the subsidy one run today, if it may be; else one for the latest day on which something was
    due, and one that follows up (child batches, reissues), which any day may. A run that finds nothing closes itself.
    """
    due = _days_due(control, pause)
    orders = []
    for year in [each.year for each in book.plans if any(one.code == pause.code for one in each.subsidies)]:
        cause = f"resume{pause.version}p{year}"
        days = [(today, cause)] if is_formal_day(book.by_code(year, pause.code), today) else []
        if not days:
            days = [(due[year], cause)] if year in due else []
            days.append((today, f"{AGAIN}{cause}"))
        orders += [RunOrder(year, pause.code, Mode.FORMAL.value, on, cause) for on, cause in days]
    return orders


def _days_due(control: Control, pause: Pause) -> dict[int, date]:
    """By plan year the latest day of a run that did not begin, or that left a batch to the next one."""
    days = {int(year): on for year, on in pause.missed.items()}
    for batch in control.query(Batch, batches_pk(pause.code, Mode.FORMAL)):
        # What only follows up needs no 正式发放时间, and the `again` order takes it up.
        asked = batch.run_id and not batch.follows_up
        run = control.read(Run, *run_key(batch.code, batch.run_id)) if asked else None
        if run is not None and batch.state in BINDABLE:
            days[batch.plan_year] = max(run.as_of, days.get(batch.plan_year, run.as_of))
    return days
