"""A rule met at many rows at once. Python objects are made only when findings are listed, and only so many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from operator import itemgetter
from typing import Any

import polars as pl

from yikatong.masking import mask_account, mask_id, mask_name, mask_text
from yikatong.roster.columns import ID_COLUMNS, NAME_COLUMNS, Column, Header
from yikatong.roster.findings import CODES, RULES, Finding, Level, column_label

# Listed one by one up to here per code; the report says how many more there are. Remarks change nothing, so fewer.
MAX_LISTED = 10_000
MAX_REMARKS_LISTED = 1_000
STATUSES = ("payable", "held", "review", "excluded")
# What becomes of a row, the strongest first.
_BY_RANK = ("excluded", "review", "held", "payable")
_RANK_OF = {Level.REVIEW: 1, Level.HOLD: 2, Level.REMARK: 3}
_RANKS = pl.Series([_RANK_OF.get(RULES[code].level, 0) for code in CODES], dtype=pl.UInt8)
NOWHERE = pl.Series([], dtype=pl.UInt32)
# Where a hit does not say what was written: what the rows hold in their one spelling.
_SPELLED = {
    Column.NAME: "beneficiary_name",
    Column.ID: "beneficiary_id",
    Column.PAYEE_NAME: "payee_name",
    Column.PAYEE_ID: "payee_id",
    Column.ACCOUNT: "account",
}


@dataclass(frozen=True)
class Hit:
    """A code found in `column` at positions `at` (UInt32, into the rows).

    `details` fills the message: the same for every row, or by the index into `at`. `written` is what the bureau wrote there,
    for as many of the first as can be listed.
    """

    code: str
    column: Column
    at: pl.Series
    details: dict[str, Any] | Callable[[int], dict[str, Any]] = field(default_factory=dict)
    written: pl.Series | None = None

    @property
    def level(self) -> Level:
        return RULES[self.code].level

    def showing(self, cells: pl.Series) -> "Hit":
        """The hit with what stands in its column, given the whole of it."""
        return replace(self, written=cells.gather(self.at.head(room_for(self.code))))


def where(mask: pl.Series) -> pl.Series:
    """The positions (UInt32) of what is true."""
    # Nothing is found in most columns of most stretches, and asking so is several times cheaper.
    return mask.arg_true() if mask.any() else NOWHERE


def room_for(code: str) -> int:
    """How many findings of a code are listed one by one."""
    return MAX_REMARKS_LISTED if RULES[code].level is Level.REMARK else MAX_LISTED


def verdicts(hits: Sequence[Hit], height: int) -> pl.DataFrame:
    """Per row: `status` (Enum of STATUSES) and `reasons` (Categorical: codes by gravity, comma separated).

    A row that is both held and for review is for review: somebody must answer for it by name, and its card is judged again when
    it is to be paid.
    """
    status = pl.repeat("payable", height, dtype=pl.Enum(STATUSES), eager=True).alias("status")
    reasons = pl.repeat("", height, dtype=pl.Categorical(), eager=True).alias("reasons")
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
        .agg(pl.col("code"), worst=pl.lit(_RANKS).gather(pl.col("code")).min())
        .collect()
    )
    statuses = pl.Series([*_BY_RANK], dtype=status.dtype)
    joined = pl.col("code").list.eval(pl.lit(pl.Series(CODES)).gather(pl.element())).list.join(",")
    at = by_row["at"]
    return pl.DataFrame(
        [
            status.scatter(at, statuses.gather(by_row["worst"])),
            reasons.scatter(at, by_row.select(joined.cast(reasons.dtype)).to_series()),
        ]
    )


def listed(hits: Sequence[Hit], rows: pl.DataFrame, header: Header) -> tuple[list[Finding], dict[str, int]]:
    """The findings to list, by row, and how many more there are per code beyond what is listed."""
    findings: list[tuple[int, int, Finding]] = []
    room: dict[str, int] = {}
    more: dict[str, int] = {}
    for hit in hits:
        shown = hit.at.head(room.setdefault(hit.code, room_for(hit.code)))
        room[hit.code] -= len(shown)
        if len(shown) < len(hit.at):
            more[hit.code] = more.get(hit.code, 0) + len(hit.at) - len(shown)
        rule = RULES[hit.code]
        label = column_label(hit.column, header.places, header.cells)
        details = hit.details
        # Most hits say the same of every row.
        texts = (
            (rule.message(**details(index)) for index in range(len(shown)))
            if callable(details)
            else repeat(rule.message(**details), len(shown))
        )
        gravity = CODES.index(hit.code)
        cells = _written(hit, shown, rows).to_list()
        for row, cell, text in zip(rows["row"].gather(shown).to_list(), cells, texts, strict=True):
            findings.append(
                (row, gravity, Finding(hit.code, rule.level, row, label, text, mask_cell(hit.column, cell)))
            )
    findings.sort(key=itemgetter(0, 1))
    return [finding for _, _, finding in findings], more


def _written(hit: Hit, shown: pl.Series, rows: pl.DataFrame) -> pl.Series:
    if hit.written is not None:
        return hit.written.head(len(shown))
    if hit.column in _SPELLED:
        return rows[_SPELLED[hit.column]].gather(shown)
    return pl.repeat(None, len(shown), dtype=pl.String, eager=True)


def mask_cell(column: Column, cell: str | None) -> str:
    """A cell as it may be shown beside a finding in its column."""
    if column in ID_COLUMNS:
        return mask_id(cell)
    if column in NAME_COLUMNS:
        return mask_name(cell)
    return mask_account(cell) if column is Column.ACCOUNT else mask_text(cell)
