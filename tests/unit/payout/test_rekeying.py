"""The key of the public records is exchanged while payments are published: at no moment does anybody find nothing, or
anything twice, whatever comes first and wherever a worker dies. A return of the bank (退票) is what is published meanwhile.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, cast

import pytest

from tests.unit.payout.house import House
from tests.unit.payout.outside import SimulatedBank
from tests.unit.payout.rosters import AGENT, BOOK, CODE, PAYDAY, people, roster
from tests.unit.payout.watching import Watch, WorkerDied
from yikatong.plan.register import Register
from yikatong.ports import RekeyingOrder
from yikatong.records import RecordKeys, key_mark, person_key
from yikatong.rekeying import EVERYBODY_KNOWS_S, WORKER_S, Rekeying, advice, rekeying_key
from yikatong.use_cases import rekey_records as module
from yikatong.use_cases.publish_records import publish_records
from yikatong.use_cases.receive_receipt import receive_receipt
from yikatong.use_cases.rekey_records import Table, rekey_records

ONE_SUBSIDY = replace(BOOK, register=Register(tuple(entry for entry in BOOK.register.entries if entry.code == CODE)))
"""Only this one was ever paid: a call less for each of the others."""
OLD, NEW = b"the key of old", b"the key that follows"
FIVE = people(5)
STEPS = 12
REKEYING, REMOVING = 4, 11
"""How many steps the whole way has, and the places of the two long ones."""
ONLY_OLD, BOTH, SWITCHED, ONLY_NEW = (
    RecordKeys(OLD),
    RecordKeys(OLD, NEW),
    RecordKeys(NEW, OLD),
    RecordKeys(NEW),
)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of five takes three parts, and a worker has time for two."""
    monkeypatch.setattr(module, "PART_ROWS", 2)


@cache
def _published() -> tuple[House, bytes]:
    """Five people were paid and told so under the old key; the bank sends one payment back, and its file lies there."""
    house = House()
    house.cards(FIVE)
    house.set_funds(1_000_000)
    house.approved(roster(FIVE))
    house.on(PAYDAY)
    house.bank.script(accounts={FIVE[1].account: {"outcome": "return", "days": 4, "code": "AC04"}})
    house.pay()
    house.on(PAYDAY + timedelta(days=4))
    (returned,) = house.bank.inbox
    house.bank = SimulatedBank(house.now.date())
    house.records.items.clear()
    (batch_id,) = house.batches()
    publish_records(batch_id, _reach(house, ONLY_OLD))
    return house, returned


def _reach(house: House, keys: RecordKeys) -> Any:
    return type(house.reach)(**vars(house.reach) | {"record_keys": keys})


class Readers(Watch):
    """After every call of anybody's, everybody asks for their own payments. `before` are others' acts by the call's number."""

    def __init__(self, exchange: "Exchange") -> None:
        super().__init__()
        self.exchange = exchange
        self.before: dict[int, Callable[[], object]] = {}

    def call(self, name: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        self.before.pop(self.count, lambda: None)()

        def looked_at() -> Any:
            result = effect()
            self.exchange.ask_everybody()
            return result

        return super().call(name, arguments, looked_at)


class Exchange:
    """The story: an operator who changes the secret and gives orders, functions that know the keys sooner or later."""

    def __init__(self) -> None:
        house, self.returned = _published()
        self.house = house.copy()
        (self.batch_id,) = self.house.batches()
        self.keys, self.known_before = ONLY_OLD, ONLY_OLD
        self.payments = {record["sk"] for record in self.house.records.items.values()}
        self.published = False
        self.asked = 0
        self.watch = Readers(self)
        self.house.watch_with(self.watch)

    # --- readers ---------------------------------------------------------------------------------------------------------

    def ask_everybody(self) -> None:
        """Under whichever key a function may read at this moment: the one in the secret, or the one before it."""
        for key in {self.keys.read, self.known_before.read}:
            found = [
                record["sk"]
                for person in FIVE
                for record in self.house.records.of_person(person_key(key, person.id_number, person.name))
            ]
            assert sorted(found) == sorted(self.payments)
        self.asked += 1

    # --- the operator ------------------------------------------------------------------------------------------------------

    def set(self, keys: RecordKeys) -> None:
        self.known_before, self.keys = self.keys, keys

    def everybody_knows(self) -> None:
        self.house.later(EVERYBODY_KNOWS_S)
        self.known_before = self.keys

    def order(self, step: str) -> list[str]:
        """The order is carried out, and what it orders itself."""
        self.house.orders.rekeyings.append(RekeyingOrder(step, "the-operator", "每年一换"))
        outcomes = []
        while self.house.orders.rekeyings:
            outcomes.append(self.work(self.house.orders.rekeyings[0]))
            self.house.orders.rekeyings.pop(0)
        return outcomes

    def work(self, order: RekeyingOrder) -> str:
        left = iter([900.0, 900.0])
        table = Table(
            control=self.house.c,
            lake=cast(Any, self.house.l),
            records=cast(Any, self.house.r),
            orders=cast(Any, self.house.o),
            book=ONE_SUBSIDY,
            keys=self.keys,
            now=self.house.now,
            left_s=lambda: next(left, 0.0),
        )
        return rekey_records(order, table)

    def order_surely(self, step: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        """A worker dies; its order comes back once nobody can still be at it. `meanwhile` is what happens until then."""
        while True:
            try:
                self.order(step)
            except WorkerDied:
                self.house.orders.rekeyings.clear()
                self.watch.dies_at = None
                meanwhile()
                self.house.later(WORKER_S)
            else:
                return

    # --- the publisher ---------------------------------------------------------------------------------------------------

    def publish(self, keys: RecordKeys | None = None, meanwhile: Callable[[], object] = lambda: None) -> None:
        """The return arrives: a settlement more, and its records. The queue brings it again until a worker survives;
        `meanwhile` is what happens before it comes again."""
        while True:
            try:
                receive_receipt(self.returned, AGENT.bank_id, _reach(self.house, keys or self.keys), self.house.w)
            except WorkerDied:
                self.watch.dies_at = None
                meanwhile()
            else:
                self.published = True
                return

    # --- the whole way -----------------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[Callable[[], object]]:
        yield lambda: self.order("rekey")
        yield lambda: self.set(BOTH)
        yield lambda: self.order("rekey")
        yield self.everybody_knows
        yield lambda: self.order_surely("rekey")
        yield lambda: self.set(SWITCHED)
        yield lambda: self.order("rekey")
        yield self.everybody_knows
        yield lambda: self.set(ONLY_NEW)
        yield lambda: self.order("remove")
        yield self.everybody_knows
        yield lambda: self.order_surely("remove")

    def play(self, first: int = 0, last: int = STEPS) -> None:
        """The steps from `first` on, up to `last` and without it."""
        for step in list(self.steps())[first:last]:
            step()

    def calls_of(self, act: Callable[[], object]) -> int:
        before = self.watch.count
        act()
        return self.watch.count - before

    def state(self) -> Rekeying:
        found = self.house.control.read(Rekeying, *rekeying_key())
        assert found is not None
        return found

    def check_end(self) -> None:
        """What stands is what publishing anew under the new key alone would write, and nothing else."""
        if not self.published:
            self.publish()
        assert self.asked > 20
        told, self.house.records.items = self.house.records.items, {}
        self.house.watch_with(Watch())
        publish_records(self.batch_id, _reach(self.house, ONLY_NEW))
        assert told == self.house.records.items
        assert [record["state"] for record in told.values()].count("RETURNED") == 1
        assert {record["key_mark"] for record in told.values()} == {key_mark(NEW)}


def test_everything_is_written_under_the_new_key_then_read_there_then_the_old_key_leaves_nothing() -> None:
    story = Exchange()
    assert story.order("rekey") == ["nothing"]
    assert advice(story.state(), story.house.now) == "只用一个键，没有更换过"
    story.set(BOTH)
    assert story.order("rekey") == ["early"]
    assert advice(story.state(), story.house.now).startswith("密钥刚刚更换：等到")
    assert len(story.house.records.items) == 5
    story.everybody_knows()
    assert advice(story.state(), story.house.now) == "下令补写：yikatong records rekey"
    assert story.order("rekey") == ["more", "done"]
    assert len(story.house.records.items) == 10
    assert story.order("rekey") == ["nothing"]
    assert advice(story.state(), story.house.now) == "新键下已写全：可以把 read 与 also_write 对调"
    story.set(SWITCHED)
    story.order("rekey")
    story.everybody_knows()
    story.set(ONLY_NEW)
    assert story.order("remove") == ["early"]
    assert len(story.house.records.items) == 10
    story.everybody_knows()
    assert advice(story.state(), story.house.now) == "可以下令清除旧键的记录：yikatong records remove-old"
    assert story.order("remove")[-1] == "done"
    assert (story.state().removed, story.state().batches, story.state().worker_until) == (5, 0, "")
    assert advice(story.state(), story.house.now) == "只用一个键，旧键的记录已清除"
    assert story.asked > 50
    story.check_end()


@pytest.mark.parametrize("place", range(STEPS + 1))
@pytest.mark.parametrize("knows", ["the keys as they stand", "the keys before"])
def test_a_settlement_published_between_any_two_steps_is_never_lost(place: int, knows: str) -> None:
    story = Exchange()
    for number, step in enumerate(story.steps()):
        if number == place:
            story.publish(story.keys if knows == "the keys as they stand" else story.known_before)
        step()
    story.check_end()


LONG_STEPS = [(REKEYING, "rekey"), (REMOVING, "remove")]


@pytest.mark.parametrize(("place", "step"), LONG_STEPS)
def test_a_settlement_published_before_any_call_of_the_work_is_never_lost(place: int, step: str) -> None:
    counted = Exchange()
    counted.play(0, place)
    calls = counted.calls_of(lambda: counted.order(step))
    assert calls > 10
    for call in range(calls):
        story = Exchange()
        story.play(0, place)
        story.watch.before[story.watch.count + call] = story.publish
        story.play(place)
        assert story.published
        story.check_end()


@pytest.mark.parametrize(("place", "step"), LONG_STEPS)
def test_the_work_done_before_any_call_of_a_publisher_loses_nothing(place: int, step: str) -> None:
    counted = Exchange()
    counted.play(0, place)
    calls = counted.calls_of(counted.publish)
    assert calls > 10
    for call in range(calls):
        story = Exchange()
        story.play(0, place)
        story.watch.before[story.watch.count + call] = lambda story=story: story.order(step)  # type: ignore[misc]
        story.publish()
        story.play(place)
        story.check_end()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("published", ["meanwhile", "later"])
@pytest.mark.parametrize(("place", "step"), LONG_STEPS)
def test_a_worker_that_dies_at_any_call_is_followed_by_one_that_finishes(
    place: int, step: str, published: str, *, after: bool
) -> None:
    counted = Exchange()
    counted.play(0, place)
    for call in range(counted.calls_of(lambda: counted.order(step))):
        story = Exchange()
        story.play(0, place)
        story.watch.dies_at, story.watch.after = story.watch.count + call, after
        story.order_surely(step, story.publish if published == "meanwhile" else lambda: None)
        assert story.watch.deaths == 1
        story.play(place)
        story.check_end()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("place", "step"), LONG_STEPS)
def test_a_publisher_that_dies_at_any_call_while_the_work_goes_on_loses_nothing(
    place: int, step: str, *, after: bool
) -> None:
    counted = Exchange()
    counted.play(0, place)
    for call in range(counted.calls_of(counted.publish)):
        story = Exchange()
        story.play(0, place)
        story.watch.dies_at, story.watch.after = story.watch.count + call, after
        story.publish(meanwhile=lambda story=story: story.order(step))  # type: ignore[misc]
        assert story.watch.deaths == 1
        story.play(place)
        story.check_end()


def test_one_worker_at_a_time_and_the_next_one_once_the_first_cannot_live_any_more() -> None:
    story = Exchange()
    story.play(0, REKEYING)
    heard: list[list[str]] = []
    story.watch.before[story.watch.count + 6] = lambda: heard.append(story.order("rekey"))
    story.order("rekey")
    assert set(heard[0]) == {"busy"}
    dead = Exchange()
    dead.play(0, REKEYING)
    dead.watch.dies_at = dead.watch.count + 6
    with pytest.raises(WorkerDied):
        dead.order("rekey")
    dead.house.orders.rekeyings.clear()
    dead.house.later(WORKER_S - 1)
    assert dead.order("rekey") == ["busy"]
    dead.house.later(1)
    assert dead.order("rekey")[-1] == "done"


def test_nothing_is_removed_while_two_keys_are_written_or_before_anything_was_rekeyed() -> None:
    story = Exchange()
    assert story.order("rekey") == ["nothing"]
    assert story.order("remove") == ["refused"]
    story.set(BOTH)
    assert story.order("remove") == ["refused"]
    story.everybody_knows()
    assert story.order("rekey")[-1] == "done"
    assert story.order("remove") == ["refused"]
    assert len(story.house.records.items) == 10


def test_a_key_that_was_read_too_early_is_never_taken_for_whole() -> None:
    """The operator skipped a step: the old key's records are all there is, and stay."""
    story = Exchange()
    story.order("rekey")
    story.house.watch_with(Watch())
    story.set(ONLY_NEW)
    story.order("rekey")
    story.everybody_knows()
    assert advice(story.state(), story.house.now) == "正在读取的密钥下记录不全：请立即把 read 换回原来的密钥"
    assert story.order("remove") == ["refused"]
    assert len(story.house.records.items) == 5


def test_a_key_nobody_ever_wrote_is_not_taken_for_whole_either_after_an_exchange() -> None:
    story = Exchange()
    story.play()
    story.house.watch_with(Watch())
    story.set(RecordKeys(b"a third key, typed by mistake"))
    story.order("rekey")
    story.everybody_knows()
    assert story.order("remove") == ["refused"]
    assert len(story.house.records.items) == 5


def test_a_key_that_was_left_for_a_while_is_written_anew_when_it_comes_back() -> None:
    """What was published meanwhile is not under it."""
    story = Exchange()
    story.play(0, REKEYING + 1)
    story.set(ONLY_OLD)
    story.order("rekey")
    story.everybody_knows()
    story.publish()
    story.play(1)
    story.check_end()


def test_a_removal_that_was_broken_off_by_another_exchange_looks_through_everything_again() -> None:
    story = Exchange()
    story.play(0, REMOVING)
    story.watch.dies_at, story.watch.after = story.watch.count + 6, False
    with pytest.raises(WorkerDied):
        story.order("remove")
    assert story.state().removed_until is not None
    story.house.orders.rekeyings.clear()
    story.watch.dies_at = None
    for keys in (SWITCHED, ONLY_NEW):
        story.set(keys)
        story.order("rekey")
        story.everybody_knows()
        story.order("rekey")
    assert len(story.house.records.items) == 10
    story.order("remove")
    story.check_end()


def test_an_exchange_that_is_called_off_leaves_the_old_key_alone_and_takes_the_new_one_away() -> None:
    story = Exchange()
    story.play(0, REKEYING + 1)
    before = [record for record in story.house.records.items.values() if record["key_mark"] == key_mark(OLD)]
    story.set(ONLY_OLD)
    story.order("remove")
    story.everybody_knows()
    assert story.order("remove")[-1] == "done"
    assert list(story.house.records.items.values()) == before
    assert len(before) == 5


def test_records_of_before_there_were_marks_go_with_the_old_key_and_not_sooner() -> None:
    story = Exchange()
    for record in story.house.records.items.values():
        del record["key_mark"]
    story.play()
    story.check_end()
    kept = Exchange()
    for record in kept.house.records.items.values():
        del record["key_mark"]
    kept.play(0, REKEYING + 1)
    kept.set(ONLY_OLD)
    kept.order("remove")
    kept.everybody_knows()
    kept.order("remove")
    assert ["key_mark" in record for record in kept.house.records.items.values()] == [False] * 5


def test_a_trial_is_not_published_by_rekeying_either() -> None:
    story = Exchange()
    batch = story.house.batch(story.batch_id)
    (pk, sk), item = (batch.pk, batch.sk), story.house.control.items.pop((batch.pk, batch.sk))
    trial = (pk.replace("#formal", "#trial"), sk.replace(".formal.", ".trial."))
    story.house.control.items[trial] = item | {"pk": trial[0], "sk": trial[1], "mode": "trial"}
    story.play(0, REKEYING + 1)
    assert len(story.house.records.items) == 5
