"""A message the bank never received is sent again by itself only to a bank that pays one message id once (PROTOCOL B2)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.payout.house import House
from tests.unit.payout.rosters import AGENT, BANKS, PAYDAY, people, roster
from yikatong.bank.settings import Banks
from yikatong.sent_messages import resent_prefix
from yikatong.use_cases.enquire_bank import MOST_RESENT, enquire_bank

DEDUPLICATING = Banks((replace(AGENT, deduplicates=True),), BANKS.treasuries)


def lost_message() -> tuple[House, str]:
    """A batch whose only message the bank lost on its way."""
    house = House()
    house.cards(people(2))
    batch_id = house.approved(roster(people(2)))
    house.on(PAYDAY)
    house.bank.script(messages={"lose": 1})
    house.pay()
    assert not house.bank.book["payments"]
    return house, batch_id


def ask(house: House, batch_id: str, banks: Banks) -> bool:
    return enquire_bank(batch_id, control=house.c, lake=house.l, bank=house.b, banks=banks, now=house.now)


def test_a_bank_that_deduplicates_gets_the_same_bytes_again_and_pays_once() -> None:
    house, batch_id = lost_message()
    ask(house, batch_id, DEDUPLICATING)
    assert ask(house, batch_id, DEDUPLICATING)
    house.drain()
    house.check_at_rest(*people(2))
    assert len(house.lake.keys(resent_prefix(house.messages(batch_id)[0]))) == 1


def test_a_bank_that_does_not_is_only_asked() -> None:
    house, batch_id = lost_message()
    assert not ask(house, batch_id, BANKS)
    assert not house.bank.book["payments"]
    assert house.lake.keys(resent_prefix(house.messages(batch_id)[0])) == []


@pytest.mark.parametrize("silences", [3, 3 * MOST_RESENT])
def test_a_bank_that_loses_every_copy_is_left_to_a_person(silences: int) -> None:
    house, batch_id = lost_message()
    house.bank.script(messages={"lose": 10 * MOST_RESENT})
    for _ in range(silences):
        house.now += timedelta(hours=1)
        ask(house, batch_id, DEDUPLICATING)
    notes = house.lake.keys(resent_prefix(house.messages(batch_id)[0]))
    assert len(notes) == min(silences, MOST_RESENT)
