"""The one validation of a roster: at the cloud's door and on the clerk's own machine (DESIGN §4).

One bad row does not keep thirty thousand people from being paid: rows are excluded, held or put up for review, each with
its reason. The file is refused as a whole only when it cannot be read, its columns or totals are wrong, or more than a
tenth of its data rows had to be excluded. All findings come in one pass; nothing is changed silently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl

from yikatong.masking import mask_text
from yikatong.money import yuan
from yikatong.plan import judging_date
from yikatong.plan.payable import day_refusal
from yikatong.roster import repeats
from yikatong.roster.card_hits import card_hits, without_consequences
from yikatong.roster.checks import check_rows
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import CODES, Finding, Level, Unreadable, file_finding
from yikatong.roster.hits import listed, verdicts
from yikatong.roster.reading import read_table
from yikatong.roster.side_by_side import side_by_side
from yikatong.roster.table import Table
from yikatong.roster.tidying import fen_of, tidy_amounts
from yikatong.roster.totals import TotalsRow, split_totals

# A file of which more than one row in so many is excluded is a broken export, not a roster with mistakes.
EXCLUDED_ROWS_ALLOWED_ONE_IN = 10
STATUSES = ("payable", "held", "review", "excluded")
# The frozen roster (docs/architecture.md), sorted by slot, key, row.
FROZEN_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int32(),
    "beneficiary_id": pl.String(),
    "beneficiary_name": pl.String(),
    "payee_id": pl.String(),
    "payee_name": pl.String(),
    "key": pl.String(),
    "slot": pl.String(),
    "amount_fen": pl.Int64(),
    "account": pl.String(),
    "status": pl.String(),
    "reasons": pl.String(),
}


@dataclass(frozen=True)
class Tally:
    """Rows of one status and their sum; an amount that cannot be read counts as nothing."""

    rows: int = 0
    fen: int = 0


@dataclass(frozen=True)
class Validation:
    """What a roster came to. `frame` is the frozen roster (FROZEN_SCHEMA), empty when the file could not be judged by row.

    `findings` lists the file's own first, then the rows' in order; `more` says how many further rows per code are not
    listed. `slots` are those of rows not excluded. `table` is the file as it was read, for the report's rows to be corrected.
    """

    accepted: bool
    findings: tuple[Finding, ...]
    frame: pl.DataFrame
    tallies: Mapping[str, Tally]
    slots: tuple[str, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)
    table: Table | None = None

    @property
    def rows(self) -> int:
        return self.frame.height

    @property
    def payable(self) -> Tally:
        return self.tallies["payable"]

    @property
    def held(self) -> Tally:
        return self.tallies["held"]

    @property
    def review(self) -> Tally:
        return self.tallies["review"]

    @property
    def excluded(self) -> Tally:
        return self.tallies["excluded"]

    def counts_by_code(self) -> dict[str, int]:
        """How many times each code was found, listed or not, the gravest first."""
        counts = dict(self.more)
        for finding in self.findings:
            counts[finding.code] = counts.get(finding.code, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: CODES.index(item[0])))

    def to_json(self) -> dict[str, Any]:
        """The report as plain data; messages are masked. `more` is there only when findings were left out."""
        result: dict[str, Any] = {
            "accepted": self.accepted,
            "rows": self.rows,
            "payable_rows": self.payable.rows,
            "payable_fen": self.payable.fen,
            "findings": [
                {
                    "code": finding.code,
                    "level": str(finding.level),
                    "row": finding.row,
                    "column": finding.column,
                    "message": finding.message,
                }
                for finding in self.findings
            ],
        }
        return {**result, "more": dict(self.more)} if self.more else result


def validate(data: bytes, filename: str, context: RosterContext) -> Validation:
    """Judge a roster file. Never raises for what the file holds: an unreadable one is a refused Validation.

    `filename` is not trusted for anything; what a file is, its bytes say.
    """
    del filename
    try:
        table, totals = split_totals(read_table(data))
        checked = check_rows(table, context)
    except Unreadable as error:
        return _unreadable(error)
    if table.cells.is_empty():
        return _unreadable(Unreadable(file_finding("rows_none")))
    rows = checked.rows
    looks = [
        partial(repeats.repeated_people, rows),
        partial(repeats.person_and_household, rows),
        partial(repeats.two_names, rows),
        partial(repeats.shared_accounts, rows, "account"),
    ]
    if context.registry_for is not None:
        looks.append(partial(card_hits, rows, context.registry_for, context.settings))
    hits = checked.hits + [hit for found in side_by_side(looks) for hit in found]
    hits = [hit for hit in without_consequences(hits) if len(hit.at)]
    file_findings = [*_day(context), *_ignored_columns(table), *_totals(totals, rows)]
    if context.registry_for is None:
        file_findings.append(file_finding("cards_unknown"))
    frame = rows.with_columns(verdicts(hits, checked.places)).select(*FROZEN_SCHEMA)
    tallies = _tallies(frame)
    # A row pasted twice is no mistake in the data: replayed rows do not count (DESIGN §4).
    mistaken = tallies["excluded"].rows - frame.filter(pl.col("reasons") == "repeated_identical").height
    if mistaken * EXCLUDED_ROWS_ALLOWED_ONE_IN > frame.height:
        file_findings.append(file_finding("excluded_too_many", rows=frame.height, excluded=mistaken))
    row_findings, more = listed(hits, table)
    file_findings.sort(key=lambda finding: CODES.index(finding.code))
    return Validation(
        accepted=all(finding.level is not Level.REFUSE for finding in file_findings),
        findings=(*file_findings, *row_findings),
        frame=frame,
        tallies=tallies,
        slots=_slots(frame),
        more=more,
        table=table,
    )


def _unreadable(error: Unreadable) -> Validation:
    return Validation(False, error.findings, pl.DataFrame(schema=FROZEN_SCHEMA), {name: Tally() for name in STATUSES})


def _day(context: RosterContext) -> list[Finding]:
    """A roster may come before its time, never after it: no run would ever take it."""
    day = judging_date(context.subsidy, context.as_of, context.mode)
    reason = day_refusal(context.subsidy, day, context.mode)
    return [file_finding("day_not_payable", detail=reason)] if reason else []


def _ignored_columns(table: Table) -> list[Finding]:
    return [file_finding("column_ignored", found=_header_shown(title)) for title in table.header.unknown[:20]]


def _header_shown(title: str) -> str:
    """A header nobody knows, as it may be shown. It stood in a row that names columns, so only numbers are suspicious."""
    return title if not any(character.isdigit() for character in title) else mask_text(title)


def _totals(totals: TotalsRow | None, rows: pl.DataFrame) -> list[Finding]:
    if totals is None:
        return []
    fen = _fen(totals.written)
    added = int(rows["amount_fen"].sum())
    # A row whose amount cannot be read is excluded already; what it should have added is not ours to guess.
    if fen is None or rows["amount_fen"].null_count():
        return [file_finding("totals_unchecked", row=totals.row)]
    written = yuan(fen)
    if fen != added:
        return [file_finding("totals_wrong", row=totals.row, written=written, added=yuan(added))]
    return [file_finding("totals_dropped", row=totals.row, written=written)]


def _fen(written: str | None) -> int | None:
    value: int | None = fen_of(tidy_amounts(pl.Series([written], dtype=pl.String)).series)[0]
    return value


def _slots(frame: pl.DataFrame) -> tuple[str, ...]:
    """The slots this roster may pay for: those of rows not excluded."""
    wanted = frame.lazy().filter(pl.col("status") != "excluded").select(pl.col("slot").unique().sort())
    return tuple(wanted.collect().to_series().to_list())


def _tallies(frame: pl.DataFrame) -> dict[str, Tally]:
    sums = frame.lazy().group_by("status").agg(pl.len().alias("rows"), pl.col("amount_fen").sum()).collect()
    found = {status: Tally(rows, fen) for status, rows, fen in sums.select("status", "rows", "amount_fen").iter_rows()}
    return {status: found.get(status, Tally()) for status in STATUSES}
