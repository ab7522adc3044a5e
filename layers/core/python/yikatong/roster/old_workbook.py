"""An XLS (BIFF8, Excel 97-2003 and WPS) as its list of records (MS-XLS): looked through, and only the cells passed on.

The reader behind it parses every formula, trusts every count and takes the process down when one is wrong, so it is
given a new workbook with nothing in it but strings, formats and cells that were checked here. What could do something
is refused: macros, macro sheets, links to other files, DDE. Rows the clerk hid or filtered away are told.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from yikatong.roster.compound_file import CompoundFile, with_stream
from yikatong.roster.findings import Unreadable, unreadable
from yikatong.roster.workbook_limits import MAX_SHEETS, MAX_TEXT_BYTES, Seen, check_extent

_BOF, _EOF, _BOUND_SHEET, _FILE_PASS, _SST, _CONTINUE, _SUP_BOOK, _OBJECT_PROJECT = (
    0x0809, 0x000A, 0x0085, 0x002F, 0x00FC, 0x003C, 0x01AE, 0x00D3,
)  # fmt: skip
_DATE_1904, _FORMAT, _XF = 0x0022, 0x041E, 0x00E0
_NUMBER, _LABEL, _BOOL_ERR, _STRING, _ROW, _RK, _LABEL_SST, _MUL_RK, _FORMULA, _MERGED = (
    0x0203, 0x0204, 0x0205, 0x0207, 0x0208, 0x027E, 0x00FD, 0x00BD, 0x0006, 0x00E5,
)  # fmt: skip
_BIFF8, _WORKSHEET_STREAM = 0x0600, 0x0010
_WORKSHEET, _MACRO_SHEET, _VBA_MODULE = 0, 1, 6
_ROW_HIDDEN = 0x20
# Of a formula only its value is kept; the reader wants an (empty) expression behind it.
_FORMULA_HEAD_BYTES, _FORMULA_REST = 20, b"\0\0"
# The least a record may hold.
_CELLS = {_NUMBER: 14, _LABEL: 9, _BOOL_ERR: 8, _RK: 10, _LABEL_SST: 10, _MUL_RK: 12, _FORMULA: 22}
_FORMULA_ERROR = 2
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
_COLUMNS = 256
MAX_RECORDS = 4_000_000
# Office programs fill a record before they continue it; millions of tiny ones would take the reader hours.
_CONTINUED_BYTES, _CONTINUED_SPARE = 1024, 64
_MACRO_STORAGES = {"_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT"}
_OTHERS = {"WordDocument": "Word 文档", "PowerPoint Document": "PPT 演示文稿", "Book": "Excel 95 及更早的工作簿"}


@dataclass(frozen=True)
class OldWorkbook:
    """`data` is an XLS with the visible worksheets' cells alone; `sheets` what was seen in each, in order."""

    data: bytes
    sheets: tuple[Seen, ...]


def check_old_workbook(data: bytes) -> OldWorkbook:
    """Raise Unreadable unless the compound file is an XLS that holds nothing but data."""
    file = CompoundFile(data)
    names = file.names
    if {"EncryptedPackage", "EncryptionInfo"} & names:
        raise unreadable("file_locked")
    for name, kind in _OTHERS.items():
        if name in names and "Workbook" not in names:
            raise unreadable("file_format", detail=kind)
    if "Workbook" not in names:
        raise unreadable("file_format", detail="不是工作簿的旧版办公文件")
    if _MACRO_STORAGES & names:
        raise unreadable("file_unsafe", detail="含有宏")
    return _Reader(file.stream("Workbook")).read()


@dataclass(frozen=True)
class _Sheet:
    start: int
    record: bytes


class _Reader:
    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self._records = 0
        self._string_bytes: list[int] = []
        self._text_bytes = 0

    def read(self) -> OldWorkbook:
        head, sheets = self._globals()
        bodies, seen = [], []
        for sheet in sheets:
            body, found = self._cells(sheet.start)
            bodies.append(body)
            seen.append(found)
        # The list of sheets comes last of what the reader looks at before the cells, so that its size is known here.
        start = len(head) + sum(len(sheet.record) + 4 for sheet in sheets) + 4
        parts = [head]
        for sheet, body in zip(sheets, bodies, strict=True):
            parts.append(_record(_BOUND_SHEET, struct.pack("<I", start) + sheet.record[4:]))
            start += len(body)
        clean = b"".join([*parts, _record(_EOF, b""), *bodies])
        return OldWorkbook(with_stream("Workbook", clean), tuple(seen))

    def _walk(self, at: int) -> Iterator[tuple[int, int, int]]:
        """(type, start of the data, end) of each record from `at` to the end of its substream; nested ones left out."""
        stream, depth, end = self._stream, 0, len(self._stream)
        unpack = struct.Struct("<HH").unpack_from
        while at + 4 <= end:
            kind, length = unpack(stream, at)
            at += 4
            if at + length > end:
                break
            self._records += 1
            if kind == _BOF:
                depth += 1
            if depth == 1:
                yield kind, at, at + length
            if kind == _EOF:
                depth -= 1
                if depth <= 0:
                    if self._records > MAX_RECORDS:
                        raise unreadable("file_unsafe", detail="单元格过多")
                    return
            elif not depth:
                break
            at += length
        raise unreadable("file_damaged", detail="文件不完整，上传可能中断过")

    def _globals(self) -> tuple[bytes, list[_Sheet]]:
        stream, kept, sheets = self._stream, [], []
        strings: list[tuple[int, int]] = []
        previous = 0
        for kind, start, end in self._walk(0):
            data = stream[start:end]
            if kind == _BOF and data[:2] != struct.pack("<H", _BIFF8):
                raise unreadable("file_format", detail="Excel 95 及更早的工作簿")
            if kind == _FILE_PASS:
                raise unreadable("file_locked")
            if kind == _OBJECT_PROJECT:
                raise unreadable("file_unsafe", detail="含有宏")
            if kind == _SUP_BOOK and data[2:4] not in (b"\x01\x04", b"\x01\x3a"):
                # Neither the workbook itself nor the functions of an add-in.
                raise unreadable("file_unsafe", detail="含有外部链接")
            if kind == _BOUND_SHEET:
                sheets += _visible(data)
            elif kind == _SST or (kind == _CONTINUE and previous == _SST):
                strings.append((start, end))
                kind = _SST
            elif kind in (_BOF, _DATE_1904, _FORMAT, _XF):
                kept.append(_record(kind, data))
            previous = kind
        if not kept or len(sheets) > MAX_SHEETS:
            raise unreadable("file_damaged", detail="工作簿读不出来")
        if strings:
            self._string_bytes = _strings([stream[start:end] for start, end in strings])
            kept += [stream[start - 4 : end] for start, end in strings]
        return b"".join(kept), sheets

    def _cells(self, at: int) -> tuple[bytes, Seen]:
        stream, kept = self._stream, bytearray()
        seen = Seen()
        columns, last, cells = {0}, 0, 0
        place = struct.Struct("<HH").unpack_from
        index = struct.Struct("<I").unpack_from
        sizes, text = self._string_bytes, 0
        run = None  # where the kept records not copied yet begin
        for kind, start, end in self._walk(at):
            least = _CELLS.get(kind)
            if least is not None:
                if end - start < least:
                    raise unreadable("file_damaged", detail="单元格记录不完整")
                row, column = place(stream, start)
                cells += 1
                columns.add(column)
                last = max(last, row)
                if kind == _LABEL_SST:
                    number = index(stream, start + 6)[0]
                    text += sizes[number] if number < len(sizes) else 0
                elif kind == _MUL_RK:
                    columns.add(_last_of_several(stream[start:end], column))
                elif kind == _BOOL_ERR:
                    if stream[start + 7]:
                        seen.errors.append((row + 1, column, _ERRORS.get(stream[start + 6], "#N/A")))
                elif kind == _FORMULA:
                    if stream[start + 12 : start + 14] == b"\xff\xff" and stream[start + 6] == _FORMULA_ERROR:
                        seen.errors.append((row + 1, column, _ERRORS.get(stream[start + 8], "#N/A")))
                    if run is not None:
                        kept += stream[run : start - 4]
                        run = None
                    kept += _record(_FORMULA, stream[start : start + _FORMULA_HEAD_BYTES] + _FORMULA_REST)
                    continue
            elif kind == _ROW and end - start >= 16 and stream[start + 12] & _ROW_HIDDEN:
                seen.hidden.append(place(stream, start)[0] + 1)
            elif kind == _BOF and stream[start + 2 : start + 4] != struct.pack("<H", _WORKSHEET_STREAM):
                raise unreadable("file_unsafe", detail="含有宏表")
            elif kind == _MERGED and end - start != 2 + 8 * place(stream[start:end] + bytes(4), 0)[0]:
                raise unreadable("file_damaged", detail="合并单元格的记录不完整")
            if least is not None or kind in (_BOF, _EOF, _STRING, _MERGED):
                run = start - 4 if run is None else run
            elif run is not None:
                kept += stream[run : start - 4]
                run = None
            if kind == _EOF and run is not None:
                kept += stream[run:end]
        if max(columns) >= _COLUMNS:
            raise unreadable("file_damaged", detail="列号超出了工作簿的范围")
        check_extent(last + 1, max(columns) + 1, cells)
        self._text_bytes += text
        if self._text_bytes > MAX_TEXT_BYTES:
            raise unreadable("file_unsafe", detail="展开后过大")
        return bytes(kept), seen


def _visible(data: bytes) -> list[_Sheet]:
    """The sheet a BoundSheet8 record tells of, if it is a worksheet the clerk sees."""
    if len(data) < 8:
        raise unreadable("file_damaged", detail="工作表的目录不完整")
    start, state, kind = struct.unpack_from("<IBB", data)
    if kind == _MACRO_SHEET:
        raise unreadable("file_unsafe", detail="含有宏表")
    if kind == _VBA_MODULE:
        raise unreadable("file_unsafe", detail="含有宏")
    return [_Sheet(start, data)] if kind == _WORKSHEET and not state & 0x3F else []


def _last_of_several(data: bytes, first: int) -> int:
    last: int = struct.unpack_from("<H", data, len(data) - 2)[0]
    if last < first or len(data) != 6 + 6 * (last - first + 1):
        raise unreadable("file_damaged", detail="单元格记录不完整")
    return last


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _strings(parts: list[bytes]) -> list[int]:
    """The size of each shared string in bytes of UTF-8, at most. Raises Unreadable where the reader would stumble."""
    total = sum(map(len, parts))
    if len(parts) > total // _CONTINUED_BYTES + _CONTINUED_SPARE or not all(parts):
        raise unreadable("file_unsafe", detail="文字表被切得过碎")
    if len(parts[0]) < 8:
        raise _short()
    number = struct.unpack_from("<I", parts[0], 4)[0]
    if number > total // 3:
        raise _short()
    sizes = []
    rest = iter(parts)
    data, at = next(rest), 8
    for _ in range(number):
        if at >= len(data):
            data, at = next(rest, b""), 0
        if at + 3 > len(data):
            raise _short()
        left, flags = struct.unpack_from("<HB", data, at)
        sizes.append(left * 3)
        at += 3
        skipped = 0
        if flags & 0x08:
            skipped, at = 4 * _number(data, at, "<H"), at + 2
        if flags & 0x04:
            skipped, at = skipped + _number(data, at, "<I"), at + 4
        width = 1 + (flags & 1)
        while (end := at + left * width) > len(data):
            left -= (len(data) - at) // width
            data = next(rest, b"")
            if not data:
                raise _short()
            # A string that is continued says again how wide its characters are.
            width, at = 1 + (data[0] & 1), 1
        at = end + skipped
        while at > len(data):
            at -= len(data)
            data = next(rest, b"")
            if not data:
                raise _short()
    return sizes


def _number(data: bytes, at: int, layout: str) -> int:
    if at + struct.calcsize(layout) > len(data):
        raise _short()
    number: int = struct.unpack_from(layout, data, at)[0]
    return number


def _short() -> Unreadable:
    return unreadable("file_damaged", detail="文字表不完整")
