"""What became of each payment: a fold of everything the bank said, in whatever order and however often."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikatong.settlement import KEPT_STATEMENTS, fold

PAYMENTS = pl.DataFrame(
    {
        "row": [1, 2, 3],
        "payment_id": ["P1", "P2", "P3"],
        "attempt": [1, 1, 1],
        "end_to_end_id": ["P1-1", "P2-1", "P3-1"],
        "message_id": ["M", "M", "M"],
        "slot": ["2023-06"] * 3,
        "amount_fen": [100, 200, 300],
    }
)
Statement = tuple[str, str, str | None, int]


def said(*statements: Statement) -> pl.DataFrame:
    rows = [
        {
            "end_to_end_id": who,
            "kind": kind,
            "amount_fen": None,
            "reason": reason,
            "raw_code": reason,
            "on": date(2023, 6, day),
            "channel": "delivered",
        }
        for who, kind, reason, day in statements
    ]
    return pl.DataFrame(rows, schema=KEPT_STATEMENTS)


def states(*statements: Statement) -> list[str]:
    return fold(PAYMENTS, said(*statements))["state"].to_list()


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([], "IN_DOUBT"),
        (["settled"], "SETTLED"),
        (["rejected"], "REJECTED"),
        (["settled", "returned"], "RETURNED"),
        (["returned"], "RETURNED"),
        (["settled", "rejected"], "FROZEN"),
        (["rejected", "returned"], "FROZEN"),
        (["settled", "returned", "rejected"], "FROZEN"),
    ],
)
def test_what_the_bank_said_of_a_payment_decides_its_state(kinds: list[str], state: str) -> None:
    reasons = {"settled": None, "rejected": "AC04", "returned": "AC06"}
    found = states(*(("P1-1", kind, reasons[kind], 12) for kind in kinds))
    assert found == [state, "IN_DOUBT", "IN_DOUBT"]


def test_the_first_day_counts_however_often_it_is_repeated() -> None:
    folded = fold(PAYMENTS, said(("P1-1", "settled", None, 15), ("P1-1", "settled", None, 12)))
    assert folded["settled_on"][0] == date(2023, 6, 12)


def test_a_statement_about_somebody_else_changes_nothing() -> None:
    assert states(("NOBODY-1", "settled", None, 12)) == ["IN_DOUBT"] * 3


STATEMENT = st.tuples(
    st.sampled_from(["P1-1", "P2-1", "P3-1"]),
    st.sampled_from(["settled", "rejected", "returned"]),
    st.sampled_from(["AC01", "AC04", "AC06"]),
    st.integers(1, 30),
)


@given(
    st.lists(STATEMENT, max_size=12).flatmap(lambda told: st.tuples(st.just(told), st.permutations(told + told[:3])))
)
def test_order_and_repetition_do_not_matter(told_and_again: tuple[list[Statement], list[Statement]]) -> None:
    told, again = told_and_again
    assert fold(PAYMENTS, said(*told)).equals(fold(PAYMENTS, said(*again)))


@given(st.lists(STATEMENT, max_size=10), STATEMENT)
def test_no_further_word_makes_a_final_state_undone(told: list[Statement], more: Statement) -> None:
    """SETTLED may become RETURNED or FROZEN, REJECTED and RETURNED FROZEN, FROZEN nothing: as the state table has it."""
    from yikatong.states import PAYMENT, PaymentState

    before, after = states(*told), states(*told, more)
    for old, new in zip(before, after, strict=True):
        # A return says that the money had been credited: two edges at once.
        assert old == new or new in PAYMENT[PaymentState(old)].edges or (old, new) == ("IN_DOUBT", "RETURNED")


@given(st.lists(STATEMENT, max_size=12))
def test_every_payment_has_one_state_and_no_fen_is_lost(told: list[Statement]) -> None:
    folded = fold(PAYMENTS, said(*told))
    assert folded["payment_id"].to_list() == ["P1", "P2", "P3"]
    assert folded["amount_fen"].sum() == 600


def test_a_batch_without_payments_has_an_empty_settlement() -> None:
    assert fold(PAYMENTS.clear(), said()).is_empty()
