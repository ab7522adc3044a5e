"""Every row's own checks: ids of each role, names, amount, account, slot, age; then the rows in the frozen order."""

from dataclasses import dataclass

import polars as pl

from yikatong import identity
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column
from yikatong.roster.context import RosterContext
from yikatong.roster.hits import Hit
from yikatong.roster.ids import check_ids
from yikatong.roster.slot_checks import check_slots
from yikatong.roster.table import Table
from yikatong.roster.tidying import Tidied, tidy_accounts, tidy_amounts, tidy_names

MAX_AGE_YEARS = 120
# 17 digits times 90 stay inside 63 bits.
_RANKS_IN_ONE_INTEGER = 90
_LAST = 91 * 10**17
_NO_ROWS = pl.Series("row", [], dtype=pl.Int32)


@dataclass(frozen=True)
class Checked:
    """Rows in their one spelling, judged one by one.

    `rows`: the columns of the frozen roster but `status` and `reasons`, in the frozen order; `at` (UInt32), the row's place
    in the table; and for comparison in bulk `key_number`, `beneficiary_number`, `payee_number` (Int64, null unless the id
    is right) and `slot_rank`.
    """

    rows: pl.DataFrame
    hits: list[Hit]


def check_rows(table: Table, context: RosterContext) -> Checked:
    """Judge every row by itself; nothing in the table changes. Raises Unreadable for hopeless slots."""
    hits: list[Hit] = []
    columns: dict[str, pl.Series] = {"row": table.cells["row"]}
    for column in ID_COLUMNS:
        if column in table.header.places:
            required, numeric = column is Column.ID, _numeric_at(table, column)
            ids = check_ids(_cells(table, column), column, numeric, context.as_of, required=required)
            columns[column], columns[f"{column}_number"] = ids.text, ids.number
            hits += ids.hits

    def keep(name: str, tidied: Tidied) -> None:
        columns[name] = tidied.series
        hits.extend(tidied.hits)

    for column in NAME_COLUMNS:
        if column in table.header.places:
            keep(column, tidy_names(_cells(table, column), column, required=column is Column.NAME))
    keep("amount", tidy_amounts(_cells(table, Column.AMOUNT)))
    if Column.ACCOUNT in table.header.places:
        keep("account", tidy_accounts(_cells(table, Column.ACCOUNT), _numeric_at(table, Column.ACCOUNT)))
    slots = check_slots(_cells(table, Column.SLOT), context)
    hits += slots.hits
    columns["slot"], columns["slot_rank"] = slots.slot, slots.rank
    judged = _put_together(pl.DataFrame(columns), context)
    hits += _age_hits(judged, context) + _amount_hits(judged, context) + _payee_hits(judged, table)
    return Checked(_in_frozen_order(judged), hits)


def _in_frozen_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by (slot, key, row); rows without slot or key come last, by row.

    Equal rosters freeze to equal frames and a claim's keys come sorted. The 17 digits order ids as their 18 characters do.
    """
    rows = rows.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"))
    # Picked out of one chunk: from the several a query leaves, it takes ten times as long.
    return rows.rechunk()[_order(rows)]


def _order(rows: pl.DataFrame) -> pl.Series:
    ranks = rows["slot_rank"].max()
    if isinstance(ranks, int) and ranks >= _RANKS_IN_ONE_INTEGER:
        return rows.select(pl.arg_sort_by("slot_rank", "key_number", "at", nulls_last=True)).to_series()
    # One integer sorts several times faster than three columns; ties, which are few, are put in order afterwards.
    pair = pl.col("slot_rank").cast(pl.Int64) * 10**17 + pl.col("key_number")
    packed = rows.lazy().select(pair.fill_null(_LAST + pl.col("at").cast(pl.Int64))).collect().to_series()
    order = packed.arg_sort()
    arranged = packed.gather(order)
    as_before = (arranged == arranged.shift(1)).fill_null(False)
    ties = (as_before | as_before.shift(-1, fill_value=False)).arg_true()
    if ties.is_empty():
        return order
    tied = pl.DataFrame({"packed": arranged.gather(ties), "at": order.gather(ties)}).sort("packed", "at")
    return order.scatter(ties, tied["at"])


def _cells(table: Table, column: Column) -> pl.Series:
    return table.cells[f"c{table.header.places[column]}"]


def _numeric_at(table: Table, column: Column) -> pl.Series:
    rows = table.numeric.get(column, _NO_ROWS)
    if rows.is_empty():
        return rows.cast(pl.UInt32)
    return table.cells["row"].is_in(rows.implode()).arg_true()


def _put_together(rows: pl.DataFrame, context: RosterContext) -> pl.DataFrame:
    """The entitled unit, the payee and the fen of every row. The payee is the beneficiary where none is named."""
    text = {"payee_name": pl.String, Column.HEAD_ID: pl.String, Column.ACCOUNT: pl.String, Column.PAYEE_ID: pl.String}
    numbers = {f"{Column.PAYEE_ID}_number": pl.Int64, f"{Column.HEAD_ID}_number": pl.Int64}
    absent = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in (text | numbers).items() if name not in rows.columns
    ]
    names_payee = pl.col("payee_id").is_not_null() | pl.col("payee_name").is_not_null()
    by_head = pl.col(Column.HEAD_ID).is_not_null() & context.settings.household

    def chosen(test: pl.Expr, yes: str, no: str) -> pl.Expr:
        # A column the roster lacks is chosen nowhere; not asking costs nothing.
        return pl.when(test).then(pl.col(yes)).otherwise(pl.col(no)) if yes in rows.columns else pl.col(no)

    own = f"{Column.ID}_number"
    key_number = chosen(by_head, f"{Column.HEAD_ID}_number", own)
    # Yuan as exact decimals, then fen: no float touches money.
    fen = (pl.col("amount").cast(pl.Decimal(14, 2), strict=False) * 100).cast(pl.Int64)
    return (
        rows.lazy()
        .with_columns(*absent)
        .select(
            "row",
            Column.ID,
            Column.NAME,
            chosen(names_payee, "payee_id", Column.ID).alias("payee_id"),
            chosen(names_payee, "payee_name", Column.NAME).alias("payee_name"),
            chosen(names_payee, f"{Column.PAYEE_ID}_number", own).alias("payee_number"),
            (pl.col("payee_id").is_null() != pl.col("payee_name").is_null()).alias("payee_incomplete"),
            pl.when(key_number.is_not_null()).then(chosen(by_head, Column.HEAD_ID, Column.ID)).alias("key"),
            "slot",
            fen.alias("amount_fen"),
            "account",
            "slot_rank",
            key_number.alias("key_number"),
            pl.col(own).alias("beneficiary_number"),
        )
        .collect()
    )


def _age_hits(rows: pl.DataFrame, context: RosterContext) -> list[Hit]:
    """The dead are not paid: an age nobody reaches is asked about, never refused."""
    year = identity.birth_year_expression(pl.col("beneficiary_number"))
    at = rows.select((year < context.as_of.year - MAX_AGE_YEARS).arg_true()).to_series()
    return [Hit("age_implausible", Column.ID, at, {"limit": MAX_AGE_YEARS})]


def _amount_hits(rows: pl.DataFrame, context: RosterContext) -> list[Hit]:
    hits = [Hit("amount_not_positive", Column.AMOUNT, (rows["amount_fen"] <= 0).arg_true())]
    limit = context.settings.amount_limit_fen
    if limit is not None:
        shown = f"{limit // 100}.{limit % 100:02d}"
        hits.append(Hit("amount_over_limit", Column.AMOUNT, (rows["amount_fen"] > limit).arg_true(), {"limit": shown}))
    return hits


def _payee_hits(rows: pl.DataFrame, table: Table) -> list[Hit]:
    column = Column.PAYEE_ID if Column.PAYEE_ID in table.header.places else Column.PAYEE_NAME
    return [Hit("payee_incomplete", column, rows["payee_incomplete"].arg_true())]
