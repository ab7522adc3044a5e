"""A roster as one table of text, and the limits of what is looked at."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from yikatong.roster.columns import REQUIRED, Column, Header
from yikatong.roster.findings import Unreadable, unreadable

MAX_ROWS = 2_000_000
# A header and the titles above it are looked for in this many rows.
HEADER_ROWS = 20
MAX_COLUMNS = 200
# Below a roster's totals there may be lines for signatures; nobody hides a totals row further up.
LAST_ROWS = 3


@dataclass(frozen=True)
class Table:
    """A file's data rows as text.

    `cells` has `row` (Int32, from 1, as the clerk sees it) and, for the columns the header knows, `c{place}` (String, null
    where empty); blank rows are left out. `last` has every column of the last LAST_ROWS of them; `whole()` has every column
    of at least these rows, at the price of reading the file again. `numeric` names, for a workbook's columns that must be
    text, the rows whose cell was a number: its last digits are gone.
    """

    header: Header
    cells: pl.DataFrame
    last: pl.DataFrame
    whole: Callable[[], pl.DataFrame]
    numeric: dict[Column, pl.Series] = field(default_factory=dict)


def known_columns(header: Header) -> list[str]:
    """The columns of `Table.cells`."""
    return ["row", *(f"c{place}" for place in header.places.values())]


def header_missing(looked: int) -> Unreadable:
    """The refusal of a file without a header. Its cells are not shown: they may be somebody's data."""
    return unreadable("header_missing", looked=looked, expected="、".join(column.label for column in REQUIRED))
