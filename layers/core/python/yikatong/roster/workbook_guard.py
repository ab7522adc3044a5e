"""An XLSX is a zip of XML: what must be known before a parser opens it (FACTS).

An 851 KB workbook can inflate to 300 MB, its directory may lie about sizes, and XML entities can swap an amount. So the
directory is checked, every part is inflated here once under a cap, and a DOCTYPE anywhere is refused.
"""

import io
import zipfile
import zlib

from yikatong.roster.findings import Unreadable, unreadable

MAX_ENTRIES = 2_000
MAX_PART_BYTES = 768 * 2**20
MAX_TOTAL_BYTES = 1024 * 2**20
# A roster's XML is repetitive and compresses 10 to 25 times; bombs start at several hundred.
MAX_RATIO = 150
RATIO_MATTERS_BYTES = 8 * 2**20
_CHUNK_BYTES = 1 << 18
_LOCAL_HEADER_BYTES = 30
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")


def check_workbook(data: bytes) -> None:
    """Raise Unreadable unless the zip is what an office program writes: bounded, plain XML, no macro, no outside link."""
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise unreadable("file_damaged", detail="压缩目录读不出来，上传可能中断过") from None
    if len(entries) > MAX_ENTRIES:
        raise unreadable("file_unsafe", detail="内部文件过多")
    names = [entry.filename for entry in entries]
    if "xl/workbook.xml" not in names:
        raise unreadable("file_format", detail="这是压缩包，不是 XLSX 工作簿")
    if len(set(names)) != len(names):
        raise unreadable("file_unsafe", detail="内部文件重名")
    if any("vbaproject" in name.lower() for name in names):
        raise unreadable("file_unsafe", detail="含有宏")
    if any(name.lower().startswith("xl/externallinks/") for name in names):
        raise unreadable("file_unsafe", detail="含有外部链接")
    if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
        raise unreadable("file_unsafe", detail="展开后过大")
    for entry in entries:
        _check_part(data, entry)


def _check_part(data: bytes, entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise unreadable("file_unsafe", detail="已加密")
    if entry.compress_type not in _METHODS:
        raise unreadable("file_unsafe", detail="压缩方式不常见")
    if entry.file_size > MAX_PART_BYTES or _is_bomb(entry.file_size, entry.compress_size):
        raise unreadable("file_unsafe", detail="压缩比异常")
    is_xml = entry.filename.lower().endswith((".xml", ".rels"))
    size, tail, first = 0, b"", True
    for chunk in _inflate(data, entry):
        size += len(chunk)
        if size > entry.file_size:
            raise unreadable("file_unsafe", detail="实际大小与目录不符")
        if is_xml:
            # UTF-16 would hide the word looked for; no office program writes it.
            if first and chunk.startswith(_UTF16_MARKS):
                raise unreadable("file_unsafe", detail="XML 编码不常见")
            if b"<!DOCTYPE" in tail + chunk:
                raise unreadable("file_unsafe", detail="XML 含有 DOCTYPE")
            tail = chunk[-16:]
        first = False


def _is_bomb(size: int, packed: int) -> bool:
    return size > RATIO_MATTERS_BYTES and size > MAX_RATIO * max(packed, 1)


def _inflate(data: bytes, entry: zipfile.ZipInfo) -> "list[bytes] | _Chunks":
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
        return [bytes(packed)]
    return _Chunks(packed)


class _Chunks:
    """A deflate stream, inflated chunk by chunk."""

    def __init__(self, packed: memoryview) -> None:
        self._rest: bytes | memoryview = packed
        self._stream = zlib.decompressobj(-15)

    def __iter__(self) -> "_Chunks":
        return self

    def __next__(self) -> bytes:
        if self._stream.eof:
            raise StopIteration
        try:
            chunk = self._stream.decompress(self._rest, _CHUNK_BYTES)
        except zlib.error:
            raise _damaged() from None
        self._rest = self._stream.unconsumed_tail
        if not chunk and not self._rest and not self._stream.eof:
            raise _damaged()
        return chunk


def _damaged() -> Unreadable:
    return unreadable("file_damaged", detail="压缩内容已损坏")
