"""The encoding of a text file, decided strictly: one that cannot be decoded as a whole is refused with the row.

Bureaus' programs write GB18030 (of which GBK is part), UTF-8 with and without a mark, and, as "Unicode text", UTF-16. A
file is decoded piece by piece, so that only its bytes and the new ones are ever held.
"""

import codecs
import io
from collections.abc import Iterator

import polars as pl

from yikatong.roster.findings import Unreadable, unreadable

# A header in another encoding shows in far less.
HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
# Digits and separators are most of a roster, and UTF-16 writes them with a NUL byte, always on the same side; on the other
# side stand few, such as that of 一 (4E 00).
_NUL_SHARE, _OTHER_NUL_SHARE = 0.2, 0.05
# Six Chinese characters before the first bad byte. Of 200,000 made-up headers in GB18030 none got half as far.
_PLAINLY_UTF8_BYTES = 12


def to_utf8(data: bytes) -> bytes:
    """The text as UTF-8, from UTF-8, GB18030 or UTF-16. Raises Unreadable with the row that cannot be decoded.

    A UTF-8 mark stays: cutting three bytes off would copy the file, and whoever reads a header takes it off there.
    """
    encoding = encoding_of(data)
    if encoding == "utf-8":
        require_utf8(data)
        return data
    return _decoded(data, encoding)


def encoding_of(data: bytes) -> str:
    """`utf-8`, `gb18030`, `utf-16-le` or `utf-16-be`, judged by a text's beginning, where the header stands."""
    if data.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if data.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    head = data[:HEAD_BYTES]
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) > len(head) / 2 * _NUL_SHARE and min(first, second) < max(first, second) * _OTHER_NUL_SHARE:
        return "utf-16-le" if second > first else "utf-16-be"
    try:
        # The cut may fall within a character.
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) == len(data))
    except UnicodeDecodeError as error:
        # Chinese that is UTF-8 up to there is a damaged UTF-8 file, not one in another encoding.
        good = head[: error.start].decode("utf-8")
        return "utf-8" if len(good.encode()) - len(good) >= _PLAINLY_UTF8_BYTES else "gb18030"
    # A header of plain letters says nothing of what follows.
    return "utf-8" if not text.isascii() or len(head) == len(data) or is_utf8(data) else "gb18030"


def require_utf8(data: bytes) -> None:
    """Raise Unreadable, with the row, unless all of it is UTF-8: for a file known by its beginning to be meant as UTF-8."""
    if not is_utf8(data):
        for _ in _pieces(data, "utf-8"):
            pass


def is_utf8(data: bytes) -> bool:
    """Whether every byte of it is part of a character."""
    # polars checks with vector instructions, several times faster than bytes.decode, and as strictly.
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _decoded(data: bytes, encoding: str) -> bytes:
    # A BytesIO hands its bytes over without copying them; grown step by step it would leave as much again behind.
    buffer = io.BytesIO()
    for piece in _pieces(data, encoding):
        if not buffer.tell() and len(data) > _PIECE_BYTES:
            buffer.seek(len(data) * len(piece) // _PIECE_BYTES)
            buffer.write(b"\0")
            buffer.seek(0)
        buffer.write(piece)
    buffer.truncate()
    return buffer.getvalue()


def _pieces(data: bytes, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    view = memoryview(data)
    lines = returns = 0
    for start in range(0, len(data), _PIECE_BYTES):
        last = start + _PIECE_BYTES >= len(data)
        try:
            text = decoder.decode(view[start : start + _PIECE_BYTES], final=last)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, "replace")
            raise _undecodable(lines + good.count("\n"), returns + good.count("\r")) from None
        piece = text.removeprefix("\ufeff").encode() if not start else text.encode()
        lines, returns = lines + piece.count(b"\n"), returns + piece.count(b"\r")
        yield piece


def _undecodable(lines: int, returns: int) -> Unreadable:
    # Old programs end a line with a return alone.
    return unreadable("file_encoding", line=(lines or returns) + 1)
