"""People see the batches and runs of their region and their subsidies, and every row's fate adds up."""

from datetime import date
from typing import Any

import pytest

from tests.fakes import MemoryControl, MemoryLake
from yikatong.batches import Approval, Batch, Selection, Settlement, Tally, batch_key
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import FrozenBatch, Run, RunInputs, inputs_key, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.use_cases.list_batches import line_view, list_batches, list_runs, show_batch, show_run

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


def test_a_run_shows_the_batches_it_bound_in_its_own_order_inside_ones_region() -> None:
    first, second, other = batch("230102", 2), batch("230103", 1), batch("230202", 3)
    control, lake = stored(first, second, other, batch("230102", 9)), MemoryLake()
    order = RunOrder(2023, first.code, "formal", date(2023, 6, 12), "sched")
    run_id = name_run(order)
    pk, sk = run_key(order.code, run_id)
    control.save(Run(pk=pk, sk=sk, run_id=run_id, state=RunState.PAYING, **vars(order)))
    assert show_run(control, lake, BOOK, who("230000"), run_id)[1] == []
    inputs = RunInputs(
        run_id=run_id,
        plan_year=2023,
        code=order.code,
        mode="formal",
        as_of=order.as_of,
        registry_version="r",
        batches=tuple(FrozenBatch(batch_id=each.batch_id, approved_at="") for each in (first, other, second)),
    )
    lake.put_once(inputs_key(run_id), inputs.model_dump_json().encode(), "d")
    run, batches = show_run(control, lake, BOOK, who("230100"), run_id)
    assert run.run_id == run_id
    assert [each.batch_id for each in batches] == [first.batch_id, second.batch_id]
    assert [each.run_id for each in list_runs(control, BOOK, who("230100"), 2023, 2)] == [run_id]
    assert list_runs(control, BOOK, who("230100"), 2023, 3) == []


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
