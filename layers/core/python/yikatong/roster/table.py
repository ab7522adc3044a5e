"""A roster as text, stretch by stretch, and the limits of what is looked at.

A million rows are never held as text all at once: whoever judges a table takes one stretch of its rows after another, or
several at the same time, and keeps of each only what it came to.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import polars as pl

from yikatong.roster.columns import REQUIRED, Column, Header
from yikatong.roster.findings import Finding, Unreadable, unreadable

MAX_ROWS = 2_000_000
# A header and the titles above it are looked for in this many rows.
HEADER_ROWS = 20
MAX_COLUMNS = 200


@dataclass(frozen=True)
class Lines:
    """Consecutive rows of a file as text, whatever stands in them.

    `frame` has `row` (Int32, from 0 at the first of them) and every column as `c{place}` (String, null where nothing is
    written). `span` is how many rows they take in the file, so those after them can be numbered. `numeric` names, for a
    workbook's columns that must be text, the `row`s whose cell was a number: its last digits are gone.
    """

    frame: pl.DataFrame
    span: int
    numeric: Mapping[Column, pl.Series] = field(default_factory=dict)
    separated_by_commas: bool = False


Read = TypeVar("Read")


class BrokenLines(Exception):
    """Lines that cannot be read: the code of the finding, and the row where they break, counted from their first, from 0."""

    def __init__(self, code: str, row: int) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


class Miscut(Exception):
    """A table's stretches do not end where rows end; its `carefully` gives it anew, cut with more care."""


@dataclass(frozen=True)
class Table:
    """A file with a roster's header. `first_row` is the row below the header, as the clerk's program counts.

    `lines` reads the rows below it, in order, one stretch at each call: to be called any number of times and by several
    threads; raises `BrokenLines`, or `Miscut` if there is `carefully`. `hidden` are the rows the clerk's program does not show;
    `remarks` are findings about the file as it was read.
    """

    header: Header
    first_row: int
    lines: Sequence[Callable[[], Lines]]
    hidden: pl.Series = field(default_factory=lambda: pl.Series("row", [], pl.Int32))
    remarks: tuple[Finding, ...] = ()
    carefully: "Callable[[], Table] | None" = None

    def read_by(self, reader: "Callable[[Table], Read]") -> Read:
        """What the reader makes of the table, cut anew with more care if it must be."""
        try:
            return reader(self)
        except Miscut:
            assert self.carefully is not None, "a table cut with care is not cut wrong"
            return reader(self.carefully())

    def rows_as_written(self, rows: pl.Series) -> pl.DataFrame:
        """Every column of these rows (`row` as the clerk counts), read again; at the price of reading the file again."""
        found = []
        first = self.first_row
        for read in self.lines:
            lines = read()
            numbered = lines.frame.with_columns(pl.col("row") + first)
            found.append(numbered.filter(pl.col("row").is_in(rows.implode())))
            first += lines.span
        return pl.concat(found)


@dataclass(frozen=True)
class Stretch:
    """Lines sorted into what can be judged by the row and what cannot.

    `cells` are the data rows: `row` and the columns the header knows. `strays` have no id, and either no amount or a cell that
    reads like a totals row's label, or are the header once more, and are not blank; with every column. Signatures, totals, or
    people of whom much is missing: only who knows the whole file can tell. `split` marks the cells' rows whose amount may
    have been torn in two by its own comma (None: not possible).
    """

    cells: pl.DataFrame
    strays: pl.DataFrame
    span: int
    numeric: Mapping[Column, pl.Series]
    split: pl.Series | None = None


# The shortest id has fifteen characters; what is shorter may be nothing but blanks, or the label of a totals row.
_SHORT_BYTES = 15


def sort_out(lines: Lines, header: Header) -> Stretch:
    """Part the data rows from the strays and the blank rows."""
    frame, names = lines.frame, {column: f"c{place}" for column, place in header.places.items()}
    ids = frame[names[Column.ID]]
    short = ((ids.str.len_bytes() < _SHORT_BYTES) | (ids == header.cells[header.places[Column.ID]])).fill_null(True)
    # In one piece, for what is found in it is put in at places of a piece.
    cells = pl.DataFrame([_in_one_piece(frame[name]) for name in known_columns(header)])
    split = _split_amounts(frame, header) if lines.separated_by_commas else None
    if not short.any():
        return Stretch(cells, frame.clear(), lines.span, lines.numeric, split)
    hollow = frame.filter(short)
    nothing = _says_nothing(pl.col(names[Column.ID])) & _says_nothing(pl.col(names[Column.AMOUNT]))
    strange = hollow.filter(nothing | (totals_label(header) != "") | is_header(header))
    if strange.height:
        kept = ~cells["row"].is_in(strange["row"].implode())
        cells, split = cells.filter(kept), None if split is None else split.filter(kept)
    strays = strange.filter(~pl.all_horizontal(_says_nothing(pl.exclude("row"))))
    return Stretch(cells, strays, lines.span, lines.numeric, split)


# 1,234.00 without quotes stands in two cells: `1` and `234.00`, however else an amount may be written.
_TORN, _TORN_OFF = r"^\s*[¥￥]?\s*[0-9]{1,3}\s*$", r"^[0-9]{3}(\.[0-9]*)?\s*元?\s*$"
_TOO_FEW_TO_TELL = 10
# Of 1,050.00 in the cell before only the end is left.
_REST = r"^0[0-9]{2}(\.[0-9]*)?\s*元?\s*$"


def _split_amounts(frame: pl.DataFrame, header: Header) -> pl.Series | None:
    """Rows whose amount may be one half of a number that its comma tore in two; None where none looks so.

    A column behind the amount in which most rows have three digits is a column of such numbers, and no sign of anything.
    """
    place = header.places[Column.AMOUNT]
    amount = frame[f"c{place}"]
    torn = amount.str.contains(_REST).fill_null(False)
    if place + 1 < len(header.cells):
        behind = frame[f"c{place + 1}"]
        if behind.null_count() < len(behind):
            torn_off = behind.str.contains(_TORN_OFF).fill_null(False)
            if int(torn_off.sum()) * 2 <= len(behind) or len(behind) < _TOO_FEW_TO_TELL:
                torn |= torn_off & amount.str.contains(_TORN).fill_null(False)
    return torn if torn.any() else None


def totals_label(header: Header) -> pl.Expr:
    """The label by which a row says that it is a totals row, with what it is the total of; empty if it says no such thing.

    Whoever has a name is a person: only where there is none, or a number of people, the other cells may be labels.
    """
    name = pl.col(f"c{header.places[Column.NAME]}")
    nobody = _says_nothing(name) | name.str.contains("[0-9]")
    anywhere = pl.concat_str(pl.exclude("row").str.extract(TOTALS, 0), ignore_nulls=True)
    return pl.when(nobody).then(anywhere).otherwise(name.str.extract(TOTALS, 0)).fill_null("")


def is_header(header: Header) -> pl.Expr:
    """Whether a row is the header once more."""
    places = (header.places[Column.ID], header.places[Column.NAME])
    return pl.all_horizontal((pl.col(f"c{place}") == header.cells[place]).fill_null(False) for place in places)


TOTALS = (
    r"^\s*(?:本[页村乡镇]|全[村乡镇县市]|以上|累|\p{Han}{1,12}(?:村|社区|屯|组|乡|镇|街道|页))?"
    r"\s*(?:合\s*计|总\s*计|小\s*计|共\s*计|累\s*计|汇\s*总)(?:\s*$|[\s:：(（0-9]|人数|金额|大写)"
)
"""How the label of a totals row begins, with what it is the total of."""


def _in_one_piece(column: pl.Series) -> pl.Series:
    return column if column.n_chunks() == 1 else column.rechunk()


def _says_nothing(cells: pl.Expr) -> pl.Expr:
    return (cells.str.strip_chars() == "").fill_null(True)


def known_columns(header: Header) -> list[str]:
    """The columns of a stretch's cells."""
    return ["row", *(f"c{place}" for place in header.places.values())]


def header_missing(looked: int) -> Unreadable:
    """The refusal of a file without a header. Its cells are not shown: they may be somebody's data."""
    return unreadable("header_missing", looked=looked, expected="、".join(column.label for column in REQUIRED))
