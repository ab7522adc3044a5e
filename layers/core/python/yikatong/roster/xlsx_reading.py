"""XLSX through calamine, with the type of every cell: a number where text belongs has already lost its last digits."""

import datetime
import io
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum, ZipError

from yikatong.roster.columns import TEXT_ONLY, Column, Header, find_header
from yikatong.roster.findings import unreadable
from yikatong.roster.table import HEADER_ROWS, LAST_ROWS, MAX_COLUMNS, MAX_ROWS, Table, header_missing, known_columns
from yikatong.roster.workbook_guard import check_workbook

# A spreadsheet shows and keeps 15 significant digits; what lies beyond is binary noise the clerk never saw.
SIGNIFICANT_DIGITS = 15


def read_xlsx(data: bytes) -> Table:
    """Read the one visible sheet that has a roster's header. Raises Unreadable."""
    check_workbook(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        found = []
        for name in names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.total_width > MAX_COLUMNS or sheet.total_height > MAX_ROWS + HEADER_ROWS:
                raise unreadable("file_format", detail=f"工作表超过{MAX_COLUMNS}列或{MAX_ROWS}行")
            rows = sheet.to_python(skip_empty_area=False)
            place = find_header([[as_text(cell) or "" for cell in row] for row in rows[:HEADER_ROWS]])
            if place is not None:
                found.append((rows, *place))
    except (CalamineError, ZipError, ValueError, OSError):
        raise unreadable("file_damaged", detail="工作簿读不出来") from None
    if len(found) > 1:
        raise unreadable("sheets_ambiguous", count=len(found))
    if not found:
        raise header_missing(HEADER_ROWS)
    rows, index, header = found[0]
    return _table(rows[index + 1 :], index + 2, header)


def _table(rows: Sequence[Sequence[Any]], first_row: int, header: Header) -> Table:
    columns = list(zip(*rows, strict=True)) or [() for _ in header.cells]
    series = [_series(f"c{place}", column) for place, column in enumerate(columns)]
    numbers = pl.int_range(first_row, first_row + len(rows), dtype=pl.Int32, eager=True).alias("row")
    cells = pl.DataFrame([numbers, *series])
    blank = pl.all_horizontal(pl.exclude("row").is_null())
    numeric: dict[Column, pl.Series] = {}
    for column in TEXT_ONLY:
        place = header.places.get(column)
        if place is not None and not _kinds(columns[place]) <= {str}:
            places = [at for at, cell in enumerate(columns[place]) if isinstance(cell, (int, float))]
            numeric[column] = pl.Series("row", [first_row + at for at in places], pl.Int32)
    cells = cells.filter(~blank)
    numeric = {column: rows for column, rows in numeric.items() if len(rows)}
    return Table(header, cells.select(known_columns(header)), cells.tail(LAST_ROWS), lambda: cells, numeric)


def _kinds(column: Sequence[Any]) -> set[type]:
    return set(map(type, column))


def _series(name: str, column: Sequence[Any]) -> pl.Series:
    # Columns of text, the commonest, never pass through Python cell by cell.
    texts = column if _kinds(column) <= {str} else [as_text(cell) for cell in column]
    series = pl.Series(name, texts, dtype=pl.String)
    return series.to_frame().select(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name)).to_series()


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
    try:
        number = Decimal(format(value, f".{SIGNIFICANT_DIGITS}g"))
        if abs(number.adjusted()) > SIGNIFICANT_DIGITS * 2:
            return str(number)
        return format(number.normalize(), "f")
    except InvalidOperation:  # infinity and not-a-number are no amounts
        return str(value)
