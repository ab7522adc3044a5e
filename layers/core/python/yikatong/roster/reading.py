"""From the bytes of a file to one table of text, whatever program wrote it. Nothing is judged here but the file itself.

Row numbers are those the clerk's program shows: blank rows and titles above the header count.
"""

from yikatong.masking import mask_text
from yikatong.roster.columns import TITLES, Header
from yikatong.roster.csv_reading import read_csv
from yikatong.roster.findings import Unreadable, file_finding, unreadable
from yikatong.roster.table import MAX_ROWS, Table
from yikatong.roster.xlsx_reading import read_xlsx

MAX_FILE_BYTES = 256 * 2**20
_BLANKS = b"\0\t\r\n \xef\xbb\xbf"
_BLANK_BYTES = 4096
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def read_table(data: bytes) -> Table:
    """Open a roster by what its bytes say, never by its name. Raises Unreadable with the reason."""
    if not data[:_BLANK_BYTES].strip(_BLANKS) and not data.strip(_BLANKS):
        raise unreadable("file_empty")
    if len(data) > MAX_FILE_BYTES:
        raise unreadable("file_too_large", limit_mb=MAX_FILE_BYTES // 2**20)
    if data.startswith(_OLD_OFFICE):
        raise unreadable("file_format", detail="旧版 XLS 工作簿或加密的工作簿")
    if data.startswith(b"%PDF"):
        raise unreadable("file_format", detail="PDF 文件")
    table = read_xlsx(data) if data.startswith(_ZIP) else read_csv(data)
    _require_columns(table.header)
    if table.cells.height > MAX_ROWS:
        raise unreadable("rows_too_many", limit=MAX_ROWS)
    if table.cells.is_empty():
        raise unreadable("rows_none")
    return table


def _require_columns(header: Header) -> None:
    shown = [label.strip() for column in header.places for label in [header.cells[header.places[column]]]]
    shown += [mask_text(title) for title in header.unknown]
    findings = [
        file_finding(
            "column_missing",
            column.label,
            expected=column.label,
            found="、".join(shown[:30]),
            aliases="、".join(TITLES[column][1:5]),
        )
        for column in header.missing
    ]
    findings += [
        file_finding(
            "column_doubled",
            column.label,
            expected=column.label,
            count=len(places),
            places="、".join(str(place + 1) for place in places),
        )
        for column, places in header.doubled.items()
    ]
    if findings:
        raise Unreadable(*findings)
