"""The encoding of a text file, decided strictly: one that cannot be decoded as a whole is refused with the row."""

import codecs

import polars as pl

from yikatong.roster.findings import unreadable


def to_utf8(data: bytes) -> bytes:
    """The text as UTF-8, from UTF-8, GB18030 (of which GBK is part) or UTF-16 with BOM. Raises Unreadable.

    A UTF-8 BOM stays: cutting three bytes off would copy the file, and whoever reads a header takes it off there.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode(data, "utf-16").encode()
    return data if _is_utf8(data) else _decode(data, "gb18030").encode()


def require_utf8(data: bytes) -> None:
    """Raise Unreadable, with the row, unless all of it is UTF-8: for a file known by its beginning to be meant as UTF-8."""
    if not _is_utf8(data):
        _decode(data, "utf-8")


def _is_utf8(data: bytes) -> bool:
    # polars checks with vector instructions, several times faster than bytes.decode, and as strictly.
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise unreadable("file_encoding", line=data.count(b"\n", 0, error.start) + 1) from None
