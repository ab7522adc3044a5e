"""A table judged row by row: stretch after stretch, several at once, and of each only what it came to is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from yikatong.roster.checks import Checked, check_rows, together
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import Finding, unreadable
from yikatong.roster.hits import Hit
from yikatong.roster.side_by_side import side_by_side
from yikatong.roster.slot_checks import SlotJudge
from yikatong.roster.table import MAX_ROWS, BrokenLines, Lines, Miscut, Table, known_columns, sort_out
from yikatong.roster.totals import tell_apart, totals_findings


@dataclass(frozen=True)
class JudgedTable:
    """`table` as it was read in the end; `rows` and `hits` as `checks.Checked` has them, the rows in the file's order but for
    those without an id and an amount, which come last; `findings` about rows that are no data rows."""

    table: Table
    rows: pl.DataFrame
    hits: list[Hit]
    findings: list[Finding]


@dataclass(frozen=True)
class _Part:
    checked: Checked
    strays: pl.DataFrame
    span: int


def judge_table(table: Table, context: RosterContext) -> JudgedTable:
    """The field checks: every row by itself, and the totals. Raises Unreadable."""
    try:
        return _judge(table, context)
    except Miscut:
        assert table.carefully is not None, "a table cut with care is not cut wrong"
        return _judge(table.carefully(), context)


def _judge(table: Table, context: RosterContext) -> JudgedTable:
    header, slots = table.header, SlotJudge(context)

    def judge(read: Callable[[], Lines]) -> _Part | BrokenLines:
        try:
            lines = read()
        except BrokenLines as broken:
            # Which row of the file it is, only those know who have read all before it.
            return broken
        stretch = sort_out(lines, header)
        return _Part(check_rows(stretch.cells, header, stretch.numeric, context, slots), stretch.strays, stretch.span)

    parts: list[Checked] = []
    strays: list[pl.DataFrame] = []
    first = table.first_row
    for part in side_by_side(judge, table.lines):
        if isinstance(part, BrokenLines):
            raise unreadable(part.code, line=first + part.row)
        parts.append(part.checked.below(first))
        strays.append(part.strays.with_columns(pl.col("row") + first))
        first += part.span
        if first - table.first_row > MAX_ROWS:
            raise unreadable("rows_too_many", limit=MAX_ROWS)
    last_id_row = max((part.rows["row"][-1] for part in parts if part.rows.height), default=0)
    apart = tell_apart(pl.concat(strays), header, last_id_row) if strays else None
    if apart is not None and apart.people.height:
        parts.append(check_rows(apart.people.select(known_columns(header)), header, {}, context, slots))
    if not any(part.rows.height for part in parts):
        raise unreadable("rows_none")
    checked = together(parts)
    findings = totals_findings(apart, header, checked.rows["amount_fen"]) if apart else []
    return JudgedTable(table, checked.rows, checked.hits, findings)
