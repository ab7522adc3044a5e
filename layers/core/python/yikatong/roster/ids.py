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
    filled = raw.is_not_null().arg_true()
    text, number = raw, _right(raw if len(filled) == len(raw) else raw.gather(filled), on)
    if len(filled) < len(raw):
        number = replaced(pl.repeat(None, len(raw), dtype=pl.Int64, eager=True), filled, number)
    wrong = (number.is_null() & raw.is_not_null()).arg_true() if len(filled) < len(raw) else number.is_null().arg_true()
    empty = raw.is_null().arg_true()
    if len(wrong):
        again = _again(raw.gather(wrong), wrong, on)
        text, number = replaced(text, wrong, again["after"]), replaced(number, wrong, again["number"])
        right = pl.col("fault") == 0
        hits += _some("id_upgraded", column, again.filter(right & pl.col("old"))["at"])
        hits += _some("id_normalised", column, again.filter(right & ~pl.col("old"))["at"])
        for code, fault in enumerate(identity.FAULTS, start=1):
            at = again.filter(pl.col("fault") == code)["at"]
            if fault is identity.IdFault.EMPTY:
                empty = pl.concat([empty, at])
            else:
                hits += _some(fault, column, at)
    if required:
        # A cell that lost its digits has been named already.
        hits += _some(identity.IdFault.EMPTY, column, empty.filter(~empty.is_in(numeric.implode())))
    return Ids(text, number, hits)


def _right(ids: pl.Series, on: date) -> pl.Series:
    """The numbers of the ids that are right as written, null for all others."""
    text, digits = pl.col("text"), pl.col("digits")
    query = ids.alias("text").to_frame().lazy().with_columns(digits=identity.number_expression(text))
    query = query.select(number=pl.when(identity.right_expression(text, digits, on)).then(digits))
    return query.collect().to_series().rechunk()


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
