"""The province's policy list from its departments' parts: whichever comes first, the later stands; who is missing is said."""

import io
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from tests.fakes import MemoryControl, MemoryReports, MemorySite
from tests.policies import duty_of, filled_form, filled_rows
from yikatong.plan import PlanBook
from yikatong.policy_forms import SHEET, Column, form_xlsx
from yikatong.policy_lists import REGIONS_PART, departments_of, upload_kind
from yikatong.uploads import Upload, upload_key
from yikatong.use_cases.collect_policy_list import Adapters, FormArrival, collect_policy_list

NOW = datetime(2023, 1, 9, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
SENT = datetime(2023, 1, 9, 1, 0, tzinfo=UTC)
EDUCATION, FORESTS = "省教育厅", "省林业和草原局"


class Collecting:
    """The lists of all regions, and the reports."""

    def __init__(self) -> None:
        self.site, self.control, self.reports = MemorySite(), MemoryControl(), MemoryReports()
        self.adapters = Adapters(self.site, self.control, self.reports, PlanBook.committed())

    def arrival(
        self,
        data: bytes,
        department: str,
        file: str = "清单.xlsx",
        *,
        second: int = 0,
        sequencer: str = "",
        region: str = "230000",
    ) -> FormArrival:
        key = f"lists/2023/{region}/{file}"
        upload_id = f"{department}{file}"
        pk, sk = upload_key(upload_id)
        if (pk, sk) not in self.control.items:
            kind = upload_kind(department)
            self.control.save(Upload(pk=pk, sk=sk, upload_id=upload_id, principal="sender", object_key=key, mode=kind))
        sent_at = SENT + timedelta(seconds=second)
        return FormArrival(key, sequencer, sent_at, upload_id, quote(department), len(data), lambda: data)

    def take(self, arrival: FormArrival) -> str:
        return collect_policy_list(arrival, self.adapters, NOW)

    def listed(self, region: str = "230000") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.site.objects[f"published/policy-lists/2023/{region}.json"])
        return found

    def workbook(self, region: str = "230000") -> list[list[Any]]:
        data = self.site.objects[f"published/policy-lists/2023/{region}.xlsx"]
        return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name(SHEET).to_python()[1:]

    def told(self, file: str = "清单.xlsx", region: str = "230000") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.reports.objects[f"policies/lists/2023/{region}/{file}.json"])
        return found


@pytest.fixture
def lists() -> Collecting:
    return Collecting()


def test_the_first_part_is_published_with_everybody_else_missing(lists: Collecting) -> None:
    assert lists.take(lists.arrival(filled_form(EDUCATION), EDUCATION)) == "taken"
    listed = lists.listed()
    assert [entry["number"] for entry in listed["entries"]] == list(range(27, 38))
    assert {"department": FORESTS, "subsidies": [45]} in listed["missing"]
    assert len(listed["missing"]) == len(departments_of(PlanBook.committed().plan(2023))) - 1
    assert [row[0] for row in lists.workbook()] == [str(number) for number in range(27, 38)]
    assert lists.told()["entries"] == 11


def test_when_every_department_has_sent_its_part_all_subsidies_are_listed_and_nobody_is_missing(
    lists: Collecting,
) -> None:
    for n, department in enumerate(departments_of(PlanBook.committed().plan(2023))):
        assert lists.take(lists.arrival(filled_form(department), department, f"{n}.xlsx", second=n)) == "taken"
    listed = lists.listed()
    assert [entry["number"] for entry in listed["entries"]] == list(range(1, 46))
    assert listed["missing"] == []
    assert len(lists.workbook()) == 45


ARRIVALS: dict[str, Callable[[Collecting], tuple[FormArrival, FormArrival]]] = {
    "same name": lambda lists: (
        lists.arrival(filled_form(FORESTS, seed=1), FORESTS, sequencer="0A"),
        lists.arrival(filled_form(FORESTS, seed=2), FORESTS, sequencer="0B"),
    ),
    "other name": lambda lists: (
        lists.arrival(filled_form(FORESTS, seed=1), FORESTS, "a.xlsx"),
        lists.arrival(filled_form(FORESTS, seed=2), FORESTS, "b.xlsx", second=1),
    ),
}


@pytest.mark.parametrize("kind", ARRIVALS)
def test_the_part_that_was_sent_later_stands_whatever_event_comes_first_or_again(kind: str) -> None:
    for order in itertools.permutations((0, 0, 1, 1)):
        lists = Collecting()
        arrivals = ARRIVALS[kind](lists)
        for which in order:
            lists.take(arrivals[which])
        (entry,) = lists.listed()["entries"]
        assert entry["standard"] == filled_rows(1, seed=2)[0][Column.STANDARD], order


def test_two_names_in_one_second_are_not_guessed_about(lists: Collecting) -> None:
    lists.take(lists.arrival(filled_form(FORESTS, seed=1), FORESTS, "a.xlsx"))
    assert lists.take(lists.arrival(filled_form(FORESTS, seed=2), FORESTS, "b.xlsx")) == "refused"
    assert "分不出先后" in lists.told("b.xlsx")["message"]


def test_a_faulty_part_changes_nothing_and_is_told_row_by_row(lists: Collecting) -> None:
    lists.take(lists.arrival(filled_form(EDUCATION), EDUCATION, sequencer="0A"))
    before = dict(lists.site.objects)
    assert lists.take(lists.arrival(form_xlsx(duty_of(EDUCATION)), EDUCATION, sequencer="0B")) == "refused"
    assert lists.site.objects == before
    assert lists.told()["findings"][0] == {
        "row": 2,
        "column": "补贴对象",
        "message": "没有填。哪些人可以享受，用老百姓看得懂的话写。",
    }


def test_a_part_is_the_senders_department_and_no_other(lists: Collecting) -> None:
    arrival = lists.arrival(filled_form(EDUCATION), EDUCATION)
    forged = FormArrival(**{**vars(arrival), "department": quote(FORESTS)})
    assert lists.take(forged) == "refused"
    assert "与申请的不一致" in lists.told()["message"]
    unasked = FormArrival(**{**vars(arrival), "upload_id": ""})
    assert lists.take(unasked) == "refused"
    assert "哪个部门" in lists.told()["message"]


def test_a_department_that_fills_in_nothing_is_refused(lists: Collecting) -> None:
    assert lists.take(lists.arrival(filled_form(FORESTS), "省文化和旅游厅")) == "refused"
    assert "没有由省文化和旅游厅填报的项目" in lists.told()["message"]


def test_two_parts_at_once_are_both_in_the_list_and_in_its_workbook(lists: Collecting) -> None:
    for interrupted in ("json", "xlsx"):
        lists = Collecting()
        other = lists.arrival(filled_form(FORESTS), FORESTS, "b.xlsx", second=1)

        def meanwhile(key: str, lists: Collecting = lists, other: FormArrival = other, at: str = interrupted) -> None:
            if key.endswith(at):
                lists.site.before_put = lambda _key: None
                lists.take(other)

        lists.site.before_put = meanwhile
        lists.take(lists.arrival(filled_form(EDUCATION), EDUCATION, "a.xlsx"))
        numbers = [*range(27, 38), 45]
        assert [entry["number"] for entry in lists.listed()["entries"]] == numbers, interrupted
        assert [row[0] for row in lists.workbook()] == list(map(str, numbers)), interrupted


def test_a_county_has_a_list_of_its_own_beside_the_provinces(lists: Collecting) -> None:
    lists.take(lists.arrival(filled_form(EDUCATION), EDUCATION))
    duty = duty_of(REGIONS_PART, "230102")
    own: dict[str, str] = filled_rows(1)[0] | {Column.NAME: "高龄津贴", Column.DEPARTMENT: "区民政局"}
    rows: list[dict[str, str]] = [{}, filled_rows(1)[0], *[{}] * 43, own]
    assert lists.take(lists.arrival(form_xlsx(duty, rows), "", "本区.xlsx", region="230102")) == "taken"
    listed = lists.listed("230102")
    assert [(entry["number"], entry["name"]) for entry in listed["entries"]] == [
        (2, "城市最低生活保障金"),
        (None, "高龄津贴"),
    ]
    assert listed["missing"] == []
    assert len(lists.listed()["entries"]) == 11


def test_of_two_parts_of_a_county_that_list_the_same_subsidy_the_later_stands(lists: Collecting) -> None:
    rows: list[dict[str, str]] = [{}, filled_rows(1, seed=5)[0]]
    lists.take(lists.arrival(form_xlsx(duty_of(REGIONS_PART, "230102"), rows), "", "a.xlsx", second=5, region="230102"))
    civil = duty_of("省民政厅", "230102")
    lists.take(lists.arrival(form_xlsx(civil, filled_rows(2, seed=6)), "省民政厅", "b.xlsx", second=1, region="230102"))
    listed = {entry["number"]: entry["standard"] for entry in lists.listed("230102")["entries"]}
    assert listed == {
        2: filled_rows(1, seed=5)[0][Column.STANDARD],
        3: filled_rows(2, seed=6)[1][Column.STANDARD],
    }


@pytest.mark.parametrize(
    "key", ["lists/2023/230000/a.xls", "lists/23/230000/a.xlsx", "lists/2023/230000/230102199001011234.xlsx"]
)
def test_a_misplaced_list_is_told_so_without_its_name(lists: Collecting, key: str) -> None:
    arrival = FormArrival(key, "", SENT, "", "", 1, lambda: b"x")
    assert lists.take(arrival) == "refused"
    ((told_under, _),) = lists.reports.objects.items()
    assert told_under.startswith("policies/misplaced/")


def test_a_year_without_a_plan_and_a_region_that_is_none_are_refused(lists: Collecting) -> None:
    for key in ("lists/2031/230000/a.xlsx", "lists/2023/239999/a.xlsx"):
        assert lists.take(FormArrival(key, "", SENT, "", "", 1, lambda: b"x")) == "refused"
