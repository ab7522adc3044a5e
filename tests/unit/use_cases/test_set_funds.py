"""Funds are set with a reason; raising them orders the run that waiting batches would never get (trace 15)."""

from datetime import date
from typing import Any

import pytest

from tests.fakes import MemoryControl, MemoryOrders
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.funds import Funds, funds_key, no_funds_yet
from yikatong.plan import PlanBook
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import CAUSE, Run, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.use_cases.set_funds import FundsRequest, set_funds, show_funds

BOOK = PlanBook.committed()
CODE, TODAY = "urban-minimum-living", date(2023, 7, 3)


class Office:
    def __init__(self, number: int = 2) -> None:
        self.control, self.orders, self.number = MemoryControl(), MemoryOrders(), number
        self.code = str(BOOK.subsidy(2023, number).code)

    def carry(self, region: str = "230102", as_of: date = date(2023, 6, 12), **changes: Any) -> None:
        """A batch that a run claimed and left for lack of funds."""
        order = RunOrder(2023, self.code, "formal", as_of, "sched")
        run_id, batch_id = name_run(order), f"{self.code}.formal.{region}.0123456789abcdef"
        (pk, sk), (run_pk, run_sk) = batch_key(batch_id), run_key(self.code, run_id)
        fields = vars(order) | {"run_id": run_id, "state": RunState.CLOSED_OPEN_ITEMS}
        self.control.save(Run(pk=run_pk, sk=run_sk, **fields))
        batch = Batch(
            pk=pk,
            sk=sk,
            batch_id=batch_id,
            plan_year=2023,
            number=self.number,
            code=self.code,
            region=region,
            mode="formal",
            state=BatchState.CLAIMED,
            object_key="k",
            object_version="v",
            sha256="a",
            uploader="u",
            received_at="2023-06-01T00:00:00+08:00",
            run_id=run_id,
            funds_year=as_of.year,
            carried="资金额度不足",
        )
        self.control.save(batch.changed(**changes))

    def set(
        self,
        allocated_fen: int,
        role: str = "treasurer",
        region: str = "230102",
        today: date = TODAY,
        year: int = 2023,
    ) -> Funds:
        pk, sk = principal_key("treasurer")
        who = Principal(pk=pk, sk=sk, name="treasurer", role=Role(role), region="230100")
        request = FundsRequest(allocated_fen=allocated_fen, reason="追加预算")
        where = {"plan_year": 2023, "number": self.number, "region": region, "year": year}
        return set_funds(self.control, self.orders, BOOK, who, **where, request=request, today=today)  # type: ignore[arg-type]


def test_an_allocation_keeps_who_set_it_and_why() -> None:
    office = Office()
    funds = office.set(1_000_000)
    assert (funds.allocated_fen, funds.reason, funds.set_by) == (1_000_000, "追加预算", "treasurer")
    assert office.control.read(Funds, *funds_key(CODE, "230102", 2023)) == funds


def test_raised_funds_order_a_run_for_a_batch_that_waits() -> None:
    office = Office()
    office.set(1)
    office.carry()
    office.set(1_000_000)
    (order,) = office.orders.runs
    assert (order.plan_year, order.code, order.mode, order.as_of) == (2023, CODE, "formal", TODAY)
    assert CAUSE.fullmatch(order.cause)
    assert len(f"{name_run(order)}-9") <= 80


def test_setting_the_same_again_orders_again_since_the_first_order_may_be_lost() -> None:
    office = Office()
    office.carry()
    office.set(1)
    office.set(1_000_000)
    office.set(1_000_000)
    assert len(office.orders.runs) == 2
    assert len(set(office.orders.runs)) == 1


def test_after_the_formal_time_the_run_is_dated_on_the_day_of_the_claim() -> None:
    office = Office(number=39)  # 2023年8-9月
    office.set(1)
    office.carry(as_of=date(2023, 9, 29))
    office.set(1_000_000, today=date(2023, 10, 9))
    assert [order.as_of for order in office.orders.runs] == [date(2023, 9, 29)]


def test_after_the_formal_time_a_child_batch_is_paid_by_a_run_of_today_that_only_follows_up() -> None:
    office = Office(number=39)  # 2023年8-9月
    office.set(1)
    office.carry(as_of=date(2023, 9, 29), parent="p")
    office.set(1_000_000, today=date(2023, 10, 9))
    assert [(order.as_of, order.again) for order in office.orders.runs] == [(date(2023, 10, 9), True)]


@pytest.mark.parametrize(
    "changes",
    [
        {"region": "230103"},
        {"carried": ""},
        {"funds_year": 2024},
        {"state": BatchState.WITHDRAWN},
        {"state": BatchState.INSTRUCTED},
    ],
)
def test_a_batch_that_does_not_wait_for_these_funds_orders_nothing(changes: dict[str, Any]) -> None:
    office = Office()
    office.set(1)
    office.carry(**changes)
    office.set(1_000_000)
    assert office.orders.runs == []


def test_lowered_funds_order_nothing() -> None:
    office = Office()
    office.set(1_000_000)
    office.carry()
    office.set(10)
    assert office.orders.runs == []


def test_funds_never_fall_below_what_is_reserved_and_spent() -> None:
    office = Office()
    office.control.save(no_funds_yet(CODE, "230102", 2023).reserve(500))
    with pytest.raises(Refusal, match=r"合计 5\.00 元") as refused:
        office.set(499)
    assert "分" not in refused.value.message
    assert office.set(500).available_fen == 0


@pytest.mark.parametrize("year", [2022, 2029])
def test_the_funds_of_a_year_in_which_the_plan_pays_nothing_are_refused(year: int) -> None:
    with pytest.raises(Refusal, match="2023 至 2028"):
        Office().set(1, year=year)
    assert Office().set(1, year=2028).year == 2028


def test_funds_are_shown_as_they_stand_to_whoever_may_see_the_batches() -> None:
    office = Office()
    where: dict[str, Any] = {"plan_year": 2023, "number": 2, "region": "230102", "year": 2023}
    pk, sk = principal_key("clerk")
    clerk = Principal(pk=pk, sk=sk, name="clerk", role=Role.CLERK, region="230100")
    assert show_funds(office.control, BOOK, clerk, **where).allocated_fen is None
    office.set(500)
    assert show_funds(office.control, BOOK, clerk, **where).available_fen == 500
    with pytest.raises(Refusal, match="管辖地区"):
        show_funds(office.control, BOOK, clerk, **(where | {"region": "230202"}))


def test_the_funds_of_a_region_that_does_not_exist_are_refused() -> None:
    with pytest.raises(Refusal, match="行政区划代码"):
        Office().set(1, region="230199")


def test_only_a_treasurer_of_that_region_sets_funds() -> None:
    with pytest.raises(Refusal, match="角色是审批"):
        Office().set(1, role="approver")
    with pytest.raises(Refusal, match="管辖地区"):
        Office().set(1, region="230202")


@pytest.mark.parametrize("value", [-1, 1.0, "1", 10**15])
def test_an_allocation_is_a_whole_number_of_fen(value: Any) -> None:
    with pytest.raises(ValueError, match="allocated_fen"):
        FundsRequest(allocated_fen=value, reason="r")
