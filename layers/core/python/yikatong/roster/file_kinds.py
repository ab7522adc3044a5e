"""What a file is, from its first bytes. Bureaus send what their systems call a table: web pages and XML named .xls, PDF
and pictures named .xlsx, archives. Each is named, so that the clerk knows what to do with it.
"""

import re

from yikatong.roster.findings import unreadable

ZIP = b"PK\x03\x04"
OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_HEAD_BYTES = 4096
_MARKS = (
    (b"%PDF", "PDF 文件"),
    (b"\x89PNG", "PNG 图片"),
    (b"\xff\xd8\xff", "JPG 图片"),
    (b"GIF8", "GIF 图片"),
    (b"II*\0", "TIFF 图片"),
    (b"MM\0*", "TIFF 图片"),
    (b"Rar!\x1a", "RAR 压缩包"),
    (b"7z\xbc\xaf\x27\x1c", "7z 压缩包"),
    (b"\x1f\x8b", "GZ 压缩包"),
    (b"PK\x05\x06", "空的压缩包"),
    (b"PAR1", "Parquet 文件"),
    (b"{\\rtf", "RTF 文档"),
)
# As old systems export tables "for Excel": text, in whatever encoding.
_TEXT_MARKS = (
    (re.compile(rb"<(?:!doctype\s+html|html|head|body|table|meta|style)\b", re.IGNORECASE), "网页（HTML）"),
    (re.compile(rb"urn:schemas-microsoft-com:office:spreadsheet", re.IGNORECASE), "XML 表格 2003"),
    (re.compile(rb"\A\s*mime-version\s*:", re.IGNORECASE), "单个文件网页（MHT）"),
    (re.compile(rb"\A\s*<\?xml\b|\A\s*<[a-z:]+[\s>]", re.IGNORECASE), "XML 文件"),
)
# BIFF 2 to 5 outside a compound file: Excel 95 and before.
_BEFORE_97 = re.compile(rb"\A\x09[\x00\x02\x04\x08][\x04-\x10]\x00[\x00\x02\x03\x04\x05\x06\x07]")


def refuse_other_formats(data: bytes) -> None:
    """Raise Unreadable for a file that is plainly neither a workbook nor delimited text."""
    for mark, kind in _MARKS:
        if data.startswith(mark):
            raise unreadable("file_format", detail=kind)
    if _BEFORE_97.match(data):
        raise unreadable("file_format", detail="Excel 95 及更早的工作簿")
    # Only what begins like markup; in UTF-16 every other byte is NUL.
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").removeprefix(b"\xff\xfe").replace(b"\0", b"").lstrip()
    if not head.startswith(b"<") and head[:13].lower() != b"mime-version:":
        return
    for pattern, kind in _TEXT_MARKS:
        if pattern.search(head):
            raise unreadable("file_format", detail=f"{kind}，只是名字像表格")
