"""A rule met at many rows at once. Python objects are made only when findings are listed, and only so many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import Any

import polars as pl

from yikatong.masking import mask_account, mask_id, mask_name, mask_text
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column
from yikatong.roster.findings import CODES, RULES, Finding, Level, column_label
from yikatong.roster.table import Table

# Listed one by one up to here per code; the report says how many more there are. Remarks change nothing, so fewer.
MAX_LISTED = 10_000
MAX_REMARKS_LISTED = 1_000


@dataclass(frozen=True)
class Hit:
    """A code found in `column` at positions `at` (UInt32, into the table's rows).

    `details` fills the message: the same for every row, or by the index into `at`.
    """

    code: str
    column: Column
    at: pl.Series
    details: dict[str, Any] | Callable[[int], dict[str, Any]] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        return RULES[self.code].level


def verdicts(hits: Sequence[Hit], places: pl.Series) -> pl.DataFrame:
    """Per row: `status` (payable, held, review, excluded) and `reasons` (codes by gravity, comma separated).

    `places` says where each position's row is wanted (UInt32).
    A row that is both held and for review is held: its card comes first, and its other reasons stay in `reasons`.
    """
    height = len(places)
    status, reasons = (
        pl.repeat(text, height, eager=True).alias(name) for name, text in (("status", "payable"), ("reasons", ""))
    )
    if not hits:
        return pl.DataFrame([status, reasons])
    by_row = (
        pl.LazyFrame(
            {
                "code": pl.Series([CODES.index(hit.code) for hit in hits], dtype=pl.UInt8),
                "at": pl.Series([hit.at.cast(pl.UInt32) for hit in hits], dtype=pl.List(pl.UInt32)),
            }
        )
        .explode("at")
        .unique()
        .sort("at", "code")
        .group_by("at", maintain_order=True)
        .agg(pl.col("code"), worst=pl.col("code").min())
        .collect()
    )
    status_of = {
        Level.EXCLUDE: "excluded", Level.HOLD: "held", Level.REVIEW: "review", Level.REMARK: "payable",
    }  # fmt: skip
    statuses = pl.Series([status_of.get(RULES[code].level, "excluded") for code in CODES])
    texts = pl.Series(CODES)
    joined = pl.col("code").list.eval(pl.lit(texts).gather(pl.element())).list.join(",")
    at = places.gather(by_row["at"])
    return pl.DataFrame(
        [
            status.scatter(at, statuses.gather(by_row["worst"])),
            reasons.scatter(at, by_row.select(joined).to_series()),
        ]
    )


def listed(hits: Sequence[Hit], table: Table) -> tuple[list[Finding], dict[str, int]]:
    """The findings to list, by row, and how many more there are per code beyond what is listed."""
    findings: list[tuple[int, int, Finding]] = []
    room = {code: MAX_REMARKS_LISTED if rule.level is Level.REMARK else MAX_LISTED for code, rule in RULES.items()}
    more: dict[str, int] = {}
    rows = table.cells["row"]
    for hit in hits:
        shown = hit.at.head(room[hit.code])
        room[hit.code] -= len(shown)
        if len(shown) < len(hit.at):
            more[hit.code] = more.get(hit.code, 0) + len(hit.at) - len(shown)
        rule = RULES[hit.code]
        place = table.header.places.get(hit.column)
        label = column_label(hit.column, table.header.places, table.header.cells)
        cells = table.cells[f"c{place}"].gather(shown).to_list() if place is not None else [None] * len(shown)
        details = hit.details
        # Most hits say the same of every row.
        texts = (
            (rule.message(**details(index)) for index in range(len(shown)))
            if callable(details)
            else repeat(rule.message(**details), len(shown))
        )
        gravity = CODES.index(hit.code)
        for row, cell, text in zip(rows.gather(shown).to_list(), cells, texts, strict=True):
            findings.append(
                (row, gravity, Finding(hit.code, rule.level, row, label, text, mask_cell(hit.column, cell)))
            )
    findings.sort(key=itemgetter(0, 1))
    return [finding for _, _, finding in findings], more


def mask_cell(column: Column, cell: str | None) -> str:
    """A cell as it may be shown beside a finding in its column."""
    if column in ID_COLUMNS:
        return mask_id(cell)
    if column in NAME_COLUMNS:
        return mask_name(cell)
    return mask_account(cell) if column is Column.ACCOUNT else mask_text(cell)
