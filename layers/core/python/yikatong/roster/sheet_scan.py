"""A worksheet's XML looked through on its way past: how far it reaches, which rows are hidden, which formulas have no value.

The reader behind it tells none of this, and would have made room for the whole rectangle before it could be asked. Nearly
every program writes a cell as `<c r="B7"`; such stretches are measured as columns of text. Others are walked cell by cell.
"""

import re

import polars as pl

from yikatong.roster.findings import unreadable
from yikatong.roster.text_scan import check_markup
from yikatong.roster.workbook_limits import Seen, check_extent

# One pass finds whether anything in a stretch needs a second look: a cell that does not begin as `<c r="B7"` with a column up
# to Z and a row up to 9,999,999, or a word of those looked for below. In most sheets there is none.
_UNUSUAL = "|".join(
    (
        r'<c[^ o]|<c [^r]|<c r[^=]|<c r=[^"]|:c[\s/>]',
        r'<c r="[^A-Z]|<c r="[A-Z][^0-9]|<c r="[A-Z][0-9]{8}|<c r="[A-Z][0-9]{1,7}[^0-9"]',
        r'<!DOCTYPE|ount\s*=|hidden|</f></c>|/></c>|<v></v></c>|t="e"',
    )
)
_NARROW = r'<c r="[A-Z][0-9]{1,7}'
_WIDE = r'<c r="[A-Z]{1,3}[0-9]{1,7}"'
_START_BYTES = len('<c r="')
_HIDDEN = rb"""\shidden\s*=\s*["'](?:1|true)["']"""
_HIDDEN_ROW = re.compile(rb"<(?:[\w.-]+:)?row(?=[^>]*" + _HIDDEN + rb""")[^>]*?\sr\s*=\s*["']([0-9]{1,7})["']""")
# A formula is followed by its value; written by a program that does not calculate, it has none.
_UNVALUED = re.compile(rb'<c r="[A-Z]+([0-9]{1,7})"[^>]*><f(?:[^>]*/>|[^>]*>[^<]*</f>)(?:<v/>|<v></v>)?</c>')
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,7})"[^>]*\st="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[A-Z0-9/!?_]+)</v>'
)
_CELL_OR_ROW = re.compile(rb"""<(/?)(?:[\w.-]+:)?(row|c)(?=[\s/>])((?:[^>"']++|"[^"]*"|'[^']*')*+)>""")
_PLACE = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Za-z]*)([0-9]*)["']""")
# Walking is slow: so many cells take some ten seconds.
_MAX_WALKED = 8_000_000


class SheetScan:
    """Fed with the XML of one worksheet, in pieces that end between tags. `seen` grows with it."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.cells = 0
        self._rows = self._columns = 0
        self._walked = 0
        self._row, self._column = 1, 0

    def feed(self, piece: bytes) -> None:
        """Look through the next piece. Raises Unreadable."""
        try:
            text = pl.Series([piece], dtype=pl.Binary).cast(pl.String)
        except pl.exceptions.PolarsError:
            raise unreadable("file_damaged", detail="工作表里有无法识别的文字编码") from None
        if not text.str.contains(_UNUSUAL)[0]:
            places = text.str.extract_all(_NARROW).explode(empty_as_null=False)
            if len(places):
                self._reach(places.str.slice(_START_BYTES, 1), places.str.slice(_START_BYTES + 1))
            return
        check_markup(piece)
        starts = piece.count(b"<c") + piece.count(b":c")
        if starts and not self._measured(text, starts):
            self._walk(piece)
        if b"hidden" in piece:
            self.seen.hidden.extend(map(int, _HIDDEN_ROW.findall(piece)))
        if b"</f></c>" in piece or b"/></c>" in piece or b"<v></v></c>" in piece:
            self.seen.unvalued.extend(map(int, _UNVALUED.findall(piece)))
        if b't="e"' in piece:
            for letters, digits, text in _ERROR.findall(piece):
                self.seen.errors.append((int(digits), column_number(letters.decode()) - 1, text.decode()))

    def check(self) -> None:
        """Raise Unreadable if the sheet reaches further than may be opened."""
        check_extent(self._rows, self._columns, self.cells)

    def _measured(self, text: pl.Series, starts: int) -> bool:
        """Whether all cells name their place, in however many letters; if so they are counted in."""
        places = text.str.extract_all(_WIDE).explode(empty_as_null=False)
        if len(places) != starts:
            return False
        self._reach(places.str.extract("([A-Z]+)"), places.str.extract("([0-9]+)"))
        return True

    def _reach(self, letters: pl.Series, digits: pl.Series) -> None:
        widest = letters.str.len_bytes().max()
        last = letters.filter(letters.str.len_bytes() == widest).max()
        row = digits.cast(pl.Int32).max()
        assert isinstance(last, str)
        assert isinstance(row, int)
        self._rows, self._columns = max(self._rows, row), max(self._columns, column_number(last))
        self._row, self._column = row, 0
        self.cells += len(letters)

    def _walk(self, piece: bytes) -> None:
        """Follow rows and cells as the reader does: those without a place of their own stand after their neighbour."""
        for found in _CELL_OR_ROW.finditer(piece):
            closing, name, attributes = found.groups()
            place = _PLACE.search(attributes)
            if name == b"row":
                if closing or attributes.endswith(b"/"):
                    self._row, self._column = self._row + 1, 0
                elif place and place[2]:
                    self._row = int(place[2])
            elif not closing:
                self._walked += 1
                if self._walked > _MAX_WALKED:
                    raise unreadable("file_unsafe", detail="单元格过多")
                row, column = self._row, self._column + 1
                if place and place[1] and place[2]:
                    row, column = int(place[2]), column_number(place[1].decode().upper())
                self._rows, self._columns = max(self._rows, row), max(self._columns, column)
                self._column = column
                self.cells += 1


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
