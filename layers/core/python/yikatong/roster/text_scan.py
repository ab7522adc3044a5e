"""How long a workbook's shared texts are, and how much text its cells come to when each cell gets its own copy."""

import re
from collections.abc import Iterable

# A text ends with `</si>`, whatever prefix the program writes before the name.
_END = b"si>"
_NUMBER = re.compile(rb"v>\s*([0-9]{1,9})\s*<")


class TextScan:
    """Fed with the XML of the shared texts, in pieces cut anywhere. Sizes are in bytes, markup included."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._open = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        parts = (self._rest + piece).split(_END)
        last = parts.pop()
        self._rest = last[-len(_END) + 1 :]
        for part in parts:
            size, self._open = self._open + len(part), 0
            self.sizes.append(size)
        self._open += len(last) - len(self._rest)

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
