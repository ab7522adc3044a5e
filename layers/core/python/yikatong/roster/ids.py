"""The ids of one role in a roster: judged as written, and what fails is normalised and judged again.

Most ids are right as they stand, so the expensive normalisation meets only the few that are not; and a role most rows
leave empty (a payee, a household head) costs only the rows that fill it.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import polars as pl

from yikatong import identity
from yikatong.roster.columns import Column
from yikatong.roster.hits import NOWHERE, Hit, where
from yikatong.roster.tidying import replaced


@dataclass(frozen=True)
class Ids:
    """`text`: the ids in their one spelling, null where empty; `number` (Int64): their first 17 digits, null unless right."""

    text: pl.Series
    number: pl.Series
    hits: list[Hit]


def first_look_at_ids(text: pl.Expr, on: date) -> tuple[pl.Expr, pl.Expr]:
    """Two expressions, the second to be used where the first stands: `whole`, what ids are as integers, and the numbers of
    those that are right as written and end in a digit, null for all others."""
    # Named first and used after: written into the other, it would be computed at each mention.
    whole = pl.col("whole")
    number = pl.when(identity.right_whole_expression(whole, on)).then(whole // 10)
    return identity.whole_expression(text).alias("whole"), number


def check_filled_ids(raw: pl.Series, column: Column, numeric: pl.Series, on: date, *, required: bool) -> Ids:
    """Judge a role that rows may leave empty."""
    number = pl.repeat(None, len(raw), dtype=pl.Int64, eager=True)
    filled = where(raw.is_not_null())
    if len(filled):
        whole, look = first_look_at_ids(pl.col("id"), on)
        some = pl.DataFrame({"id": raw.gather(filled)}).with_columns(whole)
        number = number.scatter(filled, some.select(look).to_series())
    return check_ids(raw, number, column, numeric, on, required=required)


def check_ids(
    raw: pl.Series, number: pl.Series, column: Column, numeric: pl.Series, on: date, *, required: bool
) -> Ids:
    """Judge a column of ids that has been looked at a first time (`number`).

    `numeric` holds the positions whose cell was a number: what remains of it is not an id.
    """
    hits: list[Hit] = []
    if len(numeric):
        raw = replaced(raw, numeric, pl.Series([None] * len(numeric), dtype=pl.String))
        number = replaced(number, numeric, pl.Series([None] * len(numeric), dtype=pl.Int64))
        hits.append(Hit("id_numeric", column, numeric))
    text, empty = raw, where(raw.is_null()) if raw.null_count() else NOWHERE
    rest = where(number.is_null() & raw.is_not_null()) if number.null_count() else NOWHERE
    if len(rest):
        number = number.scatter(rest, _numbers(raw.gather(rest), on))
        rest = rest.filter(number.gather(rest).is_null())
    if len(rest):
        again = _again(raw.gather(rest), rest, on)
        text, number = replaced(text, rest, again["after"]), replaced(number, rest, again["number"])
        at, fault, old = again["at"], again["fault"], again["old"]
        hits += _some("id_upgraded", column, at.filter((fault == 0) & old))
        hits += _some("id_normalised", column, at.filter((fault == 0) & ~old))
        for number_of_fault, what in enumerate(identity.FAULTS, start=1):
            found = at.filter(fault == number_of_fault)
            if what is identity.IdFault.EMPTY:
                empty = pl.concat([empty, found])
            else:
                hits += _some(what, column, found)
    if required:
        # A cell that lost its digits has been named already.
        hits += _some(identity.IdFault.EMPTY, column, empty.filter(~empty.is_in(numeric.implode())))
    return Ids(text, number, hits)


def _numbers(raw: pl.Series, on: date) -> pl.Series:
    """The numbers of the ids that are right as written, whatever they end in; null for all others."""
    number, right = _right(on)
    return pl.DataFrame({"text": raw}).with_columns(number).select(right).to_series()


@cache
def _right(on: date) -> tuple[pl.Expr, pl.Expr]:
    # Built once: for a stretch's few ids it costs as much as to look at them.
    text, number = pl.col("text"), pl.col("number")
    right = pl.when(identity.right_expression(text, number, on)).then(number)
    return identity.number_expression(text).alias("number"), right


def _again(before: pl.Series, at: pl.Series, on: date) -> pl.DataFrame:
    """The ids that failed as written, normalised and judged again; `old` marks those that had 15 digits."""
    seen = pl.DataFrame({"at": at, "before": before})
    # Few rows: what a lazy query would save is less than what it costs to think about.
    for step in _second_look(on):
        seen = seen.with_columns(step)
    return seen


@cache
def _second_look(on: date) -> tuple[list[pl.Expr], ...]:
    before, after = pl.col("before"), pl.col("after")
    old = before.str.replace_all(r"\s", "").str.len_chars() == identity.OLD_ID_LENGTH
    return (
        [identity.normalise_expression(before).alias("after"), old.alias("old")],
        [identity.number_expression(after).alias("digits")],
        [identity.fault_expression(after, pl.col("digits"), on).alias("fault")],
        [pl.when(pl.col("fault") == 0).then(pl.col("digits")).alias("number")],
    )


def _some(code: str, column: Column, at: pl.Series) -> list[Hit]:
    return [Hit(code, column, at)] if len(at) else []
