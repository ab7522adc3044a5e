"""Who was claimed elsewhere: for this very subsidy and slot through another batch, or for a subsidy that excludes it.

The claim decides when money moves (PROTOCOL); here the bureau is told beforehand. A claim speaks for the person and for
the household, so both a row's key and its beneficiary are looked for among both. Id numbers are compared by their first 17
digits, which determine the last.
"""

from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from yikatong import identity
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import Level
from yikatong.roster.hits import Hit

# One row per standing claim: whom it speaks for, which batch holds it, that batch's subsidy and the slot claimed.
CLAIMED = {"key": pl.String, "beneficiary_id": pl.String, "batch_id": pl.String, "code": pl.String, "slot": pl.String}
ALREADY = "already_claimed"
_SOFT = {"review": "exclusive_review", Level.EXCLUDE.value: "exclusive_claimed"}


def elsewhere_hits(rows: pl.DataFrame, context: RosterContext) -> list[Hit]:
    """`already_claimed`, `exclusive_claimed` and `exclusive_review`; nothing where nobody knows the claims.

    Rows without a right id number, or without a slot, cannot be looked for.
    """
    if context.claimed is None:
        return []
    found: list[Hit] = []
    slots = rows["slot"].unique().drop_nulls().sort().to_list()
    for slot in slots:
        claimed = context.claimed(slot)
        if claimed.is_empty():
            continue
        mine = rows.select("at", "slot", "key_number", "beneficiary_number")
        if len(slots) > 1 or mine["slot"].null_count():
            mine = mine.filter(pl.col("slot") == slot)
        for code, part in _by_finding(claimed, context):
            found += _met(code, mine, part, context)
    return found


def _by_finding(claimed: pl.DataFrame, context: RosterContext) -> Iterator[tuple[str, pl.DataFrame]]:
    """The claims by what it means to meet one. Those of the claim group exclude; the settings say what the others do."""
    settings = context.settings
    own, soft = pl.col("code") == settings.code, pl.col("code").is_in(list(settings.exclusive_with))
    # A reissue pays what its own claim could not; whether somebody else pays it again is asked of `context.failed`.
    if not context.is_reissue:
        yield ALREADY, claimed.filter(own)
    yield "exclusive_claimed", claimed.filter(~own & ~soft)
    yield _SOFT[settings.exclusive_level], claimed.filter(~own & soft)


def _met(code: str, rows: pl.DataFrame, claimed: pl.DataFrame, context: RosterContext) -> list[Hit]:
    if claimed.is_empty():
        return []
    speaks_for = [identity.numbers_of(claimed[name]).alias("number") for name in ("key", "beneficiary_id")]
    # Where persons are paid for themselves both say the same.
    numbers = speaks_for[:1] if speaks_for[0].equals(speaks_for[1]) else speaks_for
    held = pl.concat(numbers).drop_nulls().implode()
    met = rows.filter(pl.col("key_number").is_in(held) | pl.col("beneficiary_number").is_in(held))
    if met.is_empty():
        return []
    wanted = pl.concat([met["key_number"], met["beneficiary_number"].alias("key_number")]).drop_nulls().implode()
    claims = claimed.select("batch_id", "code", "slot")
    about = pl.concat(claims.with_columns(part).filter(pl.col("number").is_in(wanted)) for part in numbers)
    about = about.unique("number", keep="first", maintain_order=True)
    named = (
        met.join(about, left_on="beneficiary_number", right_on="number", how="left", maintain_order="left")
        .join(about, left_on="key_number", right_on="number", how="left", maintain_order="left", suffix="_of_key")
        .select(
            "at",
            *(pl.coalesce(name, f"{name}_of_key").alias(name) for name in ("batch_id", "code")),
            pl.coalesce("slot_right", "slot_of_key").alias("slot"),
        )
    )
    return [Hit(code, Column.ID, named["at"], _details(named, context))]


def _details(named: pl.DataFrame, context: RosterContext) -> Callable[[int], dict[str, Any]]:
    def details(index: int) -> dict[str, Any]:
        batch, code, slot = (named[name][index] for name in ("batch_id", "code", "slot"))
        return {"batch": batch, "slot": slot, "subsidy": _name_of(code, context)}

    return details


def _name_of(code: str, context: RosterContext) -> str:
    """A subsidy's name in any plan we have, its code where no plan has it any more."""
    for year in sorted(context.book.years, reverse=True):
        for subsidy in context.book.plan(year).subsidies:
            if subsidy.code == code:
                return subsidy.name
    return code
