"""The schedules of a plan, derived, never written by hand (DESIGN §4).

They live in cron fields, year included, with no start or end date, because AWS refuses a start date in the past.
"Working days of 21-30 June" cannot be said in cron, so a window ticks every day and the function drops
those that do not count.
"""

from dataclasses import dataclass
from itertools import groupby

from yikatong.errors import Refusal
from yikatong.plan.book import PlanBook
from yikatong.plan.cron import validate_expression
from yikatong.plan.model import Frequency, Mode, Subsidy
from yikatong.plan.periods import Month, Window
from yikatong.plan.settings import Settings
from yikatong.plan.working_days import Cadence

TIMEZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Schedule:
    """One schedule as deployed. `subsidy` is the 序号 in `plan_year`; `name` is unique and valid for AWS."""

    plan_year: int
    subsidy: int
    code: str | None
    mode: Mode
    cadence: Cadence
    expression: str
    timezone: str
    name: str

    def as_record(self) -> dict[str, object]:
        """What `yikatong plan schedules --format json` prints."""
        return {
            "subsidy": self.subsidy,
            "mode": self.mode.value,
            "expression": self.expression,
            "timezone": self.timezone,
        }


def derive_schedules(book: PlanBook, settings: Settings) -> list[Schedule]:
    """Every schedule of every plan in the book, in the order year, 序号, trial before formal."""
    return [
        schedule
        for plan in book.plans
        for subsidy in plan.subsidies
        for schedule in derive_schedules_of(subsidy, settings)
    ]


def derive_schedules_of(subsidy: Subsidy, settings: Settings) -> list[Schedule]:
    """The schedules of one subsidy. 多次/年 and 实际发放日 have no formal one: an approval orders the run."""
    trial = _of(subsidy, Mode.TRIAL, *_trial(subsidy, settings))
    return trial + _of(subsidy, Mode.FORMAL, *_formal(subsidy, settings))


def _of(subsidy: Subsidy, mode: Mode, cadence: Cadence, crons: list[str]) -> list[Schedule]:
    parts = [str(subsidy.plan_year), f"{subsidy.number:02d}", subsidy.code or "", mode.value]
    stem = "-".join(part for part in parts if part)
    return [
        Schedule(
            subsidy.plan_year,
            subsidy.number,
            subsidy.code,
            mode,
            cadence,
            validate_expression(f"cron({cron})"),
            TIMEZONE,
            stem if len(crons) == 1 else f"{stem}-{index}",
        )
        for index, cron in enumerate(crons, start=1)
    ]


def _trial(subsidy: Subsidy, settings: Settings) -> tuple[Cadence, list[str]]:
    window = subsidy.trial.window
    return "daily", _each_day(window, settings.schedule.hour) if window else []


def _formal(subsidy: Subsidy, settings: Settings) -> tuple[Cadence, list[str]]:
    window, hour, year = subsidy.formal.window, settings.schedule.hour, subsidy.plan_year
    payday = settings.for_subsidy(subsidy.code).payday
    months = range(window.first.month, window.last.month + 1)
    if subsidy.frequency is Frequency.PER_OCCASION or subsidy.formal.on_demand:
        return "daily", []  # an approval orders the run
    if subsidy.frequency is Frequency.MONTHLY:
        return "monthly", [f"0 {hour} {payday} {_span(months[0], months[-1])} ? {year}"]
    if subsidy.frequency is Frequency.QUARTERLY:
        ends = [month for month in months if month % 3 == 0]
        if not ends:
            raise Refusal(f"{subsidy}的正式发放时间 {window} 里没有季度的最后一个月", "no_schedule")
        return "quarterly", [f"0 {hour} {payday} {','.join(map(str, ends))} ? {year}"]
    if window.is_whole_year:
        return "weekly", [f"0 {hour} ? * {settings.schedule.weekday} {year}"]
    return "daily", _each_day(window, hour)


def _each_day(window: Window, hour: int) -> list[str]:
    """Cron fields that tick on each day of a window in one year; neighbouring months that tick alike share one."""
    year = window.first.year
    parts: list[tuple[str, int]] = []
    for month in range(window.first.month, window.last.month + 1):
        whole = Window.of_months(year, month, month)
        first, last = max(window.first, whole.first), min(window.last, whole.last)
        days = "*" if (first, last) == (whole.first, whole.last) else _span(first.day, last.day)
        parts.append((days, Month.of(first).month))
    crons: list[str] = []
    for days, group in groupby(parts, key=lambda part: part[0]):
        months = [month for _, month in group]
        crons.append(f"0 {hour} {days} {_span(months[0], months[-1])} ? {year}")
    return crons


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
