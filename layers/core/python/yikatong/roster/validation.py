"""The one validation of a roster: at the cloud's door and on the clerk's own machine (DESIGN §4).

One bad row does not keep thirty thousand people from being paid: rows are excluded, held or put up for review, each with
its reason. The file is refused as a whole only when it cannot be read, its columns or totals are wrong, or more than a
tenth of its data rows had to be excluded. All findings come in one pass; nothing is changed silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from yikatong.masking import mask_title
from yikatong.plan import judging_date
from yikatong.plan.payable import day_refusal
from yikatong.roster.card_hits import card_hits, without_consequences
from yikatong.roster.columns import Column, required_columns_of
from yikatong.roster.context import RosterContext
from yikatong.roster.departed import departed_hits
from yikatong.roster.elsewhere import elsewhere_hits
from yikatong.roster.failed import failed_hits
from yikatong.roster.file_name import region_findings
from yikatong.roster.findings import CODES, Finding, Level, Unreadable, file_finding
from yikatong.roster.hits import STATUSES, Hit, listed, verdicts, where
from yikatong.roster.judging import judge_table
from yikatong.roster.reading import read_table
from yikatong.roster.repeats import repeats
from yikatong.roster.side_by_side import pieces
from yikatong.roster.table import Table

# A file of which more than one row in so many is excluded is a broken export, not a roster with mistakes.
EXCLUDED_ROWS_ALLOWED_ONE_IN = 10
_NO_MISTAKE = ("repeated_identical", "already_claimed", "reissued_already")
# The frozen roster (docs/architecture.md), in the file's order; rows without an id come last.
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
    """What a roster came to. `frame` is the frozen roster, empty when the file could not be judged by row; its columns are those
    of FROZEN_SCHEMA, `status` and `reasons` packed (`frozen` unpacks them).

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

    def frozen(self) -> pl.DataFrame:
        """The frozen roster as it is stored: FROZEN_SCHEMA."""
        return self.frame.cast(FROZEN_SCHEMA)  # type: ignore[arg-type]

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
        """The report as plain data, messages masked. A refused file pays nothing; `more` is there when findings were left out."""
        paid = self.payable if self.accepted else Tally()
        result: dict[str, Any] = {
            "accepted": self.accepted,
            "rows": self.rows,
            "payable_rows": paid.rows,
            "payable_fen": paid.fen,
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


def validate(roster: bytes | Path, filename: str, context: RosterContext) -> Validation:
    """Judge a roster file. Never raises for what the file holds: an unreadable one is a refused Validation.

    `roster` is the file's bytes, or where they lie: a file on disk is never held whole if it is text in UTF-8, and must stay
    there as long as the Validation is reported on. What a file is, its bytes say; `filename` is only looked at for the region
    it may name.
    """
    try:
        table = read_table(roster, required=required_columns_of(context.settings), sheet=context.sheet)
        judged = judge_table(table, context)
    except Unreadable as error:
        return _unreadable(error)
    table, rows = judged.table, judged.rows
    hits = [
        *judged.hits,
        *_hidden(table, rows),
        *repeats(rows),
        *elsewhere_hits(rows, context),
        *failed_hits(rows, context.failed),
        *departed_hits(rows, context.departed, context.subsidy.frequency),
    ]
    if context.registry_for is not None:
        hits += card_hits(rows, context.registry_for, context.settings)
    hits = [hit for hit in without_consequences(hits) if len(hit.at)]
    file_findings = [
        *_day(context),
        *region_findings(filename, context.region),
        *_ignored_columns(table),
        *table.remarks,
        *judged.findings,
    ]
    if context.registry_for is None:
        file_findings.append(file_finding("cards_unknown"))
    row_findings, more = listed(hits, rows, table.header)
    judged_rows = verdicts(hits, rows.height)
    frame = _beside(rows, judged_rows).select(*FROZEN_SCHEMA)
    tallies = _tallies(judged_rows["status"], rows["amount_fen"])
    mistaken = _mistaken(hits)
    if mistaken * EXCLUDED_ROWS_ALLOWED_ONE_IN > frame.height:
        file_findings.append(file_finding("excluded_too_many", rows=frame.height, excluded=mistaken))
    file_findings.sort(key=lambda finding: (CODES.index(finding.code), finding.row or 0))
    return Validation(
        accepted=all(finding.level is not Level.REFUSE for finding in file_findings),
        findings=(*file_findings, *row_findings),
        frame=frame,
        tallies=tallies,
        slots=_slots(judged_rows["status"], rows["slot"]),
        more={**judged.more, **more},
        table=table,
    )


def _beside(rows: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Both, column beside column, in the pieces that `rows` are in: put together whole, they would all be copied."""
    done, put = 0, []
    for piece in pieces(rows):
        put.append(piece.hstack(others[done : done + piece.height]))
        done += piece.height
    return pl.concat(put)


def _unreadable(error: Unreadable) -> Validation:
    return Validation(False, error.findings, pl.DataFrame(schema=FROZEN_SCHEMA), {name: Tally() for name in STATUSES})


def _day(context: RosterContext) -> list[Finding]:
    """A roster may come before its time, never after it: no run would ever take it. A reissue has kept it long ago."""
    if context.is_reissue:
        return []
    day = judging_date(context.subsidy, context.as_of, context.mode)
    reason = day_refusal(context.subsidy, day, context.mode)
    return [file_finding("day_not_payable", detail=reason)] if reason else []


def _hidden(table: Table, rows: pl.DataFrame) -> list[Hit]:
    """Rows that were read though the clerk's program does not show them: perhaps they were meant to be left out."""
    if table.hidden.is_empty():
        return []
    return [Hit("row_hidden", Column.ID, where(rows["row"].is_in(table.hidden.implode())))]


def _ignored_columns(table: Table) -> list[Finding]:
    return [file_finding("column_ignored", found=mask_title(title)) for title in table.header.unknown[:20]]


def _mistaken(hits: Sequence[Hit]) -> int:
    """How many rows are excluded for a mistake. Pasted twice or paid already is none: replayed rows do not count (DESIGN §4)."""
    found = [hit.at for hit in hits if hit.level is Level.EXCLUDE and hit.code not in _NO_MISTAKE]
    return pl.concat(found).n_unique() if found else 0


def _slots(status: pl.Series, slot: pl.Series) -> tuple[str, ...]:
    """The slots this roster may pay for: those of rows not excluded."""
    return tuple(slot.filter(status != "excluded").unique().sort().to_list())


def _tallies(status: pl.Series, amount_fen: pl.Series) -> dict[str, Tally]:
    sums = pl.DataFrame([status, amount_fen]).group_by("status").agg(pl.len().alias("rows"), pl.col("amount_fen").sum())
    found = {status: Tally(rows, fen) for status, rows, fen in sums.select("status", "rows", "amount_fen").iter_rows()}
    return {status: found.get(status, Tally()) for status in STATUSES}
