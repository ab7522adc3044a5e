"""The rows of a roster put together and in the frozen order: by slot, key, row; rows without slot or key last, by row.

Equal rosters freeze to equal frames and a claim's keys come sorted. Text is moved as little as possible, for moving it in an
order not its own is what costs most: only ids and names are moved whole, and what most rows leave empty, or take over from
another column, is put in where it differs.
"""

from collections.abc import Mapping
from functools import partial

import polars as pl

from yikatong.roster.columns import Column
from yikatong.roster.side_by_side import side_by_side

# 17 digits times 90 stay inside 63 bits.
_RANKS_IN_ONE_INTEGER = 90
_LAST = 91 * 10**17
_TEXTS = (Column.PAYEE_ID, Column.PAYEE_NAME, Column.HEAD_ID, "account")
_NUMBERS = (f"{Column.PAYEE_ID}_number", f"{Column.HEAD_ID}_number")


def put_together(columns: Mapping[str, pl.Series], *, household: bool) -> pl.DataFrame:
    """The entitled unit, the payee and the fen of every row. The payee is the beneficiary where none is named.

    `columns` are the tidied columns of the roster in the file's order, and of each id its number (null unless right); what
    the roster lacks is left out. The result has the columns of the frozen roster but `status` and `reasons`; `at` (UInt32),
    the row's place in the table; `names_payee` (Boolean); and for comparison in bulk `key_number`, `beneficiary_number`,
    `payee_number` (Int64, null unless the id is right) and `slot_rank`. With `household` the unit is the head's, if given.
    """
    height = len(columns["row"])
    given = dict(columns)
    given |= {name: _nothing(height, pl.String()) for name in _TEXTS if name not in given}
    given |= {name: _nothing(height, pl.Int64()) for name in _NUMBERS if name not in given}
    own_number = given[f"{Column.ID}_number"]
    by_head = given[Column.HEAD_ID].is_not_null().arg_true() if household else pl.Series([], dtype=pl.UInt32)
    key_number = put_in(own_number, by_head, given[f"{Column.HEAD_ID}_number"].gather(by_head))
    order = _order(given["slot_rank"], key_number)
    names = [name for name in given if household or not name.startswith(("head_id", "head_name"))]
    moved = dict(zip(names, side_by_side([partial(_moved, given[name], order) for name in names]), strict=True))

    def chosen(own: str, places: pl.Series, other: str) -> pl.Series:
        return put_in(moved[own], places, moved[other].gather(places))

    names_payee = moved[Column.PAYEE_ID].is_not_null() | moved[Column.PAYEE_NAME].is_not_null()
    named = names_payee.arg_true()
    key, key_number = moved[Column.ID], moved[f"{Column.ID}_number"]
    if household:
        by_head = moved[Column.HEAD_ID].is_not_null().arg_true()
        key = chosen(Column.ID, by_head, Column.HEAD_ID)
        key_number = chosen(f"{Column.ID}_number", by_head, f"{Column.HEAD_ID}_number")
    # An id that is not right is nobody's key.
    wrong = key_number.is_null().arg_true()
    return pl.DataFrame(
        {
            "row": moved["row"],
            "beneficiary_id": moved[Column.ID],
            "beneficiary_name": moved[Column.NAME],
            "payee_id": chosen(Column.ID, named, Column.PAYEE_ID),
            "payee_name": chosen(Column.NAME, named, Column.PAYEE_NAME),
            "key": put_in(key, wrong, _nothing(len(wrong), pl.String())),
            "slot": moved["slot"],
            "amount_fen": moved["amount_fen"],
            "account": moved["account"],
            "at": order,
            "names_payee": names_payee,
            "key_number": key_number,
            "beneficiary_number": moved[f"{Column.ID}_number"],
            "payee_number": chosen(f"{Column.ID}_number", named, f"{Column.PAYEE_ID}_number"),
            "slot_rank": moved["slot_rank"],
        }
    )


def put_in(series: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """`series` with `values` at positions `at`; the series given stays as it is."""
    # scatter writes in place, and the cells as the bureau wrote them are still to be shown.
    return series.clone().scatter(at, values) if len(at) else series


def _nothing(height: int, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(None, height, dtype=dtype, eager=True)


def _moved(column: pl.Series, order: pl.Series) -> pl.Series:
    """The column in another order."""
    empty = column.null_count()
    if empty == len(column):
        return column
    if 2 * empty < len(column):
        return column.gather(order)
    places = column.is_not_null().gather(order).arg_true()
    return put_in(_nothing(len(column), column.dtype), places, column.gather(order.gather(places)))


def _order(slot_rank: pl.Series, key_number: pl.Series) -> pl.Series:
    rows = pl.DataFrame({"slot_rank": slot_rank, "key_number": key_number})
    ranks = slot_rank.max()
    if isinstance(ranks, int) and ranks >= _RANKS_IN_ONE_INTEGER:
        by_columns = pl.arg_sort_by("slot_rank", "key_number", pl.int_range(pl.len()), nulls_last=True)
        return rows.select(by_columns.cast(pl.UInt32)).to_series()
    # One integer sorts several times faster than three columns; ties, which are few, are put in order afterwards.
    pair = pl.col("slot_rank").cast(pl.Int64) * 10**17 + pl.col("key_number")
    packed = rows.lazy().select(pair.fill_null(_LAST + pl.int_range(pl.len()))).collect().to_series().rechunk()
    order = packed.arg_sort().cast(pl.UInt32)
    arranged = packed.gather(order)
    as_before = (arranged == arranged.shift(1)).fill_null(False)
    ties = (as_before | as_before.shift(-1, fill_value=False)).arg_true()
    if ties.is_empty():
        return order
    tied = pl.DataFrame({"packed": arranged.gather(ties), "at": order.gather(ties)}).sort("packed", "at")
    return order.scatter(ties, tied["at"])
