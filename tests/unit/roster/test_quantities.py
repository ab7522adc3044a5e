"""面积 × 标准 = 金额 by the fen, whatever the clerk's program does with the third decimal; and required cells left blank."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yikatong.roster.columns import Column
from yikatong.roster.findings import RULES
from yikatong.roster.hits import Hit
from yikatong.roster.quantities import quantity_hits, required_value_hits

FEN = Decimal("0.01")


def _found(*rows: tuple[str | None, str | None, int | None]) -> dict[str, list[int]]:
    """The positions each code was found at, for rows of (standard, quantity, fen)."""
    return {hit.code: hit.at.to_list() for hit in _hits(*rows)}


def _hits(*rows: tuple[str | None, str | None, int | None]) -> list[Hit]:
    frame = pl.DataFrame(rows, {"s": pl.String, "q": pl.String, "fen": pl.Int64}, orient="row")
    return quantity_hits(frame["s"], frame["q"], frame["fen"], required=True)


def test_the_product_is_accepted_rounded_or_cut_off_to_the_fen_and_nothing_else() -> None:
    # 1.5 × 71.33 = 106.995
    rows = [("71.33", "1.5", fen) for fen in (10698, 10699, 10700, 10701)]
    assert _found(*rows) == {"amount_mismatch": [0, 3]}
    # 1.2 × 71.37 = 85.644: rounded and cut off are one.
    assert _found(*[("71.37", "1.2", fen) for fen in (8563, 8564, 8565)]) == {"amount_mismatch": [0, 2]}
    assert _found(("0.01", "0.5", 1)) == {}


def test_a_mismatch_names_standard_quantity_product_and_amount() -> None:
    (hit,) = _hits(("71.45", "10.00", 71450), ("71.45", "12.3", 88000))
    assert hit.column is Column.AMOUNT
    assert callable(hit.details)
    message = RULES[hit.code].message(**hit.details(0))
    assert "标准 71.45 × 数量 12.3 = 878.835 元，与发放金额 880.00 元不符" in message


@pytest.mark.parametrize(
    "standard", ["1,071.45", "１０７１．４５", " 1071.45 ", "￥1071.45", "1071.45元/亩", "1071.450000"]
)
@pytest.mark.parametrize("quantity", ["12", "１２亩", "12.", "12.00000", " 1 2 "])
def test_units_blanks_full_width_digits_and_thousands_separators_do_no_harm(standard: str, quantity: str) -> None:
    assert _found((standard, quantity, 1285740)) == {}
    assert _found((standard, quantity, 1285739)) == {"amount_mismatch": [0]}


@pytest.mark.parametrize(
    "written", ["十二亩", "-3", "1e3", "0x1f", "1.23456", "1,23", "12;3", "3公顷", "9" * 30, "NaN"]
)
def test_a_factor_that_is_no_number_is_named_and_nothing_is_made_of_it(written: str) -> None:
    assert _found((written, "2", 100), ("1", "2", 200)) == {"standard_unreadable": [0]}
    assert _found((written, "2", 100), (written, "3", 200)) == {"standard_unreadable": [0, 1]}
    assert _found(("1", "2", 200), ("2", written, 100)) == {"quantity_unreadable": [1]}


def test_blank_factors_and_amounts_judged_elsewhere_are_not_named_a_second_time() -> None:
    assert _found((None, "2", 100), (None, "3", 100)) == {}
    assert _found((None, "2", 100), ("2", " ", 100), ("2", "3", None), ("2", "3", 0)) == {}


def test_where_the_amount_need_not_be_the_product_the_cells_are_notes() -> None:
    words, fen = pl.Series(["每户一次"]), pl.Series([100], dtype=pl.Int64)
    assert quantity_hits(words, words, fen, required=False) == []


def test_a_stretch_without_rows_has_nothing_to_find() -> None:
    nothing = pl.Series([], dtype=pl.String)
    assert _hits() == []
    assert required_value_hits({Column.QUANTITY: nothing}, [Column.QUANTITY]) == []


_NUMBERS = st.decimals(0, 10**9 - 1, places=4)


@given(standard=_NUMBERS, quantity=_NUMBERS, off=st.integers(-3, 3))
@example(standard=Decimal("999999999.9999"), quantity=Decimal("999999999.9999"), off=0)
@example(standard=Decimal("30370.0049"), quantity=Decimal("30370.0049"), off=1)
def test_the_answer_is_that_of_exact_decimals(standard: Decimal, quantity: Decimal, off: int) -> None:
    product = standard * quantity
    amount = min(product.quantize(FEN, ROUND_HALF_UP), Decimal("9999999999.99")) + off * FEN
    good = amount in (product.quantize(FEN, ROUND_HALF_UP), product.quantize(FEN, ROUND_DOWN)) or amount <= 0
    assert _found((f"{standard:f}", f"{quantity:f}", int(amount * 100))) == ({} if good else {"amount_mismatch": [0]})


def test_a_blank_cell_is_missing_only_where_the_subsidy_asks_for_it_and_nobody_else_looks() -> None:
    blank = pl.Series(["12", None, " ", "　", "3"])
    cells = {Column.QUANTITY: blank, Column.VILLAGE: blank, Column.HEAD_ID: blank}
    hits = required_value_hits(cells, [Column.ID, Column.QUANTITY, Column.HEAD_ID, Column.TELEPHONE])
    assert [(hit.code, hit.column, hit.at.to_list()) for hit in hits] == [("value_missing", Column.QUANTITY, [1, 2, 3])]
