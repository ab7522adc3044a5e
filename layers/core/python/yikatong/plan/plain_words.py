"""A subsidy's row of the plan in words a villager understands: how often, for which months, when (DESIGN §4).

Derived from the plan, its schedules and our settings, never written by hand: a plan that changes changes its words.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

from yikatong.plan.model import CrossPeriodRule, Entitlement, Frequency, Mode, Subsidy
from yikatong.plan.periods import Month, Window
from yikatong.plan.schedules import derive_schedules_of
from yikatong.plan.settings import Settings
from yikatong.plan.working_days import Cadence, Unpublished, WorkingDays, what_to_do

_HOW_OFTEN = {
    Frequency.YEARLY: "一年发一次",
    Frequency.HALF_YEARLY: "一年发两次",
    Frequency.QUARTERLY: "每季度发一次，一年四次",
    Frequency.MONTHLY: "每月发一次",
    Frequency.PER_OCCASION: "没有固定次数，审定一批发一批",
}
_WEEKDAYS = {"MON": "周一", "TUE": "周二", "WED": "周三", "THU": "周四", "FRI": "周五"}


@dataclass(frozen=True)
class PayTime:
    """When money comes: on the one `day`, on one day a week, on some working day of a window, or once an approval orders it.

    Both ends lie inside; `words` are what the calendar shows.
    """

    first: date
    last: date
    kind: Literal["day", "weekly", "window", "ordered"]
    words: str


def how_often(frequency: Frequency) -> str:
    return _HOW_OFTEN[frequency]


def months_paid_for(entitlement: Entitlement) -> str:
    """The months a subsidy is for, which are not those it is paid in."""
    first, last = Month.parse(entitlement.first), Month.parse(entitlement.last)
    return "全年" if (first.month, last.month) == (1, 12) else _months(first.month, last.month)


def when_missed(rule: CrossPeriodRule | None) -> str | None:
    """What becomes of a month or a quarter that was missed; None where the plan has no rule for it."""
    if rule is None:
        return None
    return f"漏发的，{rule.back}{'个月' if rule.unit == 'month' else '个季度'}以内可以补发"


def when_paid(subsidy: Subsidy, settings: Settings) -> str:
    """When money comes, as the schedules have it, in one sentence."""
    window, year = subsidy.formal.window, subsidy.plan_year
    payday = f"{settings.for_subsidy(subsidy.code).payday}日，遇银行休息日顺延"
    match _cadence(subsidy, settings):
        case "monthly":
            since = "" if window.is_whole_year else f"{window.first.month}月起"
            return f"{year}年{since}每月{payday}"
        case "quarterly":
            return f"{year}年{'、'.join(f'{month}月' for month in _quarter_ends(window))}的{payday}"
        case "weekly":
            return f"{year}年全年，名单审定后的{_WEEKDAYS[settings.schedule.weekday]}发放，遇银行休息日改在下一周"
        case "daily":
            return f"{year}年{_months(window.first.month, window.last.month)}，名单审定后发放"
        case None:
            return f"{year}年内没有固定日子，名单审定一批，发放一批"


def pay_times(subsidy: Subsidy, settings: Settings, working_days: WorkingDays) -> list[PayTime]:
    """When in its plan year a subsidy is paid, in order. A payday is moved to a working day where holidays are published."""
    window, cadence = subsidy.formal.window, _cadence(subsidy, settings)
    match cadence:
        case "monthly" | "quarterly":
            months = _quarter_ends(window) if cadence == "quarterly" else _months_of(window)
            paydays = [date(subsidy.plan_year, month, settings.for_subsidy(subsidy.code).payday) for month in months]
            return [_on_a_working_day(cadence, payday, working_days) for payday in paydays]
        case "weekly":
            return [PayTime(window.first, window.last, "weekly", f"每{_WEEKDAYS[settings.schedule.weekday]}")]
        case "daily":
            return [PayTime(window.first, window.last, "window", _months(window.first.month, window.last.month))]
        case None:
            return [PayTime(window.first, window.last, "ordered", "审定一批，发放一批")]


def _on_a_working_day(cadence: Cadence, payday: date, working_days: WorkingDays) -> PayTime:
    day = payday
    with suppress(Unpublished):
        day = what_to_do(cadence, payday, working_days).on
    moved = "" if day == payday else f"（{payday.day}日银行休息）"
    return PayTime(day, day, "day", f"{day.month}月{day.day}日{moved}")


def _cadence(subsidy: Subsidy, settings: Settings) -> Cadence | None:
    """How its formal schedule ticks; None where an approval orders the run."""
    return next((each.cadence for each in derive_schedules_of(subsidy, settings) if each.mode is Mode.FORMAL), None)


def _months_of(window: Window) -> range:
    return range(window.first.month, window.last.month + 1)


def _quarter_ends(window: Window) -> list[int]:
    return [month for month in _months_of(window) if month % 3 == 0]


def _months(first: int, last: int) -> str:
    return f"{first}月" if first == last else f"{first}月至{last}月"
