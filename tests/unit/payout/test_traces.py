"""PROTOCOL's traces, by number: each once broke an obvious reading of the protocol.

6 is in `test_reissue` and `tests/unit/test_reissues`, the child batches of 8 and 9 in `test_children`, 14 in `test_rulings`.
"""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import AGENT, BANKS, CODE, NANGANG, PAYDAY, end_to_end, people, roster
from tests.unit.payout.watching import Watch, WorkerDied, any_arguments, saves
from yikatong.bank.settings import Banks
from yikatong.batches import Batch, Tally, batch_key
from yikatong.errors import Refusal
from yikatong.funds import Funds
from yikatong.ledger import event_key, events_of
from yikatong.manifest import Manifest
from yikatong.runs import Run, name_run
from yikatong.states import ENDED_RUN, BatchState, RunState
from yikatong.use_cases.close_run import Unfinished

FOUR = people(4)


def ready(*rosters: tuple[bytes, str], funds_fen: int | None = 10_000_000) -> House:
    house = House()
    house.cards(FOUR)
    if funds_fen is not None:
        house.set_funds(funds_fen)
    for data, region in rosters:
        house.approved(data, region)
    house.on(PAYDAY)
    return house


def one_batch(**options: int | None) -> tuple[House, str]:
    house = ready((roster(FOUR), "230102"), **options)
    return house, next(iter(house.batches()))


def begun(house: House, cause: str = "sched") -> str:
    order = house.order(cause=cause)
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    return run_id


def dies(house: House, at: str, after: bool = False) -> None:
    """The next worker that makes this call dies of it."""
    house.watch.acts.append((at, any_arguments, dying(house, after)))


def end(house: House, run_id: str) -> None:
    """The run's execution dies."""
    run = next(run for run in house.runs() if run.run_id == run_id)
    house.executions.executions[run.execution] = "ENDED"


def test_trace_01_a_crash_after_sending_is_answered_by_an_enquiry_and_never_by_sending_again() -> None:
    house, batch_id = one_batch()
    dies(house, "bank.send", after=True)
    house.pay()
    (message,) = house.messages(batch_id)
    assert house.watch.deaths == 1
    assert house.bank.book["messages"][message]["posts"] == 1
    house.check_at_rest(*FOUR)


def test_trace_02_a_crash_before_the_first_byte_leaves_a_way_on_after_the_deadline() -> None:
    house, batch_id = one_batch()
    dies(house, "bank.send")
    run = house.pay()
    (message,) = house.messages(batch_id)
    assert run.state is RunState.CLOSED_OPEN_ITEMS
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    house.later(AGENT.message_deadline_s + 1)
    assert house.resend(message) == "sent"
    house.drain()
    house.check_at_rest(*FOUR)


def test_trace_02_nobody_sends_again_while_a_worker_may_still_hold_the_bytes() -> None:
    house, batch_id = one_batch()
    dies(house, "bank.send")
    house.pay()
    (message,) = house.messages(batch_id)
    house.later(AGENT.message_deadline_s - 1)
    with pytest.raises(Refusal) as refused:
        house.resend(message)
    assert refused.value.code == "too_early"
    house.later(2)
    house.bank.mute = True
    with pytest.raises(Refusal) as refused:
        house.resend(message)
    assert refused.value.code == "bank_silent"
    house.bank.mute = False
    assert house.resend(message) == "sent"
    with pytest.raises(AssertionError):
        assert house.resend(message) == "sent"  # the bank knows it now
    house.drain()
    house.check_at_rest(*FOUR)


def test_trace_02_two_operators_at_once_send_once() -> None:
    house, batch_id = one_batch()
    dies(house, "bank.send")
    house.pay()
    house.later(AGENT.message_deadline_s + 1)
    (message,) = house.messages(batch_id)
    answers: list[str] = []
    house.watch.acts.append(
        (
            "lake.put_once",
            lambda args: str(args[0]).startswith("sent-again/"),
            lambda: answers.append(house.resend(message)),
        )
    )
    with pytest.raises(Refusal):
        house.resend(message)
    assert answers == ["sent"]
    house.drain()
    house.check_at_rest(*FOUR)


def test_trace_03_a_resumed_run_goes_on_with_the_list_it_froze() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)
    end(house, run_id)
    frozen = house.lake.get(f"runs/{run_id}/run.json")
    late = house.approved(roster(people(2, seed=5), NANGANG), NANGANG)
    house.cards(people(2, seed=5))
    house.pay()
    assert house.lake.get(f"runs/{run_id}/run.json") == frozen
    assert house.batch(late).state is BatchState.APPROVED
    assert house.run(house.order()).attempt == 2
    assert house.batch(batch_id).state is BatchState.PUBLISHED


def test_trace_04_a_batch_takes_its_own_committed_claim_up_again_in_the_next_run() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    # The claim is committed, and the worker dies before the batch says so.
    house.watch.acts.append(("control.save", saves(Manifest), dying(house, after=True)))
    with pytest.raises(WorkerDied):
        house.claim(run_id)
    assert house.manifest().file_of(batch_id) is not None
    assert house.batch(batch_id).state is BatchState.BOUND
    end(house, run_id)
    other = house.pay(house.order(cause="ord1"))
    assert other.state is RunState.CLOSED
    assert house.batch(batch_id).run_id == other.run_id
    assert len(house.manifest().files) == 1
    house.drain()
    # The dead run finds nothing of its own left, and ends.
    house.pay()
    house.check_at_rest(*FOUR)


def test_trace_05_an_answer_after_the_run_has_closed_is_applied_and_closes_it() -> None:
    house, batch_id = one_batch()
    house.bank.script(messages={"lose_receipts": 1})
    house.bank.mute = True
    assert house.pay().state is RunState.CLOSED_OPEN_ITEMS
    house.bank.mute = False
    (message,) = house.messages(batch_id)
    late = house.bank.simulator.enquire(message)
    assert late is not None
    assert house.receive(late) == ()
    house.check_at_rest(*FOUR)


def test_trace_07_a_claim_committed_after_its_batch_was_withdrawn_blocks_nobody() -> None:
    house = ready((roster(FOUR[:3]), "230102"), (roster(FOUR, NANGANG, seed=2), NANGANG))
    first, second = sorted(house.batches().values(), key=lambda batch: batch.approval.approved_at)  # type: ignore[union-attr]
    house.control.items[(second.pk, second.sk)]["state"] = "VALIDATED"  # only the first one is in this run
    run_id = begun(house)
    house.watch.acts.append(("control.save", saves(Manifest), lambda: house.withdraw(first.batch_id)))
    house.claim(run_id)
    manifest = house.manifest()
    assert first.batch_id in manifest.releases
    assert house.batch(first.batch_id).state is BatchState.WITHDRAWN
    house.play(house.run(house.order()).execution)
    house.control.items[(second.pk, second.sk)]["state"] = "APPROVED"
    house.pay(house.order(cause="ord1"))
    house.check_at_rest(*FOUR)


def test_trace_08_what_a_withdrawn_parent_held_is_not_paid() -> None:
    """As far as child batches exist: a held row is paid by nothing but its own batch."""
    house = House()
    house.cards(FOUR[:3])  # the fourth has no card yet
    batch_id = house.approved(roster(FOUR))
    assert house.batch(batch_id).held.count == 1
    house.withdraw(batch_id)
    house.cards(FOUR)
    house.on(PAYDAY)
    house.pay()
    house.check_at_rest()


def test_trace_10_a_claim_keeps_the_registry_it_was_judged_by_whichever_run_carries_it_on() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    # The instruction is stored, and the run dies before the batch says INSTRUCTED.
    house.watch.acts.append(("control.save", saves(Batch), dying(house)))
    with pytest.raises(WorkerDied):
        house.instruct(batch_id, run_id)
    stored = {key: house.lake.get(key) for key in house.lake.keys(f"instructions/{batch_id}/")}
    assert stored
    end(house, run_id)
    house.cards([*FOUR[:3], people(1, seed=99)[0]])  # the fourth's card is gone in the new registry
    house.on(date(2023, 6, 13))
    other = house.pay(house.order(cause="ord1"))
    assert other.state is RunState.CLOSED
    assert {key: house.lake.get(key) for key in house.lake.keys(f"instructions/{batch_id}/")} == stored
    house.pay(house.order(as_of=PAYDAY))
    house.check_at_rest(*FOUR)


def test_trace_11_withdrawn_after_the_reservation_gives_the_money_back_once() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.claim(run_id)
    assert house.reserve(batch_id, run_id) == "reserved"
    assert house.funds().reserved_fen > 0
    house.withdraw(batch_id)
    house.withdraw(batch_id)
    assert house.funds().reserved_fen == 0
    assert house.instruct(batch_id, run_id) is None
    house.play(house.run(house.order()).execution)
    house.check_at_rest()


def test_trace_11_withdrawn_between_the_read_and_the_reservation_reserves_nothing() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.claim(run_id)
    house.watch.acts.append(("control.save", saves(Funds), lambda: house.withdraw(batch_id)))
    assert house.reserve(batch_id, run_id) == "not_ours"
    assert house.funds().reserved_fen == 0
    house.play(house.run(house.order()).execution)
    house.check_at_rest()


@pytest.mark.parametrize("where", ["before the release entry", "before the note that all is released"])
def test_trace_12_a_withdrawal_cut_short_is_finished_by_the_next_claim(where: str) -> None:
    house = ready((roster(FOUR), "230102"))
    (batch_id,) = house.batches()
    run_id = begun(house)
    house.claim(run_id)
    kind = Manifest if where == "before the release entry" else Batch
    if kind is Batch:
        # The first save of the batch is the state itself; the second one the note.
        house.watch.acts.append(("control.save", saves(Batch), lambda: house.watch.acts.append(
            ("control.save", lambda args: isinstance(args[0], Batch) and args[0].released, dying(house))
        )))  # fmt: skip
    else:
        house.watch.acts.append(("control.save", saves(Manifest), dying(house)))
    with pytest.raises(WorkerDied):
        house.withdraw(batch_id)
    assert (house.batch(batch_id).state, house.batch(batch_id).released) == (BatchState.WITHDRAWN, False)
    house.play(house.run(house.order()).execution)
    house.watch_with(Watch())
    house.approved(roster(FOUR, NANGANG, seed=2), NANGANG)
    house.pay(house.order(cause="ord1"))
    house.check_at_rest(*FOUR)
    assert batch_id in house.manifest().releases
    # That all is done it says itself, once it has ordered the runs of those who came free.
    assert house.withdraw(batch_id).released


def test_trace_12_a_withdrawal_cut_short_in_one_subsidy_blocks_no_other_of_its_claim_group() -> None:
    """History: only the run's own subsidy was looked through; 城市低保 withdrawn, crash, and 农村低保 found the people taken."""
    urban = ready((roster(FOUR), "230102"))
    (batch_id,) = urban.batches()
    run_id = begun(urban)
    urban.claim(run_id)
    urban.watch.acts.append(("control.save", saves(Manifest), dying(urban)))
    with pytest.raises(WorkerDied):
        urban.withdraw(batch_id)
    end(urban, run_id)
    urban.watch_with(Watch())
    rural = urban.approved(roster(FOUR, NANGANG, seed=2, number=3), NANGANG, number=3)
    urban.pay(urban.order(number=3, cause="ord1"))
    assert {outcome for outcome, _ in urban.selection(rural).values()} == {"sent"}


def test_trace_13_an_intent_left_by_a_worker_that_died_does_not_stand_in_the_way_of_a_withdrawal() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.watch.acts.append(("control.save", saves(Batch), dying(house)))
    with pytest.raises(WorkerDied):
        house.claim(run_id)
    left = house.batch(batch_id).audit_n + 1
    assert event_key(batch_id, left) in house.audit.objects, "the worker said what it was about to do, and died"

    house.withdraw(batch_id)

    batch = house.batch(batch_id)
    assert (batch.state, batch.released) == (BatchState.WITHDRAWN, True)
    events = events_of(batch, house.audit)
    assert [(event["n"], event["what"]) for event in events[-2:]] == [
        (left + 1, "BatchWithdrawn"),
        (left + 2, "BatchNoted"),
    ]
    house.play(house.run(house.order()).execution)
    house.check_at_rest()


def test_trace_15_raised_funds_order_the_run_that_pays_what_was_carried() -> None:
    house, batch_id = one_batch(funds_fen=100)
    run = house.pay()
    assert run.state is RunState.CLOSED_OPEN_ITEMS
    assert "还差" in house.batch(batch_id).carried
    assert house.bank.book["messages"] == {}
    house.later(3600)
    house.set_funds(10_000_000)
    assert len(house.orders.runs) == 1
    house.drain()
    # The run that carried it has nothing open any more either.
    house.check_at_rest(*FOUR)
    assert [run.state for run in house.control.query(Run, f"RUNS#{CODE}")] == [RunState.CLOSED, RunState.CLOSED]
    assert end_to_end(FOUR[0]) in house.bank.book["payments"]


def test_watching_finds_every_call() -> None:
    house, _ = one_batch()
    house.watch.acts.append(("bank.send", any_arguments, lambda: house.later(1)))
    house.pay()
    assert house.watch.acts == []


def test_a_message_that_never_left_is_handed_over_though_the_others_of_its_batch_are_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worker dies before it marks the third message, the execution is lost, the bank answers two; then the run goes on."""
    monkeypatch.setattr("tests.unit.payout.house.BANKS", Banks((replace(AGENT, max_lines=1),), BANKS.treasuries))
    house = ready((roster(FOUR[:3]), "230102"))
    (batch_id,) = house.batches()
    marks = iter(range(3))

    def third_mark(given: tuple[Any, ...]) -> bool:
        return str(given[0]).startswith("sent/") and next(marks) == 2

    house.watch.acts.append(("lake.put_once", third_mark, dying(house)))
    house.retries = 0
    house.pay()
    assert len(house.bank.book["payments"]) == 2
    assert house.batch(batch_id).state is BatchState.PUBLISHED
    assert [run.state in ENDED_RUN for run in house.runs()] == [False]
    house.start(house.order())
    house.drain()
    house.check_at_rest(*FOUR[:3])


def test_a_run_does_not_close_over_a_message_that_never_left() -> None:
    """Its item gave up, the others' answers settled the batch: closed now, nobody would ever hand the message over."""
    house, batch_id = one_batch()
    house.pay()
    mark = f"sent/{house.messages(batch_id)[0]}"
    del house.lake.objects[mark]
    settlement = house.batch(batch_id).settlement
    assert settlement is not None
    doubtful = settlement.model_copy(update={"in_doubt": settlement.settled, "settled": Tally()})
    house.control.items[batch_key(batch_id)]["settlement"] = doubtful.model_dump(mode="json")
    (run,) = house.runs()
    house.control.items[run.pk, run.sk]["state"] = RunState.PAYING.value
    with pytest.raises(Unfinished, match=batch_id):
        house.close(run.run_id)


def test_a_run_stopped_while_it_closes_stays_stopped() -> None:
    house, _ = one_batch()
    run_id = begun(house)
    (run,) = house.runs()
    house.control.items[run.pk, run.sk]["state"] = RunState.STOPPED.value
    assert house.close(run_id).state is RunState.STOPPED


def test_an_instruction_of_a_batch_withdrawn_meanwhile_is_skipped_and_alarms_nobody() -> None:
    house, batch_id = one_batch()
    run_id = begun(house)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    house.watch.acts.append(("control.read", lambda given: given[0] is Manifest, lambda: house.withdraw(batch_id)))
    assert house.instruct(batch_id, run_id) is None
    assert not house.bank.book["messages"]


def test_trace_02_a_machine_with_a_wrong_clock_lets_nobody_send_again_too_early() -> None:
    """The worker that hands the message over is a day behind, its request still on the wire: the store's clock counts."""
    house, batch_id = one_batch()
    house.bank.script(messages={"lose": 1})
    true_now = house.now
    house.lake.clock = lambda: true_now
    house.now = true_now - timedelta(days=1)
    house.pay(house.order(as_of=true_now.date()))
    (message,) = house.messages(batch_id)
    house.now = true_now + timedelta(days=1)
    with pytest.raises(Refusal, match="可能仍在途中"):
        house.resend(message)
    later = true_now + timedelta(seconds=AGENT.message_deadline_s + 1)
    house.lake.clock = lambda: later
    house.now = true_now - timedelta(days=1)
    assert house.resend(message) == "sent"
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_batch_withdrawn_while_its_run_closes_leaves_no_open_line() -> None:
    house, batch_id = one_batch(funds_fen=1)
    run_id = begun(house)
    house.claim(run_id)
    assert house.reserve(batch_id, run_id) == "short"
    closes = lambda given: any(isinstance(item, Run) and item.state in ENDED_RUN for item in given)  # noqa: E731
    house.watch.acts.append(("control.save", closes, lambda: house.withdraw(batch_id)))
    house.close(run_id)
    (run,) = house.runs()
    assert (run.state, run.open_lines) == (RunState.CLOSED, ())
