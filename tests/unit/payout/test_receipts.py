"""What the bank says, early, late, twice, in pieces, wrongly or not at all: known lines move, the rest stay."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import pytest

from infra.local.bank.answers import Answer, receipt, returns
from tests.unit.payout.house import House
from tests.unit.payout.rosters import AGENT, PAYDAY, end_to_end, people, roster
from tests.unit.payout.watching import key_starts, saves
from yikatong.batches import Batch
from yikatong.errors import Refusal
from yikatong.funds import Funds
from yikatong.receipts import keep_receipt
from yikatong.runs import Run, closing_key
from yikatong.states import ENDED_RUN, BatchState, RunState
from yikatong.use_cases.settle_batch import settle_batch

THREE = people(3)


@cache
def _approved() -> House:
    house = House()
    house.cards(THREE)
    house.set_funds(1_000_000)
    house.approved(roster(THREE))
    house.on(PAYDAY)
    return house


def ready() -> tuple[House, str]:
    house = _approved().copy()
    (batch_id,) = house.batches()
    return house, batch_id


def account_outcomes(outcome: str, *whose: int, **more: object) -> dict[str, dict[str, object]]:
    return {THREE[n].account: {"outcome": outcome, **more} for n in whose}


def answer_of(house: House, who: int, status: str = "ACSC", code: str = "", more_fen: int = 0) -> Answer:
    entry = house.bank.book["payments"][end_to_end(THREE[who])]
    return Answer(end_to_end(THREE[who]), entry["amount_fen"] + more_fen, status, code, "2023-06-12")


def silent_run() -> tuple[House, str, str]:
    """A run that ended with everything in doubt: the bank paid, told nobody, and does not answer enquiries yet."""
    house, batch_id = ready()
    house.bank.script(messages={"lose_receipts": 1})
    house.bank.mute = True
    run = house.pay()
    assert run.state is RunState.CLOSED_OPEN_ITEMS
    assert run.open_lines == (batch_id,)
    house.bank.mute = False
    (message,) = house.messages(batch_id)
    return house, batch_id, message


def test_everything_answered_in_one_receipt_is_settled_and_published() -> None:
    house, batch_id = ready()
    assert house.pay().state is RunState.CLOSED
    assert set(house.settlement(batch_id).values()) == {"SETTLED"}
    house.check_at_rest(*THREE)


def test_a_partial_receipt_moves_its_lines_and_the_late_one_the_rest_after_the_run_has_closed() -> None:
    house, batch_id = ready()
    house.bank.script(accounts=account_outcomes("delay", 2, days=3, announce=True))
    run = house.pay()
    assert run.state is RunState.CLOSED_OPEN_ITEMS
    assert sorted(house.settlement(batch_id).values()) == ["IN_DOUBT", "SETTLED", "SETTLED"]
    assert len(house.records.items) == 2
    assert house.funds().reserved_fen == house.bank.book["payments"][end_to_end(THREE[2])]["amount_fen"]
    house.check_always()
    house.on(PAYDAY + timedelta(days=3))
    house.drain()
    assert f"runs/{run.run_id}/addenda/{batch_id}-2.json" in house.lake.keys(f"runs/{run.run_id}/addenda/")
    house.check_at_rest(*THREE)


def test_silence_is_in_doubt_holds_its_money_and_is_never_sent_again() -> None:
    house, batch_id, message = silent_run()
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    assert house.funds().reserved_fen == house.batch(batch_id).reserved_fen == house.bank.book["moved_fen"]
    assert house.bank.book["messages"][message]["posts"] == 1


def test_an_operators_enquiry_after_the_run_has_closed_takes_effect_at_once() -> None:
    """History: the answer was kept beside the receipts, and nobody folded it until the bank spoke again, which it need not."""
    house, _, message = silent_run()
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)


@pytest.mark.parametrize("answered", [3, 2])
def test_an_answer_kept_between_the_listing_of_receipts_and_the_commit_is_settled_too(answered: int) -> None:
    """History: the receipt saw the batch INSTRUCTED in a live run and left it to the run; the run had listed receipts
    already and settled everything as in doubt; nobody ever looked again."""
    house, batch_id = ready()
    house.bank.mute = True
    house.bank.script(messages={"lose_receipts": 1})

    def speak_late() -> None:
        (message,) = house.messages(batch_id)
        house.receive(receipt("late", "2023-06-12", message, [answer_of(house, n) for n in range(answered)]))

    house.watch.acts.append(("lake.put_once", key_starts("settlements/"), speak_late))
    house.pay()
    assert list(house.settlement(batch_id).values()).count("SETTLED") == answered
    house.bank.mute = False
    house.resend(house.messages(batch_id)[0])
    house.check_at_rest(*THREE)


def test_an_answer_that_comes_while_the_batch_settles_finds_the_batch_as_it_is_then() -> None:
    """History: the receiver decided by the batch it had read before it kept the receipt: INSTRUCTED, though SETTLED since."""
    house, batch_id = ready()
    house.bank.script(messages={"lose_receipts": 1})
    order = house.order()
    house.start(order)
    run_id = house.run(order).run_id
    house.open(run_id)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)
    (message,) = house.messages(batch_id)
    house.watch.acts.append(("lake.put_once", key_starts("receipts/"), lambda: house.settle(batch_id)))
    house.receive(receipt("late", "2023-06-12", message, [answer_of(house, 0), answer_of(house, 1)]))
    assert list(house.settlement(batch_id).values()).count("SETTLED") == 2


def test_the_answer_to_a_task_that_no_longer_waits_is_settled_by_the_receiver() -> None:
    """History: a Map item had given up (its worker kept dying) while the run still lived for others; the receipt woke
    nobody, the run closed, and no further file would ever come."""
    house, batch_id = ready()
    order = house.order()
    house.start(order)
    run_id = house.run(order).run_id
    house.open(run_id)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)  # and then the item fails, before it waits
    house.take_in()
    assert house.batch(batch_id).state is BatchState.PUBLISHED
    house.drain()
    house.check_at_rest(*THREE)


def test_the_same_receipt_again_changes_nothing() -> None:
    house, batch_id = ready()
    house.bank.script(messages={"repeat_receipts": 1})
    house.pay()
    version = house.batch(batch_id).settlement
    for body in list(house.bank.delivered):
        assert house.receive(body) == ()
    assert house.batch(batch_id).settlement == version
    assert len(house.lake.keys(f"receipts/{batch_id}/")) == 2  # two answers with ids of their own
    house.check_at_rest(*THREE)


def test_a_rejection_gives_its_money_back_once_and_is_told_to_the_person() -> None:
    house, batch_id = ready()
    house.bank.script(accounts=account_outcomes("reject", 0, code="AC04"))
    before = house.funds().allocated_fen
    house.pay()
    for body in list(house.bank.delivered):
        house.receive(body)
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "REJECTED"
    funds = house.funds()
    assert (funds.reserved_fen, funds.spent_fen) == (0, house.bank.book["moved_fen"])
    assert funds.allocated_fen == before
    assert [item["state"] for item in house.records.items.values()].count("REJECTED") == 1
    house.check_at_rest(*THREE[1:])


def test_money_that_comes_back_days_later_is_free_again_once() -> None:
    house, batch_id = ready()
    house.bank.script(accounts=account_outcomes("return", 1, days=4, code="AC06"))
    house.pay()
    spent = house.funds().spent_fen
    house.on(PAYDAY + timedelta(days=4))
    house.drain()
    returned = house.bank.book["returned_fen"]
    assert 0 < returned == spent - house.funds().spent_fen
    assert house.settlement(batch_id)[end_to_end(THREE[1])] == "RETURNED"
    for body in list(house.bank.delivered):
        house.receive(body)
    assert house.funds().spent_fen == spent - returned
    settlement = house.batch(batch_id).settlement
    assert settlement is not None
    assert (settlement.settled.count, settlement.returned.count) == (3, 1)
    house.check_at_rest(*THREE)


@pytest.mark.parametrize("first", ["ACSC", "RJCT"])
def test_an_answer_that_contradicts_a_final_one_freezes_the_payment(first: str) -> None:
    house, batch_id, message = silent_run()
    then = "RJCT" if first == "ACSC" else "ACSC"
    codes = {"ACSC": "", "RJCT": "AC04"}
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, n, first, codes[first]) for n in range(3)]))
    assert house.runs()[0].state is RunState.CLOSED
    house.receive(receipt("2", "2023-06-12", message, [answer_of(house, 0, then, codes[then])]))
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "FROZEN"
    settlement = house.batch(batch_id).settlement
    assert settlement is not None
    assert settlement.frozen.count == settlement.in_doubt.count == 1
    assert house.funds().reserved_fen == settlement.frozen.fen
    # The run that had closed is open again, and the public is no longer told the earlier outcome.
    (run,) = house.runs()
    assert (run.state, run.open_lines) == (RunState.CLOSED_OPEN_ITEMS, (batch_id,))
    assert sorted(item["state"] for item in house.records.items.values()) == sorted(
        ["FROZEN", *({"ACSC": ["SETTLED"], "RJCT": ["REJECTED"]}[first] * 2)]
    )
    frozen_record = next(item for item in house.records.items.values() if item["state"] == "FROZEN")
    assert frozen_record["status"] == "银行正在核实，请等待"
    # Whatever else is said of it, it stays frozen until a person has looked.
    house.receive(receipt("3", "2023-06-12", message, [answer_of(house, 0, first, codes[first])]))
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "FROZEN"


@pytest.mark.parametrize(
    ("what", "make"),
    [
        (
            "an id we never sent",
            lambda _, message: receipt("1", "2023-06-12", message, [Answer("NOBODY-1", 1, "ACSC", "", "2023-06-12")]),
        ),
        (
            "an amount that is not ours",
            lambda house, message: receipt("1", "2023-06-12", message, [answer_of(house, 0, more_fen=1)]),
        ),
        (
            "a message that is not ours",
            lambda house, _: receipt("1", "2023-06-12", "SOMEBODY-ELSE", [answer_of(house, 0)]),
        ),
        (
            "totals that are not the message's",
            lambda house, message: receipt("1", "2023-06-12", message, [answer_of(house, 0)]).replace(
                b"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>",
                b"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId><OrgnlNbOfTxs>3</OrgnlNbOfTxs><OrgnlCtrlSum>1.00</OrgnlCtrlSum>",
            ),
        ),
        ("a file cut short", lambda house, message: receipt("1", "2023-06-12", message, [answer_of(house, 0)])[:-40]),
        ("a page of a proxy", lambda _house, _message: b"<html>Service unavailable</html>"),
        (
            "a return of an id we never sent",
            lambda _, message: returns("1", "2023-06-12", "1", message, [Answer("NOBODY-1", 1, "", "AC04", "")]),
        ),
        (
            "a return that is not booked",
            lambda house, message: returns(
                "1", "2023-06-12", "1", message, [replace(answer_of(house, 0, "", "AC04"), on="2023-06-12")]
            ).replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>"),
        ),
        (
            "a return of another message",
            lambda house, _: returns("1", "2023-06-12", "1", "SOMEBODY-ELSE", [answer_of(house, 0, "", "AC04")]),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_believed_is_quarantined_and_moves_nothing(
    what: str, make: Callable[[House, str], bytes]
) -> None:
    house, batch_id, message = silent_run()
    assert house.receive(make(house, message)), what
    assert house.quarantine
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    house.check_always()
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)


def test_known_lines_move_though_others_of_the_same_file_are_poison() -> None:
    house, batch_id, message = silent_run()
    lines = [answer_of(house, 0), answer_of(house, 1, more_fen=100), Answer("NOBODY-1", 5, "ACSC", "", "2023-06-12")]
    assert len(house.receive(receipt("1", "2023-06-12", message, lines))) == 2
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "SETTLED"
    assert sorted(house.settlement(batch_id).values()) == ["IN_DOUBT", "IN_DOUBT", "SETTLED"]


def test_another_banks_word_on_our_message_counts_for_nothing() -> None:
    house, batch_id, message = silent_run()
    body = receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)])
    assert house.receive(body, bank_id="other-bank")
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    assert house.receive(body, bank_id=AGENT.bank_id) == ()
    house.check_at_rest(*THREE)


def test_an_enquiry_answered_with_rubbish_is_no_answer_and_does_no_harm() -> None:
    """History: the page of a proxy was kept among the receipts, which nobody may delete, and no settlement of the batch
    could be folded ever after."""
    house, batch_id = ready()
    house.bank.script(messages={"lose_receipts": 1})
    truth = house.bank.simulator.enquire
    house.bank.simulator.enquire = lambda _: b"<html>Service unavailable</html>"  # type: ignore[method-assign]
    assert house.pay().state is RunState.CLOSED_OPEN_ITEMS
    assert house.lake.keys(f"receipts/{batch_id}/") == []
    (message,) = house.messages(batch_id)
    with pytest.raises(Refusal, match="没有答复查询"):
        house.resend(message)
    house.bank.simulator.enquire = truth  # type: ignore[method-assign]
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)


def test_the_banks_last_word_before_the_run_ends_is_in_the_books_however_they_race() -> None:
    house, batch_id = ready()
    house.bank.script(accounts=account_outcomes("delay", 0, days=0))
    late: list[date] = []

    def speak() -> None:
        late.append(house.now.date())
        house.bank.simulator.set_day(None)
        while house.bank.inbox:
            house.take_in()

    from yikatong.runs import Run

    house.bank.mute = True
    house.watch.acts.append(
        (
            "control.save",
            lambda arguments: saves(Run)(arguments) and arguments[0].state in ("CLOSED_OPEN_ITEMS",),
            speak,
        )
    )
    house.pay()
    assert late
    assert isinstance(house.batch(batch_id), Batch)
    house.check_at_rest(*THREE)


def test_what_a_settled_batch_still_has_in_doubt_is_enquired_about_when_its_run_goes_on() -> None:
    """History: a partial receipt settled the batch while its run was stopped; resumed, nobody asked about the rest."""
    house, batch_id, message = silent_run()
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, 0)]))
    batch = house.batch(batch_id)
    assert batch.state is BatchState.PUBLISHED
    assert batch.settlement is not None
    assert batch.settlement.in_doubt.count == 2
    assert house.enquire(batch_id)
    settled = settle_batch(batch_id, control=house.control, lake=house.lake)
    assert settled.settlement is not None
    assert settled.settlement.in_doubt.count == 0


def test_a_batch_settled_by_another_between_two_reads_is_a_lost_race_and_no_defect() -> None:
    """The batch is read, another worker settles it and gives its money back, the funds are read: not one moment."""
    house, batch_id = ready()
    house.bank.script(accounts=account_outcomes("reject", 0, 1, 2))
    house.start(house.order())
    ((run_id, _),) = house.executions.inputs.values()
    house.open(run_id)
    house.claim(run_id)
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)
    keep_receipt(house.bank.inbox.pop(0), house.batch(batch_id), house.lake, "delivered")
    house.watch.acts.append(("control.read", lambda given: given[0] is Funds, lambda: house.settle(batch_id)))
    settled = house.settle(batch_id).settlement
    assert settled is not None
    assert settled.rejected.count == 3
    assert house.funds().reserved_fen == 0


def test_a_return_between_the_reading_of_the_lines_and_the_end_of_the_run_gets_its_addendum() -> None:
    house, batch_id = ready()
    message_of = house.messages

    def comes_back() -> None:
        answer = answer_of(house, 0, "", "AC04")
        house.receive(returns("1", "2023-06-12", "1", message_of(batch_id)[0], [answer]))

    house.watch.acts.append(("control.save", saves_ended_run, comes_back))
    run = house.pay()
    assert run.state is RunState.CLOSED
    closing = json.loads(house.lake.get(closing_key(run.run_id)) or b"")
    assert closing["lines"][0]["returned"]["count"] == 0
    (addendum,) = house.lake.keys(f"runs/{run.run_id}/addenda/")
    assert json.loads(house.lake.get(addendum) or b"")["returned"]["count"] == 1


def saves_ended_run(given: tuple[object, ...]) -> bool:
    return any(isinstance(item, Run) and item.state in ENDED_RUN for item in given)
