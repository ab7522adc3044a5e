"""合计: a totals row at the end of a roster is checked against the sum of its rows, then is no data row."""

from dataclasses import dataclass, replace

import polars as pl

from yikatong.roster.columns import Column
from yikatong.roster.table import Table

_TOTALS = r"^\s*(合\s*计|总\s*计|小\s*计|共\s*计|汇\s*总)"


@dataclass(frozen=True)
class TotalsRow:
    """The totals row: its row number, and its amount cell as written."""

    row: int
    written: str | None


def split_totals(table: Table) -> tuple[Table, TotalsRow | None]:
    """The table without its totals row and what stood below it, if one of the last rows is one (no id, and 合计 in a cell)."""
    cells, last = table.cells, table.last
    id_cell = pl.col(f"c{table.header.places[Column.ID]}")
    no_id = id_cell.is_null() | (id_cell.str.strip_chars() == "") | id_cell.str.contains(_TOTALS)
    says_total = pl.any_horizontal(pl.exclude("row").str.contains(_TOTALS).fill_null(False))
    # Below the totals only signatures may follow: a row with an id there is a data row, and this one no totals row.
    at = last.select((no_id & says_total & no_id.reverse().cum_min().reverse()).arg_true()).to_series()
    if at.is_empty():
        return table, None
    place = cells.height - last.height + int(at[0])
    amount = cells[f"c{table.header.places[Column.AMOUNT]}"][place]
    row = int(cells["row"][place])
    numeric = {column: rows.filter(rows < row) for column, rows in table.numeric.items()}
    return replace(table, cells=cells.head(place), numeric=numeric), TotalsRow(row, amount)
