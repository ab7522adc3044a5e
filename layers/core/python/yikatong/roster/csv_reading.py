"""CSV and tab-separated text: decode strictly first, split afterwards.

In GB18030 the second byte of a character can be `|` `\\` or `^`, and a name cut in half swallows what follows without a
trace (FACTS). So the bytes are decoded as a whole, and a file that cannot be is refused with the row.
"""

import csv
import io
from collections.abc import Iterator

import polars as pl

from yikatong.roster.columns import Column, Header, find_header
from yikatong.roster.encoding import to_utf8
from yikatong.roster.findings import unreadable
from yikatong.roster.table import HEADER_ROWS, MAX_COLUMNS, Table, header_missing

# The header and its titles are looked for in this much text, so that a hostile first field costs nothing.
_HEAD_CHARACTERS = 1 << 18


def read_csv(data: bytes) -> Table:
    """Read delimited text in UTF-8 (with or without BOM), GB18030 or UTF-16 with BOM. Raises Unreadable."""
    utf8 = to_utf8(data)
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
    return Table(header, _cells(utf8, separator, index, header))


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


def _cells(utf8: bytes, separator: str, index: int, header: Header) -> pl.DataFrame:
    width = len(header.cells)
    schema = {f"c{place}": pl.String() for place in range(width)}
    body, skipped = _from_header(utf8, separator, index)
    try:
        frame = pl.read_csv(body, has_header=False, separator=separator, schema=schema, infer_schema=False)
    except pl.exceptions.PolarsError:
        # A row wider than the header: harmless when the extra cells are empty, so it is worth a slow second look.
        frame = _ragged(body, separator, schema, skipped)
    # Rows are picked out of these columns by the thousand later: ten times slower from the reader's many chunks.
    cells = frame.with_row_index("row", offset=skipped + 1).slice(1).cast({"row": pl.Int32}).rechunk()
    # A blank row has no id; only rows without one are looked at whole.
    id_cell = pl.col(f"c{header.places.get(Column.ID, 0)}")
    hollow = cells.select((id_cell.is_null() | (id_cell == "")).arg_true()).to_series()
    if hollow.is_empty():
        return cells
    nothing = pl.all_horizontal(pl.col(name).is_null() | (pl.col(name).str.strip_chars() == "") for name in schema)
    blank = hollow.filter(cells[hollow].select(nothing).to_series())
    return cells.filter(~pl.int_range(cells.height, eager=True).is_in(blank.implode())) if len(blank) else cells


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
