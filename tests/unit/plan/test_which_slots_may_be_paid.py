"""Payable slots (DESIGN §4): the window, both year ends, the plan beside, formal and trial days."""

from datetime import date

import pytest

from yikatong.errors import Refusal
from yikatong.plan import (
    Frequency,
    Mode,
    NotPayable,
    PlanBook,
    Slot,
    SlotVerdict,
    is_formal_day,
    is_late_trial,
    judge_slot,
    judging_date,
    payable_slots,
)

ALL_NUMBERS = range(1, 46)
MONTHLY_WINDOW = {17: 3, 18: 3, 23: 1, 25: 1, 26: 1, 35: 3, 37: 3}  # every other monthly subsidy: 2
MONTHLY = {2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 18, 19, 20, 21, 23, 25, 26, 35, 37}
FROM_JUNE = {17, 18, 20, 21}
YEARLY = {1, 12, 13, 28, 31, 33, 34, 38, 39, 40, 41, 44}
HALF_YEARLY = {27, 29, 30, 32, 36, 42}
QUARTERLY = {43, 45}
PER_OCCASION = {11, 14, 15, 16, 22, 24}


def listed(book: PlanBook, number: int, day: str, mode: Mode = Mode.FORMAL) -> list[str]:
    """The slots as text, those under review marked `?`."""
    as_of = date.fromisoformat(day)
    slots = payable_slots(book, book.subsidy(as_of.year, number), as_of, mode)
    return [f"{each.slot}?" if each.review else str(each.slot) for each in slots]


def test_the_groups_below_cover_all_45_rows() -> None:
    groups = [MONTHLY, YEARLY, HALF_YEARLY, QUARTERLY, PER_OCCASION]
    assert sorted(number for group in groups for number in group) == list(ALL_NUMBERS)


@pytest.mark.parametrize("number", sorted(MONTHLY))
def test_a_monthly_subsidy_pays_the_months_around_august(book: PlanBook, number: int) -> None:
    steps = MONTHLY_WINDOW.get(number, 2)
    months = range(8 - steps, 8 + steps + 1)
    early = 6 if number in FROM_JUNE else 1
    assert listed(book, number, "2023-08-10") == [f"2023-{m:02d}" + ("?" if m < early else "") for m in months]


@pytest.mark.parametrize("number", sorted(YEARLY | HALF_YEARLY))
def test_a_subsidy_without_a_rule_pays_the_slots_of_its_year(book: PlanBook, number: int) -> None:
    first = book.subsidy(2023, number).formal.window.first.isoformat()
    assert listed(book, number, first) == (["2023"] if number in YEARLY else ["2023H1", "2023H2"])


@pytest.mark.parametrize("number", sorted(QUARTERLY))
def test_a_quarterly_subsidy_pays_one_quarter_either_side(book: PlanBook, number: int) -> None:
    assert listed(book, number, "2023-06-12") == ["2023Q1", "2023Q2", "2023Q3"]
    assert listed(book, number, "2023-01-04") == ["2022Q4?", "2023Q1", "2023Q2"]
    assert listed(book, number, "2023-12-29") == ["2023Q3", "2023Q4", "2024Q1?"]


def test_a_month_before_the_platform_is_payable_only_under_review(book: PlanBook) -> None:
    expected = ["2023-04?", "2023-05?", "2023-06", "2023-07", "2023-08", "2023-09", "2023-10"]
    assert listed(book, 17, "2023-07-10") == expected


def test_windows_cross_both_ends_of_the_year_under_review(book: PlanBook) -> None:
    assert listed(book, 2, "2023-01-10") == ["2022-11?", "2022-12?", "2023-01", "2023-02", "2023-03"]
    assert listed(book, 2, "2023-12-11") == ["2023-10", "2023-11", "2023-12", "2024-01?", "2024-02?"]


def test_next_years_plan_makes_its_months_ordinary_though_the_number_changed(two_years: PlanBook) -> None:
    expected = ["2023-09", "2023-10", "2023-11", "2023-12", "2024-01", "2024-02", "2024-03"]
    assert listed(two_years, 17, "2023-12-11") == expected
    # 城市低保 is entitled from 2024-02 only in that plan
    assert listed(two_years, 2, "2023-12-11") == ["2023-10", "2023-11", "2023-12", "2024-01?", "2024-02"]
    assert listed(two_years, 43, "2023-12-11") == ["2023Q3", "2023Q4", "2024Q1"]


def test_last_years_plan_makes_its_months_ordinary(two_years: PlanBook, only_2024: PlanBook) -> None:
    assert listed(two_years, 1, "2024-01-10") == [
        "2023-10", "2023-11", "2023-12", "2024-01", "2024-02", "2024-03", "2024-04",
    ]  # fmt: skip
    assert listed(only_2024, 1, "2024-01-10")[:3] == ["2023-10?", "2023-11?", "2023-12?"]


def test_a_neighbour_year_paid_in_quarters_does_not_vouch_for_months(two_years: PlanBook) -> None:
    assert listed(two_years, 3, "2023-12-11")[-2:] == ["2024-01?", "2024-02?"]
    assert listed(two_years, 4, "2024-01-10") == ["2023Q4?", "2024Q1", "2024Q2"]


def test_the_number_is_read_in_the_plan_of_the_dates_year(two_years: PlanBook) -> None:
    assert two_years.subsidy(2023, 17).code == two_years.subsidy(2024, 1).code == "disabled-hardship-living"
    assert two_years.by_code(2024, "urban-minimum-living").number == 2
    assert two_years.years == (2023, 2024)
    with pytest.raises(Refusal, match="没有2025年的计划"):
        two_years.subsidy(2025, 1)
    with pytest.raises(Refusal, match="2024年的计划没有第45项"):
        two_years.subsidy(2024, 45)


@pytest.mark.parametrize("number", ALL_NUMBERS)
def test_formal_days_are_exactly_those_the_notice_gives(book: PlanBook, number: int) -> None:
    windows = {1: (1, 3), 36: (1, 6), 38: (3, 3), 39: (8, 9), 40: (8, 9), 41: (8, 9)} | dict.fromkeys(
        FROM_JUNE, (6, 12)
    )
    first, last = windows.get(number, (1, 12))
    subsidy = book.subsidy(2023, number)
    allowed = [month for month in range(1, 13) if is_formal_day(subsidy, date(2023, month, 15))]
    assert allowed == list(range(first, last + 1))
    assert not is_formal_day(subsidy, date(2022, 12, 31))
    assert not is_formal_day(subsidy, date(2024, 1, 1))


def test_a_day_outside_the_formal_window_pays_nothing_and_names_the_window(book: PlanBook) -> None:
    with pytest.raises(NotPayable, match="2023-06-01 至 2023-12-31，2023-05-31 早于"):
        listed(book, 17, "2023-05-31")
    with pytest.raises(NotPayable, match="2023-08-01 至 2023-09-30，2023-10-01 晚于"):
        listed(book, 39, "2023-10-01")


def verdict(
    book: PlanBook, number: int, slot: str, day: str, mode: Mode = Mode.FORMAL, opened: tuple[str, ...] = ()
) -> SlotVerdict:
    subsidy = book.subsidy(2023, number)
    return judge_slot(book, subsidy, Slot.parse(slot, subsidy.frequency), date.fromisoformat(day), mode, opened)


def test_a_slot_outside_the_window_is_refused_by_name(book: PlanBook) -> None:
    refused = verdict(book, 17, "2023-11", "2023-07-10")
    assert (refused.payable, refused.day_ok, refused.slot_ok, refused.review) == (False, True, False, False)
    assert "2023-11" in refused.reason
    assert "2023-04 至 2023-10" in refused.reason
    assert not verdict(book, 12, "2022", "2023-07-10").payable
    assert not verdict(book, 36, "2024H1", "2023-05-10").payable


def test_an_early_roster_has_its_slot_judged_though_its_day_is_refused(book: PlanBook) -> None:
    early = verdict(book, 17, "2023-06", "2023-02-20")
    assert (early.payable, early.day_ok, early.slot_ok, early.review) == (False, False, True, False)
    assert judging_date(book.subsidy(2023, 17), date(2023, 2, 20), Mode.FORMAL) == date(2023, 6, 1)
    assert verdict(book, 17, "2023-03", "2023-02-20").review
    assert not verdict(book, 17, "2023-02", "2023-02-20").slot_ok


def test_after_the_formal_window_the_day_itself_is_judged_and_nothing_is_payable(book: PlanBook) -> None:
    assert judging_date(book.subsidy(2023, 39), date(2023, 10, 8), Mode.FORMAL) == date(2023, 10, 8)
    assert not verdict(book, 39, "2023", "2023-10-08").payable


def test_an_ordinary_slot_has_no_reason_and_a_reviewed_one_says_why(book: PlanBook) -> None:
    assert verdict(book, 17, "2023-06", "2023-07-10").reason == ""
    reviewed = verdict(book, 17, "2023-05", "2023-07-10")
    assert reviewed.payable
    assert reviewed.review
    assert "审批人" in reviewed.reason


def test_an_occasion_must_have_been_opened(book: PlanBook) -> None:
    assert not verdict(book, 11, "2023#FLOOD-08", "2023-08-20").payable
    assert verdict(book, 11, "2023#FLOOD-08", "2023-08-20", opened=("FLOOD-08",)).payable
    assert verdict(book, 11, "2023#FLOOD-08", "2023-08-20", opened=("2023#FLOOD-08",)).payable
    assert not verdict(book, 11, "2022#FLOOD-08", "2023-08-20", opened=("FLOOD-08",)).payable
    subsidy = book.subsidy(2023, 11)
    slots = payable_slots(book, subsidy, date(2023, 8, 20), Mode.FORMAL, ["B", "2023#A", "2022#C"])
    assert [str(each.slot) for each in slots] == ["2023#A", "2023#B"]


def test_a_slot_of_another_frequency_is_refused(book: PlanBook) -> None:
    foreign = Slot.parse("2023", Frequency.YEARLY)
    assert not judge_slot(book, book.subsidy(2023, 2), foreign, date(2023, 7, 10), Mode.FORMAL).payable


@pytest.mark.parametrize("number", ALL_NUMBERS)
def test_a_trial_runs_from_its_month_to_the_years_end_or_not_at_all(book: PlanBook, number: int) -> None:
    first_day = dict.fromkeys((1, 17, 18, 24, 38), "2023-01-01") | dict.fromkeys((20, 21, 22), "2023-03-01")
    first_day |= dict.fromkeys((39, 40, 41), "2023-06-21")
    subsidy = book.subsidy(2023, number)
    if number not in first_day:
        with pytest.raises(NotPayable, match="不需要模拟测试"):
            payable_slots(book, subsidy, date(2023, 7, 10), Mode.TRIAL)
        return
    first = date.fromisoformat(first_day[number])
    payable_slots(book, subsidy, first, Mode.TRIAL)
    payable_slots(book, subsidy, date(2023, 12, 31), Mode.TRIAL)
    assert is_late_trial(subsidy, date(2023, 12, 31))
    assert not is_late_trial(subsidy, first)
    for outside in (date.fromordinal(first.toordinal() - 1), date(2024, 1, 1)):
        with pytest.raises(NotPayable, match="模拟测试时间是"):
            payable_slots(book, subsidy, outside, Mode.TRIAL)


def test_a_trial_judges_slots_on_the_first_formal_day(book: PlanBook) -> None:
    expected = ["2023-03?", "2023-04?", "2023-05?", "2023-06", "2023-07", "2023-08", "2023-09"]
    assert listed(book, 17, "2023-01-10", Mode.TRIAL) == expected
    assert listed(book, 17, "2023-08-10", Mode.TRIAL) == listed(book, 17, "2023-08-10")
    assert listed(book, 38, "2023-12-10", Mode.TRIAL) == ["2023"]


def test_a_trial_roster_before_its_month_is_judged_on_its_first_trial_day(book: PlanBook) -> None:
    assert judging_date(book.subsidy(2023, 22), date(2023, 2, 1), Mode.TRIAL) == date(2023, 3, 1)
    assert judging_date(book.subsidy(2023, 20), date(2023, 2, 1), Mode.TRIAL) == date(2023, 6, 1)


@pytest.mark.parametrize(
    ("text", "frequency"),
    [
        ("2023-06", Frequency.MONTHLY),
        ("2023Q2", Frequency.QUARTERLY),
        ("2023H1", Frequency.HALF_YEARLY),
        ("2023", Frequency.YEARLY),
        ("2023#SPRING-1", Frequency.PER_OCCASION),
    ],
)
def test_a_slot_is_written_as_it_is_read(text: str, frequency: Frequency) -> None:
    assert str(Slot.parse(text, frequency)) == text


@pytest.mark.parametrize(
    ("text", "frequency"),
    [
        ("2023-13", Frequency.MONTHLY),
        ("2023-6", Frequency.MONTHLY),
        ("2023-06\n", Frequency.MONTHLY),
        ("２０２３-06", Frequency.MONTHLY),
        ("2023Q5", Frequency.QUARTERLY),
        ("2023q1", Frequency.QUARTERLY),
        ("2023H3", Frequency.HALF_YEARLY),
        ("2023 ", Frequency.YEARLY),
        ("0000", Frequency.YEARLY),
        ("2023#", Frequency.PER_OCCASION),
        ("2023#spring", Frequency.PER_OCCASION),
        ("2023#" + "A" * 21, Frequency.PER_OCCASION),
        ("2023-06", Frequency.YEARLY),
    ],
)
def test_a_slot_written_otherwise_is_refused(text: str, frequency: Frequency) -> None:
    with pytest.raises(Refusal, match="应写作"):
        Slot.parse(text, frequency)


def test_slots_are_ordered_in_time_across_the_year() -> None:
    texts = ["2024-01", "2023-12", "2023-02"]
    assert [str(slot) for slot in sorted(Slot.parse(text, Frequency.MONTHLY) for text in texts)] == texts[::-1]
    assert str(Slot.parse("2023Q4", Frequency.QUARTERLY).shifted(2)) == "2024Q2"
