"""The ids of one role in a roster: judged as written, and what fails is normalised and judged again.

Most ids are right as they stand, so the expensive normalisation meets only the few that are not; and a role most rows
leave empty (a payee, a household head) costs only the rows that fill it.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from yikatong import identity
from yikatong.roster.columns import Column
from yikatong.roster.hits import Hit
from yikatong.roster.tidying import replaced


@dataclass(frozen=True)
class Ids:
    """`text`: the ids in their one spelling, null where empty; `number` (Int64): their first 17 digits, null unless right."""

    text: pl.Series
    number: pl.Series
    hits: list[Hit]


def check_ids(raw: pl.Series, column: Column, numeric: pl.Series, on: date, *, required: bool) -> Ids:
    """Judge a column of ids. `numeric` holds the positions whose cell was a number: what remains of it is not an id."""
    hits: list[Hit] = []
    if len(numeric):
        raw = replaced(raw, numeric, pl.Series([None] * len(numeric), dtype=pl.String))
        hits.append(Hit("id_numeric", column, numeric))
    text, number = raw, _numbers(raw, on)
    wrong = (number.is_null() & raw.is_not_null()).arg_true()
    empty = raw.is_null().arg_true()
    if len(wrong):
        again = _again(raw.gather(wrong), wrong, on)
        text, number = replaced(text, wrong, again["after"]), replaced(number, wrong, again["number"])
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
    """The numbers of the ids that are right as written, null for all others."""
    filled = raw.is_not_null().arg_true()
    if len(filled) < len(raw):
        nothing = pl.repeat(None, len(raw), dtype=pl.Int64, eager=True)
        return nothing.scatter(filled, _numbers(raw.gather(filled), on)) if len(filled) else nothing
    texts = raw.alias("text").to_frame().lazy()
    whole = pl.col("whole")
    # Named first and used after: written into the expression, it would be computed at each mention.
    wholes = texts.select(whole=identity.whole_expression(pl.col("text")))
    numbers = _collected(wholes.select(pl.when(identity.right_whole_expression(whole, on)).then(whole // 10)))
    rest = numbers.is_null().arg_true()
    if rest.is_empty():
        return numbers
    text, number = pl.col("text"), pl.col("number")
    texts = pl.LazyFrame({"text": raw.gather(rest)}).with_columns(number=identity.number_expression(text))
    right = identity.right_expression(text, number, on)
    return numbers.scatter(rest, _collected(texts.select(pl.when(right).then(number))))


def _collected(column: pl.LazyFrame) -> pl.Series:
    return column.collect().to_series().rechunk()


def _again(before: pl.Series, at: pl.Series, on: date) -> pl.DataFrame:
    """The ids that failed as written, normalised and judged again; `old` marks those that had 15 digits."""
    query = pl.LazyFrame({"at": at, "before": before}).with_columns(
        after=identity.normalise_expression(pl.col("before")),
        old=pl.col("before").str.replace_all(r"\s", "").str.len_chars() == identity.OLD_ID_LENGTH,
    )
    query = query.with_columns(digits=identity.number_expression(pl.col("after")))
    query = query.with_columns(fault=identity.fault_expression(pl.col("after"), pl.col("digits"), on))
    return query.with_columns(number=pl.when(pl.col("fault") == 0).then(pl.col("digits"))).collect().rechunk()


def _some(code: str, column: Column, at: pl.Series) -> list[Hit]:
    return [Hit(code, column, at)] if len(at) else []
