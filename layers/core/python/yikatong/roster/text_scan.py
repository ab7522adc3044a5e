"""Words in XML that are refused; how long shared texts are, and what they come to when each cell gets its own copy."""

import re
from collections.abc import Iterable

from yikatong.roster.findings import unreadable

_END = re.compile(rb"</(?:[\w.-]+:)?si>|<(?:[\w.-]+:)?si\s*/>")
_NUMBER = re.compile(rb"v>\s*([0-9]{1,9})\s*<")
_COUNTED = re.compile(rb"""ount\s*=\s*["']\s*[0-9]{9}""")


def check_markup(piece: bytes) -> None:
    """Raise Unreadable for what no office program writes: a DOCTYPE, or a count the reader would make room for."""
    if b"<!DOCTYPE" in piece:
        raise unreadable("file_unsafe", detail="XML 含有 DOCTYPE")
    if b"ount" in piece and _COUNTED.search(piece):
        raise unreadable("file_unsafe", detail="所报的个数不可信")


class TextScan:
    """Fed with the XML of the shared texts, in pieces that end between tags. Sizes are in bytes, markup included."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._open = 0

    def feed(self, piece: bytes) -> None:
        *whole, last = _END.split(piece)
        for text in whole:
            self.sizes.append(self._open + len(text))
            self._open = 0
        self._open += len(last)

    @property
    def longest(self) -> int:
        return max(self.sizes, default=0)


def text_in_cells(chunks: Iterable[bytes], sizes: list[int]) -> int:
    """The bytes of text in the cells of a worksheet, if every number in it that can be a shared text's place is one."""
    total, rest = 0, b""
    for chunk in chunks:
        piece = rest + chunk
        cut = piece.rfind(b"<") + 1
        total += sum(sizes[place] for place in map(int, _NUMBER.findall(piece[:cut])) if place < len(sizes))
        rest = piece[cut:]
    return total
