"""Bytes of CSV files and workbooks that are the same on every run and machine."""

import csv
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
import xlwt
from xlwt.CompoundDoc import XlsDoc

Row = Sequence[object]
# What a zip says of a file that has no date.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def csv_text(rows: Sequence[Row], *, newline: str = "\r\n", separator: str = ",") -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator=newline).writerows(rows)
    return buffer.getvalue()


def csv_bytes(
    rows: Sequence[Row], encoding: str = "utf-8-sig", *, newline: str = "\r\n", separator: str = ","
) -> bytes:
    """As office programs write it, unless told otherwise."""
    return csv_text(rows, newline=newline, separator=separator).encode(encoding)


@dataclass(frozen=True)
class Formula:
    """A cell that computes; `value` is what the office program left there, the empty text where it left nothing."""

    text: str
    value: object


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook. Rows and columns of `hidden_rows` and `hidden_columns` count from 0."""

    rows: Sequence[Row]
    name: str = "名册"
    visible: bool = True
    very_hidden: bool = False
    hidden_rows: Sequence[int] = ()
    hidden_columns: Sequence[int] = ()
    merged: Sequence[tuple[int, int, int, int, str]] = ()
    filtered: bool = False


def workbook(*sheets: Sheet) -> bytes:
    """An XLSX workbook: text as text, numbers as numbers, dates as dates."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "use_future_functions": True}) as book:
        book.set_properties({"created": datetime(2023, 6, 10)})  # noqa: DTZ001 - a workbook has no zone
        formats = {"text": book.add_format({"num_format": "@"}), "day": book.add_format({"num_format": "yyyy-mm-dd"})}
        for number, sheet in enumerate(sheets):
            written = book.add_worksheet(sheet.name)
            _write(written, sheet, formats)
            # A workbook whose first sheet is hidden needs another one in front.
            if sheet.visible and all(not other.visible for other in sheets[:number]):
                written.activate()
                written.set_first_sheet()
            if not sheet.visible:
                written.very_hidden() if sheet.very_hidden else written.hide()
    return stored(buffer.getvalue())


def _write(written: Any, sheet: Sheet, formats: Mapping[str, Any]) -> None:
    for index, row in enumerate(sheet.rows):
        for place, cell in enumerate(row):
            match cell:
                case None | "":
                    pass
                case Formula():
                    written.write_formula(index, place, cell.text, None, cell.value)
                case bool():
                    written.write_boolean(index, place, cell)
                case str():
                    written.write_string(index, place, cell, formats["text"])
                case date():
                    written.write_datetime(index, place, cell, formats["day"])
                case _:
                    written.write_number(index, place, cell)
    for merged in sheet.merged:
        written.merge_range(*merged)
    for row_index in sheet.hidden_rows:
        written.set_row(row_index, None, None, {"hidden": True})
    for column in sheet.hidden_columns:
        written.set_column(column, column, None, None, {"hidden": True})
    if sheet.filtered:
        written.autofilter(0, 0, len(sheet.rows) - 1, len(sheet.rows[0]) - 1)


def stored(data: bytes, changes: Mapping[str, bytes | None] | None = None) -> bytes:
    """The zip's parts, uncompressed and undated: compression differs between builds of zlib.

    `changes` replaces or adds parts; None takes one away.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
    return zip_of({name: part for name, part in (parts | dict(changes or {})).items() if part is not None})


def zip_of(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        for name, part in parts.items():
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.create_system = 0
            new.writestr(entry, part)
    return buffer.getvalue()


def part_of(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def old_workbook(*sheets: Sheet) -> bytes:
    """The same as an XLS workbook (Excel 97 to 2003, and WPS)."""
    return compound_file(_old_stream(sheets))


def _old_stream(sheets: Sequence[Sheet]) -> bytes:
    book = xlwt.Workbook(encoding="utf-8")
    text, day = (xlwt.easyxf(num_format_str=shown) for shown in ("@", "yyyy-mm-dd"))
    for sheet in sheets:
        written = book.add_sheet(sheet.name)
        written.visibility = 0 if sheet.visible else 2 if sheet.very_hidden else 1
        for index, row in enumerate(sheet.rows):
            for place, cell in enumerate(row):
                match cell:
                    case None | "":
                        pass
                    case str():
                        written.write(index, place, cell, text)
                    case date():
                        written.write(index, place, cell, day)
                    case _:
                        written.write(index, place, cell)
        for row_index in sheet.hidden_rows:
            written.row(row_index).hidden = True
        for top, left, bottom, right, cell in sheet.merged:
            written.write_merge(top, bottom, left, right, cell)
    book.set_active_sheet(next((at for at, sheet in enumerate(sheets) if sheet.visible), 0))
    return bytes(book.get_biff_data())


def locked(*sheets: Sheet) -> bytes:
    """An XLS that says it is encrypted: what follows the first record is meant for whoever has the password."""
    stream = _old_stream(sheets)
    after = 4 + int.from_bytes(stream[2:4], "little")
    password = struct.pack("<HHHHH", 0x002F, 6, 0, 0x1234, 0x5678)
    return compound_file(stream[:after] + password + stream[after:])


def compound_file(stream: bytes, name: str = "Workbook") -> bytes:
    """An old office file with one stream in it."""
    buffer = io.BytesIO()
    XlsDoc().save(buffer, stream)
    data = buffer.getvalue()
    old, new = ("Workbook\0".encode("utf-16-le"), f"{name}\0".encode("utf-16-le"))
    at = data.index(old)
    # A directory entry: the name in 64 bytes, then its length.
    return data[:at] + new.ljust(64, b"\0") + struct.pack("<H", len(new)) + data[at + 66 :]
