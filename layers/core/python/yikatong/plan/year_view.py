"""The year at a glance: what happens to a subsidy in each month, for a table a person prints."""

from contextlib import suppress

from yikatong.plan.model import Frequency, Mode, Subsidy
from yikatong.plan.periods import Month
from yikatong.plan.schedules import derive_schedules_of
from yikatong.plan.settings import Settings
from yikatong.plan.working_days import Unpublished, WorkingDays, what_to_do

TRIAL_MARK, WEEKLY_MARK, DAILY_MARK, ORDERED_MARK = "试", "周", "日", "批"


def month_marks(subsidy: Subsidy, month: int, settings: Settings, working_days: WorkingDays) -> str:
    """The marks of one month: 试 where a trial is due, then the formal payout; empty for nothing.

    A number is the payday, moved to a working day where the year's holidays are known; 周 weekly; 日 each working day;
    批 when an approval orders it.
    """
    first, last = Month(subsidy.plan_year, month).first_day, Month(subsidy.plan_year, month).last_day
    trial, formal = subsidy.trial.window, subsidy.formal.window
    marks = TRIAL_MARK if trial and trial.first <= last and first <= trial.last else ""
    if formal.last < first or last < formal.first:
        return marks
    if subsidy.frequency is Frequency.PER_OCCASION or subsidy.formal.on_demand:
        return marks + ORDERED_MARK
    cadence = next(s.cadence for s in derive_schedules_of(subsidy, settings) if s.mode is Mode.FORMAL)
    if cadence in ("weekly", "daily"):
        return marks + (WEEKLY_MARK if cadence == "weekly" else DAILY_MARK)
    if cadence == "quarterly" and month % 3:
        return marks
    payday = first.replace(day=settings.for_subsidy(subsidy.code).payday)
    # Where the year's holidays are not published the payday stays as set, and the legend says so.
    with suppress(Unpublished):
        payday = what_to_do(cadence, payday, working_days).on
    return marks + str(payday.day)
