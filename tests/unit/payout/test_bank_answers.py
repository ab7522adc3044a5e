"""The bank's answers that are wrong, old or another's (issue 4): nothing moves but what is believable, and each thing once.

`test_receipts` holds the others: partial, late, silent, repeated and contradictory ones.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest

from infra.local.bank.answers import Answer, receipt, returns
from tests.unit.payout.house import House
from tests.unit.payout.rosters import AGENT, DAOLI, PAYDAY, PAYMENT_SECRET, SLOT, end_to_end, roster
from tests.unit.payout.test_receipts import THREE, account_outcomes, answer_of, ready, silent_run
from yikatong.batches import PassedTrial, trial_key
from yikatong.payments import trial_payment_id
from yikatong.states import RunState

TESTED, TESTED_CODE = 17, "disabled-hardship-living"
"""A subsidy that is tried before it is paid: 模拟测试时间 is a month."""
LATER = (PAYDAY + timedelta(days=9)).isoformat()


def returned(house: House, who: int, answer: str = "r1", more_fen: int = 0, code: str = "AC06") -> bytes:
    """A notification that one payment came back."""
    (batch_id,) = house.batches()
    (message,) = house.messages(batch_id)
    line = answer_of(house, who, "", code, more_fen)
    return returns(answer, LATER, "1", message, [Answer(line.end_to_end_id, line.amount_fen, "", code, LATER)])


def books(house: House) -> tuple[object, ...]:
    """What must not move: the settlement's words, the funds, the records."""
    (batch_id,) = house.batches()
    funds = house.funds()
    states = sorted(str(record["state"]) for record in house.records.items.values())
    return house.settlement(batch_id), funds.reserved_fen, funds.spent_fen, states


# --- old answers again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_every_answer_replayed_days_later_in_any_order_changes_nothing(seed: int) -> None:
    """One paid, one rejected, one paid and returned: then the queue brings everything again, after nine days."""
    house, _ = ready()
    house.bank.script(
        accounts={
            **account_outcomes("reject", 0, code="AC04"),
            **account_outcomes("return", 1, days=4, code="AC06"),
        }
    )
    house.pay()
    house.on(PAYDAY + timedelta(days=4))
    house.drain()
    before = books(house)
    assert sorted(before[0].values()) == ["REJECTED", "RETURNED", "SETTLED"]  # type: ignore[attr-defined]
    house.on(PAYDAY + timedelta(days=9))
    again = list(house.bank.delivered) * 2
    random.Random(seed).shuffle(again)
    for body in again:
        assert house.receive(body) == ()
    assert books(house) == before
    house.check_at_rest(*THREE[1:])


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_in_whatever_order_a_credit_its_return_and_their_copies_come_the_money_is_given_back_once(
    order: tuple[int, ...],
) -> None:
    house, batch_id, message = silent_run()
    credit = [answer_of(house, n) for n in range(3)]
    answers = [
        receipt("1", "2023-06-12", message, credit),
        returned(house, 0),
        receipt("2", LATER, message, credit),
        returned(house, 0, "r2"),
    ]
    for place in order:
        assert house.receive(answers[place]) == ()
    assert sorted(house.settlement(batch_id).values()) == ["RETURNED", "SETTLED", "SETTLED"]
    paid_fen = sum(answer_of(house, n).amount_fen for n in (1, 2))
    assert (house.funds().reserved_fen, house.funds().spent_fen) == (0, paid_fen)


def test_money_said_to_come_back_that_was_said_not_to_have_left_freezes_the_payment() -> None:
    house, batch_id, message = silent_run()
    lines = [answer_of(house, 0, "RJCT", "AC04"), answer_of(house, 1), answer_of(house, 2)]
    house.receive(receipt("1", "2023-06-12", message, lines))
    house.receive(returned(house, 0))
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "FROZEN"
    (run,) = house.runs()
    assert run.state is RunState.CLOSED_OPEN_ITEMS


# --- files that are not whole, or do not agree with themselves -------------------------------------------


def test_a_receipt_cut_anywhere_moves_nothing() -> None:
    house, batch_id, message = silent_run()
    whole = receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)])
    before = books(house)
    places = [*range(0, len(whole) - 1, 61), len(whole.rstrip()) - 1]
    for place in places:
        assert house.receive(whole[:place]), place
    assert len(house.quarantine) == len(places)
    assert books(house) == before
    assert house.lake.keys(f"receipts/{batch_id}/delivered") == []
    assert house.receive(whole) == ()
    house.check_at_rest(*THREE)


def test_a_notification_of_returns_cut_anywhere_moves_nothing() -> None:
    house, batch_id, _ = silent_run()
    whole = returned(house, 0)
    before = books(house)
    for place in [*range(0, len(whole) - 1, 61), len(whole.rstrip()) - 1]:
        assert house.receive(whole[:place]), place
    assert books(house) == before
    assert house.receive(whole) == ()
    assert house.settlement(batch_id)[end_to_end(THREE[0])] == "RETURNED"


def with_totals(body: bytes, count: int | None, total: str | None) -> bytes:
    """The receipt with what it says of our whole message."""
    name = b"<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
    added = b"" if count is None else f"<OrgnlNbOfTxs>{count}</OrgnlNbOfTxs>".encode()
    added += b"" if total is None else f"<OrgnlCtrlSum>{total}</OrgnlCtrlSum>".encode()
    assert body.count(name) == 1
    return body.replace(name, name + added)


@pytest.mark.parametrize("wrong", ["count", "sum", "both"])
def test_a_receipt_whose_totals_are_not_our_messages_moves_nothing_and_one_with_the_right_ones_does(wrong: str) -> None:
    house, batch_id, message = silent_run()
    body = receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)])
    sent_fen = sum(answer_of(house, n).amount_fen for n in range(3))
    count = 4 if wrong in ("count", "both") else 3
    total_fen = sent_fen + (1 if wrong in ("sum", "both") else 0)
    assert house.receive(with_totals(body, count, f"{total_fen // 100}.{total_fen % 100:02d}"))
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    assert house.receive(with_totals(body, 3, f"{sent_fen // 100}.{sent_fen % 100:02d}")) == ()
    house.check_at_rest(*THREE)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda house, lines: [*lines, answer_of(house, 0, "RJCT", "AC04")],
        lambda house, lines: [*lines, answer_of(house, 0, more_fen=1)],
        lambda house, lines: [answer_of(house, 0, "RJCT", "AC06"), *lines, answer_of(house, 0, "RJCT", "AC04")],
    ],
    ids=["credited and rejected", "two amounts", "two reasons and a credit"],
)
def test_a_file_that_contradicts_itself_proves_nothing_about_any_of_its_lines(
    spoil: Callable[[House, list[Answer]], list[Answer]],
) -> None:
    house, batch_id, message = silent_run()
    lines = [answer_of(house, n) for n in range(3)]
    before = books(house)
    assert house.receive(receipt("1", "2023-06-12", message, spoil(house, lines)))
    assert books(house) == before
    assert house.settlement(batch_id)[end_to_end(THREE[1])] == "IN_DOUBT"
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)


@pytest.mark.parametrize("more_fen", [1, -1, 100_000])
def test_a_return_of_another_amount_than_was_paid_gives_nothing_back(more_fen: int) -> None:
    house, batch_id = ready()
    house.pay()
    before = books(house)
    assert house.receive(returned(house, 0, more_fen=more_fen))
    assert books(house) == before
    assert set(house.settlement(batch_id).values()) == {"SETTLED"}
    house.check_at_rest(*THREE)


# --- another's answers -----------------------------------------------------------------------------------


def test_another_bank_can_neither_credit_nor_reject_nor_return_what_it_was_not_sent() -> None:
    house, batch_id, message = silent_run()
    before = books(house)
    for body in (
        receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)]),
        receipt("2", "2023-06-12", message, [answer_of(house, n, "RJCT", "AC04") for n in range(3)]),
        returned(house, 0),
    ):
        assert house.receive(body, bank_id="other-bank")
    assert books(house) == before
    assert house.lake.keys(f"receipts/{batch_id}/delivered") == []
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)


def test_an_answer_about_the_trial_moves_nothing_of_the_formal_batch_nor_the_other_way_round() -> None:
    """The same people in January on trial, in June for money; then the bank mixes up the two channels' ids."""
    house = House(date(2023, 1, 5))
    house.cards(THREE)
    house.bank.script(messages={"lose_receipts": 2})
    house.bank.mute = True
    data = roster(THREE, number=TESTED)
    trial = house.approved(data, mode="trial", number=TESTED, name="trial.csv")
    house.on(date(2023, 1, 10))
    house.pay(house.order(mode="trial", number=TESTED))
    pk, sk = trial_key(TESTED_CODE, 2023, DAOLI)
    house.control.save(PassedTrial(pk=pk, sk=sk, batch_id="an earlier one", passed_at="2023-01-09"))
    house.on(PAYDAY)
    formal = house.approved(data, number=TESTED, name="formal.csv")
    house.pay(house.order(number=TESTED))
    house.bank.mute = False
    (trial_message,), (formal_message,) = house.messages(trial), house.messages(formal)
    amounts = {one: house.bank.book["payments"][end_to_end(one, TESTED_CODE)]["amount_fen"] for one in THREE}
    for_money = [Answer(end_to_end(one, TESTED_CODE), amounts[one], "ACSC", "", "2023-06-12") for one in THREE]
    tried = [f"{trial_payment_id(PAYMENT_SECRET, TESTED_CODE, SLOT, one.id_number, trial)}-1" for one in THREE]
    assert set(tried) == set(house.settlement(trial))
    on_trial = [replace(one, end_to_end_id=own) for own, one in zip(tried, for_money, strict=True)]
    assert house.receive(receipt("1", "2023-06-12", formal_message, on_trial))
    assert house.receive(receipt("2", "2023-06-12", trial_message, for_money))
    assert set(house.settlement(formal).values()) == set(house.settlement(trial).values()) == {"IN_DOUBT"}
    # The trial's own answer moves the trial, and no money and no record.
    assert house.receive(receipt("3", "2023-06-12", trial_message, on_trial)) == ()
    assert set(house.settlement(trial).values()) == {"SETTLED"}
    assert set(house.settlement(formal).values()) == {"IN_DOUBT"}
    assert house.records.items == {}
    assert house.receive(receipt("4", "2023-06-12", formal_message, for_money)) == ()
    assert set(house.settlement(formal).values()) == {"SETTLED"}
    assert len(house.records.items) == 3
    house.check_always()


# --- no answer -------------------------------------------------------------------------------------------


def test_a_bank_that_never_answers_is_asked_and_not_told_again_and_the_money_stays_reserved() -> None:
    house, batch_id, message = silent_run()
    house.bank.mute = True
    reserved = house.funds().reserved_fen
    for days in (1, 5, 30):
        house.on(PAYDAY + timedelta(days=days))
        house.pay(house.order(cause=f"ord{days}"))
    assert house.bank.book["messages"][message]["posts"] == 1
    assert set(house.settlement(batch_id).values()) == {"IN_DOUBT"}
    assert house.funds().reserved_fen == reserved > 0
    assert house.runs()[0].open_lines == (batch_id,), "a work item for a person"
    house.bank.mute = False
    assert house.resend(message) == "answered"
    house.check_at_rest(*THREE)
    assert AGENT.deduplicates is False
