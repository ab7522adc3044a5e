"""An operator's order: of what the plan lets be paid that day, dated today unless said otherwise."""

from datetime import date
from typing import Any

import pytest

from tests.fakes import MemoryControl, MemoryOrders
from yikatong.batches import Occasion, occasion_key
from yikatong.errors import Refusal
from yikatong.plan import PlanBook, WorkingDays
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import name_run
from yikatong.use_cases.order_run import RunRequest, order_run

BOOK, WORKING_DAYS = PlanBook.committed(), WorkingDays.committed()


def order(
    number: int, today: str, *, control: MemoryControl | None = None, region: str = "230000", **fields: Any
) -> tuple[RunOrder, MemoryOrders]:
    pk, sk = principal_key("operator")
    who = Principal(pk=pk, sk=sk, name="operator", role=Role.OPERATOR, region=region)
    request = RunRequest.model_validate({"plan_year": 2023, "number": number} | fields)
    orders, day = MemoryOrders(), date.fromisoformat(today)
    made = order_run(
        control or MemoryControl(),
        orders,
        BOOK,
        who,
        request,
        today=day,
        working_days=WORKING_DAYS,
        order_id="0a1b2c3d",
    )
    return made, orders


def test_an_order_is_published_and_names_its_run() -> None:
    made, orders = order(2, "2023-06-20")
    assert orders.runs == [made]
    assert name_run(made) == "urban-minimum-living-20230620-formal-ord0a1b2c3d"


def test_a_missed_trial_may_be_ordered_late() -> None:
    made, _ = order(17, "2023-04-03", mode="trial")
    assert (made.mode, made.as_of) == ("trial", date(2023, 4, 3))


@pytest.mark.parametrize("as_of", ["2023-06-12", "2023-06-21"])
def test_a_run_is_ordered_for_the_day_it_is_ordered_on_and_no_other(as_of: str) -> None:
    """Dated back, an expired approval or a 正式发放时间 that is over would count as if it were not."""
    with pytest.raises(Refusal, match="只能下达当天"):
        order(2, "2023-06-20", as_of=as_of)
    assert order(2, "2023-06-20", as_of="2023-06-20")[0].as_of == date(2023, 6, 20)


@pytest.mark.parametrize(
    ("today", "fields", "next_day"),
    [
        ("2023-06-10", {}, "2023-06-12"),
        ("2023-06-24", {}, "2023-06-25"),
        ("2023-09-30", {}, "2023-10-07"),
    ],
    ids=["a Saturday", "a holiday before a Sunday that is worked", "across the month's end"],
)
def test_a_day_on_which_banks_do_not_work_is_refused_with_the_next_one(
    today: str, fields: dict[str, Any], next_day: str
) -> None:
    with pytest.raises(Refusal, match=f"其后第一个工作日是 {next_day}") as refused:
        order(2, today, **fields)
    assert refused.value.code == "not_working_day"


@pytest.mark.parametrize(
    ("number", "today", "fields"),
    [
        (39, "2023-06-20", {}),
        (17, "2023-05-31", {}),
        (2, "2023-06-20", {"mode": "trial"}),
        (2, "2023-06-20", {"as_of": "2023-06-21"}),
        (11, "2023-06-20", {}),
    ],
    ids=["before its window", "before it goes live", "needs no trial", "tomorrow", "no occasion"],
)
def test_a_day_on_which_nothing_is_payable_is_refused(number: int, today: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        order(number, today, **fields)
    assert refused.value.code == "not_payable"


def test_an_open_occasion_may_be_ordered() -> None:
    control = MemoryControl()
    pk, sk = occasion_key("temporary-relief", "2023#FLOOD")
    control.save(
        Occasion(
            pk=pk,
            sk=sk,
            code="temporary-relief",
            slot="2023#FLOOD",
            title="六月洪涝",
            region="230000",
            first="2023-06-01",
            last="2023-06-30",
            opened_by="department",
        )
    )
    assert order(11, "2023-06-20", control=control)[0].code == "temporary-relief"


def test_a_run_pays_every_region_so_a_citys_operator_cannot_order_one() -> None:
    with pytest.raises(Refusal, match="管辖地区"):
        order(2, "2023-06-20", region="230100")
