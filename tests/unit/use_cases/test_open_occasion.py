"""An occasion is opened once, by the leading department, for a subsidy that has occasions."""

from typing import Any

import pytest

from tests.fakes import MemoryControl
from yikatong.batches import Occasion, occasion_key
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.principals import Principal, Role, principal_key
from yikatong.use_cases.open_occasion import OccasionRequest, list_occasions, occasion_view, open_occasion

BOOK = PlanBook.committed()
JUNE = {
    "plan_year": 2023,
    "number": 11,
    "name": "FLOOD-06",
    "title": "六月洪涝临时救助",
    "region": "230000",
    "first": "2023-06-01",
    "last": "2023-06-30",
}


def open_it(control: MemoryControl, by: str = "civil-affairs", **changes: Any) -> Occasion:
    pk, sk = principal_key(by)
    who = Principal(pk=pk, sk=sk, name=by, role=Role.DEPARTMENT, region="230000", departments=("省民政厅",))
    return open_occasion(control, BOOK, who, OccasionRequest.model_validate(JUNE | changes))


def test_an_opened_occasion_is_a_slot_of_its_year() -> None:
    control = MemoryControl()
    occasion = open_it(control)
    assert occasion.slot == "2023#FLOOD-06"
    stored = control.read(Occasion, *occasion_key("temporary-relief", "2023#FLOOD-06"))
    assert stored is not None
    assert (stored.title, stored.opened_by, stored.first) == ("六月洪涝临时救助", "civil-affairs", "2023-06-01")


def test_opening_the_same_again_changes_nothing() -> None:
    control = MemoryControl()
    open_it(control)
    assert open_it(control, "a-colleague").opened_by == "civil-affairs"
    assert control.writes == 1


@pytest.mark.parametrize("changes", [{"title": "别的"}, {"region": "230100"}, {"last": "2023-07-01"}])
def test_the_same_name_for_something_else_is_refused(changes: dict[str, Any]) -> None:
    control = MemoryControl()
    open_it(control)
    with pytest.raises(Refusal, match="内容与本次不同") as refused:
        open_it(control, **changes)
    assert refused.value.code == "conflict"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": 2}, "no_occasion"),
        ({"number": 1}, "forbidden"),
        ({"region": "230199"}, "unknown_region"),
        ({"name": "flood"}, "bad_slot"),
        ({"name": "A" * 21}, "bad_slot"),
        ({"name": "洪涝"}, "bad_slot"),
        ({"first": "2022-12-31"}, "bad_dates"),
        ({"last": "2024-01-01"}, "bad_dates"),
        ({"first": "2023-06-30", "last": "2023-06-01"}, "bad_dates"),
    ],
)
def test_what_is_no_occasion_of_that_year_is_refused(changes: dict[str, Any], code: str) -> None:
    control = MemoryControl()
    with pytest.raises(Refusal) as refused:
        open_it(control, **changes)
    assert refused.value.code == code
    assert not control.items


def test_a_county_sees_the_occasions_of_its_city_and_province_a_city_those_of_its_counties() -> None:
    control = MemoryControl()
    open_it(control, name="PROVINCE", first="2023-06-02")
    open_it(control, name="CITY", region="230100", first="2023-06-01")
    open_it(control, name="COUNTY", region="230102", first="2023-06-03")
    open_it(control, name="ELSEWHERE", region="230200")

    def seen_from(region: str) -> list[str]:
        pk, sk = principal_key("clerk")
        who = Principal(pk=pk, sk=sk, name="clerk", role=Role.CLERK, region=region)
        return [each.slot[5:] for each in list_occasions(control, BOOK, who, 2023, 11)]

    assert seen_from("230102") == ["CITY", "PROVINCE", "COUNTY"]
    assert seen_from("230103") == ["CITY", "PROVINCE"]
    assert seen_from("230100") == ["CITY", "PROVINCE", "COUNTY"]


def test_an_occasion_is_shown_with_its_regions_name_and_without_keys() -> None:
    view = occasion_view(open_it(MemoryControl(), region="230100"))
    assert (view["region_name"], view["slot"]) == ("哈尔滨市", "2023#FLOOD-06")
    assert "pk" not in view
