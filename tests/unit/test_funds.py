"""Funds are counted in fen, never negative, and never more than was allocated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikatong.errors import Refusal
from yikatong.funds import Funds, ShortOfFunds, funds_key, no_funds_yet

FEN = st.integers(min_value=0, max_value=10**9)


def funds(**changes: int | None) -> Funds:
    return no_funds_yet("urban-minimum-living", "230102", 2023).model_copy(update=changes)


def test_without_a_limit_any_amount_is_reserved_and_counted_all_the_same() -> None:
    assert funds().available_fen is None
    assert funds().reserve(10**15).reserved_fen == 10**15


def test_what_is_missing_is_said_to_the_fen() -> None:
    with pytest.raises(ShortOfFunds) as short:
        funds(allocated_fen=100, spent_fen=30).reserve(71)
    assert short.value.missing_fen == 1
    assert funds(allocated_fen=100, spent_fen=30).reserve(70).available_fen == 0


def test_an_allocation_is_never_set_below_what_is_taken() -> None:
    taken = funds(allocated_fen=100, reserved_fen=40, spent_fen=20)
    with pytest.raises(Refusal):
        taken.allocate(59, "", "")
    assert taken.allocate(60, "核减", "the-treasurer").available_fen == 0


@pytest.mark.parametrize(
    "change", [{"reserved_change_fen": -1, "spent_change_fen": 0}, {"reserved_change_fen": 0, "spent_change_fen": -1}]
)
def test_giving_back_more_than_was_taken_is_a_defect_and_stops(change: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        funds().settle(**change)
    with pytest.raises(AssertionError):
        funds().release(1)


@given(st.integers(0, 10**9), st.lists(st.tuples(FEN, st.integers(0, 100), st.integers(0, 100)), max_size=20))
def test_however_batches_come_and_go_nothing_is_negative_and_the_limit_holds(
    limit: int, batches: list[tuple[int, int, int]]
) -> None:
    """Each batch: its sum, the per cent of it the bank credits, and the per cent of that which comes back."""
    state, spent = funds(allocated_fen=limit), 0
    for amount, credited_share, returned_share in batches:
        try:
            state = state.reserve(amount)
        except ShortOfFunds:
            assert state.available_fen is not None
            assert amount > state.available_fen
            continue
        credited = amount * credited_share // 100
        returned = credited * returned_share // 100
        state = state.settle(reserved_change_fen=-amount, spent_change_fen=credited)
        state = state.settle(reserved_change_fen=0, spent_change_fen=-returned)
        spent += credited - returned
        assert state.reserved_fen == 0
        assert state.spent_fen == spent
        assert state.available_fen is not None
        assert state.available_fen >= 0


def test_funds_are_those_of_the_subsidy_the_region_and_the_year() -> None:
    assert funds_key("a", "230102", 2023) == ("FUNDS#a", "230102#2023")
