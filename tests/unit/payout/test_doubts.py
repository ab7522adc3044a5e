"""A doubt that nobody answered is never paid, whatever else is wrong with its row."""

from dataclasses import replace

from tests.unit.payout.house import House
from tests.unit.payout.rosters import DAOLI, PAYDAY, people, roster
from yikatong.cards import CardState

THREE = people(3)
DOUBTED = THREE[1]


def test_a_row_held_for_its_card_and_under_review_waits_for_the_approvers_word_even_when_the_card_is_right_again() -> (
    None
):
    house = House()
    house.cards([replace(one, card_state=CardState.LOST) if one is DOUBTED else one for one in THREE])
    lines = roster(THREE).decode("utf-8-sig").splitlines()
    amount = next(cell for cell in reversed(_line_of(lines).split(",")) if "." in cell)
    over_the_limit = [line.replace(amount, "20001.00") if line == _line_of(lines) else line for line in lines]
    batch_id = house.approved("\r\n".join(over_the_limit).encode(), DAOLI)
    assert (house.batch(batch_id).review.count, house.batch(batch_id).held.count) == (1, 0)
    house.cards(THREE)
    house.on(PAYDAY)
    house.pay()
    assert DOUBTED.id_number not in house.selection(batch_id)
    selection = house.batch(batch_id).selection
    assert selection is not None
    assert selection.sent.count == 2


def _line_of(lines: list[str]) -> str:
    return next(line for line in lines if DOUBTED.id_number in line)
