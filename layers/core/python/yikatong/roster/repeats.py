"""Rows against each other: the same person twice, one account for several people, one id under two names.

Only rows that share a number are looked at; a file without repetitions costs one pass over integers per question.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from yikatong.roster.columns import Column
from yikatong.roster.hits import Hit

# Row numbers named in one message; more would not fit a cell.
_ROWS_NAMED = 8
_SLOTS_IN_ONE_INTEGER = 80
# Two rows that agree in all of these say the same thing twice; one of them is paid.
_SAME = ("beneficiary_id", "beneficiary_name", "payee_id", "payee_name", "amount_fen", "account")


def repeated_people(rows: pl.DataFrame) -> list[Hit]:
    """The same entitled unit and slot more than once.

    Identical rows are one row pasted twice: the first stays, the others are excluded. Rows that differ, in the amount
    or in anything else we would pay by, are all excluded: whichever we chose, the other might be the right one.
    """
    slots = rows["slot_rank"].max()
    if isinstance(slots, int) and slots < _SLOTS_IN_ONE_INTEGER:
        # 17 digits times 80 fits into 63 bits: one integer compares several times faster than a pair.
        pair = pl.col("key_number") * _SLOTS_IN_ONE_INTEGER + pl.col("slot_rank").cast(pl.Int64)
    else:
        pair = pl.struct("key_number", "slot_rank")
    known = pl.col("key_number").is_not_null() & pl.col("slot_rank").is_not_null()
    at = rows.lazy().select((pair.is_duplicated() & known).arg_true()).collect().to_series()
    if at.is_empty():
        return []
    pairs = rows.select("row", "key_number", "slot_rank", *_SAME)[at].with_columns(at=at)
    same_key = ["key_number", "slot_rank"]
    pairs = pairs.with_columns(
        kinds=pl.struct(_SAME).n_unique().over(same_key),
        first=pl.col("row").min().over(same_key),
        rows=pl.col("row").head(_ROWS_NAMED).over(same_key, mapping_strategy="join"),
    )
    later = pairs.filter((pl.col("kinds") == 1) & (pl.col("row") != pl.col("first")))
    differ = pairs.filter(pl.col("kinds") > 1)
    return [
        Hit("repeated_identical", Column.ID, later["at"], _by_index(later["first"], "first")),
        Hit("repeated_different", Column.ID, differ["at"], _by_index(differ["rows"], "rows")),
    ]


def shared_accounts(rows: pl.DataFrame, account: str) -> list[Hit]:
    """One account that several *payees* would be paid on (`account` names the column).

    A guardian collecting for three wards is one payee and no finding; a corrected id must not become a second person.
    """
    if rows[account].null_count() == rows.height:
        return []
    at = rows.lazy().select((pl.col(account).is_duplicated() & pl.col(account).is_not_null()).arg_true()).collect().to_series()
    if at.is_empty():
        return []
    shared = rows.select(account, "payee_id")[at].with_columns(
        at=at, people=pl.col("payee_id").n_unique().over(account)
    ).filter(pl.col("people") > 1)  # fmt: skip
    return [Hit("account_shared", Column.ACCOUNT, shared["at"], _by_index(shared["people"], "count"))]


def two_names(rows: pl.DataFrame) -> list[Hit]:
    """One id number under different names, as beneficiary or as payee."""
    # Where nobody names a payee the second role repeats the first.
    roles = [("beneficiary_number", "beneficiary_name", Column.NAME)]
    if not rows["payee_number"].equals(rows["beneficiary_number"], null_equal=True):
        roles.append(("payee_number", "payee_name", Column.PAYEE_NAME))
    people = pl.concat(
        [
            rows.lazy().select(number=number, name=name).with_columns(role=pl.lit(role, dtype=pl.UInt8)).with_row_index("at")
            for role, (number, name, _) in enumerate(roles)
        ]
    )
    twice = people.filter(pl.col("number").is_not_null() & pl.col("number").is_duplicated()).collect()
    twice = twice.filter(pl.col("name").is_not_null())
    if twice.is_empty():
        return []
    differing = twice.with_columns(rows["row"].gather(twice["at"]).alias("row")).with_columns(
        names=pl.col("name").n_unique().over("number"),
        rows=pl.col("row").unique(maintain_order=True).head(_ROWS_NAMED).over("number", mapping_strategy="join"),
    )
    differing = differing.filter(pl.col("names") > 1)
    hits: list[Hit] = []
    for role, (_, _, column) in enumerate(roles):
        mine = differing.filter(pl.col("role") == role)
        if role == 1:  # a payee who is the beneficiary has been named there
            mine = mine.filter(~pl.col("at").is_in(hits[0].at.implode()) if hits else pl.lit(True))
        if len(mine):
            hits.append(Hit("person_two_names", column, mine["at"], _by_index(mine["rows"], "rows")))
    return hits


def _by_index(values: pl.Series, name: str) -> Callable[[int], dict[str, Any]]:
    def details(index: int) -> dict[str, Any]:
        value = values[index]
        return {name: "、".join(map(str, value)) if isinstance(value, pl.Series) else value}

    return details
