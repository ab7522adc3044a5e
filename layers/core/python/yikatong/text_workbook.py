"""Workbooks in which every cell is text, for whoever opens them in a spreadsheet: no digit is eaten and no formula runs.

What a cell cannot hold is cut with a mark; the library would leave the whole cell out, and say nothing.
"""

import io
from collections.abc import Callable
from typing import Any

import xlsxwriter

# Excel's own formats by number: 49 is text (@).
TEXT_FORMAT = 49
MAX_CELL_UNITS = 32_767
"""What a cell holds, in UTF-16 code units, as Excel counts."""
CUT = "……（过长，后面的没有写出）"
_EVERYWHERE = "A1:XFD1048576"


def workbook_of(write: Callable[[Any], None]) -> bytes:
    """The workbook that `write` fills."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        write(book)
    return buffer.getvalue()


def add_sheet(book: Any, name: str) -> Any:
    """A worksheet that does not complain, with a green corner in every cell, of numbers written as text."""
    sheet = book.add_worksheet(name)
    sheet.ignore_errors({"number_stored_as_text": _EVERYWHERE})
    return sheet


def write_text(sheet: Any, row: int, column: int, text: str, cell_format: Any = None) -> None:
    """Write a cell; `row` and `column` count from 0."""
    sheet.write_string(row, column, cell_text(text), cell_format)


def cell_text(text: str) -> str:
    """`text` as a cell can hold it, cut with a mark where it is too long."""
    # A text between these two tags would be taken by the library for markup of its own.
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "
    if len(text) * 2 <= MAX_CELL_UNITS or _units(text) <= MAX_CELL_UNITS:
        return text
    room = (MAX_CELL_UNITS - _units(CUT)) * 2
    return text.encode("utf-16-le")[:room].decode("utf-16-le", "ignore") + CUT


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
