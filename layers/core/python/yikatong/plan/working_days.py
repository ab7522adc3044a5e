"""Bank working days, and what a tick does on a day that is not one (DESIGN §4).

Holidays and make-up working days of published years come from the package `chinesecalendar`. A year that is not
published there is an explicit state: the rule raises `Unpublished` until the year is written into the override file.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from yikatong.errors import Refusal
from yikatong.plan.notice import read_text
from yikatong.plan.periods import Month

OVERRIDE_PATH = Path(__file__).parent / "holidays-override.toml"
SATURDAY = 5

Cadence = Literal["daily", "weekly", "monthly", "quarterly"]
Action = Literal["run", "drop", "order"]


class Unpublished(Refusal):
    """The holidays of a year are not published yet, so no working day of it is known."""

    def __init__(self, year: int) -> None:
        super().__init__(f"{year}年的放假安排尚未公布，请在 {OVERRIDE_PATH.name} 写明后再试", "holidays_unpublished")
        self.year = year


@dataclass(frozen=True)
class YearOverride:
    """A year told by hand, whole: `holidays` are days off, `workdays` the weekends that are worked."""

    holidays: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True)
class WorkingDays:
    """Knows working days; a year in `overrides` is told by it alone, every other one by the published calendar."""

    overrides: Mapping[int, YearOverride]

    @classmethod
    def committed(cls) -> "WorkingDays":
        return cls.load(OVERRIDE_PATH)

    @classmethod
    def load(cls, path: Path) -> "WorkingDays":
        """Read an override file: a table `[2027]` a year, with `holidays` and `workdays`, both lists of TOML dates."""
        try:
            data = tomllib.loads(read_text(path))
        except tomllib.TOMLDecodeError as error:
            raise Refusal(f"放假安排 {path.name} 不是合法的 TOML：{error}", "bad_holidays") from None
        return cls({year.year: override for year, override in (_year(key, table) for key, table in data.items())})

    def is_working_day(self, day: date) -> bool:
        """Whether banks work on this day; raises Unpublished where nobody has said."""
        override = self.overrides.get(day.year)
        if override is not None:
            return day in override.workdays or (day.weekday() < SATURDAY and day not in override.holidays)
        # Imported when it is first asked: most invocations of the APIs need no calendar.
        import chinese_calendar

        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            raise Unpublished(day.year) from None

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year are published, or written into the override file."""
        try:
            self.is_working_day(date(year, 1, 1))
        except Unpublished:
            return False
        return True

    def next_after(self, day: date) -> date:
        """The first working day after `day`, in whatever month; no holiday of China's lasts a month."""
        return next(d for d in _days(day + timedelta(1), day + timedelta(31)) if self.is_working_day(d))

    def next_in_month(self, day: date) -> date | None:
        """The first working day after `day` in its month."""
        last = Month.of(day).last_day
        return next((d for d in _days(day + timedelta(1), last) if self.is_working_day(d)), None)

    def last_before_in_month(self, day: date) -> date | None:
        """The last working day before `day` in its month."""
        earlier = list(_days(Month.of(day).first_day, day - timedelta(1)))
        return next((d for d in reversed(earlier) if self.is_working_day(d)), None)


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(offset)


def _year(key: str, table: Any) -> tuple[date, YearOverride]:
    if not (len(key) == 4 and key.isascii() and key.isdigit() and isinstance(table, dict)):
        raise Refusal(f"放假安排的“{key}”应是一个年份的表，例如 [2027]", "bad_holidays")
    if set(table) != {"holidays", "workdays"}:
        raise Refusal(f"放假安排 [{key}] 应恰有 holidays 和 workdays 两项", "bad_holidays")
    year = date(int(key), 1, 1)
    return year, YearOverride(_dates(year.year, table, "holidays"), _dates(year.year, table, "workdays"))


def _dates(year: int, table: Mapping[str, Any], name: str) -> frozenset[date]:
    days = table[name]
    if not isinstance(days, list) or not all(type(day) is date and day.year == year for day in days):
        raise Refusal(f"放假安排 [{year}] 的 {name} 应是该年日期的列表，例如 [{year}-10-01]", "bad_holidays")
    if name == "workdays" and (wrong := [day for day in days if day.weekday() < SATURDAY]):
        raise Refusal(f"放假安排 [{year}] 的 workdays 只写调休上班的周末，{wrong[0]} 不是周末", "bad_holidays")
    return frozenset(days)


@dataclass(frozen=True)
class Tick:
    """What a tick does: `run` now; `drop`, the next tick will do; `order` a one-time run with `as_of` = `on`.

    `overdue`: `on` is before the tick's own day, and AWS refuses such a one-time schedule, so the run is started now.
    """

    action: Action
    on: date
    reason: str = ""
    overdue: bool = False


def what_to_do(cadence: Cadence, day: date, working_days: WorkingDays) -> Tick:
    """What a tick on `day` does. Source: DESIGN §4. Raises Unpublished.

    On a day that is not a bank working day a daily or weekly tick is dropped; a monthly or quarterly one orders a
    one-time run on the next working day inside its month, else the one before. The one before has passed by the time
    the tick fires: that run is `overdue`, started at once and dated on that day, so that its slots and funds are still
    its month's; the bank books it on its next day. Only a payday in a holiday at the month's end can come to this.
    """
    if working_days.is_working_day(day):
        return Tick("run", day)
    if cadence in ("daily", "weekly"):
        return Tick("drop", day, f"{day} 不是银行工作日，等下一次")
    later = working_days.next_in_month(day)
    if later is not None:
        return Tick("order", later, f"{day} 不是银行工作日，顺延至 {later}")
    earlier = working_days.last_before_in_month(day) or day
    return Tick("order", earlier, f"{day} 不是银行工作日，当月此后已无工作日，按 {earlier} 立即发放", overdue=True)
