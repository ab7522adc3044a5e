"""Which version of a policy is in force on a day and on a slot."""

from datetime import date
from typing import Any

import pytest

from yikatong.errors import Refusal
from yikatong.policies import days_of, in_force, in_force_on, periods

CODE = "urban-minimum-living"


def version(number: int, since: str, until: str | None = None, **other: str) -> dict[str, Any]:
    base = {"region": "230000", "code": CODE, "document": "measure"}
    return base | {"version": number, "valid_from": since, "valid_to": until} | other


def numbers(found: list[Any]) -> list[int]:
    return [each["version"] for each in found]


@pytest.mark.parametrize(
    ("slot", "first", "last"),
    [
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2023Q4", date(2023, 10, 1), date(2023, 12, 31)),
        ("2023H2", date(2023, 7, 1), date(2023, 12, 31)),
        ("2023", date(2023, 1, 1), date(2023, 12, 31)),
        ("2023#PRICE-05", date(2023, 1, 1), date(2023, 12, 31)),
    ],
)
def test_a_slot_of_any_frequency_has_a_first_and_a_last_day(slot: str, first: date, last: date) -> None:
    assert days_of(slot) == (first, last)


@pytest.mark.parametrize("slot", ["", "2023-13", "2023Q5", "２０２３", "2023-06\n", "张三"])
def test_what_is_no_slot_is_refused_and_not_repeated(slot: str) -> None:
    with pytest.raises(Refusal) as refused:
        days_of(slot)
    assert slot.strip() == "" or slot not in refused.value.message


def test_a_new_version_takes_over_on_its_first_day_and_a_slot_across_that_day_has_both() -> None:
    documents = [version(2, "2023-06-16"), version(1, "2022-01-01")]
    assert numbers(in_force(documents, CODE, "2023-05", "230000")) == [1]
    assert numbers(in_force(documents, CODE, "2023-06", "230000")) == [1, 2]
    assert numbers(in_force(documents, CODE, "2023-07", "230000")) == [2]
    assert numbers(in_force_on(documents, CODE, date(2023, 6, 15), "230000")) == [1]
    assert numbers(in_force_on(documents, CODE, date(2023, 6, 16), "230000")) == [2]


def test_both_ends_of_a_validity_are_inside() -> None:
    documents = [version(1, "2023-05-31", "2023-07-01")]
    assert numbers(in_force(documents, CODE, "2023-05", "230000")) == [1]
    assert numbers(in_force(documents, CODE, "2023-07", "230000")) == [1]
    assert in_force(documents, CODE, "2023-04", "230000") == []
    assert in_force(documents, CODE, "2023-08", "230000") == []


def test_a_repeal_is_the_same_document_again_with_an_end_and_the_open_version_does_not_come_back() -> None:
    documents = [version(1, "2023-01-01"), version(2, "2023-01-01", "2023-06-30")]
    assert numbers(in_force_on(documents, CODE, date(2023, 6, 30), "230000")) == [2]
    assert in_force_on(documents, CODE, date(2023, 7, 1), "230000") == []


def test_a_version_that_reaches_further_back_takes_over_those_published_before_it() -> None:
    documents = [version(1, "2023-01-01"), version(2, "2023-06-01"), version(3, "2023-03-01")]
    told = [(each["version"], since.isoformat()) for each, since, _ in periods(documents)]
    assert told == [(3, "2023-03-01"), (1, "2023-01-01")]
    assert numbers(in_force(documents, CODE, "2023", "230000")) == [1, 3]


def test_no_day_has_two_versions_of_one_document_whatever_was_published() -> None:
    months = ["2023-01-01", "2023-04-01", "2023-02-01", "2023-03-01", "2023-02-01"]
    ends = [None, "2023-06-30", "2023-02-10", None, "2023-05-01"]
    documents = [version(n + 1, *pair) for n, pair in enumerate(zip(months, ends, strict=True))]
    for month in range(1, 13):
        for day in (1, 10, 11, 28):
            assert len(in_force_on(documents, CODE, date(2023, month, day), "230000")) <= 1


def test_a_county_is_governed_by_the_province_its_city_and_itself_and_by_no_neighbour() -> None:
    regions = ("230102", "230103", "230100", "230200", "230000")
    documents = [version(1, "2023-01-01", region=region) for region in regions]
    found = in_force(documents, CODE, "2023-06", "230102")
    assert [each["region"] for each in found] == ["230000", "230100", "230102"]
    assert [each["region"] for each in in_force(documents, CODE, "2023-06", "230000")] == ["230000"]


def test_documents_live_side_by_side_and_other_subsidies_have_their_own() -> None:
    documents = [
        version(1, "2023-01-01"),
        version(1, "2023-01-01", document="standard"),
        version(1, "2023-01-01", code="other"),
    ]
    assert [each["document"] for each in in_force(documents, CODE, "2023-06", "230102")] == ["measure", "standard"]
