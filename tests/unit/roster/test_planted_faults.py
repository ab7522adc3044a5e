"""A roster with every planted fault gets every finding, and nothing else."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yikatong.card_files import read_cards
from yikatong.plan import PlanBook, Settings
from yikatong.roster.columns import Column, required_columns_of
from yikatong.roster.context import RosterContext
from yikatong.roster.faults import kinds_for
from yikatong.roster.sample import Sample, make_sample
from yikatong.roster.validation import Validation, validate

ContextFor = Callable[..., RosterContext]


def _sample(context: RosterContext, slots: list[str], *, rows: int, seed: int, share: float, workbook: bool) -> Sample:
    return make_sample(
        subsidy=context.subsidy,
        settings=context.settings,
        region=context.region,
        rows=rows,
        slots=slots,
        seed=seed,
        faults_share=share,
        workbook=workbook,
    )


def _check(sample: Sample, context_for: ContextFor, number: int, file_format: str) -> Validation:
    snapshot = read_cards(sample.cards_csv(), date(2023, 6, 10))
    assert snapshot.faults.is_empty()
    data = sample.roster_xlsx() if file_format == "xlsx" else sample.roster_csv(file_format)
    context = context_for(number, registry_for=lambda _: snapshot.frame)
    validation = validate(data, "名册", context)
    found = Counter((finding.row, finding.column, finding.code) for finding in validation.findings)
    planted = Counter((fault.row, fault.column, fault.code) for fault in sample.faults)
    assert planted - found == Counter(), "every planted fault is found"
    assert found - planted == Counter(), "and nothing else"
    return validation


@pytest.mark.parametrize("file_format", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "xlsx"])
@pytest.mark.parametrize(
    ("number", "slots"), [(2, ["2023-06"]), (25, ["2023-06", "2023-05"]), (39, ["2023"]), (45, ["2023Q2"])]
)
def test_a_roster_with_every_planted_fault_gets_every_finding_and_nothing_else(
    number: int, slots: list[str], file_format: str, context_for: ContextFor
) -> None:
    workbook = file_format == "xlsx"
    sample = _sample(context_for(number), slots, rows=500, seed=7, share=0.2, workbook=workbook)
    kinds = kinds_for(context_for(number).settings, workbook=workbook)
    assert {fault.code for fault in sample.faults} >= {kind.code for kind in kinds}
    assert _check(sample, context_for, number, file_format).accepted


@pytest.mark.parametrize("number", [17])
def test_where_no_account_may_be_used_a_missing_card_holds_the_row_whatever_the_roster_says(
    number: int, context_for: ContextFor
) -> None:
    sample = _sample(context_for(number), ["2023-06"], rows=500, seed=7, share=0.2, workbook=False)
    assert "account_used" not in {fault.code for fault in sample.faults}
    _check(sample, context_for, number, "utf-8")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10**6),
    share=st.floats(0, 0.3),
    rows=st.integers(20, 200),
    file_format=st.sampled_from(["utf-8-sig", "gb18030", "xlsx"]),
    slots=st.sampled_from([["2023-06"], ["2023-06", "2023-07", "2023-04"]]),
)
def test_wherever_faults_are_planted_the_findings_are_exactly_those(
    seed: int, share: float, rows: int, file_format: str, slots: list[str], context_for: ContextFor
) -> None:
    sample = _sample(context_for(2), slots, rows=rows, seed=seed, share=share, workbook=file_format == "xlsx")
    _check(sample, context_for, 2, file_format)


def test_a_sample_is_the_same_for_a_seed_and_another_for_another(context: RosterContext) -> None:
    first, again, other = (
        _sample(context, ["2023-06"], rows=60, seed=seed, share=0.1, workbook=False) for seed in (7, 7, 8)
    )
    assert first.roster_csv() == again.roster_csv()
    assert first.cards_csv() == again.cards_csv()
    assert first.roster_csv() != other.roster_csv()


def test_a_sample_of_every_subsidy_holds_what_the_subsidy_asks_for(book: PlanBook) -> None:
    for subsidy in book.plan(2023).subsidies:
        settings = Settings.committed().for_subsidy(subsidy.code)
        slot = {"1次/月": "2023-06", "4次/年": "2023Q2", "2次/年": "2023H1", "1次/年": "2023"}.get(
            subsidy.frequency, "2023#FLOOD"
        )
        sample = make_sample(subsidy=subsidy, settings=settings, region="230102", rows=30, slots=[slot], seed=7)
        asked = required_columns_of(settings)
        assert set(asked) <= set(sample.columns)
        assert all(row[column] for row in sample.rows for column in asked), subsidy.name


def test_a_household_subsidys_sample_has_people_who_are_not_the_head_but_no_head_twice(
    context_for: ContextFor,
) -> None:
    sample = _sample(context_for(2), ["2023-06"], rows=200, seed=7, share=0, workbook=False)
    heads = [row[Column.HEAD_ID] for row in sample.rows]
    assert len(set(heads)) == len(sample.rows)
    assert 0 < sum(row[Column.HEAD_ID] != row[Column.ID] for row in sample.rows) < 40


def test_people_to_include_stand_in_both_regions_rosters(context: RosterContext) -> None:
    shared = _sample(context, ["2023-06"], rows=10, seed=7, share=0, workbook=False).people[:3]
    rosters = [
        make_sample(
            subsidy=context.subsidy, settings=context.settings, region=region, rows=50, slots=["2023-06"], seed=9, include=shared
        )
        for region in ("230102", "230103")
    ]  # fmt: skip
    ids = [{row["beneficiary_id"] for row in roster.rows} for roster in rosters]  # type: ignore[index]
    assert ids[0] & ids[1] >= {person.id_number for person in shared}
