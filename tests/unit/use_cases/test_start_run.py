"""When a run starts: days that do not count, orders dated on them, and what the postponed run remembers."""

from datetime import date, datetime
from typing import Any

from tests.fakes import MemoryControl, MemoryOrders, MemoryWorkflow
from yikatong.plan import PlanBook, Settings, WorkingDays
from yikatong.ports import SHANGHAI, RunOrder
from yikatong.runs import Run
from yikatong.use_cases.start_run import ScheduledTick, start_ordered_run, start_scheduled_run

BOOK, SETTINGS, WORKING_DAYS = PlanBook.committed(), Settings.committed(), WorkingDays.committed()


class Office:
    def __init__(self) -> None:
        self.control, self.workflow, self.schedules = MemoryControl(), MemoryWorkflow(), MemoryOrders()

    def _ports(self) -> dict[str, Any]:
        return {
            "control": self.control,
            "workflow": self.workflow,
            "schedules": self.schedules,
            "book": BOOK,
            "settings": SETTINGS,
            "working_days": WORKING_DAYS,
        }

    def tick(self, code: str, cadence: str, day: date, cause: str = "sched") -> str:
        at = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
        return start_scheduled_run(ScheduledTick(2023, code, "formal", cadence, at, cause), **self._ports())

    def order(self, code: str, day: date, now: datetime | None = None) -> str:
        now = now or datetime(day.year, day.month, day.day, 10, tzinfo=SHANGHAI)
        return start_ordered_run(RunOrder(2023, code, "formal", day, "appr0123456789abcdef"), **self._ports(), now=now)


def test_a_monthly_payday_on_a_saturday_is_moved_to_monday() -> None:
    office = Office()
    assert office.tick("urban-minimum-living", "monthly", date(2023, 6, 10)) == "postponed"
    ((name, at, payload),) = office.schedules.once
    assert name == "urban-minimum-living-formal-20230612-once"
    assert at == datetime(2023, 6, 12, 9, tzinfo=SHANGHAI)
    assert (payload["cadence"], payload["cause"]) == ("once", "sched")


def test_a_daily_or_weekly_tick_on_a_holiday_is_dropped() -> None:
    office = Office()
    assert office.tick("corn-producer", "daily", date(2023, 9, 29)) == "dropped"
    assert office.tick("urban-heating", "weekly", date(2023, 10, 4)) == "dropped"
    assert office.schedules.once == []


def test_a_make_up_working_saturday_counts_as_a_working_day() -> None:
    assert Office().tick("urban-minimum-living", "monthly", date(2023, 10, 7)) == "empty"


def test_an_order_dated_on_a_saturday_is_carried_out_on_the_next_working_day() -> None:
    office = Office()
    assert office.order("temporary-relief", date(2023, 6, 17)) == "postponed"
    ((name, at, payload),) = office.schedules.once
    assert len(name) <= 64
    assert at.date() == date(2023, 6, 19)
    assert payload["cause"] == "appr0123456789abcdef"
    assert office.workflow.started == []


def test_the_same_order_again_makes_no_second_schedule() -> None:
    office = Office()
    office.order("temporary-relief", date(2023, 6, 17))
    office.order("temporary-relief", date(2023, 6, 17))
    assert len({name for name, _, _ in office.schedules.once}) == 1


def test_an_order_taken_up_late_makes_no_schedule_in_the_past() -> None:
    office = Office()
    tuesday = datetime(2023, 6, 20, 10, tzinfo=SHANGHAI)
    assert office.order("temporary-relief", date(2023, 6, 17), tuesday) == "empty"
    assert office.schedules.once == []
    (run,) = office.control.query(Run, "RUNS#temporary-relief")
    assert run.as_of == date(2023, 6, 19)


def test_an_order_over_a_long_holiday_waits_for_its_end() -> None:
    office = Office()
    office.order("temporary-relief", date(2023, 9, 29))
    assert office.schedules.once[0][1].date() == date(2023, 10, 7)


def test_a_tick_with_nothing_approved_starts_no_execution() -> None:
    office = Office()
    assert office.tick("urban-minimum-living", "once", date(2023, 6, 12)) == "empty"
    assert office.workflow.started == []


def test_a_day_outside_the_formal_time_starts_nothing() -> None:
    assert Office().order("corn-producer", date(2023, 6, 21)) == "not_a_day"
