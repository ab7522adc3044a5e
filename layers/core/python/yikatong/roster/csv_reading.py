"""CSV and tab-separated text: decode strictly first, split afterwards, one stretch of a few megabytes at a time.

In GB18030 the second byte of a character can be `|` `\\` or `^`, and a name cut in half swallows what follows without a
trace (FACTS). So a file is split as UTF-8 or not at all: one that does not begin so is decoded as a whole first, and in one
that does polars refuses any cell that is not UTF-8.
"""

import csv
import io
from collections.abc import Iterator
from functools import partial

import polars as pl

from yikatong.roster.columns import find_header
from yikatong.roster.encoding import encoding_of, is_utf8, to_utf8
from yikatong.roster.findings import unreadable
from yikatong.roster.table import HEADER_ROWS, MAX_COLUMNS, BrokenLines, Lines, Table, header_missing

STRETCH_BYTES = 8 << 20
"""Of text read at once. Smaller ones cost more calls per row, larger ones more memory."""
# A file is shared out among the processors unless it is too small to be worth it.
_WORTH_SHARING_BYTES = 1 << 18
# The header and its titles are looked for in this much text, so that a hostile first field costs nothing.
_HEAD_CHARACTERS = 1 << 18
_SEPARATORS = (",", "\t", ";")


def read_csv(data: bytes) -> Table:
    """Open delimited text in UTF-8 (with or without BOM), GB18030 or UTF-16. Raises Unreadable."""
    # What is UTF-8 by its beginning is checked stretch by stretch as it is read.
    return _open(data if encoding_of(data) == "utf-8" else to_utf8(data))


def _open(utf8: bytes) -> Table:
    if b"\0" in utf8:
        raise unreadable("file_format", detail="含有空字节，不是文本文件")
    if b"\n" not in utf8:
        utf8 = utf8.replace(b"\r", b"\n")
    head = utf8[: _HEAD_CHARACTERS * 4].decode("utf-8", "ignore")[:_HEAD_CHARACTERS]
    separator = max(_SEPARATORS, key=head.count)
    rows = _first_rows(head.removeprefix("\ufeff"), separator)
    found = find_header(rows)
    if found is None:
        raise header_missing(len(rows))
    index, header = found
    if len(header.cells) > MAX_COLUMNS:
        raise unreadable("file_format", detail=f"超过{MAX_COLUMNS}列")
    start = _below_header(utf8, separator, index)
    read = partial(_read_stretch, utf8, separator, len(header.cells))
    return Table(header, index + 2, [partial(read, *edges) for edges in _stretches(utf8, start)])


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


def _below_header(utf8: bytes, separator: str, index: int) -> int:
    """Where the row below the header's begins; quoted titles and header cells may span lines."""
    head = utf8[: _HEAD_CHARACTERS * 4].decode("utf-8", "ignore")
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
    for _ in range(index + 1):
        next(reader)
    start = 0
    for _ in range(reader.line_num):
        start = utf8.find(b"\n", start) + 1 or len(utf8)
    return start


def _stretches(utf8: bytes, start: int) -> list[tuple[int, int]]:
    """Where to cut: at ends of lines outside quotes, which is where as many quotes have been opened as closed."""
    share = max(_WORTH_SHARING_BYTES, (len(utf8) - start) // pl.thread_pool_size() + 1)
    step = min(STRETCH_BYTES, share)
    cuts = []
    while start < len(utf8):
        end = _end_of_line(utf8, start + step - 1)
        seen, quotes = start, 0
        while end < len(utf8):
            quotes += utf8.count(b'"', seen, end)
            if quotes % 2 == 0:
                break
            seen = end
            closing = utf8.find(b'"', end)
            end = _end_of_line(utf8, closing) if closing >= 0 else len(utf8)
        cuts.append((start, end))
        start = end
    return cuts


def _end_of_line(utf8: bytes, at: int) -> int:
    return utf8.find(b"\n", at) + 1 or len(utf8)


def _read_stretch(utf8: bytes, separator: str, width: int, start: int, end: int) -> Lines:
    body = utf8[start:end]
    schema = {f"c{place}": pl.String() for place in range(width)}
    try:
        # Every column, though few are needed: only so is a row wider than the header noticed.
        frame = pl.read_csv(
            body, has_header=False, separator=separator, schema=schema, infer_schema=False, missing_columns="insert"
        )
    except pl.exceptions.PolarsError:
        # Either a cell is not UTF-8.
        if not is_utf8(body):
            raise BrokenLines("file_encoding", _first_line_not_utf8(body)) from None
        # Or a row is wider than the header: harmless when the extra cells are empty, so it is worth a slow second look.
        frame = _ragged(body, separator, schema)
    if b'""' in body:
        # A quoted nothing is nothing.
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    rows = pl.int_range(frame.height, dtype=pl.Int32, eager=True).alias("row")
    return Lines(frame.insert_column(0, rows), frame.height)


def _first_line_not_utf8(body: bytes) -> int:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return body.count(b"\n", 0, error.start)
    raise AssertionError("asked only of what is not UTF-8")


def _ragged(body: bytes, separator: str, schema: dict[str, pl.String]) -> pl.DataFrame:
    width = len(schema)
    columns: list[list[str | None]] = [[] for _ in schema]
    for row, record in enumerate(_records(body.decode(), separator)):
        if any(cell.strip() for cell in record[width:]):
            raise BrokenLines("row_ragged", row)
        for place, column in enumerate(columns):
            column.append((record[place] or None) if place < len(record) else None)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)
