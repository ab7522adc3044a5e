"""Start a payout: from a schedule's tick, or from an order (PROTOCOL R1, R3; DESIGN §4 on days that do not count)."""

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time

from yikatong.errors import Conflict
from yikatong.pauses import read_pause
from yikatong.payments import digest_of
from yikatong.plan import Mode, PlanBook, Settings, WorkingDays, day_refusal, what_to_do
from yikatong.ports import SHANGHAI, Control, OneTimeSchedules, RunOrder, Workflow
from yikatong.runs import Run, name_run, run_key
from yikatong.states import ENDED_RUN, RunState
from yikatong.use_cases.open_run import Choice, choose_batches

SCHEDULED = "sched"
PAY_HOUR = time(9)
"""One-time schedules fire at the hour the derived ones do (settings.toml)."""


@dataclass(frozen=True)
class ScheduledTick:
    """What a schedule hands over: `scheduled_at` is the instant it was due, not the instant it arrived."""

    plan_year: int
    code: str
    mode: str
    cadence: str
    scheduled_at: datetime
    cause: str = SCHEDULED

    @property
    def as_of(self) -> date:
        """The scheduled date in Asia/Shanghai; it never moves (DESIGN §2)."""
        return self.scheduled_at.astimezone(SHANGHAI).date()


def start_scheduled_run(
    tick: ScheduledTick,
    *,
    control: Control,
    workflow: Workflow,
    schedules: OneTimeSchedules,
    book: PlanBook,
    settings: Settings,
    working_days: WorkingDays,
) -> str:
    """Run, drop the tick, or order a one-time run on a working day. Returns what was done, one word for the log."""
    if tick.cadence == "once":
        on = tick.as_of
    else:
        verdict = what_to_do(tick.cadence, tick.as_of, working_days)  # type: ignore[arg-type]
        on = verdict.on
        if verdict.action == "drop":
            return "dropped"
        if verdict.action == "order" and not verdict.overdue:
            due = replace(tick, scheduled_at=datetime.combine(on, PAY_HOUR, SHANGHAI))
            _postpone(due, on, f"{tick.code}-{tick.mode}-{on:%Y%m%d}-once", schedules)
            return "postponed"
    return start_run(
        RunOrder(tick.plan_year, tick.code, tick.mode, on, tick.cause),
        control=control,
        workflow=workflow,
        book=book,
        settings=settings,
    )


def start_ordered_run(
    order: RunOrder,
    *,
    control: Control,
    workflow: Workflow,
    schedules: OneTimeSchedules,
    book: PlanBook,
    settings: Settings,
    working_days: WorkingDays,
    now: datetime,
) -> str:
    """As `start_run`; an order dated on a day on which banks do not work is carried out on the next one that they do.

    An order that is delivered only after that day's hour is carried out at once, dated on that day: AWS refuses a
    schedule in the past. Where 正式发放时间 is over by then, the run keeps the order's own day, which is inside.
    """
    if working_days.is_working_day(order.as_of):
        return start_run(order, control=control, workflow=workflow, book=book, settings=settings)
    on = working_days.next_after(order.as_of)
    dated = on if not _refused(order, on, book) or _refused(order, order.as_of, book) else order.as_of
    at = datetime.combine(on, PAY_HOUR, SHANGHAI)
    if at <= now:
        late = replace(order, as_of=dated)
        return start_run(late, control=control, workflow=workflow, book=book, settings=settings)
    due = datetime.combine(dated, PAY_HOUR, SHANGHAI)
    tick = ScheduledTick(order.plan_year, order.code, order.mode, "once", due, order.cause)
    _postpone(tick, on, f"{order.code}-{on:%Y%m%d}-{digest_of(name_run(order))[:16]}", schedules)
    return "postponed"


def _refused(order: RunOrder, on: date, book: PlanBook) -> bool:
    """Whether 正式发放时间 keeps a run of this order from being dated on that day."""
    return not order.again and bool(day_refusal(book.by_code(order.plan_year, order.code), on, Mode(order.mode)))


def _postpone(tick: ScheduledTick, on: date, name: str, schedules: OneTimeSchedules) -> None:
    """Carry the tick out on that working day, dated as `scheduled_at` says."""
    at = datetime.combine(on, PAY_HOUR, SHANGHAI)
    schedules.order_once(name, at, asdict(tick) | {"cadence": "once", "scheduled_at": tick.scheduled_at.isoformat()})


def start_run(
    order: RunOrder,
    *,
    control: Control,
    workflow: Workflow,
    book: PlanBook,
    settings: Settings,
) -> str:
    """Start, or start again, the run this order names; harmless however often the same order arrives.

    `n` of the execution `{run_id}-{n}` rises only when execution n-1 has ended and the run has not. A tick with nothing
    to bind, and no rows to take up, records itself CLOSED, without an execution. A run that a person stopped stays
    stopped, whatever is delivered again, until a person resumes it (`stop_run.resume_run`); so does one whose executions
    keep dying. A paused subsidy's runs do not begin.

    正式发放时间 was kept by the batches that a run follows up: one that only does that may start on any day.
    """
    if _refused(order, order.as_of, book):
        return "not_a_day"
    identity = name_run(order)
    pk, sk = run_key(order.code, identity)
    run = control.read(Run, pk, sk)
    if run is None:
        if _waits_for_resumption(order, control):
            return "paused"
        run = _new_run(order, identity, control, workflow, book, settings)
        if run.state is RunState.CLOSED:
            return "empty"
    if run.state in ENDED_RUN:
        return "ended"
    if run.state is RunState.STOPPED:
        return "stopped"
    status = workflow.status(run.execution)
    if status == "RUNNING":
        return "running"
    if status == "ENDED":
        if run.attempt >= run.attempts_allowed:
            return "given_up"
        run = _save(control, run.model_copy(update={"attempt": run.attempt + 1}))
    workflow.start(run.execution, order, identity)
    return "started"


def _waits_for_resumption(order: RunOrder, control: Control) -> bool:
    """Whether the subsidy is paused; its day is noted, so that the resumption can order the run (`pause_subsidy`).

    Only of a run that has not begun: one under way goes on, to take in what the bank says of what it has instructed, and
    `reserve_funds` lets nothing further out.
    """
    if order.mode != Mode.FORMAL:
        return False
    year = str(order.plan_year)
    while (pause := read_pause(control, order.code)).paused:
        # A run that follows up may be made up for on any day, so its own is not noted.
        if order.again or pause.missed.get(year, date.min) >= order.as_of:
            return True
        # A Conflict: resumed meanwhile, or another order noted its day.
        with suppress(Conflict):
            control.save(pause.model_copy(update={"missed": pause.missed | {year: order.as_of}}))
    return False


def _new_run(
    order: RunOrder, identity: str, control: Control, workflow: Workflow, book: PlanBook, settings: Settings
) -> Run:
    pk, sk = run_key(order.code, identity)
    choice = choose_batches(order, identity, control=control, workflow=workflow, book=book, settings=settings)
    empty = not choice.chosen and not choice.rows_left
    run = Run(
        pk=pk,
        sk=sk,
        run_id=identity,
        plan_year=order.plan_year,
        code=order.code,
        mode=order.mode,
        as_of=order.as_of,
        cause=order.cause,
        state=RunState.CLOSED if empty else RunState.OPEN,
        note=_why_empty(choice) if empty else "",
    )
    try:
        return _save(control, run)
    except Conflict:
        standing = control.read(Run, pk, sk)
        assert standing is not None
        return standing


def _why_empty(choice: Choice) -> str:
    if choice.waiting_for_trial:
        return f"{len(choice.waiting_for_trial)} 个批次的地区尚未通过模拟测试"
    if choice.approval_expired:
        return f"{len(choice.approval_expired)} 个批次的审批已过期"
    return "没有可发放的批次"


def _save(control: Control, run: Run) -> Run:
    control.save(run)
    return run.model_copy(update={"version": run.version + 1})
