"""Workbooks, XLSX and XLS, through calamine, with the type of every cell: a number where text belongs has already lost its
last digits. Which of several sheets is meant is the clerk's word, never ours.
"""

import datetime
import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import polars as pl
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from yikatong.masking import mask_label
from yikatong.roster.columns import TEXT_ONLY, Column, Header, find_header, match_header
from yikatong.roster.file_kinds import OLD_OFFICE
from yikatong.roster.findings import Finding, file_finding, unreadable
from yikatong.roster.old_workbook import check_old_workbook
from yikatong.roster.table import HEADER_ROWS, MAX_COLUMNS, header_missing
from yikatong.roster.workbook_guard import check_workbook
from yikatong.roster.workbook_limits import MAX_CELL_BYTES, Seen, cell_too_long

# A clerk who has several sheets says by this name which one is meant.
CHOSEN_SHEET = "名册"
# A spreadsheet shows and keeps 15 significant digits; what lies beyond is binary noise the clerk never saw.
SIGNIFICANT_DIGITS = 15
# Python objects exist for so many rows at a time.
_SLICE_ROWS = 16_384
_SHOWN = 20


@dataclass(frozen=True)
class Sheet:
    """A worksheet's data rows as text, those after the first `below` of the sheet.

    `rows` has `row` (Int32, from 1, as the clerk's program shows it) and `c0` to `cN`, every column of the header's row
    (String, null where empty); blank rows are left out. `numeric` names, for columns that must be text, the rows whose cell
    was a number. `hidden` are the rows of these that the clerk hid or filtered away (Int32, ascending). `remarks` speak of
    the file.
    """

    header: Header
    below: int
    rows: pl.DataFrame
    numeric: dict[Column, pl.Series] = field(default_factory=dict)
    hidden: pl.Series = field(default_factory=lambda: pl.Series("row", [], pl.Int32))
    remarks: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class _Book:
    """An opened workbook: its worksheets the clerk can see, and what the reader behind it does not tell of them."""

    book: CalamineWorkbook
    names: list[str]
    seen: dict[str, Seen]


@dataclass(frozen=True)
class _Found:
    """A sheet with a header: `below` is the index of the first row under it, `others` the sheets that have one as well."""

    name: str
    sheet: CalamineSheet
    header: Header
    below: int
    others: tuple[str, ...] = ()


def read_workbook(data: bytes, sheet: str = "") -> Sheet:
    """Read the one roster in a workbook: the sheet of that name, or the only one with a roster's header. Raises Unreadable."""
    with _faults_of_the_reader(), _without_collector():
        book = _open(data)
        found = _choose(book, sheet.strip())
        return _read(found, book)


@contextmanager
def _faults_of_the_reader() -> Iterator[None]:
    try:
        yield
    except (CalamineError, ZipError, ValueError, OSError):
        raise unreadable("file_damaged", detail="工作簿读不出来") from None
    except BaseException as error:
        # A fault inside the reader arrives as an exception of its own, beside all others.
        if type(error).__name__ != "PanicException":
            raise
        raise unreadable("file_damaged", detail="工作簿读不出来") from None


@contextmanager
def _without_collector() -> Iterator[None]:
    """Rows by the hundred thousand, none in a cycle: looking for cycles among them would take a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _open(data: bytes) -> _Book:
    if data.startswith(OLD_OFFICE):
        old = check_old_workbook(data)
        book = CalamineWorkbook.from_filelike(io.BytesIO(old.data))
        return _Book(book, book.sheet_names, dict(zip(book.sheet_names, old.sheets, strict=True)))
    seen = check_workbook(data)
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    return _Book(book, names, seen)


def _choose(book: _Book, wanted: str) -> _Found:
    by_name = {name.strip(): name for name in book.names}
    if wanted:
        if wanted not in by_name:
            raise unreadable("sheet_missing", sheet=_shown([wanted]), found=_shown(book.names))
        found = _found(book, by_name[wanted])
        if found is None:
            raise unreadable("sheet_without_header", sheet=_shown([wanted]), looked=HEADER_ROWS)
        return found
    chosen, others = None, []
    for name in book.names:
        found = _found(book, name)
        if found is None:
            continue
        if chosen is None or name.strip() == CHOSEN_SHEET:
            chosen, found = found, chosen
        if found is not None:
            others.append(found.name)
    if chosen is None:
        raise header_missing(HEADER_ROWS)
    if others and chosen.name.strip() != CHOSEN_SHEET:
        raise unreadable("sheets_ambiguous", count=len(others) + 1, names=_shown([chosen.name, *others]))
    return replace(chosen, others=tuple(others))


def _shown(names: Sequence[str]) -> str:
    """Sheets' names as they may be shown: one that holds digits might be somebody's number."""
    return "、".join(f"“{mask_label(name)}”" for name in names[:_SHOWN])


def _found(book: _Book, name: str) -> _Found | None:
    sheet = book.book.get_sheet_by_name(name)
    if sheet.start is None or sheet.end is None:
        return None
    first = [[as_text(cell) or "" for cell in row] for row in islice(_rows(sheet), HEADER_ROWS)]
    place = find_header(first)
    if place is None:
        return None
    index, header = place
    if sheet.end[1] + 1 > MAX_COLUMNS:
        raise unreadable("sheet_too_wide", rows=sheet.end[0] + 1, columns=sheet.end[1] + 1)
    # Of two rows the lower often names more columns.
    for top in (index, index - 1):
        both = _two_rows(first, top, sheet)
        if both is not None:
            return _Found(name, sheet, both, top + 2)
    return _Found(name, sheet, header, index + 1)


def _rows(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """All rows and columns from A1 on, used or not."""
    # The reader begins with the first row, but with the first column that is used.
    left: list[Any] = [""] * (sheet.start[1] if sheet.start else 0)
    return (left + row for row in sheet.iter_rows()) if left else sheet.iter_rows()


def _two_rows(first: Sequence[Sequence[str]], upper_row: int, sheet: CalamineSheet) -> Header | None:
    """A header of two rows, shown by merging: `姓名` down both, `收款人` across the `姓名` and `身份证号` below it."""
    down, across = set(), {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or []:
        if top == upper_row and bottom == upper_row + 1 and left == right:
            down.add(left)
        elif top == bottom == upper_row:
            across.update(dict.fromkeys(range(left, min(right, MAX_COLUMNS) + 1), left))
    if not down or not across or upper_row + 1 >= len(first):
        return None
    upper, lower = first[upper_row], first[upper_row + 1]
    titles = []
    for place, below in enumerate(lower):
        above = upper[across.get(place, place)]
        joined = above.strip() + below.strip()
        known = match_header([joined]).places or place in down or not below.strip()
        titles.append(joined if known else below)
    return match_header(titles)


def _read(found: _Found, book: _Book) -> Sheet:
    header, seen = found.header, book.seen.get(found.name, Seen())
    text_only = {header.places[column]: column for column in TEXT_ONLY if column in header.places}
    numbers: dict[Column, list[int]] = {column: [] for column in text_only.values()}
    errors = seen.errors_by_row()
    frames = []
    rows = islice(_rows(found.sheet), found.below, None)
    first = found.below + 1
    while cells := list(islice(rows, _SLICE_ROWS)):
        for row in errors.keys() & range(first, first + len(cells)) if errors else ():
            for place, text in errors[row]:
                if place < len(cells[row - first]):
                    cells[row - first][place] = text
        columns = list(zip(*cells, strict=True))
        for place, column in text_only.items():
            numbers[column] += [first + at for at, cell in enumerate(columns[place]) if isinstance(cell, (int, float))]
        series = [_series(f"c{place}", cells) for place, cells in enumerate(columns)]
        row_numbers = pl.int_range(first, first + len(cells), dtype=pl.Int32, eager=True).alias("row")
        frames.append(_without_blanks(pl.DataFrame([row_numbers, *series]), header))
        first += len(cells)
    nothing = {"row": pl.Int32(), **{f"c{place}": pl.String() for place in range(len(header.cells))}}
    frame = pl.concat(frames).rechunk() if frames else pl.DataFrame(schema=nothing)
    longest = frame.select(pl.max_horizontal(pl.exclude("row").str.len_bytes().max()))
    if (longest.item() or 0) > MAX_CELL_BYTES:
        raise cell_too_long()
    known = frame["row"]
    hidden = known.filter(known.is_in(pl.Series(seen.hidden, dtype=pl.Int32).implode()))
    unvalued = known.filter(known.is_in(pl.Series(seen.unvalued, dtype=pl.Int32).implode())).to_list()
    remarks = [file_finding("sheet_not_read", names=_shown(found.others))] if found.others else []
    if unvalued:
        remarks.append(file_finding("formula_unvalued", count=len(unvalued), rows=_listed(unvalued)))
    return Sheet(
        header=header,
        below=found.below,
        rows=frame,
        numeric={column: pl.Series("row", rows, pl.Int32) for column, rows in numbers.items() if rows},
        hidden=hidden,
        remarks=tuple(remarks),
    )


def _listed(rows: Sequence[int]) -> str:
    return "、".join(map(str, rows[:_SHOWN])) + ("等" if len(rows) > _SHOWN else "")


def _series(name: str, cells: Sequence[Any]) -> pl.Series:
    # Columns of text, the commonest, never pass through Python cell by cell.
    texts = cells if set(map(type, cells)) <= {str} else [as_text(cell) for cell in cells]
    return pl.Series(name, texts, dtype=pl.String)


def _without_blanks(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    """Empty cells as null, and rows in which nothing is written left out."""
    cells = pl.exclude("row")
    frame = frame.with_columns(pl.when(cells != "").then(cells))
    # A blank row has no id; only rows without one are looked at whole.
    id_cell = pl.col(f"c{header.places.get(Column.ID, 0)}")
    hollow = frame.filter(id_cell.is_null() | (id_cell.str.strip_chars() == ""))
    blank = hollow.filter(pl.all_horizontal(cells.is_null() | (cells.str.strip_chars() == "")))["row"]
    return frame.filter(~pl.col("row").is_in(blank.implode())) if len(blank) else frame


def as_text(cell: Any) -> str | None:
    """A cell as the clerk reads it: 420.0 is `420`, a month typed as a date is `2023-06`."""
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).upper()
        case int():
            return str(cell)
        case float():
            return _number_text(cell)
        case datetime.datetime() | datetime.date():
            # Excel turns a typed 2023-06 into the first of June; any other day is no slot and must stay visible.
            return f"{cell:%Y-%m}" if cell.day == 1 else f"{cell:%Y-%m-%d}"
        case None:
            return None
        case _:
            return str(cell)


def _number_text(value: float) -> str:
    """A float as its 15 significant digits in plain notation; never rounded to cents here, that is the check's word."""
    shortest = repr(value)
    if len(shortest) <= SIGNIFICANT_DIGITS and "e" not in shortest and "n" not in shortest:
        return shortest.removesuffix(".0")
    try:
        number = Decimal(format(value, f".{SIGNIFICANT_DIGITS}g"))
        if abs(number.adjusted()) > SIGNIFICANT_DIGITS * 2:
            return str(number)
        return format(number.normalize(), "f")
    except InvalidOperation:  # infinity and not-a-number are no amounts
        return str(value)
