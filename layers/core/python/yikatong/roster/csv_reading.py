"""CSV and tab-separated text: decode strictly first, split afterwards.

In GB18030 the second byte of a character can be `|` `\\` or `^`, and a name cut in half swallows what follows without a
trace (FACTS). So a file is split as UTF-8 or not at all: one that does not begin so is decoded as a whole first, and in one
that does polars refuses any cell that is not UTF-8.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from functools import partial

import polars as pl

from yikatong.roster.columns import Column, Header, find_header
from yikatong.roster.encoding import require_utf8, to_utf8
from yikatong.roster.findings import unreadable
from yikatong.roster.table import HEADER_ROWS, LAST_ROWS, MAX_COLUMNS, Table, header_missing, known_columns

# The header and its titles are looked for in this much text, so that a hostile first field costs nothing.
_HEAD_CHARACTERS = 1 << 18
# A header in another encoding shows in far less.
_FIRST_BYTES = 1 << 16


def read_csv(data: bytes) -> Table:
    """Read delimited text in UTF-8 (with or without BOM), GB18030 or UTF-16 with BOM. Raises Unreadable."""
    return _read_utf8(data if _begins_as_utf8(data) else to_utf8(data))


def _begins_as_utf8(data: bytes) -> bool:
    head = data[:_FIRST_BYTES]
    try:
        # The cut may fall within a character.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) == len(data))
    except UnicodeDecodeError:
        return False
    return True


def _read_utf8(utf8: bytes) -> Table:
    if b"\0" in utf8:
        raise unreadable("file_format", detail="含有空字节，不是文本文件")
    if b"\n" not in utf8:
        utf8 = utf8.replace(b"\r", b"\n")
    head = utf8[: _HEAD_CHARACTERS * 4].decode("utf-8", "ignore")[:_HEAD_CHARACTERS]
    separator = "\t" if head.count("\t") > head.count(",") else ","
    rows = _first_rows(head.removeprefix("\ufeff"), separator)
    found = find_header(rows)
    if found is None:
        raise header_missing(len(rows))
    index, header = found
    if len(header.cells) > MAX_COLUMNS:
        raise unreadable("file_format", detail=f"超过{MAX_COLUMNS}列")
    whole = partial(_whole, utf8, separator, index, len(header.cells))
    return _table(whole(), header, whole)


def _records(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        raise unreadable("file_damaged", detail="有一格文字过长，可能少了一个引号") from None


def _first_rows(head: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for record in _records(head, separator):
        rows.append(record)
        if len(rows) == HEADER_ROWS:
            break
    return rows


def _whole(utf8: bytes, separator: str, index: int, width: int) -> pl.DataFrame:
    """Every row below the header, blank ones too, and every column."""
    schema = {f"c{place}": pl.String() for place in range(width)}
    body, skipped = _from_header(utf8, separator, index)
    try:
        frame = pl.read_csv(body, has_header=False, separator=separator, schema=schema, infer_schema=False)
    except pl.exceptions.PolarsError:
        # Either a cell is not UTF-8; the header was, so it is the cell that is wrong.
        require_utf8(utf8)
        # Or a row wider than the header: harmless when the extra cells are empty, so it is worth a slow second look.
        frame = _ragged(body, separator, schema, skipped)
    first = skipped + 2
    rows = pl.int_range(first, first + frame.height - 1, dtype=pl.Int32, eager=True).alias("row")
    return frame.slice(1).insert_column(0, rows)


def _table(whole: pl.DataFrame, header: Header, again: Callable[[], pl.DataFrame]) -> Table:
    blank = _blank_rows(whole, header)
    last = whole.tail(LAST_ROWS + len(blank)).filter(~pl.col("row").is_in(blank.implode())).tail(LAST_ROWS)
    # Rows are picked out of these columns by the thousand later: ten times slower from the reader's many chunks. Column by
    # column, so that what is not needed any more is given back at once.
    cells = pl.DataFrame([whole.drop_in_place(name).rechunk() for name in known_columns(header)])
    if len(blank):
        cells = cells.filter(~pl.col("row").is_in(blank.implode()))
    return Table(header, cells, last, again)


def _blank_rows(whole: pl.DataFrame, header: Header) -> pl.Series:
    """The `row` of rows in which nothing is written. A blank row has no id; only rows without one are looked at whole."""
    id_cell = pl.col(f"c{header.places.get(Column.ID, 0)}")
    hollow = whole.filter(id_cell.is_null() | (id_cell == ""))
    nothing = pl.all_horizontal(pl.exclude("row").is_null() | (pl.exclude("row").str.strip_chars() == ""))
    return hollow.filter(nothing)["row"]


def _from_header(utf8: bytes, separator: str, index: int) -> tuple[bytes, int]:
    """The bytes from the header's line on, and how many records stood above it (quoted titles may span lines)."""
    if index == 0:
        return utf8, 0
    head = utf8[: _HEAD_CHARACTERS * 4].decode("utf-8", "ignore")
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
    for _ in range(index):
        next(reader)
    start = 0
    for _ in range(reader.line_num):
        start = utf8.index(b"\n", start) + 1
    return utf8[start:], index


def _ragged(body: bytes, separator: str, schema: dict[str, pl.String], skipped: int) -> pl.DataFrame:
    width = len(schema)
    columns: list[list[str | None]] = [[] for _ in schema]
    for number, record in enumerate(_records(body.decode(), separator), start=skipped + 1):
        if any(cell.strip() for cell in record[width:]):
            raise unreadable("row_ragged", line=number)
        for place, column in enumerate(columns):
            column.append((record[place] or None) if place < len(record) else None)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)
