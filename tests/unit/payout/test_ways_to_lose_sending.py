"""Histories of messages sent again that once paid twice, found by a hostile reader; each must hold now."""

from contextlib import suppress
from typing import Any

import pytest

from infra.functions import BATCH as SENDERS
from tests.unit.payout.histories import ONE, approved_on_payday
from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import AGENT
from tests.unit.payout.test_reissue import FOUR, LATER, attempt, outcomes, send
from tests.unit.payout.test_rulings import rule
from tests.unit.payout.watching import key_starts
from yikatong.errors import Refusal
from yikatong.states import BatchState

LOOKS = 8
"""More looks into the lake than a resend takes before it sends."""


def wire(house: House) -> list[str]:
    """The messages that leave from now on; the bank gets none of them."""
    sent: list[str] = []
    house.bank.send = lambda _bank, _body, **_options: sent.append("sent")  # type: ignore[method-assign]
    return sent


def months_later(house: House) -> None:
    """The bank's enquiry knows nothing of so old a message: its archive is purged."""
    house.on(LATER.replace(month=9))
    house.bank.enquire = lambda _bank, _message: None  # type: ignore[method-assign]


def test_a_message_of_which_payments_are_answered_is_not_sent_again_though_the_banks_enquiry_forgot_it() -> None:
    """Three of four are settled by a delivered receipt, one line is silent. Months later the bank's enquiry knows nothing
    of the message. The receipts on file prove that it had it; once nobody asked them: the operator's resend sent all four
    payments again, and the bank, which does not deduplicate, paid them."""
    house, batch_id = approved_on_payday()
    house.bank.script(accounts=outcomes([ONE], "silence", credited=False, enquiry=False))
    house.pay()
    assert sorted(house.settlement(batch_id).values()) == ["IN_DOUBT", "SETTLED", "SETTLED", "SETTLED"]
    months_later(house)
    (message,) = house.messages(batch_id)
    sent = wire(house)
    with pytest.raises(Refusal, match="已有答复"):
        house.resend(message)
    assert sent == []


def test_a_fully_settled_message_is_not_sent_again_on_an_operators_slip() -> None:
    """With nothing in doubt at all: once nothing asked whether the message had anything unanswered."""
    house, batch_id = approved_on_payday()
    house.pay()
    house.check_at_rest(*FOUR)
    months_later(house)
    (message,) = house.messages(batch_id)
    sent = wire(house)
    with pytest.raises(Refusal, match="已有答复"):
        house.resend(message)
    assert sent == []


def test_a_message_that_the_bank_has_acknowledged_is_not_sent_again_though_no_line_is_final() -> None:
    """The bank's first receipt says PDNG of the only open lines (the commonest first answer): it has the message. Its
    enquiry knows nothing later; once the kept receipt, without a final statement, counted as no answer at all."""
    house, batch_id = approved_on_payday([ONE])
    house.bank.script(accounts=outcomes([ONE], "delay", days=200, announce=True))
    house.pay()
    assert house.settlement(batch_id) == {attempt(ONE, 1): "IN_DOUBT"}
    assert house.lake.keys(f"receipts/{batch_id}/"), "the bank has acknowledged it"
    months_later(house)
    (message,) = house.messages(batch_id)
    sent = wire(house)
    with pytest.raises(Refusal, match="已有答复"):
        house.resend(message)
    assert sent == []


def test_a_rejection_learnt_by_enquiry_is_not_final_on_the_day_its_message_was_sent_again() -> None:
    """B5: known by enquiry only, a failure is final once no other word can be under way. Once counted from
    `instructed_at`, though the bytes left again 8 days later: a rejection enquired about on the very day it was handed over
    was final at once, and a delivered answer that differs was still on its way."""
    house, batch_id = approved_on_payday()
    house.bank.script(messages={"lose": 1})
    house.pay()
    (message,) = house.messages(batch_id)
    house.on(LATER)
    house.bank.script(accounts=outcomes(FOUR, "reject", code="AC04"), messages={"lose_receipts": 1})
    assert house.resend(message) == "sent"
    assert house.resend(message) == "answered"
    assert set(house.settlement(batch_id).values()) == {"REJECTED"}
    house.bank.script(accounts=outcomes(FOUR, "settle"))
    assert send(house, batch_id, name="early.xlsx").state is BatchState.REFUSED


def test_nobody_resends_while_a_worker_that_has_marked_a_message_may_still_live() -> None:
    """The deadline runs from the mark, dated by S3 in whole seconds rounded down; the worker lives until its timeout."""
    assert AGENT.message_deadline_s >= SENDERS.timeout_s + 60


@pytest.mark.parametrize("place", range(LOOKS))
def test_two_operators_at_once_send_once_wherever_the_second_comes_between(place: int) -> None:
    """The deadline is judged from one listing of `sent-again/`, the attempt's number was taken from a later one: an
    operator whose whole resend fell between the two was counted, not seen: two copies on the wire at once."""
    house, batch_id = approved_on_payday()
    house.watch.acts.append(("bank.send", lambda _: True, dying(house)))
    house.pay()
    house.watch.dies_at = None
    house.later(AGENT.message_deadline_s + 2)
    (message,) = house.messages(batch_id)
    sent = wire(house)
    looks = 0

    def the_other_comes_now(_arguments: tuple[Any, ...]) -> bool:
        nonlocal looks
        looks += 1
        return looks == place + 1

    def the_other_resends() -> None:
        house.now = house.now.replace(microsecond=1)
        with suppress(Refusal):
            house.resend(message)

    for name in ("lake.keys", "lake.stored_at"):
        house.watch.acts.append((name, the_other_comes_now, the_other_resends))
    with suppress(Refusal):
        house.resend(message)
    assert sent == ["sent"]


@pytest.mark.parametrize("moment", ["sent-again/", "rulings/"])
def test_a_message_is_not_ruled_on_and_sent_again_at_the_same_moment(moment: str) -> None:
    """Nobody ever answered. The treasurer's ruling `rejected` has looked (nothing under way) and is about to be kept; once
    the operator's resend noted itself, looked for rulings, found none, and sent; then the ruling was kept. It was REJECTED,
    free to be paid again, and its bytes were on the wire. (Each read before the other wrote.)"""
    house, batch_id = approved_on_payday([ONE])
    house.bank.script(messages={"lose": 1})
    house.pay()
    house.on(LATER)
    (message,) = house.messages(batch_id)
    sent = wire(house)

    def operator_resends() -> None:
        with suppress(Refusal):
            house.resend(message)

    house.watch.acts.append(("lake.put_once", key_starts(moment), operator_resends))
    with suppress(Refusal):
        rule(house, batch_id, attempt(ONE, 1), "rejected", "银行书面确认：未收到")
    assert not house.watch.acts, "the operator has come between"
    ruled = house.settlement(batch_id)[attempt(ONE, 1)] == "REJECTED"
    assert ruled != bool(sent), "one of the two, and one only"
