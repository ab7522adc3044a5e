"""Stop and resume: the execution ends before the run says so, and the same order lets it go on (PROTOCOL R1)."""

from datetime import date

import pytest

from tests.fakes import MemoryControl, MemoryOrders, MemoryWorkflow
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import Run, name_run, run_key
from yikatong.states import RunState
from yikatong.use_cases.stop_run import resume_run, stop_run

BOOK = PlanBook.committed()
ORDER = RunOrder(2023, "urban-minimum-living", "formal", date(2023, 6, 12), "sched")
RUN_ID = name_run(ORDER)


class House:
    def __init__(self, state: str = "PAYING", running: bool = True) -> None:
        self.control, self.workflow, self.orders = MemoryControl(), MemoryWorkflow(), MemoryOrders()
        pk, sk = run_key(ORDER.code, RUN_ID)
        self.control.save(Run(pk=pk, sk=sk, run_id=RUN_ID, state=RunState(state), **vars(ORDER)))
        if running:
            self.workflow.start(f"{RUN_ID}-1", ORDER, RUN_ID)

    def who(self, role: str) -> Principal:
        pk, sk = principal_key("operator")
        return Principal(pk=pk, sk=sk, name="operator", role=Role(role), region="230000")

    def stop(self, role: str = "operator", reason: str = "银行维护") -> Run:
        return stop_run(self.control, self.workflow, BOOK, self.who(role), RUN_ID, reason)

    def resume(self, role: str = "operator") -> Run:
        return resume_run(self.control, self.orders, BOOK, self.who(role), RUN_ID)

    @property
    def stored(self) -> Run:
        run = self.control.read(Run, *run_key(ORDER.code, RUN_ID))
        assert run is not None
        return run


@pytest.mark.parametrize("state", ["OPEN", "CLAIMED", "PAYING"])
def test_a_run_is_stopped_from_any_state_before_its_end(state: str) -> None:
    house = House(state)
    run = house.stop()
    assert run == house.stored
    assert (run.state, run.note) == (RunState.STOPPED, "operator：银行维护")
    assert house.workflow.status(run.execution) == "ENDED"


def test_the_run_says_stopped_before_its_execution_ends() -> None:
    """The news of the aborted execution must find STOPPED, or it would start the run again."""
    house = House()

    def dying(*_words: str) -> None:
        raise ConnectionError

    stop, house.workflow.stop = house.workflow.stop, dying  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        house.stop()
    assert house.stored.state is RunState.STOPPED
    house.workflow.stop = stop  # type: ignore[method-assign]
    assert house.stop().state is RunState.STOPPED
    assert house.workflow.status(f"{RUN_ID}-1") == "ENDED"


def test_a_run_whose_execution_never_began_is_stopped_all_the_same() -> None:
    house = House("OPEN", running=False)
    assert house.stop().state is RunState.STOPPED
    assert house.workflow.executions == {}


def test_stopping_again_changes_nothing() -> None:
    house = House()
    assert house.stop() == house.stop()


@pytest.mark.parametrize("state", ["CLOSED", "CLOSED_OPEN_ITEMS"])
def test_an_ended_run_is_neither_stopped_nor_resumed(state: str) -> None:
    house = House(state, running=False)
    with pytest.raises(Refusal, match="不能停止"):
        house.stop()
    with pytest.raises(Refusal, match="没有可恢复的"):
        house.resume()
    assert house.orders.runs == []


def test_a_stopped_run_is_open_again_and_its_own_order_goes_out() -> None:
    house = House()
    house.stop()
    assert house.resume().state is RunState.OPEN
    assert house.stored.state is RunState.OPEN
    assert house.orders.runs == [ORDER]


def test_a_dead_run_is_resumed_as_it_is() -> None:
    house = House("PAYING", running=False)
    assert house.resume().state is RunState.PAYING
    assert house.orders.runs == [ORDER]


def test_resuming_twice_orders_the_same_run_twice() -> None:
    house = House("STOPPED", running=False)
    house.resume()
    house.resume()
    assert house.orders.runs == [ORDER, ORDER]


def test_only_an_operator_stops_and_resumes_and_says_why() -> None:
    house = House()
    with pytest.raises(Refusal, match="角色是审计"):
        house.stop("auditor")
    with pytest.raises(Refusal, match="角色是财政资金"):
        house.resume("treasurer")
    with pytest.raises(Refusal, match="原因"):
        house.stop(reason="")


def test_an_unknown_run_is_not_found() -> None:
    house = House()
    house.control.items.clear()
    with pytest.raises(Refusal, match="没有这次发放"):
        house.stop()
