"""Files made to do harm, damaged ones, and others: each refused with a reason, in bounded time and memory."""

import io
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.roster.office import HEADER, ROWS, by_hand, inline, package, parts_of, records, xls, xlsx
from yikatong.roster.compound_file import CompoundFile, with_stream
from yikatong.roster.encoding import to_utf8
from yikatong.roster.findings import Unreadable
from yikatong.roster.reading import read_table
from yikatong.roster.workbook_reading import read_workbook

_SHEET = "xl/worksheets/sheet1.xml"
_SPREADSHEETML = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def _refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(Unreadable) as error:
        read_table(data)
    (finding,) = error.value.findings
    return finding.code, finding.message


def _with(name: str, content: bytes | str) -> bytes:
    return package({**parts_of(xlsx()), name: content})


def _cells(*cells: str) -> bytes:
    return by_hand("".join(f'<row r="1"><c r="{cell}"><v>1</v></c></row>' for cell in cells))


# --- workbooks that could do something -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("xl/vbaProject.bin", "宏"),
        ("xl/macrosheets/sheet1.xml", "宏表"),
        ("xl/activeX/activeX1.xml", "ActiveX"),
        ("xl/externalLinks/externalLink1.xml", "外部链接"),
        ("xl/connections.xml", "外部数据连接"),
        ("XL\\VBAPROJECT.BIN", "宏"),
    ],
)
def test_a_workbook_that_could_run_or_fetch_something_is_refused(part: str, reason: str) -> None:
    code, message = _refused(_with(part, b"<a/>"))
    assert (code, reason in message) == ("file_unsafe", True)


def test_a_doctype_is_refused_wherever_it_stands_and_in_utf16_too() -> None:
    sheet = parts_of(xlsx())[_SHEET]
    doctype = b'<!DOCTYPE x [<!ENTITY a "9999">]>'
    assert _refused(_with(_SHEET, doctype + sheet))[0] == "file_unsafe"
    assert _refused(_with("docProps/custom.xml", b" " * ((1 << 20) - 4) + b"<a/>" + doctype))[0] == "file_unsafe"
    assert _refused(_with(_SHEET, (doctype + sheet).decode().encode("utf-16")))[0] == "file_unsafe"
    assert _refused(_with(_SHEET, sheet.replace(b'"UTF-8"', b'"UTF-7"', 1)))[0] == "file_unsafe"


# --- bombs ---------------------------------------------------------------------------------------------------------------


def test_zip_bombs_are_refused_by_ratio_by_overlap_and_by_what_they_inflate_to() -> None:
    assert _refused(_with("xl/media/image1.png", b"\0" * (64 * 2**20)))[0] == "file_unsafe"
    nested = package({"inner.zip": package({"deep.bin": b"\0" * (32 * 2**20)})})
    assert _refused(nested)[0] == "file_format"
    assert "重叠" in _refused(_overlapping(xlsx()))[1]
    lying = bytearray(_with("xl/media/image1.png", b"\0" * (9 * 2**20)))
    entry = lying.rindex(b"xl/media/image1.png") - 46
    lying[entry + 24 : entry + 28] = struct.pack("<I", 1000)
    assert "大小" in _refused(bytes(lying))[1]


def _overlapping(data: bytes) -> bytes:
    """The last part's bytes under a second name, as a bomb without any nesting does it."""
    end = data.rindex(b"PK\x05\x06")
    count, _, size, start = struct.unpack_from("<HHII", data, end + 8)
    last = data.rindex(b"PK\x01\x02", start, end)
    copy = bytearray(data[last:end])
    copy[46] ^= 1
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, count + 1, count + 1, size + len(copy))
    return data[:end] + bytes(copy) + bytes(tail)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: _cells("A1", "XFD1048576"), id="opposite corners"),
        pytest.param(lambda: _cells("A1", "xfd1048576"), id="small letters"),
        pytest.param(lambda: _cells("A1", "A4000000000"), id="a row beyond the last"),
        pytest.param(lambda: _cells("A1", "ZZZZZ1"), id="a column beyond the last"),
        pytest.param(
            lambda: by_hand('<row r="1"><c><v>1</v></c></row><row r="1048576"><c a=">" r="XFD1048576"><v>1</v></c></row>'),
            id="a bracket in an attribute",
        ),
        pytest.param(
            lambda: by_hand(
                f'<row r="1"><c><v>1</v></c>{"<c/>" * 100_000}<c><v>1</v></c></row><row r="9999"><c><v>1</v></c></row>'
            ),
            id="a row of cells without places",
        ),
        pytest.param(
            lambda: by_hand(
                inline(HEADER, 1),
                shared=f'<sst xmlns="{_SPREADSHEETML}" count="4000000000" uniqueCount="4000000000"><si><t>x</t></si></sst>',
            ),
            id="a count of four thousand million",
        ),
    ],
)  # fmt: skip
def test_a_sheet_that_asks_for_more_room_than_there_is_never_reaches_the_reader(data: Callable[[], bytes]) -> None:
    assert _refused(data())[0] in {"sheet_too_wide", "file_unsafe", "file_damaged"}


def test_a_long_text_is_read_once_and_refused_a_million_times() -> None:
    text = "说" * 3_000
    shared = f'<sst xmlns="{_SPREADSHEETML}"><si><t>{text}</t></si><si><t>x</t></si></sst>'
    cell = '<row r="{0}"><c r="E{0}" t="s"><v>{1}</v></c></row>'
    many = "".join(cell.format(row, 0) for row in range(2, 120_000))
    assert "过大" in _refused(by_hand(inline(HEADER, 1) + many, shared=shared))[1]
    once = cell.format(2, 0) + "".join(cell.format(row, 1) for row in range(3, 120_000))
    assert read_workbook(by_hand(inline((*HEADER, "备注"), 1) + once, shared=shared)).rows.height == 119_998


def test_a_field_of_a_megabyte_is_refused() -> None:
    long = "A" * 2**20
    assert "过长" in _refused(by_hand(inline(HEADER, 1) + inline((long, "1", "2", "3"), 2)))[1]
    assert "过长" in _refused(by_hand(inline(HEADER, 1), shared=f"<sst><si><t>{long}</t></si></sst>"))[1]


# Each in a process of its own, which may not take long nor have more than the file and a few hundred MB.
_WORST = {
    "ten million empty rows": """
        body = "".join(f'<row r="{row}"/>' for row in range(2, 1_048_576)) * 10
        data = by_hand(inline(HEADER, 1) + body)
    """,
    "a million formatted rows": """
        body = "".join(f'<row r="{row}" s="1"><c r="A{row}" s="1"/><c r="B{row}" s="1"/></row>' for row in range(2, 1_048_576))
        data = by_hand(inline(HEADER, 1) + body)
    """,
    "a million levels": """
        data = by_hand(inline(HEADER, 1) + "<x>" * 1_000_000 + "</x>" * 1_000_000)
    """,
    "a million columns": """
        data = ("姓名,身份证号" + ",x" * 1_000_000).encode()
    """,
    "a field of a megabyte": """
        data = ("姓名,身份证号,属期,金额\\n" + "x" * 50_000_000).encode()
    """,
    "an old workbook that claims sixteen gigabytes": """
        data = bytearray(xls())
        data[44:48] = b"\\xff\\xff\\xff\\x7f"
        data[72:76] = b"\\xff\\xff\\xff\\x7f"
        data = bytes(data)
    """,
}


@pytest.mark.parametrize("name", _WORST)
def test_the_worst_files_end_in_bounded_time_and_memory(name: str) -> None:
    lines = "\n".join(line.strip() if line.strip() else "" for line in _WORST[name].splitlines())
    program = f"""
import resource
from tests.unit.roster.office import *
from yikatong.roster.findings import Unreadable
from yikatong.roster.reading import read_table
{lines}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_table(data)
except Unreadable as error:
    print(error.findings[0].code, end=" ")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[3]
    )  # fmt: skip
    *_, grown_kb = done.stdout.split()
    assert int(grown_kb) < 600 * 2**10


# --- old workbooks -------------------------------------------------------------------------------------------------------


def _old(change: Callable[[bytes], bytes]) -> bytes:
    return with_stream("Workbook", change(CompoundFile(xls()).stream("Workbook")))


def _before_the_sheets(extra: bytes) -> Callable[[bytes], bytes]:
    """Put records into the workbook's own part, and move what lies behind."""

    def change(stream: bytes) -> bytes:
        at = stream.index(b"\x85\x00")
        moved = struct.unpack_from("<I", stream, at + 4)[0] + len(extra)
        return stream[:at] + extra + stream[at : at + 4] + struct.pack("<I", moved) + stream[at + 8 :]

    return change


@pytest.mark.parametrize(
    ("record", "code", "reason"),
    [
        (records((0x002F, b"\1\0\1\0\1\0")), "file_locked", "密码"),
        (records((0x00D3, b"")), "file_unsafe", "宏"),
        (records((0x01AE, struct.pack("<HH", 1, 9) + b"\0book.xls ")), "file_unsafe", "外部链接"),
        (records((0x0085, struct.pack("<IBBBB", 0, 0, 1, 1, 0) + b"M")), "file_unsafe", "宏表"),
        (records((0x00FC, struct.pack("<II", 1, 2**31 - 1))), "file_damaged", "文字表"),
        (records((0x00FC, struct.pack("<IIHB", 1, 1, 9, 0)), *[(0x003C, b"\0")] * 500), "file_unsafe", "过碎"),
    ],
)  # fmt: skip
def test_an_old_workbook_is_refused_for_what_it_holds(record: bytes, code: str, reason: str) -> None:
    found, message = _refused(_old(_before_the_sheets(record)))
    assert (found, reason in message) == (code, True)


def test_a_cell_in_the_far_corner_of_an_old_workbook_is_refused() -> None:
    def far(stream: bytes) -> bytes:
        at = stream.rindex(struct.pack("<H", 0x000A) + b"\0\0")
        return stream[:at] + records((0x0203, struct.pack("<HHHd", 65_535, 65_535, 15, 1.0))) + stream[at:]

    assert _refused(_old(far))[0] == "file_damaged"


@pytest.mark.parametrize(
    ("stream", "code", "reason"),
    [
        ("EncryptedPackage", "file_locked", "密码"),
        ("WordDocument", "file_format", "Word"),
        ("Book", "file_format", "Excel 95"),
        ("Contents", "file_format", "旧版"),
    ],
)
def test_an_old_office_file_is_named_by_what_is_in_it(stream: str, code: str, reason: str) -> None:
    found, message = _refused(with_stream(stream, b"x" * 5000))
    assert (found, reason in message) == (code, True)


def test_the_macros_of_an_old_workbook_are_found_by_their_storage() -> None:
    directory = xls().index("Workbook".encode("utf-16-le"))
    data = bytearray(xls())
    spare = directory + 128
    name = "_VBA_PROJECT_CUR".encode("utf-16-le")
    data[spare : spare + 128] = name.ljust(64, b"\0") + struct.pack("<HB", len(name) + 2, 1) + bytes(61)
    assert _refused(bytes(data)) == ("file_unsafe", _refused(bytes(data))[1])
    assert "宏" in _refused(bytes(data))[1]


def test_chains_of_sectors_that_bite_their_tail_end() -> None:
    good = with_stream("Workbook", CompoundFile(xls()).stream("Workbook").ljust(20_000, b"\0"))
    table = len(good) - 4096
    looped = bytearray(good)
    looped[table + 4 * 5 : table + 4 * 6] = struct.pack("<I", 2)
    assert _refused(bytes(looped))[0] == "file_damaged"


@pytest.mark.parametrize("make", [xls, xlsx])
def test_a_workbook_spoilt_anywhere_is_read_or_refused_and_nothing_else(make: Callable[[], bytes]) -> None:
    """Bytes changed, doubled and cut: whatever comes of it, it is rows or a reason."""
    chance = random.Random(11)
    good = make()
    for _ in range(150):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    data[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"])
                case _:
                    del data[at : at + chance.randrange(600)]
        with suppress(Unreadable):
            assert read_workbook(bytes(data)).rows.height < 20


def test_a_fault_inside_the_reader_is_a_damaged_file_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(_: io.BytesIO) -> None:
        raise PanicException("index out of bounds")

    monkeypatch.setattr(
        "yikatong.roster.workbook_reading.CalamineWorkbook", type("Reader", (), {"from_filelike": staticmethod(panic)})
    )
    assert [_refused(make())[0] for make in (xls, xlsx)] == ["file_damaged"] * 2


# --- damaged, and something else -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [xls, xlsx])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_an_upload_cut_short_is_refused(make: Callable[[], bytes], share: float) -> None:
    data = make()
    assert _refused(data[: int(len(data) * share)])[0] in {"file_damaged", "file_format"}


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"", "file_empty", "空"),
        (b"\xef\xbb\xbf", "file_empty", "空"),
        (b"\xff\xfe", "file_empty", "空"),
        (b"%PDF-1.7\n", "file_format", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "file_format", "PNG"),
        (b"Rar!\x1a\x07\x00", "file_format", "RAR"),
        ("<html><body><table><tr><td>姓名</td></tr></table>".encode("gbk"), "file_format", "网页"),
        ("\ufeff<!DOCTYPE HTML PUBLIC><table>".encode("utf-16-le"), "file_format", "网页"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "file_format",
            "2003",
        ),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "file_format", "网页"),
        (b"\x09\x08\x10\x00\x00\x05\x05\x00" + bytes(100), "file_format", "Excel 95"),
        (package({"word/document.xml": "<a/>"}), "file_format", "Word"),
        (package({"content.xml": "<a/>", "mimetype": "x"}), "file_format", "ODS"),
        (package({"xl/workbook.bin": "x"}), "file_format", "XLSB"),
        (package({"名册.csv": "姓名"}), "file_format", "压缩包"),
    ],
)
def test_what_is_no_roster_is_named_for_what_it_is(data: bytes, code: str, reason: str) -> None:
    found, message = _refused(data)
    assert (found, reason in message) == (code, True)


def test_an_entry_locked_with_a_password_is_told_as_such() -> None:
    data = bytearray(xlsx())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(mark)
        data[start + at] |= 1
    assert _refused(bytes(data))[0] == "file_locked"


# --- text that cannot be decoded -----------------------------------------------------------------------------------------

_LINES = [
    "姓名,身份证号,属期,发放金额(元)",
    *[f"上官一{row},23010219900101{row:04},2023-06,520" for row in range(30_000)],
]
_UNDECODABLE = {"gb18030": b"\x81\xff", "utf-16-le": b"\x00\xd8", "utf-16-be": b"\xd8\x00", "utf-8": b"\xed\xa0\x80"}


@pytest.mark.parametrize("encoding", _UNDECODABLE)
@pytest.mark.parametrize("line", [2, 29_000])
def test_the_line_that_cannot_be_decoded_is_told_in_every_encoding(encoding: str, line: int) -> None:
    lines = [text.encode(encoding) for text in _LINES]
    lines[line - 1] = _UNDECODABLE[encoding] + lines[line - 1]
    with pytest.raises(Unreadable) as error:
        to_utf8("\r\n".encode(encoding).join(lines))
    assert [(finding.code, f"第{line}行" in finding.message) for finding in error.value.findings] == [
        ("file_encoding", True)
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_comes_out_as_it_went_in_whatever_its_encoding(encoding: str) -> None:
    text = "\r\n".join([*_LINES[:20_000], "王㛃䶮𬎆𣲘\t；\N{MIDDLE DOT}"])
    assert to_utf8(text.encode(encoding)).removeprefix(b"\xef\xbb\xbf").decode() == text


def test_big5_is_not_understood_and_says_that_there_is_no_header() -> None:
    assert _refused("姓名,身份證號,屬期,金額\r\n張三,1,2023-06,520\r\n".encode("big5"))[0] in {
        "header_missing",
        "file_encoding",
    }


def test_a_zip_whose_parts_are_out_of_its_bounds_is_damaged() -> None:
    buffer = io.BytesIO(xlsx())
    with zipfile.ZipFile(buffer, "a") as book:
        book.writestr("extra.bin", b"x")
    data = bytearray(buffer.getvalue())
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 42, 2**31)
    assert _refused(bytes(data))[0] == "file_damaged"


def test_the_good_rows_stay_readable() -> None:
    assert [read_workbook(make()).rows.height for make in (xls, xlsx)] == [len(ROWS)] * 2
