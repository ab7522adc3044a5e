"""面积 × 标准 = 金额, and the cells a subsidy asks for that nobody filled in.

Farm subsidies pay so much a mu (settings: `amount_is_quantity_times_standard`). The product is worked out in integers,
both factors in ten-thousandths: no float touches money. Bureaus round the product to the fen half up or cut it off
below the fen; both are accepted, anything else is a wrong payment and excludes its row.
"""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

import polars as pl

from yikatong.money import yuan
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column
from yikatong.roster.hits import Hit

DECIMALS = 4
# Checked for emptiness where they are judged (ids, names, slots, amounts), with findings of their own.
CHECKED_ELSEWHERE = frozenset({*ID_COLUMNS, *NAME_COLUMNS, Column.SLOT, Column.AMOUNT})
_ONE = 10**DECIMALS
_PLAIN = rf"^[0-9]{{1,9}}(\.[0-9]{{1,{DECIMALS}}})?$"
_BLANK = r"^\s*$"
_THOUSANDS = r"^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$"
_UNIT = r"(元(/亩)?|亩)$"
_INT64_MAX = 2**63 - 1
# A product of two ten-thousandths counts in millionths of a fen.
_FEN = _ONE * _ONE // 100


def quantity_hits(standard: pl.Series, quantity: pl.Series, amount_fen: pl.Series, required: bool) -> list[Hit]:
    """Rows whose amount is not their quantity times their standard, or whose factors are no numbers.

    `standard` (yuan a unit) and `quantity` are raw cells (String, null where empty), `amount_fen` is Int64, null where
    unreadable. `required` is whether the subsidy's amount must be the product; where it need not, the cells are notes and
    nothing is said of them. Blank cells belong to `required_value_hits`, amounts not above zero to the amount's own checks.
    """
    if not required:
        return []
    factors, hits = [], []
    for column, code, raw in (
        (Column.STANDARD, "standard_unreadable", standard),
        (Column.QUANTITY, "quantity_unreadable", quantity),
    ):
        number, unreadable = _numbers(raw)
        factors.append(number)
        if len(unreadable):
            hits.append(Hit(code, column, unreadable, {"decimals": DECIMALS}))
    rows = pl.DataFrame([factors[0].alias("standard"), factors[1].alias("quantity"), amount_fen.alias("fen")])
    kind = _wide_enough(*factors)
    product = pl.col("standard").cast(kind) * pl.col("quantity").cast(kind)
    above = product - pl.col("fen").cast(kind) * pl.lit(_FEN, kind)
    # Half up: from half a fen below the amount; cut off: up to a whole fen above it.
    off = ((above < pl.lit(-(_FEN // 2), kind)) | (above >= pl.lit(_FEN, kind))) & (pl.col("fen") > 0)
    at = rows.lazy().select(off.arg_true()).collect().to_series()
    if len(at):
        hits.append(Hit("amount_mismatch", Column.AMOUNT, at, _details(rows[at])))
    return hits


def required_value_hits(cells: Mapping[Column, pl.Series], required: Collection[Column]) -> list[Hit]:
    """Blank cells (raw String, null where empty) of the columns a subsidy asks for and nothing else checks for emptiness."""
    found = {
        column: cells[column].str.contains(_BLANK).fill_null(True).arg_true()
        for column in required
        if column in cells and column not in CHECKED_ELSEWHERE
    }
    return [Hit("value_missing", column, at) for column, at in found.items() if len(at)]


def _numbers(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Cells in ten-thousandths (Int64, null where blank or unreadable), and the positions (UInt32) of the unreadable."""
    if len(raw) > 1 and raw.eq_missing(raw.head(1)).all():
        # One standard for everybody, as in most rosters, is read once.
        number, unreadable = _numbers(raw.head(1))
        everywhere = len(raw) if len(unreadable) else 0
        return number.new_from_index(0, len(raw)), pl.int_range(everywhere, dtype=pl.UInt32, eager=True)
    odd = (~raw.str.contains(_PLAIN)).arg_true()
    # An exact decimal of four places is its ten-thousandths in its own representation.
    numbers = raw.cast(pl.Decimal(14, DECIMALS), strict=False).to_physical().cast(pl.Int64)
    if odd.is_empty():
        return numbers, odd
    tidied = _tidied(raw.gather(odd))
    read = tidied.select(pl.when(pl.col("text").str.contains(_PLAIN)).then("text")).to_series()
    seen = read.cast(pl.Decimal(14, DECIMALS)).to_physical().cast(pl.Int64)
    return numbers.scatter(odd, seen), odd.filter((tidied["text"] != "") & seen.is_null())


def _tidied(cells: pl.Series) -> pl.DataFrame:
    """Full-width digits, blanks, currency signs, units and thousands separators away; needless zeros too."""
    text = pl.col("text").str.normalize("NFKC").str.replace_all(r"\s+", "")
    text = text.str.replace(r"^[¥￥]", "").str.replace(_UNIT, "")
    plain = pl.when(text.str.contains(_THOUSANDS)).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
    # 12.350000 says no more than 12.3500, and 12. no more than 12.
    plain = plain.str.replace(rf"^([0-9]+\.[0-9]{{{DECIMALS}}})0+$", "$1").str.replace(r"^([0-9]+)\.$", "$1")
    return cells.alias("text").to_frame().select(plain)


def _wide_enough(standard: pl.Series, quantity: pl.Series) -> pl.DataType:
    """The integers the products fit in: Int64, but for hostile or mistyped numbers."""
    greatest = _greatest(standard) * _greatest(quantity)
    # The amount, at most 12 digits of fen, is subtracted from it: that too must fit.
    return pl.Int64() if greatest < _INT64_MAX - 10**12 * _FEN else pl.Int128()


def _greatest(numbers: pl.Series) -> int:
    greatest = numbers.max()
    assert greatest is None or isinstance(greatest, int)
    return greatest or 0


def _details(rows: pl.DataFrame) -> Callable[[int], dict[str, Any]]:
    def details(index: int) -> dict[str, Any]:
        standard, quantity, fen = rows.row(index)
        return {
            "standard": _shown(Decimal(standard) / _ONE),
            "quantity": _shown(Decimal(quantity) / _ONE),
            "product": _shown(Decimal(standard * quantity) / (_ONE * _ONE), decimals=2),
            "amount": yuan(fen),
        }

    return details


def _shown(number: Decimal, decimals: int = 0) -> str:
    """With the decimals it has, and so many at least."""
    enough = round(number, decimals)
    return f"{enough if enough == number else number.normalize():f}"
