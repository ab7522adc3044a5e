"""An XLSX is a zip of XML: what must be known before a parser opens it (FACTS).

An 851 KB workbook can inflate to 300 MB, its directory may lie about sizes, and XML entities can swap an amount. So the
directory is checked, every part is inflated here once under a cap, a DOCTYPE anywhere is refused, and worksheets are
looked through for what the reader would not survive or would not tell.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from xml.etree.ElementTree import XML, Element, ParseError

from yikatong.roster.findings import Unreadable, unreadable
from yikatong.roster.sheet_scan import SheetScan
from yikatong.roster.text_scan import TextScan, check_markup, text_in_cells
from yikatong.roster.workbook_limits import MAX_CELL_BYTES, MAX_TEXT_BYTES, Seen, cell_too_long

MAX_ENTRIES = 2_000
MAX_PART_BYTES = 768 * 2**20
MAX_TOTAL_BYTES = 1024 * 2**20
# A roster's XML is repetitive and compresses 10 to 25 times; bombs start at several hundred.
MAX_RATIO = 150
RATIO_MATTERS_BYTES = 8 * 2**20
MAX_DIRECTORY_BYTES = 4 * 2**20
_CHUNK_BYTES = 1 << 20
_LOCAL_HEADER_BYTES = 30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
_DECLARED = re.compile(rb"""\s*(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)""")
_UTF8_NAMES = (b"utf-8", b"utf8", b"us-ascii", b"ascii")
_NOT_TEXT = (".bin", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".emf", ".wmf")
# What another zip is, by a part it must have.
_OTHERS = (
    ("word/document.xml", "Word 文档"),
    ("ppt/presentation.xml", "PPT 演示文稿"),
    ("xl/workbook.bin", "XLSB 二进制工作簿"),
    ("content.xml", "ODS 工作簿或其他 OpenDocument 文件"),
    ("ofd.xml", "OFD 版式文件"),
)
# What may do something when it is opened, or fetch something.
_ACTIVE = (
    ("vbaproject", "含有宏"),
    ("xl/macrosheets/", "含有宏表"),
    ("xl/dialogsheets/", "含有宏对话框"),
    ("xl/activex/", "含有 ActiveX 控件"),
    ("xl/externallinks/", "含有外部链接"),
    ("xl/connections.xml", "含有外部数据连接"),
)


def check_workbook(data: bytes) -> dict[str, Seen]:
    """What was seen in each worksheet, by the name its clerk gave it.

    Raises Unreadable unless the zip is what an office program writes: bounded, plain XML, no macro, no outside link.
    """
    entries = _directory(data)
    sheets: dict[str, SheetScan] = {}
    texts: dict[str, TextScan] = {}
    with ThreadPoolExecutor(1) as inflating:
        for entry in entries:
            _scan_part(_ahead(_inflate(data, entry), inflating), entry, sheets, texts)
    for scan in sheets.values():
        scan.check()
    longest = max((scan.longest for scan in texts.values()), default=0)
    cells = max((scan.cells for scan in sheets.values()), default=0)
    if longest > MAX_CELL_BYTES:
        raise cell_too_long()
    if longest * cells > MAX_TEXT_BYTES:
        _check_text(data, entries, sheets, texts)
    return {name: sheets[part].seen for name, part in _sheet_parts(data, entries).items() if part in sheets}


def _directory(data: bytes) -> list[zipfile.ZipInfo]:
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise unreadable("file_damaged", detail="压缩目录读不出来，上传可能中断过") from None
    if len(entries) > MAX_ENTRIES:
        raise unreadable("file_unsafe", detail="内部文件过多")
    # The reader takes no notice of case, nor of which way the slashes lean.
    names = [entry.filename.replace("\\", "/").lower() for entry in entries]
    if "xl/workbook.xml" not in names:
        kind = next((kind for name, kind in _OTHERS if name in names), "这是压缩包，不是 XLSX 工作簿")
        raise unreadable("file_format", detail=kind)
    if len(set(names)) != len(names):
        raise unreadable("file_unsafe", detail="内部文件重名")
    for part, reason in _ACTIVE:
        if any(part in name for name in names):
            raise unreadable("file_unsafe", detail=reason)
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise unreadable("file_unsafe", detail="展开后过大")
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.flag_bits & 0x1:
            raise unreadable("file_locked")
        if entry.compress_type not in _METHODS:
            raise unreadable("file_unsafe", detail="压缩方式不常见")
        if entry.file_size > MAX_PART_BYTES or _is_bomb(entry.file_size, entry.compress_size):
            raise unreadable("file_unsafe", detail="压缩比异常")
        # The same bytes under several names: the way a bomb of 40 KB holds terabytes.
        if entry.header_offset < end:
            raise unreadable("file_unsafe", detail="内部文件互相重叠")
        end = entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size
    return entries


def _scan_part(
    chunks: Iterable[bytes], entry: zipfile.ZipInfo, sheets: dict[str, SheetScan], texts: dict[str, TextScan]
) -> None:
    name = entry.filename
    size, rest = 0, b""
    for chunk in chunks:
        # UTF-16 and stranger ones would hide the words looked for; no office program writes them.
        if not size and not name.lower().endswith(_NOT_TEXT) and _in_another_encoding(chunk):
            raise unreadable("file_unsafe", detail="XML 编码不常见")
        size += len(chunk)
        if size > entry.file_size:
            raise unreadable("file_unsafe", detail="实际大小与目录不符")
        if name.lower().endswith(_NOT_TEXT):
            continue
        piece = rest + chunk
        cut = piece.rfind(b"<row")
        if cut <= 0:
            cut = max(0, piece.rfind(b"<"))
            if len(piece) - cut > MAX_CELL_BYTES:
                raise cell_too_long()
        _scan_piece(name, piece[:cut], sheets, texts)
        rest = piece[cut:]
    _scan_piece(name, rest, sheets, texts)


def _in_another_encoding(head: bytes) -> bool:
    declared = _DECLARED.match(head)
    return head.startswith(_UTF16_MARKS) or (declared is not None and declared[1].lower() not in _UTF8_NAMES)


def _scan_piece(name: str, piece: bytes, sheets: dict[str, SheetScan], texts: dict[str, TextScan]) -> None:
    """Look through a stretch of a part that ends between tags."""
    if name in sheets or b"sheetData" in piece:
        sheets.setdefault(name, SheetScan()).feed(piece)
        return
    check_markup(piece)
    if name in texts or b"<si" in piece or b":si" in piece:
        texts.setdefault(name, TextScan()).feed(piece)


def _sheet_parts(data: bytes, entries: list[zipfile.ZipInfo]) -> dict[str, str]:
    """The part (as the zip names it) that holds each worksheet, by the sheet's name."""
    parts = {entry.filename.replace("\\", "/").lower(): entry for entry in entries}
    book = _tree(data, parts.get("xl/workbook.xml"))
    links = _tree(data, parts.get("xl/_rels/workbook.xml.rels"))
    targets = {link.get("Id", ""): link.get("Target", "") for link in links.iterfind(".//{*}Relationship")}
    if any(target.lower().endswith(_NOT_TEXT) for target in targets.values()):
        raise unreadable("file_unsafe", detail="内部文件的类型与名称不符")
    found = {}
    for sheet in book.iterfind(".//{*}sheet"):
        target = next((targets.get(value, "") for key, value in sheet.items() if key.endswith("}id")), "")
        path = target.lstrip("/") if target.startswith(("/", "xl/")) else f"xl/{target}"
        if (entry := parts.get(path.lower())) is not None:
            found[sheet.get("name", "")] = entry.filename
    return found


def _tree(data: bytes, entry: zipfile.ZipInfo | None) -> Element:
    if entry is None or entry.file_size > MAX_DIRECTORY_BYTES:
        raise unreadable("file_damaged", detail="工作簿的目录缺失或过大")
    try:
        return XML(b"".join(_inflate(data, entry)))
    except (ParseError, LookupError, ValueError):
        raise unreadable("file_damaged", detail="工作簿的目录读不出来") from None


def _check_text(
    data: bytes, entries: list[zipfile.ZipInfo], sheets: dict[str, SheetScan], texts: dict[str, TextScan]
) -> None:
    """A long text may stand in one cell, or in a million: then count, at the price of inflating everything again."""
    sizes = [size for name in texts for size in texts[name].sizes]
    for entry in entries:
        if entry.filename in sheets and text_in_cells(_inflate(data, entry), sizes) > MAX_TEXT_BYTES:
            raise unreadable("file_unsafe", detail="展开后过大")


def _is_bomb(size: int, packed: int) -> bool:
    return size > RATIO_MATTERS_BYTES and size > MAX_RATIO * max(packed, 1)


def _inflate(data: bytes, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part's bytes in chunks, taken from the raw stream: zipfile itself stops at the size the directory claims."""
    header = data[entry.header_offset : entry.header_offset + _LOCAL_HEADER_BYTES]
    if len(header) < _LOCAL_HEADER_BYTES or header[:4] != b"PK\x03\x04":
        raise unreadable("file_damaged", detail="压缩目录与内容不符")
    skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    start = entry.header_offset + _LOCAL_HEADER_BYTES + skip
    packed = memoryview(data)[start : start + entry.compress_size]
    if len(packed) < entry.compress_size:
        raise unreadable("file_damaged", detail="文件不完整，上传可能中断过")
    if entry.compress_type == zipfile.ZIP_STORED:
        for at in range(0, len(packed), _CHUNK_BYTES):
            yield bytes(packed[at : at + _CHUNK_BYTES])
        return
    stream = zlib.decompressobj(-15)
    rest: bytes | memoryview = packed
    while not stream.eof:
        try:
            chunk = stream.decompress(rest, _CHUNK_BYTES)
        except zlib.error:
            raise _damaged() from None
        rest = stream.unconsumed_tail
        if chunk:
            yield chunk
        elif not rest and not stream.eof:
            raise _damaged()


def _ahead(chunks: Iterator[bytes], pool: ThreadPoolExecutor) -> Iterator[bytes]:
    """The chunks, the next one being inflated while this one is looked at."""
    coming = pool.submit(next, chunks, None)
    while (chunk := coming.result()) is not None:
        coming = pool.submit(next, chunks, None)
        yield chunk


def _damaged() -> Unreadable:
    return unreadable("file_damaged", detail="压缩内容已损坏")
