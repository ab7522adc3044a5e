"""CSV and tab-separated text: decode strictly first, split afterwards, one stretch of a few megabytes at a time.

In GB18030 the second byte of a character can be `|` `\\` or `^`, and a name cut in half swallows what follows without a
trace (FACTS). So a file is split as UTF-8 or not at all: one that does not begin so is decoded as a whole first, and in one
that does polars refuses any cell that is not UTF-8.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import polars as pl

from yikatong.roster.columns import find_header
from yikatong.roster.encoding import encoding_of, to_utf8
from yikatong.roster.findings import unreadable
from yikatong.roster.source import Source
from yikatong.roster.table import HEADER_ROWS, MAX_COLUMNS, MAX_ROWS, BrokenLines, Lines, Miscut, Table, header_missing
from yikatong.roster.workbook_limits import MAX_CELL_BYTES

STRETCH_BYTES = 6 << 20
"""Of text read at once. Smaller ones cost more calls per row, larger ones more memory."""
# A file is shared out among the processors unless it is too small to be worth it.
_WORTH_SHARING_BYTES = 1 << 18
# The header and its titles are looked for in this much text, so that a hostile first field costs nothing.
_HEAD_CHARACTERS = 1 << 18
_SEPARATORS = (",", "\t", ";")
# A line's end is looked for in so much at a time.
_LINE_BYTES = 1 << 14
_ID_NUMBER = re.compile("[0-9]{15}")


def read_csv(source: Source) -> Table:
    """Open delimited text in UTF-8 (with or without BOM), GB18030 or UTF-16. Raises Unreadable."""
    head = source.read(0, _HEAD_CHARACTERS * 4)
    # What is UTF-8 by its beginning is checked stretch by stretch as it is read; a beginning of plain letters says nothing.
    if encoding_of(head if len(head) == source.size or not head.isascii() else source.all()) != "utf-8":
        source = Source(to_utf8(source.all()))
    return _open(_with_line_feeds(source))


def _with_line_feeds(source: Source) -> Source:
    """The text with its lines ended by a line feed, with or without a return before it."""
    head = source.read(0, _HEAD_CHARACTERS * 4)
    if head.count(b"\r") - head.count(b"\r\n") > head.count(b"\n"):
        # Old programs end a line with a return alone; a line feed is then part of a cell.
        text = source.all().replace(b"\r\n", b"\r").replace(b"\n", b"\v")
        return Source(text.replace(b"\r", b"\n"))
    # What was text already was written out as text once more.
    return Source(source.all().replace(b"\r\r\n", b"\r\n")) if b"\r\r\n" in head else source


def _open(source: Source) -> Table:
    head = source.read(0, _HEAD_CHARACTERS * 4)
    text = head.decode("utf-8", "ignore")[:_HEAD_CHARACTERS].removeprefix("\ufeff")
    separator = max(_SEPARATORS, key=text.count)
    rows = _first_rows(text, separator)
    found = find_header(rows)
    if found is None:
        raise header_missing(len(rows))
    index, header = found
    if len(header.cells) > MAX_COLUMNS:
        raise unreadable("file_format", detail=f"超过{MAX_COLUMNS}列")
    start = _below_header(head, text, separator, index)

    def cut(edges: list[tuple[int, int]], carefully: Callable[[], Table] | None) -> Table:
        read = partial(_read_stretch, source, separator, len(header.cells), carefully is None)
        return Table(header, index + 2, [partial(read, *each) for each in edges], carefully=carefully)

    # Quotes are few and in order in nearly every file: they are looked at as they are read, and only where they are not the
    # file is cut again.
    return cut(_at_line_ends(source, start), lambda: cut(_outside_quotes(source, separator, start), None))


def _by_line_feeds(text: str) -> io.StringIO:
    # As the fast reader does: a return is part of what it stands in.
    return io.StringIO(text, newline="\n")


def _records(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines, delimiter=separator)
    except csv.Error:
        raise unreadable("file_damaged", detail="有一格文字过长，或引号、换行没有成对") from None


def _first_rows(head: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    for record in _records(_by_line_feeds(head), separator):
        rows.append(record)
        if len(rows) == HEADER_ROWS:
            break
    return rows


def _below_header(head: bytes, text: str, separator: str, index: int) -> int:
    """Where the row below the header's begins; quoted titles and header cells may span lines."""
    reader = csv.reader(_by_line_feeds(text), delimiter=separator)
    for _ in range(index + 1):
        next(reader)
    start = 0
    for _ in range(reader.line_num):
        start = head.find(b"\n", start) + 1 or len(head)
    return start


def _step(source: Source, start: int) -> int:
    share = max(_WORTH_SHARING_BYTES, (source.size - start) // pl.thread_pool_size() + 1)
    return min(STRETCH_BYTES, share)


def _at_line_ends(source: Source, start: int) -> list[tuple[int, int]]:
    """Cut at ends of lines, whatever stands around them: right if no stretch holds a quote too many."""
    step = _step(source, start)
    cuts: list[tuple[int, int]] = []
    while start < source.size:
        end, look = start + step, _LINE_BYTES
        while end < source.size:
            at = source.read(end, end + look).find(b"\n")
            if at >= 0:
                end += at + 1
                break
            end, look = end + look, look * 2
        cuts.append((start, min(end, source.size)))
        start = end
    return cuts


def _outside_quotes(source: Source, separator: str, start: int) -> list[tuple[int, int]]:
    """Cut at ends of lines outside quotes, which is where as many quotes have been opened as closed.

    A quote that stands in the middle of a cell is none of those; from there on only whoever reads row by row can tell.
    """
    bare = _bare_quote(separator)
    step = usual = _step(source, start)
    cuts: list[tuple[int, int]] = []
    while start < source.size:
        piece = source.read(start, start + step)
        if bare.search(piece):
            return [*cuts, (start, source.size)]
        length = len(piece) if start + step >= source.size else _last_end_of_line(piece)
        if length:
            cuts.append((start, start + length))
            start += length
        # A row longer than a stretch, or a quote that is never closed.
        step = usual if length else step * 2
    return cuts


@cache
def _bare_quote(separator: str) -> re.Pattern[bytes]:
    """A quote that is not at a cell's beginning, not at its end and not doubled; first of all, so that it is searched for."""
    return re.compile(rf'"(?<=[^{separator}\n"]")(?=[^{separator}\r\n"])'.encode())


def _last_end_of_line(piece: bytes) -> int:
    """How long the piece is up to the end of its last line that ends outside quotes; 0 if none does."""
    end = piece.rfind(b"\n") + 1
    quotes = piece.count(b'"', 0, end)
    while end and quotes % 2:
        # Above the last quote fewer are open.
        above = piece.rfind(b"\n", 0, piece.rfind(b'"', 0, end)) + 1
        quotes -= piece.count(b'"', above, end)
        end = above
    return end


def _read_stretch(source: Source, separator: str, width: int, careful: bool, start: int, end: int) -> Lines:
    body = source.read(start, end)
    schema = {f"c{place}": pl.String() for place in range(width)}
    if end == source.size:
        # How old programs end a file.
        body = body.removesuffix(b"\x1a")
    if b"\0" in body:
        raise unreadable("file_format", detail="含有空字节，不是文本文件")
    quotes = body.count(b'"') if b'"' in body else 0
    odd = quotes % 2 == 1 or (quotes and _bare_quote(separator).search(body))
    if odd and not careful:
        raise Miscut
    if odd:
        # A quote too few or too many is not seen by the fast reader wherever it stands.
        frame = _row_by_row(_checked_text(body), separator, schema)
    else:
        try:
            # Every column, though few are needed: only so is a row wider than the header noticed.
            frame = pl.read_csv(
                body, has_header=False, separator=separator, schema=schema, infer_schema=False, missing_columns="insert"
            )
        except pl.exceptions.PolarsError:
            # Perhaps a row is wider than the header: harmless when the extra cells are empty, so it is worth a slow look.
            frame = _row_by_row(_checked_text(body), separator, schema)
        if quotes and frame.height != body.count(b"\n") + (not body.endswith(b"\n")):
            # A cell spans lines: it may be two stray quotes that swallow the people between them, or be meant.
            frame = _row_by_row(_checked_text(body), separator, schema)
    if _longest(frame) > MAX_CELL_BYTES:
        raise unreadable("file_damaged", detail="有一格文字过长，或引号、换行没有成对")
    if quotes:
        # A quoted nothing is nothing.
        frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    rows = pl.int_range(frame.height, dtype=pl.Int32, eager=True).alias("row")
    return Lines(frame.insert_column(0, rows), frame.height, separated_by_commas=separator == ",")


def _longest(frame: pl.DataFrame) -> int:
    """The bytes of the longest cell."""
    lengths = frame.select(pl.all().str.len_bytes().max()).row(0)
    return max((length for length in lengths if length is not None), default=0)


def _checked_text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BrokenLines("file_encoding", body.count(b"\n", 0, error.start)) from None


def _row_by_row(text: str, separator: str, schema: dict[str, pl.String]) -> pl.DataFrame:
    width = len(schema)
    columns: list[list[str | None]] = [[] for _ in schema]
    lines = _Lines(text)
    for row, record in enumerate(_records(lines, separator)):
        if row > MAX_ROWS:
            raise unreadable("rows_too_many", limit=MAX_ROWS)
        if any(cell.strip() for cell in record[width:]):
            raise BrokenLines("row_ragged", row)
        spans = lines.at_end or len(lines.of_record) > 1
        if spans and (_swallows(record, separator) or not _well_quoted(lines.of_record, separator)):
            raise BrokenLines("quote_unclosed", row)
        lines.of_record.clear()
        for place, column in enumerate(columns):
            column.append((record[place] or None) if place < len(record) else None)
    return pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema)


class _Lines:
    """The lines of a text, and those that have been taken since `of_record` was cleared."""

    def __init__(self, text: str) -> None:
        self._text = _by_line_feeds(text)
        self.of_record: list[str] = []
        self.at_end = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline()
        if not line:
            self.at_end = True
            raise StopIteration
        self.of_record.append(line)
        return line


def _swallows(record: list[str], separator: str) -> bool:
    """Whether a cell holds whole lines with somebody's number: two quotes too many, and nobody would hear of those between."""
    whole = len(record) - 1
    for cell in (cell for cell in record if "\n" in cell and separator in cell):
        digits = re.sub(r"[ \t\u3000-]", "", unicodedata.normalize("NFKC", cell))
        if _ID_NUMBER.search(digits) or any(line.count(separator) >= max(whole, 2) for line in cell.split("\n")):
            return True
    return False


def _well_quoted(lines: list[str], separator: str) -> bool:
    """Whether every quoted cell of a record ends with its quote."""
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error:
        return False
    return True
