"""Rows against each other: the same person twice, one account for several people, one id under two names.

Numbers are sorted and neighbours compared, which costs a fraction of hashing; only the suspects, rows that share a number
with another, are looked at more closely.
"""

from collections.abc import Callable
from typing import Any

import polars as pl

from yikatong.roster.columns import Column
from yikatong.roster.hits import Hit, where

# Row numbers named in one message; more would not fit a cell.
_ROWS_NAMED = 8
# Two rows that agree in all of these say the same thing twice; one of them is paid.
_SAME = ("beneficiary_id", "beneficiary_name", "payee_id", "payee_name", "amount_fen", "account")
_NUMBERS = ("beneficiary_number", "key_number", "payee_number")


def repeats(rows: pl.DataFrame) -> list[Hit]:
    """Everything rows have to say of each other; `rows` as `checks.Checked` has them, with `at`, in the file's order."""
    suspects = _suspects(rows)
    found = repeated_people(suspects) + person_and_household(suspects) + two_names(suspects)
    return [*found, *shared_accounts(rows, "account")]


def _suspects(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in which somebody stands, as beneficiary, household head or payee, who stands in another row as well."""
    own, *others = (rows[name] for name in _NUMBERS)
    # A ward's guardian may be their household's head: one row, and the same number twice.
    differing = [numbers.filter((numbers != own).fill_null(True)) for numbers in others]
    repeated = _repeated_values(pl.concat([own, *differing])).implode()
    stands_twice = own.is_in(repeated)
    for numbers, differ in zip(others, differing, strict=True):
        if len(differ):
            stands_twice |= numbers.is_in(repeated)
    return rows[where(stands_twice)]


def repeated_people(rows: pl.DataFrame) -> list[Hit]:
    """The same entitled unit and slot more than once.

    Identical rows are one row pasted twice: the first stays, the others are excluded. Rows that differ, in the amount
    or in anything else we would pay by, are all excluded: whichever we chose, the other might be the right one.
    """
    pair = ["key_number", "slot_rank"]
    known = rows.filter(pl.col("key_number").is_not_null() & pl.col("slot_rank").is_not_null())
    pairs = known.filter(pl.struct(pair).is_duplicated()).with_columns(
        kinds=pl.struct(_SAME).n_unique().over(pair),
        first=pl.col("row").min().over(pair),
        rows=pl.col("row").sort().head(_ROWS_NAMED).over(pair, mapping_strategy="join"),
    )
    later = pairs.filter((pl.col("kinds") == 1) & (pl.col("row") != pl.col("first")))
    differ = pairs.filter(pl.col("kinds") > 1)
    return [
        Hit("repeated_identical", Column.ID, later["at"], _by_index(later["first"], "first")),
        Hit("repeated_different", Column.ID, differ["at"], _by_index(differ["rows"], "rows")),
    ]


def person_and_household(rows: pl.DataFrame) -> list[Hit]:
    """One person in a slot both under a household head and on their own, or under two heads.

    The entitled units differ, so `repeated_people` sees nothing, and yet the person would be paid twice.
    """
    key, beneficiary = pl.col("key_number"), pl.col("beneficiary_number")
    if rows.select((key.is_null() | beneficiary.is_null() | (key == beneficiary)).all()).item():
        return []
    units = [
        rows.select("at", "row", "slot_rank", "key_number", number=number)
        for number in ("key_number", "beneficiary_number")
    ]
    person = ["number", "slot_rank"]
    people = pl.concat(units).drop_nulls().unique(["at", "number"], maintain_order=True)
    twice = people.filter(pl.col("key_number").n_unique().over(person) > 1).with_columns(
        rows=pl.col("row").sort().unique(maintain_order=True).head(_ROWS_NAMED).over(person, mapping_strategy="join")
    )
    each = twice.unique("at", keep="first", maintain_order=True).sort("at")
    return [Hit("person_and_household", Column.ID, each["at"], _by_index(each["rows"], "rows"))]


def shared_accounts(rows: pl.DataFrame, account: str) -> list[Hit]:
    """One account that several *payees* would be paid on; `account` names the column, `payee_id` the payee.

    A guardian collecting for three wards is one payee and no finding; a corrected id must not become a second person.
    """
    accounts = rows[account]
    given = accounts.is_not_null().arg_true()
    # Hashes only choose candidates; the accounts themselves are compared below.
    hashes = accounts.hash() if len(given) == len(accounts) else accounts.gather(given).hash()
    repeated = _repeated_values(hashes)
    if repeated.is_empty():
        return []
    candidates = rows.select("at", "payee_id", account)[given.filter(hashes.is_in(repeated.implode()))]
    shared = candidates.with_columns(people=pl.col("payee_id").n_unique().over(account)).filter(pl.col("people") > 1)
    return [Hit("account_shared", Column.ACCOUNT, shared["at"], _by_index(shared["people"], "count"))]


def two_names(rows: pl.DataFrame) -> list[Hit]:
    """One id number under different names, as beneficiary or as payee."""
    own = rows.select("at", "row", number="beneficiary_number", name="beneficiary_name", as_payee=pl.lit(False))
    other = pl.col("payee_number").ne_missing(pl.col("beneficiary_number"))
    payees = rows.filter(other).select("at", "row", number="payee_number", name="payee_name", as_payee=pl.lit(True))
    people = pl.concat([own, payees]).drop_nulls().sort("number", "row", "as_payee")
    number, name = pl.col("number"), pl.col("name")
    numbers = people.filter((number == number.shift(1)) & (name != name.shift(1)))["number"].unique()
    differing = people.filter(number.is_in(numbers.implode())).with_columns(
        rows=pl.col("row").unique(maintain_order=True).head(_ROWS_NAMED).over("number", mapping_strategy="join")
    )
    return [
        Hit(code="person_two_names", column=column, at=mine["at"], details=_by_index(mine["rows"], "rows"))
        for as_payee, column in ((False, Column.NAME), (True, Column.PAYEE_NAME))
        for mine in [differing.filter(pl.col("as_payee") == as_payee)]
    ]


def _repeated_values(values: pl.Series) -> pl.Series:
    ordered = values.drop_nulls().sort()
    return ordered.filter((ordered == ordered.shift(1)).fill_null(False)).unique()


def _by_index(values: pl.Series, name: str) -> Callable[[int], dict[str, Any]]:
    def details(index: int) -> dict[str, Any]:
        value = values[index]
        return {name: "、".join(map(str, value)) if isinstance(value, pl.Series) else value}

    return details
