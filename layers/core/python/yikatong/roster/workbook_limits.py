"""What is said of a workbook's sheet before it is read, whichever kind it is, and how much of one is looked at.

A reader makes room for every cell of the rectangle from the
first to the last one used, so two cells in opposite corners of a 5 KB file would take the process down (measured).
"""

from collections import defaultdict
from dataclasses import dataclass, field

from yikatong.roster.findings import Unreadable, unreadable

MAX_SHEETS = 200
# A million rows of 22 filled columns, or of 30 half empty ones; 32 bytes each in the reader.
MAX_CELLS = 24_000_000
MAX_RECTANGLE = 32_000_000
# A rectangle this large is read however few of its cells are used; of a larger one a quarter must be.
SPARSE_RECTANGLE = 12_000_000
# All cells' text together: a long shared string used by every cell would multiply.
MAX_TEXT_BYTES = 768 * 2**20
# The longest text a cell holds in any office program has 32,767 characters; markup may come with each.
MAX_CELL_BYTES = 512 * 2**10
MAX_SHEET_ROWS, MAX_SHEET_COLUMNS = 1_048_576, 16_384


@dataclass(frozen=True)
class Seen:
    """What the reader does not tell of a worksheet: rows from 1 that are hidden, or hold a formula without a value; cells
    that show an error, as (row from 1, column from 0, text).
    """

    hidden: list[int] = field(default_factory=list)
    unvalued: list[int] = field(default_factory=list)
    errors: list[tuple[int, int, str]] = field(default_factory=list)

    def errors_by_row(self) -> dict[int, list[tuple[int, str]]]:
        found: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for row, column, text in self.errors:
            found[row].append((column, text))
        return found


def check_extent(rows: int, columns: int, cells: int) -> None:
    """Raise Unreadable unless a sheet of so many rows and columns, of which `cells` are used, may be opened."""
    if cells > MAX_CELLS:
        raise unreadable("file_unsafe", detail="单元格过多")
    if columns > MAX_SHEET_COLUMNS or rows > MAX_SHEET_ROWS:
        raise unreadable("file_damaged", detail="单元格的位置超出了工作簿的范围")
    if rows * columns > min(MAX_RECTANGLE, max(SPARSE_RECTANGLE, 4 * cells)):
        raise unreadable("sheet_too_wide", rows=rows, columns=columns)


def cell_too_long() -> Unreadable:
    return unreadable("file_unsafe", detail="有一格文字过长")
