"""A card file laid over a partition of the registry, and what that changes. Whatever the order of arrival, the last word
on a holder is the one with the highest mark.

Every row keeps the mark of the change file that last spoke of its holder (`told`; null: the snapshot did), removed ones
too, so that an older file that comes late cannot undo a newer one, nor bring back whom a newer one removed.
"""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from yikatong.cards import SCHEMA

_COMPARED = ("id_number", "name", "account", "service_bank", "card_state", "social_account", "financial_account")


@dataclass
class Difference:
    """How many people an import adds, changes, removes and leaves alone. `older`: named by the file, but a newer one spoke.

    `states` counts (card state before, after) of all but the unchanged, "" for somebody who is not there.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    older: int = 0
    states: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: "Difference") -> None:
        self.added += other.added
        self.changed += other.changed
        self.removed += other.removed
        self.unchanged += other.unchanged
        self.older += other.older
        self.states += other.states


def lay_snapshot(before: pl.DataFrame, snapshot: pl.DataFrame, mark: int) -> tuple[pl.DataFrame, Difference]:
    """The partition once the snapshot (cards.SCHEMA) replaces it, but for what newer changes have said."""
    newer = before.filter(pl.col("told") > mark)
    fresh = _without(_told(snapshot, None), newer)
    after = _together(fresh, newer)
    difference = compare(before, after)
    difference.older = snapshot.height - fresh.height
    return after, difference


def lay_changes(before: pl.DataFrame, changes: pl.DataFrame, mark: int) -> tuple[pl.DataFrame, Difference]:
    """The partition once the holders the changes (cards.SCHEMA) name are as they say, but for whom a newer file named."""
    fresh = _without(_told(changes, mark), before.filter(pl.col("told") > mark))
    after = _together(_without(before, fresh), fresh)
    difference = compare(before.filter(_is_in(fresh)), fresh)
    difference.older = changes.height - fresh.height
    return after, difference


def _told(rows: pl.DataFrame, mark: int | None) -> pl.DataFrame:
    return rows.select(*SCHEMA, told=pl.lit(mark, dtype=pl.Int64))


def _is_in(others: pl.DataFrame) -> pl.Expr:
    return pl.col("number").is_in(others["number"].implode())


def _without(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return rows if others.is_empty() else rows.filter(~_is_in(others))


def _together(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Both ascending by number, as is what comes out."""
    return rows if others.is_empty() else rows.merge_sorted(others, key="number")


def compare(before: pl.DataFrame, after: pl.DataFrame) -> Difference:
    """People are those with a name; a row without one is somebody removed."""
    if before.select(_COMPARED).equals(after.select(_COMPARED)):
        return Difference(unchanged=before["name"].count())
    columns = ["number", *_COMPARED]
    both = before.select(columns).join(after.select(columns), on="number", how="full", coalesce=True, suffix="_after")
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name}_after")) for name in _COMPARED)
    was, stays = pl.col("name").is_not_null(), pl.col("name_after").is_not_null()
    counted = (
        both.lazy()
        .select(
            was=was,
            stays=stays,
            same=same,
            state=pl.when(was).then("card_state").otherwise(pl.lit("")),
            state_after=pl.when(stays).then("card_state_after").otherwise(pl.lit("")),
        )
        .filter(pl.col("was") | pl.col("stays"))
        .group_by("was", "stays", "same", "state", "state_after")
        .len()
        .collect()
    )
    difference = Difference()
    for was_there, is_there, alike, state, state_after, count in counted.iter_rows():
        if was_there and is_there and alike:
            difference.unchanged += count
            continue
        difference.states[state, state_after] += count
        if was_there and is_there:
            difference.changed += count
        elif is_there:
            difference.added += count
        else:
            difference.removed += count
    return difference
