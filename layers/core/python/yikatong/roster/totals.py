"""合计 and 小计: a totals row is no data row; the one at a roster's end is checked against the sum of its rows."""

from dataclasses import dataclass

import polars as pl

from yikatong.money import yuan
from yikatong.roster.columns import Column, Header
from yikatong.roster.findings import Finding, file_finding
from yikatong.roster.hits import room_for
from yikatong.roster.table import is_header, totals_label
from yikatong.roster.tidying import read_amounts

_NO_ROWS = pl.Series("row", [], pl.Int32)
_PLAIN = r"^\s*(合|总|共|汇)"


@dataclass(frozen=True)
class Strays:
    """Rows without an id (`row` as the clerk counts, every column), told apart: `people` lack one and are data rows.

    `totals` is the row at the end that says so; the others are row numbers: `subtotals` of other such rows, `headers` where the
    header stands again, at the top of a page, and `notes` of what stands below the totals without an amount: signatures.
    """

    people: pl.DataFrame
    totals: pl.DataFrame
    subtotals: pl.Series
    headers: pl.Series
    notes: pl.Series


def tell_apart(strays: pl.DataFrame, header: Header, last_id_row: int) -> Strays:
    """Judge a file's strays; `last_id_row` is the last row with an id (0: none). A person's name is no label.

    Of several that read like totals the last plain one with an amount is the roster's: not one of a page, a village, or 小计.
    One alone at the end is the roster's whatever it says.
    """
    amount = pl.col(f"c{header.places[Column.AMOUNT]}")
    told = strays.with_columns(
        label=totals_label(header),
        no_amount=(amount.str.strip_chars() == "").fill_null(True),
        again=is_header(header),
    )
    headers = told.filter(pl.col("again"))["row"]
    labels = told.filter((pl.col("label") != "") & ~pl.col("again"))
    ends = labels.filter(pl.col("label").str.contains(_PLAIN))
    if ends.is_empty() and labels.height == 1:
        ends = labels.filter(pl.col("row") > last_id_row)
    ends = ends.filter(~pl.col("no_amount")) if not ends["no_amount"].all() else ends
    end = ends["row"][-1] if ends.height else None
    last = max(end or 0, last_id_row)
    below = told.filter(pl.col("no_amount") & (pl.col("row") > last))["row"] if end is not None else _NO_ROWS
    totals = pl.Series("row", [] if end is None else [end], pl.Int32)
    subtotals = labels["row"].filter(~labels["row"].is_in(pl.concat([totals, below]).implode()))
    others = pl.concat([totals, below, subtotals, headers])
    return Strays(
        people=strays.filter(~pl.col("row").is_in(others.implode())),
        totals=strays.filter(pl.col("row").is_in(totals.implode())),
        subtotals=subtotals,
        headers=headers,
        notes=below,
    )


def totals_findings(strays: Strays, header: Header, rows: pl.DataFrame) -> tuple[list[Finding], dict[str, int]]:
    """What is told of the rows that are no data rows, and how many more there are per code; `rows` are the data rows."""
    findings: list[Finding] = []
    more: dict[str, int] = {}
    for code, dropped in (
        ("subtotal_dropped", strays.subtotals),
        ("header_repeated", strays.headers),
        ("note_dropped", strays.notes),
    ):
        room = room_for(code)
        findings += [file_finding(code, row=row) for row in dropped.head(room)]
        if len(dropped) > room:
            more[code] = len(dropped) - room
    for row, written in strays.totals.select("row", f"c{header.places[Column.AMOUNT]}").iter_rows():
        above = rows.filter(pl.col("row") < row)
        # Or of those since the total before it, where every village has its own.
        before = strays.subtotals.filter(strays.subtotals < row).max()
        since = above.filter(pl.col("row") > (before or 0))
        findings.append(_checked(row, written, above["amount_fen"], since["amount_fen"]))
    return findings, more


def _checked(row: int, written: str | None, above_fen: pl.Series, since_fen: pl.Series) -> Finding:
    fen = read_amounts(pl.Series([written], dtype=pl.String)).series[0]
    # A row whose amount cannot be read is excluded already; what it should have added is not ours to guess.
    if fen is None or above_fen.null_count():
        return file_finding("totals_unchecked", row=row)
    if fen not in (above_fen.sum(), since_fen.sum()):
        return file_finding("totals_wrong", row=row, written=yuan(fen), added=yuan(int(above_fen.sum())))
    return file_finding("totals_dropped", row=row, written=yuan(fen))
