"""From the bytes of a file to one table of text, whatever program wrote it. Nothing is judged here but the file itself.

Row numbers are those the clerk's program shows: blank rows and titles above the header count.
"""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import polars as pl

from yikatong.masking import mask_title
from yikatong.roster.columns import REQUIRED, TITLES, Column, Header
from yikatong.roster.csv_reading import read_csv
from yikatong.roster.file_kinds import OLD_OFFICE, ZIP, refuse_other_formats
from yikatong.roster.findings import Unreadable, file_finding, unreadable
from yikatong.roster.source import Source
from yikatong.roster.table import Lines, Table
from yikatong.roster.workbook_reading import Sheet, read_workbook

MAX_FILE_BYTES = 256 * 2**20
_BLANKS = b"\0\t\r\n \xef\xbb\xbf\xff\xfe"
# Enough to know what a file is.
_HEAD_BYTES = 1 << 16
# Of a workbook judged at once.
_STRETCH_ROWS = 1 << 16


def read_table(roster: bytes | Path, *, required: tuple[Column, ...] = REQUIRED, sheet: str = "") -> Table:
    """Open a roster, its bytes or the file where they lie, by what they say, never by a name. Raises Unreadable with the reason.

    `required` are the columns without which it is refused, `sheet` the worksheet the bureau named, if it named one.
    """
    source = Source(roster)
    if source.size > MAX_FILE_BYTES:
        raise unreadable("file_too_large", limit_mb=MAX_FILE_BYTES // 2**20)
    head = source.read(0, _HEAD_BYTES)
    if not head.strip(_BLANKS) and not source.all().strip(_BLANKS):
        raise unreadable("file_empty")
    refuse_other_formats(head)
    table = _table(read_workbook(source.all(), sheet)) if head.startswith((ZIP, OLD_OFFICE)) else read_csv(source)
    _require_columns(table.header, required)
    return table


def _table(sheet: Sheet) -> Table:
    rows, first = sheet.rows, sheet.below + 1
    edges = [*range(0, rows.height, _STRETCH_ROWS), rows.height]
    stretches = [rows.slice(start, end - start) for start, end in pairwise(edges)]
    lines, begins = [], first
    for stretch in stretches:
        ends = stretch["row"][-1] + 1
        lines.append(partial(_lines, stretch, begins, ends, sheet.numeric))
        begins = ends
    return Table(sheet.header, first, lines, hidden=sheet.hidden, remarks=sheet.remarks)


def _lines(stretch: pl.DataFrame, begins: int, ends: int, numeric: Mapping[Column, pl.Series]) -> Lines:
    """The rows of the file from `begins` on and before `ends`; those that are not in the stretch are blank."""
    own = {column: rows.filter(rows.is_between(begins, ends - 1)) - begins for column, rows in numeric.items()}
    return Lines(stretch.with_columns(pl.col("row") - begins), ends - begins, own)


def _require_columns(header: Header, required: tuple[Column, ...]) -> None:
    shown = [label.strip() for column in header.places for label in [header.cells[header.places[column]]]]
    shown += [mask_title(title) for title in header.unknown]
    findings = [
        file_finding(
            "column_missing",
            column.label,
            expected=column.label,
            found="、".join(shown[:30]),
            aliases="、".join(TITLES[column][1:5]),
        )
        for column in required
        if column not in header.places
    ]
    findings += [
        file_finding(
            "column_doubled",
            column.label,
            expected=column.label,
            count=len(places),
            places="、".join(str(place + 1) for place in places),
        )
        for column, places in header.confusing(required).items()
    ]
    if findings:
        raise Unreadable(*findings)
