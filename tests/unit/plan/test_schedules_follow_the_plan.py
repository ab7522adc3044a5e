"""Schedules are derived (DESIGN §4) and checked by our own validator; ticks know working days."""

import re
from datetime import date
from pathlib import Path

import pytest

from yikatong.errors import Refusal
from yikatong.plan import (
    Cadence,
    Mode,
    PlanBook,
    Settings,
    Unpublished,
    WorkingDays,
    derive_schedules,
    validate_expression,
    what_to_do,
)

GOLDEN = Path(__file__).parent / "golden" / "schedules-2023.txt"
PER_OCCASION = {11, 14, 15, 16, 22, 24}


def golden() -> set[tuple[int, str, str, str]]:
    lines = [line.split("|") for line in GOLDEN.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {
        (int(number), mode.strip(), cadence.strip(), expression.strip())
        for numbers, mode, cadence, expression in lines
        for number in numbers.split()
    }


def test_the_schedules_are_those_written_by_hand(book: PlanBook) -> None:
    derived = derive_schedules(book, Settings.committed())
    assert {(s.subsidy, s.mode.value, s.cadence, s.expression) for s in derived} == golden()
    assert len(derived) == len(golden())


def test_no_formal_schedule_for_the_six_and_one_for_each_of_the_other_39(book: PlanBook) -> None:
    derived = derive_schedules(book, Settings.committed())
    assert {s.subsidy for s in derived if s.mode is Mode.FORMAL} == set(range(1, 46)) - PER_OCCASION
    trials = [s.subsidy for s in derived if s.mode is Mode.TRIAL]
    assert trials == [1, 17, 18, 20, 21, 22, 24, 38, 39, 40, 41]


def test_names_are_unique_and_aws_takes_them_and_the_expressions(two_years: PlanBook) -> None:
    derived = derive_schedules(two_years, Settings.committed())
    names = [s.name for s in derived]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[0-9A-Za-z\-_.]{1,64}", name) for name in names)
    assert all(validate_expression(s.expression) == s.expression for s in derived)
    assert {s.timezone for s in derived} == {"Asia/Shanghai"}


def test_next_years_plan_gets_next_years_schedules_and_the_payday_of_the_code(only_2024: PlanBook) -> None:
    derived = derive_schedules(only_2024, Settings.committed())
    found = {(s.subsidy, s.mode.value): s.expression for s in derived}
    assert found[2, "formal"] == "cron(0 9 10 1-12 ? 2024)"
    assert found[6, "formal"] == "cron(0 9 10 4-12 ? 2024)"
    assert found[6, "trial"] == "cron(0 9 * 2 ? 2024)"
    assert found[5, "trial"] == "cron(0 9 21-30 6 ? 2024)"


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 9 10 6-12 ? 2023)",
        "cron(0 9 ? * WED 2023)",
        "cron(0 9 ? * MON-FRI 2023)",
        "cron(0/15 9 L * ? 2023-2025)",
        "cron(0 9 ? * 6#3 *)",
        "cron(0 9 15W JAN,MAR ? 2199)",
        "cron(0 9 29 2 ? 2024)",
        "at(2023-06-12T09:00:00)",
    ],
)
def test_what_aws_takes_is_taken(expression: str) -> None:
    assert validate_expression(expression) == expression


@pytest.mark.parametrize(
    "expression",
    [
        "cron(nonsense)",
        "cron(0 9 10 6 ?)",
        "cron(0 9 10 6 ? 2023 1)",
        "cron(0 9 10 6 * 2023)",
        "cron(0 9 * * * 2023)",
        "cron(0 9 ? 6 ? 2023)",
        "cron(0 9 21-30 6 MON-FRI 2023)",
        "cron(60 9 10 6 ? 2023)",
        "cron(0 24 10 6 ? 2023)",
        "cron(0 9 0 6 ? 2023)",
        "cron(0 9 32 6 ? 2023)",
        "cron(0 9 10 13 ? 2023)",
        "cron(0 9 ? 6 0 2023)",
        "cron(0 9 ? 6 8 2023)",
        "cron(0 9 10 12-6 ? 2023)",
        "cron(0 9 10 6 ? 1969)",
        "cron(0 9 10 6 ? 2200)",
        "cron(0/0 9 10 6 ? 2023)",
        "cron(0 9 10  6 ? 2023)",
        "cron(? 9 10 6 ? 2023)",
        "cron(0 9 １0 6 ? 2023)",
        "cron(0 9 31 6 ? 2023)",
        "cron(0 9 29 2 ? 2023)",
        "cron(0 9 *-3 6 ? 2023)",
        "cron(0 9 10 6 ? 2023)\n",
        "at(2023-06-12)",
        "at(2023-06-31T09:00:00)",
        "at(2023-06-12T24:00:00)",
        "at(2023-06-12T09:00:00Z)",
        "rate(1 day)",
        "",
    ],
)
def test_what_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(Refusal, match="不合规"):
        validate_expression(expression)


@pytest.fixture(scope="module")
def working_days() -> WorkingDays:
    return WorkingDays.committed()


@pytest.mark.parametrize(
    ("cadence", "day", "action", "on"),
    [
        ("monthly", "2023-07-10", "run", "2023-07-10"),
        ("monthly", "2023-06-10", "order", "2023-06-12"),  # a Saturday
        ("quarterly", "2023-12-10", "order", "2023-12-11"),  # a Sunday
        ("monthly", "2023-10-01", "order", "2023-10-07"),  # a long holiday; Saturday the 7th is a make-up working day
        ("daily", "2023-06-10", "drop", "2023-06-10"),
        ("weekly", "2023-10-04", "drop", "2023-10-04"),
        ("daily", "2023-10-07", "run", "2023-10-07"),
        ("daily", "2023-08-07", "run", "2023-08-07"),
    ],
)
def test_a_tick_runs_drops_or_orders(
    working_days: WorkingDays, cadence: Cadence, day: str, action: str, on: str
) -> None:
    tick = what_to_do(cadence, date.fromisoformat(day), working_days)
    assert (tick.action, tick.on.isoformat(), tick.overdue) == (action, on, False)


@pytest.mark.parametrize(("day", "before"), [("2023-09-30", "2023-09-28"), ("2023-12-31", "2023-12-29")])
def test_with_no_working_day_left_the_one_before_is_ordered_overdue(
    working_days: WorkingDays, day: str, before: str
) -> None:
    tick = what_to_do("monthly", date.fromisoformat(day), working_days)
    assert (tick.action, tick.on.isoformat(), tick.overdue) == ("order", before, True)


def test_a_year_without_published_holidays_is_an_explicit_state(working_days: WorkingDays) -> None:
    with pytest.raises(Unpublished, match="2099年的放假安排尚未公布") as caught:
        what_to_do("monthly", date(2099, 6, 10), working_days)
    assert caught.value.year == 2099


def test_an_override_file_tells_an_unpublished_year(tmp_path: Path) -> None:
    path = tmp_path / "holidays.toml"
    path.write_text("[2099]\nholidays = [2099-06-10, 2099-06-11]\nworkdays = [2099-06-13]\n", "utf-8")
    days = WorkingDays.load(path)
    assert what_to_do("monthly", date(2099, 6, 10), days).on == date(2099, 6, 12)
    assert days.is_working_day(date(2099, 6, 13))
    assert not days.is_working_day(date(2099, 6, 14))


@pytest.mark.parametrize(
    "text",
    [
        "[2099]\nholidays = []\n",
        "[2099]\nholidays = [2098-01-01]\nworkdays = []\n",
        "[2099]\nholidays = ['2099-01-01']\nworkdays = []\n",
        "[2099]\nholidays = []\nworkdays = [2099-06-10]\n",
        "[year]\nholidays = []\nworkdays = []\n",
        "[2099",
    ],
)
def test_an_override_file_with_a_fault_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "holidays.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(Refusal, match="放假安排"):
        WorkingDays.load(path)
