"""What a roster comes to: rows paid, held, reviewed, excluded; files accepted or refused."""

import json
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.roster.conftest import (
    FARM_HEADER,
    HEADER,
    HOUSEHOLD_HEADER,
    csv_of,
    farm_rows_of,
    household_rows_of,
    rows_of,
)
from yikatong.identity import check_digit
from yikatong.plan import Mode
from yikatong.roster.context import RosterContext
from yikatong.roster.hits import MAX_LISTED
from yikatong.roster.people import Person, invent_people
from yikatong.roster.tidying import read_amounts
from yikatong.roster.validation import FROZEN_SCHEMA, Validation, validate

ContextFor = Callable[..., RosterContext]
PAYEE_HEADER = (*HEADER, "收款人姓名", "收款人身份证号")


def _found(validation: Validation, level: str | None = None) -> list[tuple[int | None, str]]:
    return [(f.row, f.code) for f in validation.findings if level is None or f.level == level]


def test_the_frozen_roster_has_every_data_row_in_the_contracts_columns_and_order(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[7][1] = "1"
    frame = validate(csv_of(rows), "名册.csv", context).frozen()
    assert frame.schema == FROZEN_SCHEMA
    assert frame["row"].to_list() == list(range(2, 42))
    assert frame.row(7, named=True) | {"beneficiary_name": ""} == {
        "row": 9, "beneficiary_id": "1", "beneficiary_name": "", "payee_id": "1", "payee_name": people[7].name, "key": None,
        "slot": "2023-06", "amount_fen": 52_000, "account": None, "status": "excluded", "reasons": "id_length",
    }  # fmt: skip


def test_the_same_rows_in_another_order_freeze_to_the_same_people(people: list[Person], context: RosterContext) -> None:
    one = validate(csv_of(rows_of(people)), "a.csv", context).frame.drop("row")
    other = validate(csv_of(rows_of(people[::-1])), "b.csv", context).frame.drop("row")
    assert one.sort("key").equals(other.sort("key"))


def test_rows_stand_in_the_frozen_roster_in_the_order_of_the_file(people: list[Person], context: RosterContext) -> None:
    frame = validate(csv_of(rows_of([*people, *people, *people])), "名册.csv", context).frame
    assert frame["row"].to_list() == list(range(2, 122))


def test_one_row_in_ten_excluded_is_accepted_and_one_more_refuses_the_file(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    for row in rows[:4]:
        row[3] = "-1"
    assert validate(csv_of(rows), "名册.csv", context).accepted
    rows[4][3] = "0"
    refused = validate(csv_of(rows), "名册.csv", context)
    assert not refused.accepted
    assert refused.findings[0].code == "excluded_too_many"
    assert (refused.to_json()["payable_rows"], refused.to_json()["payable_fen"]) == (0, 0)
    assert len(_found(refused, "exclude")) == 5, "and every row's fault is named all the same"


def test_a_slot_outside_the_window_is_excluded_and_the_window_named(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[0][2] = "2022-12"
    validation = validate(csv_of(rows), "名册.csv", context)
    assert _found(validation) == [(2, "slot_not_payable")]
    assert "2023-04 至 2023-08" in validation.findings[0].message


def test_a_slot_in_the_window_but_in_no_plan_is_for_review(people: list[Person], context_for: ContextFor) -> None:
    context = context_for(6, as_of=date(2023, 1, 10))
    validation = validate(csv_of(rows_of(people, slot="2022-12")), "名册.csv", context)
    assert validation.review.rows == 40
    assert {code for _, code in _found(validation)} == {"slot_unplanned"}


def test_a_roster_that_comes_early_is_judged_for_its_first_possible_day(
    people: list[Person], context_for: ContextFor
) -> None:
    early = validate(csv_of(farm_rows_of(people, slot="2023"), FARM_HEADER), "名册.csv", context_for(39))
    assert early.payable.rows == 40


def test_a_roster_that_comes_after_the_last_day_is_refused(people: list[Person], context_for: ContextFor) -> None:
    data = csv_of(farm_rows_of(people, slot="2023"), FARM_HEADER)
    late = validate(data, "名册.csv", context_for(39, as_of=date(2023, 10, 1)))
    assert (late.accepted, _found(late)) == (False, [(None, "day_not_payable")])


def test_an_occasion_is_payable_only_once_it_was_opened(people: list[Person], context_for: ContextFor) -> None:
    data = csv_of(rows_of(people, slot="2023#FLOOD-1"))
    assert not validate(data, "名册.csv", context_for(11)).accepted
    opened = validate(data, "名册.csv", context_for(11, occasions={"FLOOD-1"}))
    assert (opened.payable.rows, opened.slots) == (40, ("2023#FLOOD-1",))


def test_a_trial_roster_is_judged_for_the_formal_window(people: list[Person], context_for: ContextFor) -> None:
    context = context_for(17, mode=Mode.TRIAL, as_of=date(2023, 1, 10))
    assert validate(csv_of(rows_of(people)), "名册.csv", context).payable.rows == 40


def test_a_row_pasted_twice_is_paid_once(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    validation = validate(csv_of([*rows, rows[0]]), "名册.csv", context)
    assert _found(validation) == [(42, "repeated_identical")]
    assert validation.payable.rows == 40
    assert "第2行" in validation.findings[0].message


def test_two_rows_of_a_person_that_differ_are_both_excluded_because_either_may_be_right(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    again = [*rows[0][:3], "521.00"]
    validation = validate(csv_of([*rows, again]), "名册.csv", context)
    assert _found(validation) == [(2, "repeated_different"), (42, "repeated_different")]


def test_a_household_is_paid_once_through_its_head(people: list[Person], context_for: ContextFor) -> None:
    head = people[0]
    rows = [[*row, head.name, head.id_number] for row in rows_of(people[:2])]
    rows += household_rows_of(people[2:])
    by_household = validate(csv_of(rows, HOUSEHOLD_HEADER), "名册.csv", context_for(2))
    assert _found(by_household, "exclude") == [(2, "repeated_different"), (3, "repeated_different")]
    by_person = validate(csv_of(rows, HOUSEHOLD_HEADER), "名册.csv", context_for(6))
    assert by_person.payable.rows == 40


def test_a_person_is_not_paid_under_a_head_and_on_their_own(people: list[Person], context_for: ContextFor) -> None:
    head, other_head, member = people[0], people[1], people[2]
    (row,), (alone,) = rows_of([member]), household_rows_of([member])
    rest = household_rows_of(people[3:])
    under_head = [*row, head.name, head.id_number]
    both = validate(csv_of([under_head, alone, *rest], HOUSEHOLD_HEADER), "名册.csv", context_for(2))
    assert _found(both, "exclude") == [(2, "person_and_household"), (3, "person_and_household")]
    assert "第2、3行" in both.findings[0].message
    two_heads = [under_head, [*row, other_head.name, other_head.id_number]]
    validation = validate(csv_of([*two_heads, *rest], HOUSEHOLD_HEADER), "名册.csv", context_for(2))
    assert _found(validation, "exclude") == [(2, "person_and_household"), (3, "person_and_household")]
    assert validation.payable.rows == 37


def test_pasted_rows_do_not_refuse_a_file_however_many(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    validation = validate(csv_of([*rows, *rows[:20]]), "名册.csv", context)
    assert validation.accepted
    assert validation.payable.rows == 40


def test_a_guardian_is_paid_for_several_wards_without_a_finding(people: list[Person], context: RosterContext) -> None:
    guardian = people[0]
    wards = invent_people(3, region="230102", seed=5, on=date(2023, 1, 1), youngest=6, eldest=17)
    rows = [[*row, "", ""] for row in rows_of(people)]
    rows += [[*row, guardian.name, guardian.id_number] for row in rows_of(wards)]
    validation = validate(csv_of(rows, PAYEE_HEADER), "名册.csv", context)
    assert validation.findings == ()
    assert validation.frame.filter(pl.col("payee_id") == guardian.id_number).height == 4


def test_two_people_under_one_account_are_for_the_approver_even_if_each_id_is_right(
    people: list[Person], context: RosterContext
) -> None:
    rows = [[*row, ""] for row in rows_of(people)]
    rows[0][4] = rows[1][4] = "6231000000000000001"
    validation = validate(csv_of(rows, (*HEADER, "银行账号")), "名册.csv", context)
    assert _found(validation) == [(2, "account_shared"), (3, "account_shared")]
    assert validation.review.rows == 2


def test_one_id_under_two_names_is_for_the_approver(people: list[Person], context: RosterContext) -> None:
    rows = [*rows_of(people), ["王小二", people[0].id_number, "2023-05", "520"]]
    validation = validate(csv_of(rows), "名册.csv", context)
    assert _found(validation) == [(2, "person_two_names"), (42, "card_name_differs"), (42, "person_two_names")]


def test_a_fifteen_digit_id_is_the_same_person_as_its_eighteen_digits(context: RosterContext) -> None:
    first_17 = "23010219700101123"
    id_number = first_17 + check_digit(first_17)
    rows = [["张三", id_number, "2023-06", "520"], ["张三", id_number[:6] + id_number[8:17], "2023-06", "520"]]
    validation = validate(csv_of(rows), "名册.csv", context)
    assert (3, "id_upgraded") in _found(validation)
    assert (3, "repeated_identical") in _found(validation)


def test_an_amount_above_the_limit_is_for_the_approver(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    rows[0][3] = "100,000.01"
    assert context.settings.amount_limit_fen == 10_000_000
    assert _found(validate(csv_of(rows), "名册.csv", context)) == [(2, "amount_over_limit"), (2, "amount_normalised")]


def test_without_a_registry_the_report_says_that_cards_were_not_looked_at(
    people: list[Person], context_for: ContextFor
) -> None:
    validation = validate(csv_of(rows_of(people)), "名册.csv", context_for(6, registry_for=None))
    assert (validation.payable.rows, _found(validation)) == (40, [(None, "cards_unknown")])


def test_only_the_payees_partitions_are_asked_for(
    people: list[Person], context_for: ContextFor, registry: pl.DataFrame
) -> None:
    asked: list[pl.Series] = []

    def registry_for(ids: pl.Series) -> pl.DataFrame:
        asked.append(ids)
        return registry

    rows = rows_of(people)
    rows[0][1] = "no id"
    validate(csv_of(rows), "名册.csv", context_for(6, registry_for=registry_for))
    assert [sorted(ids) for ids in asked] == [sorted(person.id_number for person in people[1:])]


def test_no_finding_holds_a_full_id_account_or_name(people: list[Person], context: RosterContext) -> None:
    rows = [[*row, ""] for row in rows_of(people)]
    rows[0][2], rows[1][3], rows[2][4] = people[0].id_number, people[1].name, people[2].name
    rows[3][1], rows[4][0], rows[5][2] = people[3].name, people[4].id_number, people[5].name
    validation = validate(csv_of(rows, (*HEADER, "账号")), "名册.csv", context)
    text = json.dumps(validation.to_json(), ensure_ascii=False) + "".join(f.found_masked for f in validation.findings)
    for person in people:
        assert person.id_number not in text
        assert person.account not in text
        assert person.name not in text


def test_the_json_report_has_the_promised_shape(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    rows[0][1] = rows[0][1][:-1]
    report = validate(csv_of(rows), "名册.csv", context).to_json()
    assert report["findings"] == [
        {
            "code": "id_length",
            "level": "exclude",
            "row": 2,
            "column": "身份证号",
            "message": "身份证号不是18位。请对照证件重新录入。",
        }
    ]
    assert {key: report[key] for key in ("accepted", "rows", "payable_rows", "payable_fen")} == {
        "accepted": True, "rows": 40, "payable_rows": 39, "payable_fen": 39 * 52_000,
    }  # fmt: skip


def test_a_hopeless_file_lists_so_many_findings_and_counts_the_rest(context: RosterContext) -> None:
    rows = [["张三", "1", "2023-06", "520"]] * (MAX_LISTED + 7)
    validation = validate(csv_of(rows), "名册.csv", context)
    assert validation.to_json()["more"] == {"id_length": 7}
    assert validation.counts_by_code()["id_length"] == MAX_LISTED + 7
    assert validation.excluded.rows == MAX_LISTED + 7


def test_a_file_with_hundreds_of_slots_is_refused_at_once(people: list[Person], context: RosterContext) -> None:
    rows = [["张三", people[0].id_number, f"{year}-01", "520"] for year in range(1000, 2000)]
    assert _found(validate(csv_of(rows), "名册.csv", context)) == [(None, "slots_too_many")]


@given(st.integers(1, 10**12 - 1))
def test_yuan_become_fen_exactly(fen: int) -> None:
    written = f"{fen // 100:,}.{fen % 100:02d}"
    assert read_amounts(pl.Series([written])).series.to_list() == [fen]


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1,23.00", "amount_unreadable"),
        ("1e3", "amount_unreadable"),
        ("1_000", "amount_unreadable"),
        ("NaN", "amount_unreadable"),
        ("12345678901", "amount_unreadable"),
        ("0.001", "amount_decimals"),
        ("-0.5", "amount_not_positive"),
        (" ", "amount_empty"),
        ("五百", "amount_unreadable"),
        ("5.2.0", "amount_unreadable"),
    ],
)
def test_what_is_no_amount_is_named(written: str, code: str) -> None:
    tidied = read_amounts(pl.Series([written]))
    assert [hit.code for hit in tidied.hits] == [code]
    assert tidied.series[0] is None


def test_an_account_that_is_another_payees_card_is_asked_about_on_both_rows(
    people: list[Person], registry: pl.DataFrame, context_for: Callable[..., RosterContext]
) -> None:
    without_a_card, holder = people[0], people[1]
    cards = registry.filter(pl.col("id_number") != without_a_card.id_number)
    rows = [[*row, ""] for row in rows_of(people)]
    rows[0][4] = holder.account
    data = csv_of(rows, header=(*HEADER, "银行账号"))
    validation = validate(data, "名册.csv", context_for(8, registry_for=lambda _: cards))
    assert [row for row, code in _found(validation) if code == "account_shared"] == [2, 3]
