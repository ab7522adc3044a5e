"""The one validation of a roster: at the cloud's door and on the clerk's own machine (DESIGN §4).

One bad row does not keep thirty thousand people from being paid: rows are excluded, held or put up for review, each with
its reason. The file is refused as a whole only when it cannot be read, its columns or totals are wrong, or more than a
tenth of its data rows had to be excluded. All findings come in one pass; nothing is changed silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from yikatong import cards
from yikatong.masking import mask_text
from yikatong.plan import judging_date
from yikatong.plan.payable import day_refusal
from yikatong.roster import repeats
from yikatong.roster.checks import check_rows
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import CODES, Finding, Level, Unreadable, file_finding
from yikatong.roster.hits import Hit, listed, verdicts
from yikatong.roster.reading import read_table
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
    hits = [*checked.hits, *repeats.repeated_people(rows), *repeats.two_names(rows)]
    hits += repeats.shared_accounts(rows, "account")
    file_findings = [*_day(context), *_ignored_columns(table), *_totals(totals, rows)]
    if context.registry_for is None:
        file_findings.append(file_finding("cards_unknown"))
    else:
        hits += _card_hits(rows, hits, context)
    hits = [hit for hit in hits if len(hit.at)]
    frame = rows.with_columns(verdicts(hits, rows["at"])).select(*FROZEN_SCHEMA)
    tallies = _tallies(frame)
    if tallies["excluded"].rows * EXCLUDED_ROWS_ALLOWED_ONE_IN > frame.height:
        file_findings.append(file_finding("excluded_too_many", rows=frame.height, excluded=tallies["excluded"].rows))
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


def yuan(fen: int) -> str:
    """Fen as yuan for people: `1234.50`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _card_hits(rows: pl.DataFrame, hits: Sequence[Hit], context: RosterContext) -> list[Hit]:
    """The card rule as advice. Rows without a right payee id have no card to look for."""
    assert context.registry_for is not None
    payees = rows.select("at", "payee_id", "payee_name", "account", "payee_number", "beneficiary_number")
    number = payees["payee_number"]
    judged = cards.judge_cards(
        payees,
        context.registry_for(
            payees["payee_id"].filter(number.is_not_null()) if number.null_count() else payees["payee_id"]
        ),
        account_allowed=context.settings.account_allowed,
    )
    spoken = judged[(judged["card_code"].is_not_null() & number.is_not_null()).arg_true()]
    # A name that is wrong in itself has been named; that it also differs from the registry's says nothing more.
    named = _positions(hits, "name_")
    mistaken = (pl.col("card_code") == "card_name_differs") & pl.col("at").is_in(named.implode())
    spoken = spoken.filter(~mistaken).with_columns(
        own=pl.col("payee_number") == pl.col("beneficiary_number").fill_null(0)
    )
    found: list[Hit] = []
    for code in spoken["card_code"].unique().sort().to_list():
        # Where the beneficiary is the payee, the clerk looks for the fault in the beneficiary's own columns.
        for own, columns in ((True, (Column.NAME, Column.ID)), (False, (Column.PAYEE_NAME, Column.PAYEE_ID))):
            at = spoken.filter((pl.col("card_code") == code) & (pl.col("own") == own))["at"]
            found.append(Hit(code, columns[code != "card_name_differs"], at))
    # The registry may give one account to two holders; what the roster's own accounts share has been said.
    said = _positions(hits, "account_shared")
    by_account = (judged["channel"] == cards.Channel.ACCOUNT).arg_true()
    accounts = judged["pay_account"].scatter(by_account, pl.repeat(None, len(by_account), dtype=pl.String, eager=True))
    shared = repeats.shared_accounts(payees.with_columns(accounts.alias("pay_account")), "pay_account")
    shared = [replace(hit, column=Column.ID) for hit in shared]
    return found + [hit for hit in shared if not hit.at.is_in(said.implode()).all()]


def _positions(hits: Sequence[Hit], prefix: str) -> pl.Series:
    found = [hit.at for hit in hits if hit.code.startswith(prefix) and hit.level is not Level.REMARK]
    return pl.concat(found).cast(pl.UInt32) if found else pl.Series([], dtype=pl.UInt32)


def _slots(frame: pl.DataFrame) -> tuple[str, ...]:
    """The slots this roster may pay for: those of rows not excluded."""
    wanted = frame.lazy().filter(pl.col("status") != "excluded").select(pl.col("slot").unique().sort())
    return tuple(wanted.collect().to_series().to_list())


def _tallies(frame: pl.DataFrame) -> dict[str, Tally]:
    sums = frame.lazy().group_by("status").agg(pl.len().alias("rows"), pl.col("amount_fen").sum()).collect()
    found = {status: Tally(rows, fen) for status, rows, fen in sums.select("status", "rows", "amount_fen").iter_rows()}
    return {status: found.get(status, Tally()) for status in STATUSES}
