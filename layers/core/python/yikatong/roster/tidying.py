"""Each column in its one spelling, every change told as a remark: nothing is changed silently.

Most cells are already plain. One pattern per column finds those that are not; only they are normalised, so a clean million
of rows costs one pass and a dirty thousand costs a thousand.
"""

from dataclasses import dataclass, field
from functools import cache

import polars as pl

from yikatong.cards import ACCOUNT_PATTERN
from yikatong.roster.columns import Column
from yikatong.roster.hits import NOWHERE, Hit, where
from yikatong.roster.names import MAX_CHARACTERS, ODD, name_fault_expression, normalise_name_expression

PLAIN_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
_THOUSANDS = r"^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$"
_NEGATIVE = r"^-[0-9,]+(\.[0-9]*)?$"
_DETAILS = {"name_too_long": {"limit": MAX_CHARACTERS}}
_TOO_FINE = r"^[0-9]+\.[0-9]{3,}$"


@dataclass
class Tidied:
    """A column in its one spelling (null: nothing usable) and what was found on the way."""

    series: pl.Series
    hits: list[Hit] = field(default_factory=list)


def odd_name(name: pl.Expr, *, required: bool) -> pl.Expr:
    """Whether a name calls for a second look."""
    # Not `+` after the group: one odd character is enough, and the empty text has none.
    odd = name.str.contains(rf"{ODD}|^$") | (name.str.len_bytes() > MAX_CHARACTERS * 3)
    return odd.fill_null(required)


def tidy_names(raw: pl.Series, odd: pl.Series, column: Column, *, required: bool) -> Tidied:
    """Names of one role, `odd` telling which to look at; a name at fault stays as it is written, its row is excluded."""
    at = where(odd)
    if at.is_empty():
        return Tidied(raw)
    seen = _before_and_after(raw, at, normalise_name_expression(pl.col("before")))
    seen = seen.with_columns(fault=name_fault_expression(pl.col("after")))
    tests = {
        code: pl.col("fault") == code
        for code in ("name_empty", "name_control", "name_formula", "name_damaged", "name_too_long")
        if required or code != "name_empty"
    }
    tests["name_normalised"] = pl.col("fault").is_null() & (pl.col("before") != pl.col("after"))
    return Tidied(replaced(raw, at, seen["after"]), _hits(seen, column, tests))


def plain_fen(amount: pl.Expr) -> pl.Expr:
    """The fen (Int64) of amounts in yuan written plainly, null for all others.

    Exact decimals of two places are fen in their own representation: no float touches money.
    """
    fen = amount.cast(pl.Decimal(14, 2), strict=False).to_physical().cast(pl.Int64)
    return pl.when(amount.str.contains(PLAIN_AMOUNT)).then(fen)


def read_amounts(raw: pl.Series) -> Tidied:
    """Amounts in fen (Int64) however they are written, null where they cannot be read; both looks in one."""
    return tidy_amounts(raw, pl.select(plain_fen(pl.lit(raw))).to_series())


def tidy_amounts(raw: pl.Series, fen: pl.Series) -> Tidied:
    """Amounts in fen (Int64), null where they cannot be read; `fen` has those written plainly."""
    at = where(fen.is_null()) if fen.null_count() else NOWHERE
    if at.is_empty():
        return Tidied(fen)
    plain, tests, read = _amount_look()
    seen = _before_and_after(raw, at, plain)
    return Tidied(fen.scatter(at, seen.select(read).to_series()), _hits(seen, Column.AMOUNT, tests))


@cache
def _amount_look() -> tuple[pl.Expr, dict[str, pl.Expr], pl.Expr]:
    """An amount (`before`) in its plain spelling, what may be said of both, and what it comes to."""
    text = pl.col("before").str.normalize("NFKC").str.replace_all(r"\s+", "")
    text = text.str.replace(r"^[¥￥]", "").str.replace("元$", "")
    plain = (
        pl.when(text.str.contains(_THOUSANDS))
        .then(text.str.replace_all(",", "", literal=True))
        .otherwise(text)
        # 520.000 says no more than 520.00, and 520. no more than 520.
        .str.replace(r"^([0-9]+\.[0-9]{2})0+$", "$1")
        .str.replace(r"^([0-9]+)\.$", "$1")
    )
    after, good = pl.col("after"), pl.col("after").str.contains(PLAIN_AMOUNT).fill_null(False)
    empty = after.is_null() | (after == "")
    negative, too_fine = after.str.contains(_NEGATIVE), after.str.contains(_TOO_FINE)
    tests = {
        "amount_empty": empty,
        "amount_not_positive": negative,
        "amount_decimals": too_fine,
        "amount_normalised": good & (pl.col("before") != after),
        "amount_unreadable": ~(good | empty | negative | too_fine).fill_null(True),
    }
    return plain, tests, plain_fen(after)


def plain_account(account: pl.Expr) -> pl.Expr:
    """Whether an account needs no second look; null where there is none."""
    return account.str.contains(ACCOUNT_PATTERN)


def tidy_accounts(raw: pl.Series, plain: pl.Series, numeric: pl.Series) -> Tidied:
    """The roster's own bank accounts, digits only; what cannot be read is as if not given, and said so."""
    tidied = Tidied(raw)
    if len(numeric):
        nothing = pl.repeat(None, len(numeric), dtype=pl.String, eager=True)
        tidied.series = replaced(raw, numeric, nothing)
        tidied.hits.append(Hit("account_numeric", Column.ACCOUNT, numeric))
        plain = replaced(plain, numeric, pl.repeat(True, len(numeric), eager=True))
    at = where(~plain)
    if at.is_empty():
        return tidied
    tidy = pl.col("before").str.normalize("NFKC").str.replace_all(r"[\s\-]+", "")
    seen = _before_and_after(tidied.series, at, tidy)
    good = pl.col("after").str.contains(ACCOUNT_PATTERN).fill_null(False)
    tidied.series = replaced(tidied.series, at, seen.select(pl.when(good).then("after")).to_series())
    written = pl.col("after").is_not_null() & (pl.col("after") != "")
    tidied.hits += _hits(seen, Column.ACCOUNT, {"account_normalised": good, "account_unreadable": written & ~good})
    return tidied


def _before_and_after(raw: pl.Series, at: pl.Series, change: pl.Expr) -> pl.DataFrame:
    return pl.DataFrame({"at": at, "before": raw.gather(at)}).with_columns(change.alias("after"))


def _hits(seen: pl.DataFrame, column: Column, tests: dict[str, pl.Expr]) -> list[Hit]:
    found = seen.select(test.alias(code) for code, test in tests.items())
    hits = [Hit(code, column, seen["at"].filter(found[code]), _DETAILS.get(code, {})) for code in tests]
    return [hit for hit in hits if len(hit.at)]


def replaced(series: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """A copy of `series` with `values` at positions `at`."""
    # scatter writes in place, and the cells as the bureau wrote them are still to be shown.
    return series.clone().scatter(at, values)
