"""A table judged row by row: stretch after stretch, several at once, and of each only what it came to is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from yikatong.roster.checks import Checked, check_rows, together
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import Finding, unreadable
from yikatong.roster.hits import Hit, where
from yikatong.roster.side_by_side import side_by_side
from yikatong.roster.slot_checks import SlotJudge
from yikatong.roster.table import MAX_ROWS, BrokenLines, Lines, Table, known_columns, sort_out
from yikatong.roster.totals import tell_apart, totals_findings


@dataclass(frozen=True)
class JudgedTable:
    """`table` as it was read in the end; `rows` and `hits` as `checks.Checked` has them, the rows in the file's order but for
    those without an id and an amount, which come last; `findings` about rows that are no data
    rows, and how many `more` there are."""

    table: Table
    rows: pl.DataFrame
    hits: list[Hit]
    findings: list[Finding]
    more: dict[str, int]


@dataclass(frozen=True)
class _Part:
    checked: Checked
    strays: pl.DataFrame
    span: int


def judge_table(table: Table, context: RosterContext) -> JudgedTable:
    """The field checks: every row by itself, and the totals. Raises Unreadable."""
    return table.read_by(lambda cut: _judge(cut, context))


def _judge(table: Table, context: RosterContext) -> JudgedTable:
    header, slots = table.header, SlotJudge(context)

    def judge(read: Callable[[], Lines]) -> _Part | BrokenLines:
        try:
            lines = read()
        except BrokenLines as broken:
            # Which row of the file it is, only those know who have read all before it.
            return broken
        stretch = sort_out(lines, header)
        checked = check_rows(stretch.cells, header, stretch.numeric, context, slots)
        if stretch.split is not None:
            checked.hits.append(Hit("amount_split", Column.AMOUNT, where(stretch.split)))
        return _Part(checked, stretch.strays, stretch.span)

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
    last_id_row = max((_last_id_row(part.rows) for part in parts), default=0)
    apart = tell_apart(pl.concat(strays), header, last_id_row) if strays else None
    if apart is not None and apart.people.height:
        parts.append(check_rows(apart.people.select(known_columns(header)), header, {}, context, slots))
    if not any(part.rows.height for part in parts):
        raise unreadable("rows_none")
    checked = together(parts)
    findings, more = totals_findings(apart, header, checked.rows) if apart else ([], {})
    return JudgedTable(table, checked.rows, checked.hits, findings, more)


def _last_id_row(rows: pl.DataFrame) -> int:
    """The last row that names somebody by an id, however wrong; 0 if none does."""
    named: int | None = rows["row"].filter(rows["beneficiary_id"].is_not_null()).max()  # type: ignore[assignment]
    return named or 0
