"""Workbooks as office programs write them, and as nobody should: made from parts, so that each trap is seen in the test."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter
import xlwt

HEADER = ("姓名", "身份证号", "属期", "发放金额(元)")
# Well formed; nobody's.
ROWS: tuple[tuple[Any, ...], ...] = (
    ("甲一", "230102199001011234", "2023-06", 520.0),
    ("乙二", "230102199001021235", "2023-06", 520.5),
    ("丙三", "230102199001031236", "2023-06", 521.0),
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_DEFAULT = '<Default Extension="xml" ContentType="application/xml"/>'
_ONE_SHEET = '<sheet name="名册" sheetId="1" r:id="rId1"/>'
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def xlsx(
    rows: Sequence[Sequence[Any]] = (HEADER, *ROWS),
    *,
    sheets: Sequence[str] = ("名册",),
    hidden_sheets: Sequence[str] = (),
    change: Callable[[xlsxwriter.Workbook, Any], None] | None = None,
) -> bytes:
    """A workbook with the same rows on every sheet; `change` is given the book and its last sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for name in sheets:
            sheet = book.add_worksheet(name)
            for index, row in enumerate(rows):
                for place, cell in enumerate(row):
                    sheet.write(index, place, cell)
            if name in hidden_sheets:
                sheet.hide()
        if change is not None:
            change(book, sheet)
    return buffer.getvalue()


def xls(
    rows: Sequence[Sequence[Any]] = (HEADER, *ROWS),
    *,
    sheets: Sequence[str] = ("名册",),
    change: Callable[[Any, Any], None] | None = None,
) -> bytes:
    """The same as Excel 97-2003 writes it."""
    book = xlwt.Workbook(encoding="utf-8")
    for name in sheets:
        sheet = book.add_sheet(name)
        for index, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell != "":
                    sheet.write(index, place, cell)
    if change is not None:
        change(book, sheet)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def package(parts: Mapping[str, bytes | str]) -> bytes:
    """A zip of these parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return buffer.getvalue()


def by_hand(sheet_data: str, *, shared: str = "", before: str = "", main: str = _MAIN, prefix: str = "") -> bytes:
    """A workbook whose only sheet is written by hand: what stands between `<sheetData>` and its end."""
    mark = f"{prefix}:" if prefix else ""
    space = f'xmlns{f":{prefix}" if prefix else ""}="{main}"'
    data = f"<{mark}sheetData>{sheet_data}</{mark}sheetData>"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">{_DEFAULT}</Types>',
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{_LINKS}"><sheets>{_ONE_SHEET}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            {"rId1": ("worksheet", "worksheets/sheet1.xml"), "rId2": ("sharedStrings", "sharedStrings.xml")}
        ),
        "xl/worksheets/sheet1.xml": f"<{mark}worksheet {space}>{before}{data}</{mark}worksheet>",
        "xl/sharedStrings.xml": shared or f'<sst xmlns="{main}"><si><t>x</t></si></sst>',
    }  # fmt: skip
    return package(parts)


def _relations(links: Mapping[str, tuple[str, str]]) -> str:
    inside = "".join(
        f'<Relationship Id="{key}" Type="{_LINKS}/{kind}" Target="{target}"/>' for key, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'


def inline(cells: Sequence[str], row: int, *, places: bool = True, mark: str = "") -> str:
    """A row of text cells whose text stands in the sheet itself."""
    written = ""
    for at, cell in enumerate(cells):
        place = f' r="{chr(65 + at)}{row}"' if places else ""
        written += f'<{mark}c{place} t="inlineStr"><{mark}is><{mark}t>{cell}</{mark}t></{mark}is></{mark}c>'
    return f'<{mark}row r="{row}">{written}</{mark}row>'


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return {name: book.read(name) for name in book.namelist()}


def records(*of: tuple[int, bytes]) -> bytes:
    """BIFF records: type and data."""
    return b"".join(struct.pack("<HH", kind, len(data)) + data for kind, data in of)
