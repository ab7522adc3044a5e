"""The plan in words a villager understands, derived from the very schedules that pay."""

from dataclasses import replace
from datetime import date

import pytest

from yikatong.plan import Frequency, PlanBook, Settings, WorkingDays
from yikatong.plan.plain_words import how_often, months_paid_for, pay_times, when_missed, when_paid

BOOK, SETTINGS, DAYS = PlanBook.committed(), Settings.committed(), WorkingDays.committed()


@pytest.mark.parametrize(
    ("number", "often", "months", "missed", "when"),
    [
        (1, "一年发一次", "全年", None, "2023年1月至3月，名单审定后发放"),
        (2, "每月发一次", "全年", "漏发的，2个月以内可以补发", "2023年每月10日，遇银行休息日顺延"),
        (11, "没有固定次数，审定一批发一批", "全年", None, "2023年内没有固定日子，名单审定一批，发放一批"),
        (17, "每月发一次", "6月至12月", "漏发的，3个月以内可以补发", "2023年6月起每月10日，遇银行休息日顺延"),
        (38, "一年发一次", "全年", None, "2023年3月，名单审定后发放"),
        (42, "一年发两次", "全年", None, "2023年全年，名单审定后的周三发放，遇银行休息日改在下一周"),
        (
            43,
            "每季度发一次，一年四次",
            "全年",
            "漏发的，1个季度以内可以补发",
            "2023年3月、6月、9月、12月的10日，遇银行休息日顺延",
        ),
    ],
)
def test_a_row_of_the_plan_in_plain_words(number: int, often: str, months: str, missed: str | None, when: str) -> None:
    subsidy = BOOK.subsidy(2023, number)
    assert how_often(subsidy.frequency) == often
    assert months_paid_for(subsidy.entitlement) == months
    assert when_missed(subsidy.cross_period) == missed
    assert when_paid(subsidy, SETTINGS) == when


def test_every_frequency_and_every_row_of_the_plan_has_words() -> None:
    assert all(how_often(each) for each in Frequency)
    for subsidy in BOOK.plan(2023).subsidies:
        assert when_paid(subsidy, SETTINGS).startswith("2023年")
        times = pay_times(subsidy, SETTINGS, DAYS)
        assert times
        for time in times:
            assert date(2023, 1, 1) <= time.first <= time.last <= date(2023, 12, 31)
            assert time.words


def test_paydays_are_the_days_on_which_the_schedules_pay() -> None:
    days = [time.first for time in pay_times(BOOK.subsidy(2023, 45), SETTINGS, DAYS)]
    assert days == [date(2023, 3, 10), date(2023, 6, 12), date(2023, 9, 11), date(2023, 12, 11)]
    assert all(DAYS.is_working_day(day) for day in days)


def test_where_holidays_are_not_published_a_payday_stays_as_it_is_set() -> None:
    far = replace(BOOK.subsidy(2023, 45), plan_year=2090)
    assert not DAYS.knows(2090)
    assert [time.first for time in pay_times(far, SETTINGS, DAYS)] == [date(2090, month, 10) for month in (3, 6, 9, 12)]


def test_a_window_and_a_weekly_payout_are_one_time_from_end_to_end() -> None:
    (harvest,) = pay_times(BOOK.subsidy(2023, 39), SETTINGS, DAYS)
    assert (harvest.kind, harvest.first, harvest.last, harvest.words) == (
        "window", date(2023, 8, 1), date(2023, 9, 30), "8月至9月",
    )  # fmt: skip
    (weekly,) = pay_times(BOOK.subsidy(2023, 12), SETTINGS, DAYS)
    assert (weekly.kind, weekly.words) == ("weekly", "每周三")
    (ordered,) = pay_times(BOOK.subsidy(2023, 11), SETTINGS, DAYS)
    assert ordered.kind == "ordered"
