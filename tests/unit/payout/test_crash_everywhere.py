"""A worker dies at every call of a port in a whole small run, before and after the call takes effect.

Either the platform tries the step again, or the whole execution is lost and the run is started again, as the news of
its death does. Every time: each person is paid once, nobody is stranded, the books balance with the bank's own.
"""

from contextlib import suppress
from functools import cache

import pytest

from tests.unit.payout.house import RETRIES, House
from tests.unit.payout.rosters import AGENT, NANGANG, PAYDAY, people, roster
from tests.unit.payout.watching import Watch, WorkerDied
from yikatong.states import ENDED_RUN

GIVES_UP = "the batch's item gives up and the run closes without it"
RECOVERIES = {"the step is tried again": RETRIES, "the execution is lost and the run resumed": 0, GIVES_UP: 0}
SIDES = {"before": False, "after": True}


@cache
def _one_batch() -> House:
    house = House()
    house.cards(people(3))
    house.set_funds(1_000_000)
    house.approved(roster(people(3)))
    house.on(PAYDAY)
    return house


@cache
def _two_overlapping_batches() -> House:
    house = House()
    house.cards(people(4))
    house.set_funds(1_000_000)
    house.approved(roster(people(4)[:3]))
    house.approved(roster(people(4)[2:], NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    return house


@cache
def _calls(two: bool) -> tuple[str, ...]:
    house = (_two_overlapping_batches() if two else _one_batch()).copy()
    house.pay()
    return tuple(house.watch.calls)


def play(house: House, k: int, after: bool, recovery: str) -> House:
    """Pay with a worker that dies at call k, then recover as the platform and the operator would."""
    house.retries, house.map_items_fail_alone = RECOVERIES[recovery], recovery == GIVES_UP
    house.watch_with(Watch(dies_at=k, after=after))
    house.pay()
    recover(house)
    return house


def recover(house: House) -> None:
    """The news that an execution died starts the run again; in doubt, the operator waits and has the bytes sent."""
    for _ in range(5):
        for run in house.unfinished:
            house.start(run.order)
        house.drain()
        if not house.unfinished:
            break
    if house.unsettled:
        house.later(AGENT.message_deadline_s + 1)
        for batch in house.unsettled:
            for message in house.messages(batch.batch_id):
                house.resend(message)
        house.drain()


@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("side", SIDES)
def test_a_worker_dies_at_every_call_of_a_run_and_everybody_is_paid_once(side: str, recovery: str) -> None:
    for k, call in enumerate(_calls(two=False)):
        house = play(_one_batch().copy(), k, SIDES[side], recovery)
        assert house.watch.deaths == 1, (k, call)
        try:
            house.check_at_rest(*people(3))
        except AssertionError as error:
            raise AssertionError(f"died {side} call {k}, {call}; {recovery}") from error


@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("side", SIDES)
def test_a_worker_dies_while_two_regions_lists_overlap_and_everybody_is_paid_once(side: str, recovery: str) -> None:
    calls = _calls(two=True)
    # A stride: the single calls are those of the test above, only the company differs. Both sides together miss none.
    for k in range(SIDES[side], len(calls), 6):
        house = play(_two_overlapping_batches().copy(), k, SIDES[side], recovery)
        try:
            house.check_at_rest(*people(4))
        except AssertionError as error:
            raise AssertionError(f"died {side} call {k}, {calls[k]}; {recovery}") from error


def test_a_worker_dies_at_every_call_of_a_resend_and_the_bank_pays_once() -> None:
    """The bank's line is cut before it gets the message; the resend that an operator orders dies as well, anywhere."""

    def lost() -> House:
        house = _one_batch().copy()
        house.bank.script(messages={"lose": 1})
        house.pay()
        house.later(AGENT.message_deadline_s + 1)
        house.watch_with(Watch())
        return house

    house = lost()
    (batch_id,) = house.batches()
    (message,) = house.messages(batch_id)
    assert house.resend(message) == "sent"
    house.drain()
    house.check_at_rest(*people(3))
    # Both sides of a call in turn: what lies after one lies before the next.
    for k, call in enumerate(tuple(house.watch.calls)):
        house = lost()
        house.watch_with(Watch(dies_at=k, after=bool(k % 2)))
        with suppress(WorkerDied):
            house.resend(message)
        house.drain()
        if house.unsettled:
            house.later(AGENT.message_deadline_s + 1)
            house.resend(message)
            house.drain()
        try:
            house.check_at_rest(*people(3))
        except AssertionError as error:
            raise AssertionError(f"died at call {k}, {call}") from error


def test_the_harness_sees_a_payment_made_twice() -> None:
    """A test that cannot fail is a defect: send without its mark, and the bank's book shows it."""
    house = _one_batch().copy()
    house.pay()
    (message,) = house.messages(next(iter(house.batches())))
    body = house.lake.get(f"instructions/{next(iter(house.batches()))}/{message}.xml")
    assert body is not None
    house.bank.send(AGENT.bank_id, body, trial=False)
    with pytest.raises(AssertionError):
        house.check_at_rest(*people(3))


def test_the_harness_sees_a_run_that_never_ended() -> None:
    house = _one_batch().copy()
    house.retries = 0
    house.watch_with(Watch(dies_at=40))
    house.pay()
    assert [run.state in ENDED_RUN for run in house.runs()] == [False]
    with pytest.raises(AssertionError):
        house.check_at_rest(*people(3))


def test_every_port_is_crossed_by_a_whole_run() -> None:
    crossed = {call.split(".")[0] for call in _calls(two=False)}
    assert crossed == {"control", "audit", "lake", "bank", "workflow", "records"}
