"""Every row's own checks: ids of each role, names, amount, account, slot, age."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from yikatong import identity
from yikatong.roster.arranging import put_together
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column
from yikatong.roster.context import RosterContext
from yikatong.roster.hits import Hit
from yikatong.roster.ids import check_ids
from yikatong.roster.side_by_side import side_by_side
from yikatong.roster.slot_checks import check_slots
from yikatong.roster.table import Table
from yikatong.roster.tidying import fen_of, tidy_accounts, tidy_amounts, tidy_names

MAX_AGE_YEARS = 120
_NO_ROWS = pl.Series("row", [], dtype=pl.Int32)


@dataclass(frozen=True)
class Checked:
    """Rows in their one spelling, judged one by one; `rows` and `places` as `arranging.put_together` returns them."""

    rows: pl.DataFrame
    places: pl.Series
    hits: list[Hit]


def check_rows(table: Table, context: RosterContext) -> Checked:
    """Judge every row by itself; nothing in the table changes. Raises Unreadable for hopeless slots."""
    places = table.header.places
    looks = [partial(_ids, table, column, context) for column in ID_COLUMNS if column in places]
    looks += [partial(_names, table, column) for column in NAME_COLUMNS if column in places]
    looks.append(partial(_amounts, table))
    if Column.ACCOUNT in places:
        looks.append(partial(_accounts, table))
    looks.append(partial(_slots, table, context))
    columns: dict[str, pl.Series] = {"row": table.cells["row"]}
    hits: list[Hit] = []
    for looked in side_by_side(looks):
        columns |= looked.columns
        hits += looked.hits
    rows, frozen_places = put_together(columns, household=context.settings.household)
    hits += _age_hits(columns, context) + _amount_hits(columns, context) + _payee_hits(columns)
    return Checked(rows, frozen_places, hits)


@dataclass(frozen=True)
class _Looked:
    """What one column of the table came to."""

    columns: dict[str, pl.Series]
    hits: list[Hit]


def _ids(table: Table, column: Column, context: RosterContext) -> _Looked:
    numeric = _numeric_at(table, column)
    ids = check_ids(_cells(table, column), column, numeric, context.as_of, required=column is Column.ID)
    return _Looked({column: ids.text, f"{column}_number": ids.number}, ids.hits)


def _names(table: Table, column: Column) -> _Looked:
    names = tidy_names(_cells(table, column), column, required=column is Column.NAME)
    return _Looked({column: names.series}, names.hits)


def _amounts(table: Table) -> _Looked:
    amounts = tidy_amounts(_cells(table, Column.AMOUNT))
    return _Looked({"amount_fen": fen_of(amounts.series)}, amounts.hits)


def _accounts(table: Table) -> _Looked:
    accounts = tidy_accounts(_cells(table, Column.ACCOUNT), _numeric_at(table, Column.ACCOUNT))
    return _Looked({"account": accounts.series}, accounts.hits)


def _slots(table: Table, context: RosterContext) -> _Looked:
    slots = check_slots(_cells(table, Column.SLOT), context)
    return _Looked({"slot": slots.slot, "slot_rank": slots.rank}, slots.hits)


def _cells(table: Table, column: Column) -> pl.Series:
    return table.cells[f"c{table.header.places[column]}"]


def _numeric_at(table: Table, column: Column) -> pl.Series:
    rows = table.numeric.get(column, _NO_ROWS)
    if rows.is_empty():
        return rows.cast(pl.UInt32)
    return table.cells["row"].is_in(rows.implode()).arg_true()


def _age_hits(columns: Mapping[str, pl.Series], context: RosterContext) -> list[Hit]:
    """The dead are not paid: an age nobody reaches is asked about, never refused."""
    year = identity.birth_year_expression(pl.lit(columns[f"{Column.ID}_number"]))
    at = pl.select((year < context.as_of.year - MAX_AGE_YEARS).arg_true()).to_series()
    return [Hit("age_implausible", Column.ID, at, {"limit": MAX_AGE_YEARS})]


def _amount_hits(columns: Mapping[str, pl.Series], context: RosterContext) -> list[Hit]:
    fen = columns["amount_fen"]
    hits = [Hit("amount_not_positive", Column.AMOUNT, (fen <= 0).arg_true())]
    limit = context.settings.amount_limit_fen
    if limit is not None:
        shown = f"{limit // 100}.{limit % 100:02d}"
        hits.append(Hit("amount_over_limit", Column.AMOUNT, (fen > limit).arg_true(), {"limit": shown}))
    return hits


def _payee_hits(columns: Mapping[str, pl.Series]) -> list[Hit]:
    """A payee has a name and an id, or there is none. A roster without one of the columns leaves it empty."""
    given = {name: columns[name].is_not_null() for name in (Column.PAYEE_ID, Column.PAYEE_NAME) if name in columns}
    if not given:
        return []
    first, *second = given.values()
    incomplete = first != second[0] if second else first
    return [Hit("payee_incomplete", next(iter(given)), incomplete.arg_true())]
