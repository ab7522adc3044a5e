"""People see the batches and runs of their region and their subsidies, and every row's fate adds up."""

import json
from datetime import date
from typing import Any

import pytest

from tests.fakes import MemoryControl, MemoryLake
from yikatong.batches import (
    Approval,
    Batch,
    PassedTrial,
    Selection,
    Settlement,
    Tally,
    batch_key,
    review_key,
    trial_key,
)
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.roster.findings import RULES, Level
from yikatong.runs import FrozenBatch, Run, RunInputs, inputs_key, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.use_cases.list_batches import (
    batch_details,
    batch_view,
    line_view,
    list_batches,
    list_runs,
    run_details,
    run_view,
    show_batch,
    show_run,
    waits_for_trial,
)

BOOK = PlanBook.committed()


def who(region: str, departments: tuple[str, ...] = (), role: str = "auditor") -> Principal:
    pk, sk = principal_key("somebody")
    return Principal(pk=pk, sk=sk, name="somebody", role=Role(role), region=region, departments=departments)


def batch(region: str, day: int = 1, number: int = 2, **changes: Any) -> Batch:
    code, received_at = str(BOOK.subsidy(2023, number).code), f"2023-06-{day:02d}T09:00:00+08:00"
    batch_id = f"{code}.formal.{region}.{day:016x}"
    pk, sk = batch_key(batch_id)
    return Batch(
        pk=pk,
        sk=sk,
        batch_id=batch_id,
        plan_year=2023,
        number=number,
        code=code,
        region=region,
        mode="formal",
        state=BatchState.VALIDATED,
        object_key="k",
        object_version="v",
        sha256="a",
        uploader="clerk",
        received_at=received_at,
        province="230000",
        region_received=f"{region}#{received_at}",
    ).changed(**changes)


def stored(*batches: Batch) -> MemoryControl:
    control = MemoryControl()
    for each in batches:
        control.save(each)
    return control


def test_a_city_sees_its_counties_and_nobody_elses_the_newest_first() -> None:
    control = stored(batch("230102", 1), batch("230103", 3), batch("230100", 2), batch("230202", 4))
    found = list_batches(control, BOOK, who("230100"))
    assert [each.region for each in found] == ["230103", "230100", "230102"]
    assert [each.region for each in list_batches(control, BOOK, who("230102"))] == ["230102"]
    assert len(list_batches(control, BOOK, who("230000"))) == 4


def test_a_region_outside_ones_own_is_refused_not_empty() -> None:
    with pytest.raises(Refusal, match="管辖地区"):
        list_batches(stored(), BOOK, who("230100"), "230202")


def test_a_department_sees_the_subsidies_it_leads() -> None:
    control = stored(batch("230102", 1, number=2), batch("230102", 2, number=1))
    found = list_batches(control, BOOK, who("230000", ("省民政厅",), "department"))
    assert [each.number for each in found] == [2]
    with pytest.raises(Refusal, match="牵头"):
        show_batch(control, BOOK, who("230000", ("省民政厅",)), batch("230102", 2, number=1).batch_id)


def run_of(control: MemoryControl, lake: MemoryLake, *batches: Batch, as_of: date = date(2023, 6, 12)) -> str:
    """A run that bound these batches."""
    order = RunOrder(2023, batch("230102").code, "formal", as_of, "sched")
    run_id = name_run(order)
    pk, sk = run_key(order.code, run_id)
    bound = tuple(each.batch_id for each in batches)
    totals = {"settled_fen": 1}
    fields = vars(order) | {"run_id": run_id, "state": RunState.PAYING, "open_lines": bound, "totals": totals}
    control.save(Run(pk=pk, sk=sk, **fields))
    inputs = RunInputs(
        run_id=run_id,
        plan_year=2023,
        code=order.code,
        mode="formal",
        as_of=order.as_of,
        registry_version="r",
        batches=tuple(FrozenBatch(batch_id=each, approved_at="") for each in bound),
    )
    lake.put_once(inputs_key(run_id), inputs.model_dump_json().encode(), "d")
    return run_id


RUN_ID = "urban-minimum-living-20230612-formal-sched"


def test_a_run_shows_the_batches_it_bound_in_its_own_order_inside_ones_region() -> None:
    first, second, other = (
        batch(region, day, run_id=RUN_ID) for region, day in (("230102", 2), ("230103", 1), ("230202", 3))
    )
    control, lake = stored(first, second, other, batch("230102", 9)), MemoryLake()
    run_id = run_of(control, lake, first, other, second)
    shown = show_run(control, lake, BOOK, who("230100"), run_id)
    assert shown.run.run_id == run_id == RUN_ID
    assert [each.batch_id for each in shown.batches] == [first.batch_id, second.batch_id]
    assert [each.run_id for each in list_runs(control, BOOK, who("230100"), 2023, 2)] == [run_id]
    assert list_runs(control, BOOK, who("230100"), 2023, 3) == []
    assert [each.run_id for each in list_runs(control, BOOK, who("230100"), 2023)] == [run_id]
    another = who("230000").model_copy(update={"departments": ("省教育厅",)})
    assert list_runs(control, BOOK, another, 2023) == [], "a department sees its own subsidies' runs"


def test_a_run_that_has_bound_nothing_yet_shows_no_batch() -> None:
    control = MemoryControl()
    run_id = run_of(control, MemoryLake())
    assert show_run(control, MemoryLake(), BOOK, who("230000"), run_id).batches == ()


def test_what_another_run_took_up_or_a_bureau_withdrew_is_named_but_is_no_line_of_this_run() -> None:
    own, passed = batch("230102", 1, run_id=RUN_ID), batch("230102", 2, run_id="another")
    withdrawn = batch("230102", 3, run_id=RUN_ID, state=BatchState.WITHDRAWN)
    control, lake = stored(own, passed, withdrawn), MemoryLake()
    auditor = who("230100")
    shown = run_details(
        show_run(control, lake, BOOK, auditor, run_of(control, lake, own, passed, withdrawn)), BOOK, auditor
    )
    assert [each["batch_id"] for each in shown["batches"]] == [own.batch_id]
    assert shown["passed_on"] == [{"batch_id": passed.batch_id, "run_id": "another"}]
    assert shown["withdrawn"] == [withdrawn.batch_id]


def test_totals_of_all_regions_and_other_cities_open_batches_are_for_the_province_only() -> None:
    here, elsewhere = batch("230102", 1), batch("230202", 2)
    control, lake = stored(here, elsewhere), MemoryLake()
    run_id = run_of(control, lake, here, elsewhere)
    run = show_run(control, lake, BOOK, who("230000"), run_id).run
    city, province = run_view(run, who("230100")), run_view(run, who("230000"))
    assert (city["totals"], city["open_lines"]) == ({}, [here.batch_id])
    assert (province["totals"], len(province["open_lines"])) == ({"settled_fen": 1}, 2)


def test_runs_are_listed_by_their_day_the_latest_first() -> None:
    control, lake = MemoryControl(), MemoryLake()
    for day in (12, 20, 5):
        run_of(control, lake, as_of=date(2023, 6, day))
    found = list_runs(control, BOOK, who("230000"), 2023, 2)
    assert [run.as_of.day for run in found] == [20, 12, 5]


def under_review(count: int, code: str = "age_implausible") -> tuple[Batch, MemoryLake]:
    reviewed = batch("230102", rows_key="rosters/b/d.parquet", review=Tally(count=count, fen=100 * count))
    lake = MemoryLake()
    rows = [{"row": row, "fen": 100, "code": code} for row in range(2, 2 + count)]
    lake.put_once(review_key(reviewed.rows_key), json.dumps(rows).encode(), "d")
    return reviewed, lake


def test_an_approver_sees_each_row_under_review_and_why() -> None:
    reviewed, lake = under_review(2)
    details = batch_details(reviewed, MemoryControl(), lake, BOOK)
    assert [(each["row"], each["fen"]) for each in details["review_rows"]] == [(2, 100), (3, 100)]
    assert "年龄" in details["review_rows"][0]["words"]
    assert details["review_rows_more"] == 0


def test_a_long_list_of_reviews_says_how_many_more_there_are() -> None:
    details = batch_details(*_with_control(under_review(203)), BOOK)
    assert (len(details["review_rows"]), details["review_rows_more"]) == (200, 3)


def _with_control(made: tuple[Batch, MemoryLake]) -> tuple[Batch, MemoryControl, MemoryLake]:
    return made[0], MemoryControl(), made[1]


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.level is Level.REVIEW])
def test_what_is_under_review_is_said_in_words_without_gaps(code: str) -> None:
    details = batch_details(*_with_control(under_review(1, f"{code},name_normalised")), BOOK)
    words = details["review_rows"][0]["words"]
    assert words
    assert not set("{}；") & set(words)
    assert not words.isascii()


def test_a_formal_batch_waits_for_the_trial_of_its_region() -> None:
    formal, control = batch("230102", number=17), MemoryControl()
    assert waits_for_trial(formal, control, BOOK)
    assert not waits_for_trial(formal.changed(mode="trial"), control, BOOK)
    assert not waits_for_trial(batch("230102", number=2), control, BOOK), "no trial is asked for"
    assert not waits_for_trial(formal.changed(state=BatchState.CLAIMED), control, BOOK), "a run has taken it"
    pk, sk = trial_key(formal.code, 2023, "230103")
    control.save(PassedTrial(pk=pk, sk=sk, batch_id="b", passed_at="t"))
    assert waits_for_trial(formal, control, BOOK), "another region's trial is not its own"
    pk, sk = trial_key(formal.code, 2023, "230102")
    control.save(PassedTrial(pk=pk, sk=sk, batch_id="b", passed_at="t"))
    assert not waits_for_trial(formal, control, BOOK)


def test_of_a_refused_roster_nothing_is_payable() -> None:
    view = batch_view(batch("230102", state=BatchState.REFUSED, rows=9, payable=Tally(count=9, fen=900)), BOOK)
    assert (view["rows"], view["payable"], view["region_name"]) == (9, {"count": 0, "fen": 0}, "哈尔滨市道里区")


def approved(**changes: Any) -> Batch:
    approval = Approval(
        approver="a",
        approved_at="2023-06-05T10:00:00+08:00",
        sha256="a",
        object_version="v",
        mode="formal",
        code="c",
        slots=("2023-06",),
        payable=Tally(count=3, fen=300),
        held=Tally(),
    )
    selection = Selection(key="k", sha256="s", sent=Tally(count=3, fen=300), held=Tally(), not_sent=Tally())
    settlement = Settlement(
        seq=1, key="k", digest="d", settled=Tally(count=2, fen=200), rejected=Tally(count=1, fen=100)
    )
    whole: dict[str, Any] = {
        "rows": 4,
        "excluded": Tally(count=1, fen=50),
        "payable": Tally(count=3, fen=300),
        "approval": approval,
    }
    settled: dict[str, Any] = {"state": BatchState.SETTLED, "selection": selection, "settlement": settlement}
    return batch("230102", **(whole | settled | changes))


def test_a_line_tells_what_became_of_every_row() -> None:
    line = line_view(approved())
    assert line is not None
    assert (line["settled"], line["rejected"]) == ({"count": 2, "fen": 200}, {"count": 1, "fen": 100})
    assert line["rows"] == 4


def test_a_line_that_does_not_balance_or_apply_is_left_out_and_hides_nothing_else() -> None:
    assert line_view(approved(rows=5)) is None
    assert line_view(batch("230102")) is None
    assert line_view(approved(state=BatchState.WITHDRAWN)) is None
