"""Invented people: ids and cards that check, the same for a seed."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from yikatong.identity import id_fault
from yikatong.roster.people import invent_people, luhn_check_digit

ON = date(2023, 1, 1)


@given(st.text("0123456789", min_size=1, max_size=30))
def test_the_fast_check_digit_is_the_librarys(digits: str) -> None:
    assert luhn_check_digit(digits) == luhn.calc_check_digit(digits)


def test_everybody_has_an_id_and_a_card_that_check_and_nobody_has_anothers() -> None:
    people = invent_people(500, region="230102", seed=3, on=ON)
    assert all(id_fault(person.id_number, ON) is None and luhn.is_valid(person.account) for person in people)
    assert len({person.id_number for person in people}) == len({person.account for person in people}) == 500
    assert people == invent_people(500, region="230102", seed=3, on=ON)
