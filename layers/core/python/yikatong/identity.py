"""公民身份号码 (GB 11643-1999): when an id number is right, as a plain function and as polars expressions.

Eighteen characters: region (6), birth date (8), order (3), check digit by ISO 7064 MOD 11-2. Errors are length,
characters, a date that is no date, and the check digit. Whether the region existed in the birth year is *not* an
error: regions were renumbered, and a rule on it refuses most people born before about 1983. Fifteen-digit numbers
(before 1999) are upgraded: the century is 19, the check digit is computed.

The first 17 digits determine the check digit, so as an integer they are the person's key wherever rows are compared
in bulk: integers join and sort several times faster than text.

polars is imported inside the functions: the public query needs the plain rule and must start without it.
"""

import re
import unicodedata
from datetime import date
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from stdnum.cn.ric import calc_check_digit

if TYPE_CHECKING:
    import polars as pl

ID_LENGTH = 18
OLD_ID_LENGTH = 15
EARLIEST_BIRTH = date(1900, 1, 1)
# No region's code begins with 0, so the 17 digits stay 17 as an integer.
_SHAPE = r"[1-9][0-9]{16}[0-9X]"
_OLD_SHAPE = r"[1-9][0-9]{14}"
# What Python calls a blank, in Rust's words.
_BLANKS = r"[\s\x1c-\x1f]+"
# Polars reads a pattern anywhere in the text; anchored, it is what fullmatch is (no `$` before a newline in Rust).
PLAIN_ID = rf"^{_SHAPE}$"


class IdFault(StrEnum):
    """What is wrong with an id number; the first that applies, in this order."""

    EMPTY = "id_empty"
    LENGTH = "id_length"
    CHARACTERS = "id_characters"
    DATE = "id_date"
    CHECK_DIGIT = "id_check_digit"


FAULTS: tuple[IdFault, ...] = tuple(IdFault)


def check_digit(first_17: str) -> str:
    """The check digit of 17 digits, `0`-`9` or `X`.

    >>> check_digit("23010219900101123")
    '0'
    """
    assert re.fullmatch("[0-9]{17}", first_17), "17 digits make a check digit"
    return str(calc_check_digit(first_17 + "0"))


def normalise_id(text: str) -> str:
    """The one spelling of an id number: full-width to half-width, no blanks, `x` to `X`, 15 digits to 18.

    Says nothing about whether it is right; `id_fault` does.
    """
    tidy = "".join(unicodedata.normalize("NFKC", text).split()).replace("x", "X")
    if re.fullmatch(_OLD_SHAPE, tidy):
        first_17 = f"{tidy[:6]}19{tidy[6:]}"
        return first_17 + check_digit(first_17)
    return tidy


def id_fault(id_number: str, on: date) -> IdFault | None:
    """What is wrong with a normalised id number, or None. A birth after `on` is a date fault."""
    if not id_number:
        return IdFault.EMPTY
    if len(id_number) != ID_LENGTH:
        return IdFault.LENGTH
    if not re.fullmatch(_SHAPE, id_number):
        return IdFault.CHARACTERS
    if not _is_birth_date(id_number[6:14], on):
        return IdFault.DATE
    if check_digit(id_number[:17]) != id_number[17]:
        return IdFault.CHECK_DIGIT
    return None


def _is_birth_date(digits: str, on: date) -> bool:
    try:
        birth = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return EARLIEST_BIRTH <= birth <= on


def normalise_expression(raw: "pl.Expr") -> "pl.Expr":
    """`normalise_id` for a column of text; nulls stay null, blank text becomes null."""
    import polars as pl

    tidy = raw.str.normalize("NFKC").str.replace_all(_BLANKS, "")
    tidy = tidy.str.replace_all("x", "X", literal=True)
    first_17 = pl.concat_str(tidy.str.head(6), pl.lit("19"), tidy.str.slice(6))
    digits = _check_expression(first_17.str.head(17).cast(pl.Int64, strict=False))
    upgraded = pl.concat_str(first_17, pl.when(digits == 10).then(pl.lit("X")).otherwise(digits.cast(pl.String)))
    old = tidy.str.contains(f"^{_OLD_SHAPE}$")
    return pl.when(old).then(upgraded).when(tidy != "").then(tidy)


def number_expression(id_number: "pl.Expr") -> "pl.Expr":
    """The first 17 digits as Int64 where the text has the shape of an id number, else null.

    The bounds stand in for a pattern: 17 digits and no sign, since no region code starts with 0.
    """
    import polars as pl

    number = id_number.str.slice(0, 17).cast(pl.Int64, strict=False)
    shaped = (id_number.str.len_bytes() == ID_LENGTH) & number.is_between(10**16, 10**17 - 1)
    return pl.when(shaped).then(number)


def right_expression(id_number: "pl.Expr", number: "pl.Expr", on: date) -> "pl.Expr":
    """Whether `id_fault` finds nothing in normalised ids, given their `number_expression`; null counts as wrong."""
    return (_check_digit_agrees(id_number, number) & _born_in_time(number, on)).fill_null(False)


def fault_expression(id_number: "pl.Expr", number: "pl.Expr", on: date) -> "pl.Expr":
    """`id_fault` for normalised ids and their `number_expression`, as UInt8: 0 for none, else 1 + its index in FAULTS."""
    import polars as pl

    def code(fault: IdFault) -> "pl.Expr":
        return pl.lit(1 + FAULTS.index(fault), dtype=pl.UInt8)

    return (
        pl.when(right_expression(id_number, number, on))
        .then(pl.lit(0, dtype=pl.UInt8))
        .when(id_number.is_null() | (id_number == ""))
        .then(code(IdFault.EMPTY))
        .when(id_number.str.len_chars() != ID_LENGTH)
        .then(code(IdFault.LENGTH))
        .when(~id_number.str.contains(PLAIN_ID))
        .then(code(IdFault.CHARACTERS))
        .when(~_born_in_time(number, on))
        .then(code(IdFault.DATE))
        .otherwise(code(IdFault.CHECK_DIGIT))
    )


def _check_digit_agrees(id_number: "pl.Expr", number: "pl.Expr") -> "pl.Expr":
    import polars as pl

    last = id_number.str.slice(17, 1)
    given = pl.when(last == "X").then(10).otherwise(last.cast(pl.Int32, strict=False))
    return given == _check_expression(number)


def _born_in_time(number: "pl.Expr", on: date) -> "pl.Expr":
    import polars as pl

    birth = number // 1000 % 100_000_000
    month_day, year = birth % 10_000, birth // 10_000
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    real = pl.lit(_month_days()).gather(month_day) & (leap | (month_day != 229))
    return real & birth.is_between(_as_int(EARLIEST_BIRTH), _as_int(on))


def birth_year_expression(number: "pl.Expr") -> "pl.Expr":
    """The birth year of a `number_expression`."""
    return number // 10_000_000 % 10_000


def _as_int(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _check_expression(number: "pl.Expr") -> "pl.Expr":
    """The check digit (0-10) of 17 digits as an integer: Σ digit x 2^(place) mod 11, five digits at a time by table."""
    import polars as pl

    table = pl.lit(_weighted_sums())
    total = sum(
        (table.gather(number // 10**places % 10**5) * (2 ** (places + 1) % 11) for places in (0, 5, 10, 15)),
        start=pl.lit(0),
    )
    return (12 - total % 11) % 11


@cache
def _weighted_sums() -> "pl.Series":
    """For every five digits, Σ digit x 2^place mod 11, places counted from the right."""
    import polars as pl

    digits = pl.int_range(10**5, eager=True)
    return (
        sum(
            (digits // 10**place % 10 * (2**place % 11) for place in range(5)),
            start=pl.zeros(10**5, dtype=pl.Int64, eager=True),
        ).cast(pl.Int32)
        % 11
    )


@cache
def _month_days() -> "pl.Series":
    """For every MMDD as an integer, whether it is a day of some year."""
    import polars as pl

    lengths = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return pl.Series(
        [1 <= md // 100 <= 12 and 1 <= md % 100 <= lengths[md // 100 - 1] for md in range(10_000)], dtype=pl.Boolean
    )
