"""Every row's own checks, one stretch of a roster at a time: ids of each role, names, amount, account, slot, age."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import polars as pl

from yikatong import identity
from yikatong.money import yuan
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column, Header, required_columns_of
from yikatong.roster.context import RosterContext
from yikatong.roster.hits import NOWHERE, Hit, where
from yikatong.roster.ids import check_filled_ids, check_ids, first_look_at_ids
from yikatong.roster.quantities import quantity_hits, required_value_hits
from yikatong.roster.slot_checks import SlotJudge, check_slots
from yikatong.roster.tidying import (
    odd_name,
    plain_account,
    plain_fen,
    replaced,
    tidy_accounts,
    tidy_amounts,
    tidy_names,
)

MAX_AGE_YEARS = 120


@dataclass(frozen=True)
class Checked:
    """Rows in their one spelling and what was found of each by itself.

    `rows` are in the order of the cells: `row`, the columns of the frozen roster but `status` and `reasons` (the payee is the
    beneficiary where none is named), and for comparison in bulk `key_number`, `beneficiary_number`, `payee_number` (Int64, null
    unless the id is right) and `slot_rank`.
    """

    rows: pl.DataFrame
    hits: list[Hit]

    def below(self, first: int) -> "Checked":
        """The same with `row` counted from the file's beginning, `first` being the first row's."""
        return replace(self, rows=self.rows.with_columns(pl.col("row") + first))


def check_rows(
    cells: pl.DataFrame, header: Header, numeric: Mapping[Column, pl.Series], context: RosterContext, slots: SlotJudge
) -> Checked:
    """Judge rows one by one; `cells` as `table.Stretch` has them. Raises Unreadable for hopeless slots."""
    written = {column: cells[f"c{place}"] for column, place in header.places.items()}
    numeric_at = {column: where(cells["row"].is_in(rows.implode())) for column, rows in numeric.items()}
    required = required_columns_of(context.settings)
    look = _first_look(cells, header, required, context)
    tidy: dict[str, pl.Series] = {}
    hits: list[Hit] = []
    for column in (column for column in ID_COLUMNS if column in written):
        raw, lost = written[column], numeric_at.get(column, NOWHERE)
        if column is Column.ID:
            ids = check_ids(raw, look[column], column, lost, context.as_of, required=True)
        else:
            ids = check_filled_ids(raw, column, lost, context.as_of, required=column in required)
        tidy |= {column: ids.text, f"{column}_number": ids.number}
        hits += ids.hits
    for column in (column for column in NAME_COLUMNS if column in written):
        names = tidy_names(written[column], look[column], column, required=column in required)
        tidy[column] = names.series
        hits += names.hits
    amounts = tidy_amounts(written[Column.AMOUNT], look[Column.AMOUNT])
    tidy["amount_fen"] = amounts.series
    if Column.ACCOUNT in written:
        lost = numeric_at.get(Column.ACCOUNT, NOWHERE)
        accounts = tidy_accounts(written[Column.ACCOUNT], look[Column.ACCOUNT], lost)
        tidy[Column.ACCOUNT] = accounts.series
        hits += accounts.hits
    checked_slots = check_slots(written[Column.SLOT], slots)
    tidy |= {"slot": checked_slots.slot, "slot_rank": checked_slots.rank}
    hits += amounts.hits + checked_slots.hits
    hits += required_value_hits(written, required) + _quantity_hits(written, tidy, context)
    hits += _age_hits(tidy, context) + _amount_hits(tidy, context) + _payee_hits(tidy, numeric_at)
    rows = _put_together(cells["row"], tidy, household=context.settings.household)
    return Checked(rows, [_with_cells(hit, written) for hit in hits if len(hit.at)])


def _first_look(
    cells: pl.DataFrame, header: Header, required: Collection[Column], context: RosterContext
) -> pl.DataFrame:
    """Of each column that which tells its plain cells from those to be looked at again, all in one query."""
    names = tuple((column, f"c{place}") for column, place in header.places.items())
    whole, looks = _first_looks(names, tuple(required), context.as_of)
    return cells.lazy().with_columns(whole).select(looks).collect().rechunk()


@cache
def _first_looks(
    names: tuple[tuple[Column, str], ...], required: tuple[Column, ...], on: date
) -> tuple[pl.Expr, list[pl.Expr]]:
    cells = {column: pl.col(name) for column, name in names}
    whole, number = first_look_at_ids(cells[Column.ID], on)
    looks = {Column.ID: number, Column.AMOUNT: plain_fen(cells[Column.AMOUNT])}
    looks |= {
        column: odd_name(cells[column], required=column in required) for column in NAME_COLUMNS if column in cells
    }
    if Column.ACCOUNT in cells:
        looks[Column.ACCOUNT] = plain_account(cells[Column.ACCOUNT])
    return whole, [look.alias(column) for column, look in looks.items()]


def _with_cells(hit: Hit, written: Mapping[Column, pl.Series]) -> Hit:
    """The hit with what the bureau wrote: the cells themselves are given up with their stretch."""
    return hit.showing(written[hit.column]) if hit.column in written else hit


def together(parts: Iterable[Checked]) -> Checked:
    """The rows of several stretches, in their order, with `at` (UInt32), the place of each."""
    rows: list[pl.DataFrame] = []
    hits: list[Hit] = []
    height = 0
    for part in parts:
        # Stretch by stretch: one column in one piece would make polars copy the others into one piece as well.
        at = pl.int_range(height, height + part.rows.height, dtype=pl.UInt32, eager=True).alias("at")
        rows.append(part.rows.insert_column(0, at))
        hits += [replace(hit, at=hit.at + height) for hit in part.hits]
        height += part.rows.height
    return Checked(pl.concat(rows), hits)


def _age_hits(tidy: Mapping[str, pl.Series], context: RosterContext) -> list[Hit]:
    """The dead are not paid: an age nobody reaches is asked about, never refused."""
    years = identity.birth_years(tidy[f"{Column.ID}_number"])
    at = where(years < context.as_of.year - MAX_AGE_YEARS)
    return [Hit("age_implausible", Column.ID, at, {"limit": MAX_AGE_YEARS})]


def _amount_hits(tidy: Mapping[str, pl.Series], context: RosterContext) -> list[Hit]:
    fen = tidy["amount_fen"]
    hits = [Hit("amount_not_positive", Column.AMOUNT, where(fen <= 0))]
    limit = context.settings.amount_limit_fen
    if limit is not None:
        hits.append(Hit("amount_over_limit", Column.AMOUNT, where(fen > limit), {"limit": yuan(limit)}))
    return hits


def _quantity_hits(
    written: Mapping[Column, pl.Series], tidy: Mapping[str, pl.Series], context: RosterContext
) -> list[Hit]:
    if not context.settings.amount_is_quantity_times_standard:
        return []
    return quantity_hits(written[Column.STANDARD], written[Column.QUANTITY], tidy["amount_fen"], required=True)


def _payee_hits(tidy: Mapping[str, pl.Series], numeric_at: Mapping[Column, pl.Series]) -> list[Hit]:
    """A payee has a name and an id, or there is none. A roster without one of the columns leaves it empty."""
    given = {name: tidy[name].is_not_null() for name in (Column.PAYEE_ID, Column.PAYEE_NAME) if name in tidy}
    if not given:
        return []
    first, *second = given.values()
    incomplete = where(first != second[0] if second else first)
    # An id that lost its digits was given, and has been named.
    lost = numeric_at.get(Column.PAYEE_ID, NOWHERE)
    return [Hit("payee_incomplete", next(iter(given)), incomplete.filter(~incomplete.is_in(lost.implode())))]


def _put_together(row: pl.Series, tidy: Mapping[str, pl.Series], *, household: bool) -> pl.DataFrame:
    """The entitled unit and the payee of every row. With `household` the unit is the head's, where one is given.

    Columns that say the same share their memory: text is copied only where something differs.
    """
    own, own_number = tidy[Column.ID], tidy[f"{Column.ID}_number"]
    key, key_number = own, own_number
    if household and Column.HEAD_ID in tidy:
        headed = where(tidy[Column.HEAD_ID].is_not_null())
        key = put_in(own, headed, tidy[Column.HEAD_ID])
        key_number = put_in(own_number, headed, tidy[f"{Column.HEAD_ID}_number"])
    if key_number.null_count():
        # An id that is not right is nobody's key.
        wrong = where(key_number.is_null())
        key = replaced(key, wrong, _nothing(len(wrong)))
    named = NOWHERE
    for column in (column for column in (Column.PAYEE_ID, Column.PAYEE_NAME) if column in tidy):
        filled = where(tidy[column].is_not_null())
        named = filled if named.is_empty() or filled.equals(named) else pl.concat([named, filled]).unique()
    nothing = _nothing(len(row))
    payee_number = tidy.get(f"{Column.PAYEE_ID}_number", nothing.cast(pl.Int64))
    return pl.DataFrame(
        {
            "row": row,
            "beneficiary_id": own,
            "beneficiary_name": tidy[Column.NAME],
            "payee_id": put_in(own, named, tidy.get(Column.PAYEE_ID, nothing)),
            "payee_name": put_in(tidy[Column.NAME], named, tidy.get(Column.PAYEE_NAME, nothing)),
            "key": key,
            "slot": tidy["slot"],
            "amount_fen": tidy["amount_fen"],
            "account": tidy.get(Column.ACCOUNT, nothing),
            "key_number": key_number,
            "beneficiary_number": own_number,
            "payee_number": put_in(own_number, named, payee_number),
            "slot_rank": tidy["slot_rank"],
        }
    )


def put_in(series: pl.Series, at: pl.Series, other: pl.Series) -> pl.Series:
    """`series` with what `other` says at positions `at`."""
    return replaced(series, at, other.gather(at)) if len(at) else series


def _nothing(height: int) -> pl.Series:
    return pl.repeat(None, height, dtype=pl.String, eager=True)
