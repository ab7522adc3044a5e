"""Every row's own checks: ids of each role, names, amount, account, age. One lazy query over all rows.

A query evaluated eagerly column by column would compute the 17 digits of an id once per check; lazily, once (FACTS).
"""

from dataclasses import dataclass

import polars as pl

from yikatong import identity
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column
from yikatong.roster.context import RosterContext
from yikatong.roster.hits import Hit
from yikatong.roster.reading import Table
from yikatong.roster.slot_checks import check_slots
from yikatong.roster.tidying import Tidied, tidy_accounts, tidy_amounts, tidy_ids, tidy_names

MAX_AGE_YEARS = 120
# 17 digits times 90 stay inside 63 bits.
_RANKS_IN_ONE_INTEGER = 90
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

    def keep(name: str, tidied: Tidied) -> None:
        columns[name] = tidied.series
        hits.extend(tidied.hits)

    for column in ID_COLUMNS:
        if column in table.header.places:
            keep(column, tidy_ids(_cells(table, column), column, _numeric_at(table, column)))
    for column in NAME_COLUMNS:
        if column in table.header.places:
            keep(column, tidy_names(_cells(table, column), column, required=column is Column.NAME))
    keep("amount", tidy_amounts(_cells(table, Column.AMOUNT)))
    if Column.ACCOUNT in table.header.places:
        keep("account", tidy_accounts(_cells(table, Column.ACCOUNT), _numeric_at(table, Column.ACCOUNT)))
    slots = check_slots(_cells(table, Column.SLOT), context)
    hits += slots.hits
    columns["slot"], columns["slot_rank"] = slots.slot, slots.rank
    judged = _judge(pl.DataFrame(columns), context)
    hits += _id_hits(judged, table) + _age_hits(judged, context)
    hits += _amount_hits(judged, context) + _payee_hits(judged, table)
    return Checked(_in_frozen_order(judged), hits)


def _in_frozen_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by (slot, key, row); rows without slot or key come last, by row.

    Equal rosters freeze to equal frames and a claim's keys come sorted. The 17 digits order ids as their 18 characters do.
    """
    ranks = rows["slot_rank"].max()
    if isinstance(ranks, int) and ranks >= _RANKS_IN_ONE_INTEGER:
        keys = [pl.col("slot_rank"), pl.col("key_number")]
    else:  # one integer sorts twice as fast as two
        keys = [pl.col("slot_rank").cast(pl.Int64) * 10**17 + pl.col("key_number")]
    order = rows.lazy().select(pl.arg_sort_by(keys, nulls_last=True, maintain_order=True)).collect().to_series()
    return rows.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"))[order]


def _cells(table: Table, column: Column) -> pl.Series:
    return table.cells[f"c{table.header.places[column]}"]


def _numeric_at(table: Table, column: Column) -> pl.Series:
    rows = table.numeric.get(column, _NO_ROWS)
    if rows.is_empty():
        return rows.cast(pl.UInt32)
    return table.cells["row"].is_in(rows.implode()).arg_true()


def _judge(rows: pl.DataFrame, context: RosterContext) -> pl.DataFrame:
    """The one query. Optional columns a roster lacks are nulls; the payee is the beneficiary where none is named."""
    absent = {
        name: pl.lit(None, dtype=pl.String).alias(name)
        for name in (Column.PAYEE_ID, Column.PAYEE_NAME, Column.HEAD_ID, Column.ACCOUNT)
        if name not in rows.columns
    }
    has_payee, has_head = Column.PAYEE_ID not in absent, Column.HEAD_ID not in absent
    roles = [column for column in ID_COLUMNS if column not in absent]
    query = rows.lazy().with_columns(*absent.values())
    query = query.with_columns(identity.number_expression(pl.col(role)).alias(f"{role}_digits") for role in roles)
    query = query.with_columns(
        identity.fault_expression(pl.col(role), pl.col(f"{role}_digits"), context.as_of).alias(f"{role}_fault")
        for role in roles
    )
    # Yuan as exact decimals, then fen: no float touches money.
    fen = (pl.col("amount").cast(pl.Decimal(14, 2), strict=False) * 100).cast(pl.Int64)

    def number(role: Column) -> pl.Expr:
        return pl.when(pl.col(f"{role}_fault") == 0).then(pl.col(f"{role}_digits"))

    own = number(Column.ID)
    names_payee = pl.col(Column.PAYEE_ID).is_not_null() | pl.col(Column.PAYEE_NAME).is_not_null()
    by_head = pl.col(Column.HEAD_ID).is_not_null() if has_head and context.settings.household else pl.lit(False)
    key = pl.when(by_head).then(pl.col(Column.HEAD_ID)).otherwise(pl.col(Column.ID)) if has_head else pl.col(Column.ID)
    key_number = pl.when(by_head).then(number(Column.HEAD_ID)).otherwise(own) if has_head else own
    return query.select(
        "row",
        Column.ID,
        Column.NAME,
        *(
            [
                pl.when(names_payee).then(pl.col(Column.PAYEE_ID)).otherwise(pl.col(Column.ID)).alias("payee_id"),
                pl.when(names_payee).then(pl.col(Column.PAYEE_NAME)).otherwise(pl.col(Column.NAME)).alias("payee_name"),
                pl.when(names_payee).then(number(Column.PAYEE_ID)).otherwise(own).alias("payee_number"),
                (pl.col(Column.PAYEE_ID).is_null() != pl.col(Column.PAYEE_NAME).is_null()).alias("payee_incomplete"),
            ]
            if has_payee
            else [
                pl.col(Column.ID).alias("payee_id"),
                pl.col(Column.NAME).alias("payee_name"),
                own.alias("payee_number"),
                pl.col(Column.PAYEE_NAME).is_not_null().alias("payee_incomplete"),
            ]
        ),
        pl.when(key_number.is_not_null()).then(key).alias("key"),
        "slot",
        fen.alias("amount_fen"),
        "account",
        "slot_rank",
        key_number.alias("key_number"),
        own.alias("beneficiary_number"),
        *(pl.col(f"{role}_fault") for role in roles),
    ).collect()


def _id_hits(rows: pl.DataFrame, table: Table) -> list[Hit]:
    hits: list[Hit] = []
    for role in ID_COLUMNS:
        if f"{role}_fault" not in rows.columns:
            continue
        faults = rows[f"{role}_fault"]
        if not (faults != 0).any():
            continue
        numeric = _numeric_at(table, role)
        for index, fault in enumerate(identity.FAULTS, start=1):
            at = (faults == index).arg_true()
            if fault is identity.IdFault.EMPTY:
                # Payee and head may be left empty; a cell that lost its digits has been named already.
                at = at.filter(~at.is_in(numeric.implode())) if role is Column.ID else at.clear()
            if len(at):
                hits.append(Hit(fault, role, at))
    return hits


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
