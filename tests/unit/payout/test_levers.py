"""The operators' levers against a whole payout: a subsidy paused and resumed, a run stopped between two batches."""

from datetime import date

import pytest

from tests.unit.payout.house import House
from tests.unit.payout.rosters import BOOK, CODE, NANGANG, NUMBER, PAYDAY, people, roster
from tests.unit.payout.test_between_runs import DISABLED, FOUR, ready, trial_roster
from tests.unit.payout.test_rulings import break_off_at_every_call
from yikatong.errors import Refusal
from yikatong.pauses import PAUSED, Pause, read_pause
from yikatong.ports import RunOrder
from yikatong.runs import name_run
from yikatong.states import BatchState, RunState
from yikatong.use_cases.pause_subsidy import pause_subsidy, resume_subsidy
from yikatong.use_cases.stop_run import resume_run, stop_run


def pause(house: House, role: str = "operator", reason: str = "银行系统升级") -> Pause:
    return pause_subsidy(house.c, BOOK, house.who(role), 2023, NUMBER, reason, house.now)


def resume(house: House) -> Pause:
    return resume_subsidy(house.c, house.o, BOOK, house.who("operator"), 2023, NUMBER, "升级完成", house.now)


def claimed(house: House) -> tuple[RunOrder, str]:
    """Today's run, begun and with its claims made."""
    order = house.order()
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    house.claim(run_id)
    return order, run_id


def test_a_paused_subsidys_tick_begins_no_run_and_its_resumption_pays_everybody() -> None:
    house, _ = ready()
    assert pause(house).paused
    tick = house.order()
    assert house.start(tick) == "paused"
    assert house.start(tick) == "paused", "delivered twice"
    assert house.runs() == []
    assert read_pause(house.control, CODE).missed == {"2023": PAYDAY}
    assert not resume(house).paused
    house.drain()
    house.check_at_rest(*FOUR)
    assert house.start(tick) == "empty", "the late tick finds nothing left"


def test_a_batch_not_yet_instructed_when_the_pause_comes_is_carried_and_paid_after_it() -> None:
    house, batch_id = ready()
    order, run_id = claimed(house)
    pause(house)
    assert house.reserve(batch_id, run_id) == "paused"
    assert house.reserve(batch_id, run_id) == "paused", "the answer was lost"
    house.drain()
    assert house.bank.book["payments"] == {}
    assert (house.batch(batch_id).state, house.batch(batch_id).carried) == (BatchState.CLAIMED, PAUSED)
    assert house.run(order).state is RunState.CLOSED_OPEN_ITEMS
    house.on(date(2023, 6, 20))
    resume(house)
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_pause_after_the_reservation_keeps_it_and_reserves_no_second_time() -> None:
    house, batch_id = ready()
    _, run_id = claimed(house)
    assert house.reserve(batch_id, run_id) == "reserved"
    reserved_fen = house.funds().reserved_fen
    pause(house)
    assert house.reserve(batch_id, run_id) == "paused"
    assert house.funds().reserved_fen == reserved_fen > 0
    house.drain()
    resume(house)
    house.drain()
    house.check_at_rest(*FOUR)


def test_what_is_instructed_already_is_settled_though_the_subsidy_is_paused() -> None:
    house, batch_id = ready()
    order, run_id = claimed(house)
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)
    # The run dies, and the news of it starts it again in spite of the pause: it has an answer to take in.
    house.executions.executions[house.run(order).execution] = "ENDED"
    pause(house)
    assert house.start(order) == "started"
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_trial_goes_on_while_the_subsidy_is_paused() -> None:
    house = House()
    house.cards(FOUR)
    house.on(date(2023, 6, 26))
    batch_id = house.approved(trial_roster(), mode="trial", number=DISABLED)
    pause_subsidy(house.c, BOOK, house.who("operator"), 2023, DISABLED, "先试", house.now)
    house.pay(house.order(mode="trial", number=DISABLED))
    assert house.batch(batch_id).state is BatchState.SETTLED
    assert house.start(house.order(number=DISABLED, as_of=date(2023, 7, 10))) == "paused"


def test_a_resumption_whose_orders_were_lost_orders_the_same_runs_again() -> None:
    house, _ = ready()
    pause(house)
    house.start(house.order())
    resume(house)
    first, house.orders.runs[:] = list(house.orders.runs), []
    resume(house)
    assert house.orders.runs == first != []
    house.drain()
    house.check_at_rest(*FOUR)


def test_after_the_formal_days_are_over_the_missed_day_is_paid_and_follow_ups_today() -> None:
    house = House()
    pause_subsidy(house.c, BOOK, house.who("operator"), 2023, 39, "政策待定", house.now)
    subsidy = BOOK.subsidy(2023, 39)
    assert subsidy.code is not None
    held = read_pause(house.control, subsidy.code)
    house.control.save(held.model_copy(update={"missed": {"2023": date(2023, 9, 28)}}))
    house.on(date(2023, 11, 1))
    resume_subsidy(house.c, house.o, BOOK, house.who("operator"), 2023, 39, "定了", house.now)
    assert [(order.as_of, order.again) for order in house.orders.runs] == [
        (date(2023, 9, 28), False),
        (date(2023, 11, 1), True),
    ]


def test_pausing_twice_keeps_the_first_word_and_resuming_what_never_was_paused_is_refused() -> None:
    house = House()
    with pytest.raises(Refusal, match="没有暂停过"):
        resume(house)
    first = pause(house)
    again = pause(house, reason="别的原因")
    assert (again.version, again.by, again.reason) == (first.version, "the-operator", "银行系统升级")
    with pytest.raises(Refusal, match="角色是审批"):
        pause(house, role="approver")
    with pytest.raises(Refusal, match="原因"):
        resume_subsidy(house.c, house.o, BOOK, house.who("operator"), 2023, NUMBER, " ", house.now)


def test_a_stopped_run_lets_no_further_batch_start() -> None:
    """A worker already under way, or a Map that does not end with its execution, meets the state."""
    house, first = ready()
    five = people(5, seed=9)
    house.cards([*FOUR, *five])
    second = house.approved(roster(five, NANGANG), NANGANG)
    order, run_id = claimed(house)
    house.pay_batch(first, run_id)
    stop_run(house.c, house.w, BOOK, house.who("operator"), run_id, "名册有疑问")
    assert house.pay_batch(second, run_id) == "skipped"
    assert house.reserve(second, run_id) == "stopped"
    assert (house.batch(second).state, house.batch(second).reserved_fen) == (BatchState.CLAIMED, None)
    assert set(house.batches()) == {first, second}
    house.drain()
    assert house.run(order).state is RunState.STOPPED
    resume_run(house.c, house.o, BOOK, house.who("operator"), run_id)
    house.drain()
    house.check_at_rest(*FOUR, *five)


def test_a_pause_and_a_resumption_broken_off_at_any_call_lose_nobody() -> None:
    def world() -> tuple[House, str]:
        house, batch_id = ready()
        pause(house)
        house.start(house.order())
        return house, batch_id

    def everybody_is_paid(house: House, _batch_id: str) -> None:
        house.drain()
        house.check_at_rest(*FOUR)

    def resumed(house: House, _batch_id: str) -> None:
        resume(house)

    assert break_off_at_every_call(world, resumed, everybody_is_paid) > 3

    def nobody_is(house: House, batch_id: str) -> None:
        assert house.start(house.order()) == "paused"
        assert house.batch(batch_id).state is BatchState.APPROVED

    assert break_off_at_every_call(ready, lambda house, _: pause(house), nobody_is) > 1


def test_a_resumption_that_finds_the_batch_still_with_its_run_loses_nobody() -> None:
    """The resumed run binds nothing, since the old one is alive; the old one, closing, orders another."""
    house, batch_id = ready()
    order, run_id = claimed(house)
    pause(house)
    assert house.reserve(batch_id, run_id) == "paused"
    resume(house)
    assert [house.start(house.orders.runs.pop(0)) for _ in list(house.orders.runs)] == ["empty"]
    house.close(run_id)
    house.executions.executions[house.run(order).execution] = "ENDED"
    house.drain()
    house.check_at_rest(*FOUR)
