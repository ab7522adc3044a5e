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


# By the weighted sum of the 17 digits before it (mod 11): what brings the sum of all to 1.
_CHECK_CHARACTERS = ["1", "0", "X", "9", "8", "7", "6", "5", "4", "3", "2"]


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
    weighted = sum(int(digit) * pow(2, place, 11) for place, digit in enumerate(reversed(first_17), start=1))
    return _CHECK_CHARACTERS[weighted % 11]


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
    sums = _weighted_sum(first_17.str.head(17).cast(pl.Int64, strict=False) * 10) % 11
    upgraded = pl.concat_str(first_17, pl.lit(pl.Series(_CHECK_CHARACTERS)).gather(sums))
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
    return (_check_digit_agrees(id_number, number) & _born_in_time(_birth_of(number), on)).fill_null(False)


def whole_expression(id_number: "pl.Expr") -> "pl.Expr":
    """All eighteen digits as Int64; 0 where the text is anything else, an id ending in X among it."""
    import polars as pl

    whole = id_number.cast(pl.Int64, strict=False)
    # As in `number_expression`: eighteen digits, no sign, no leading 0.
    shaped = (id_number.str.len_bytes() == ID_LENGTH) & (whole >= 10**17)
    return pl.when(shaped).then(whole).otherwise(0)


def right_whole_expression(whole: "pl.Expr", on: date) -> "pl.Expr":
    """`right_expression` for a `whole_expression`: no text to cut up, so half the work for ten ids in eleven.

    The 0 of what is no number has the sum 0 and the birth 0, and is not right.
    """
    return (_weighted_sum(whole) % 11 == 1) & _born_in_time(whole // 10_000 % 100_000_000, on)


def numbers_of(ids: "pl.Series") -> "pl.Series":
    """`number_expression` of a whole column, by way of `whole_expression` for the ids that end in a digit."""
    import polars as pl

    text, whole = pl.col("text"), pl.col("whole")
    texts = ids.alias("text").to_frame().lazy()
    query = texts.select(whole=whole_expression(text)).select(pl.when(whole != 0).then(whole // 10))
    numbers = query.collect().to_series().rechunk()
    rest = numbers.is_null().arg_true()
    if rest.is_empty():
        return numbers
    return numbers.scatter(rest, pl.select(number_expression(pl.lit(ids.gather(rest)))).to_series())


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
        .when(~_born_in_time(_birth_of(number), on))
        .then(code(IdFault.DATE))
        .otherwise(code(IdFault.CHECK_DIGIT))
    )


def _check_digit_agrees(id_number: "pl.Expr", number: "pl.Expr") -> "pl.Expr":
    import polars as pl

    last = id_number.str.slice(17, 1)
    given = pl.when(last == "X").then(10).otherwise(last.cast(pl.Int32, strict=False))
    return given == _check_expression(number)


def _birth_of(number: "pl.Expr") -> "pl.Expr":
    return number // 1000 % 100_000_000


def _born_in_time(birth: "pl.Expr", on: date) -> "pl.Expr":
    import polars as pl

    first = _as_int(EARLIEST_BIRTH)
    place = pl.when(birth.is_between(first, _as_int(on))).then(birth - first)
    return pl.lit(_birth_dates(on)).gather(place).fill_null(False)


def birth_years(numbers: "pl.Series") -> "pl.Series":
    """The birth years of `numbers_of` a column."""
    return numbers // 10_000_000 % 10_000


def _as_int(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _check_expression(number: "pl.Expr") -> "pl.Expr":
    """The check digit (0-10) of 17 digits as an integer: what brings their weighted sum to 1 (mod 11)."""
    import polars as pl

    return (12 - (_weighted_sum(number * 10) % 11).cast(pl.Int32)) % 11


def _weighted_sum(eighteen: "pl.Expr") -> "pl.Expr":
    """Σ digit x 2^place (mod 11) of 18 digits as an integer, six at a time by table. UInt8: at most 10 x (1 + 9 + 4)."""
    import polars as pl

    table = pl.lit(_weighted_sums())
    return sum(
        (table.gather(eighteen // 10**places % 10**6) * (2**places % 11) for places in (0, 6, 12)),
        start=pl.lit(0, dtype=pl.UInt8),
    )


@cache
def _weighted_sums() -> "pl.Series":
    """For every six digits, Σ digit x 2^place mod 11, places counted from the right."""
    import polars as pl

    three = [sum(number // 10**place % 10 * 2**place for place in range(3)) for number in range(1000)]
    low = pl.DataFrame({"low": three})
    sums = low.select(high=pl.col("low") * 2**3).join(low, how="cross", maintain_order="left_right")
    return sums.select((pl.col("high") + pl.col("low")) % 11).to_series().cast(pl.UInt8).rechunk()


@cache
def _birth_dates(on: date) -> "pl.Series":
    """For every YYYYMMDD as an integer, counted from the earliest birth to `on`, whether it is a date."""
    import polars as pl

    days = pl.date_range(EARLIEST_BIRTH, on, eager=True).dt
    numbers = days.year() * 10_000 + days.month().cast(pl.Int32) * 100 + days.day() - _as_int(EARLIEST_BIRTH)
    return pl.repeat(False, _as_int(on) - _as_int(EARLIEST_BIRTH) + 1, eager=True).scatter(numbers, True)
