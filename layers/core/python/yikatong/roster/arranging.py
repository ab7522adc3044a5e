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
_NOWHERE = pl.Series([], dtype=pl.UInt32)


def put_together(columns: Mapping[str, pl.Series], *, household: bool) -> tuple[pl.DataFrame, pl.Series]:
    """The entitled unit, the payee and the fen of every row. The payee is the beneficiary where none is named.

    `columns` are the tidied columns of the roster in the file's order, and of each id its number (null unless right); what
    the roster lacks is left out. With `household` the unit is the head's, where one is given.

    Returned are the rows, with the columns of the frozen roster but `status` and `reasons`; `at` (UInt32), the row's place in
    the table; and for comparison in bulk `key_number`, `beneficiary_number`, `payee_number` (Int64,
    null unless the id is right) and `slot_rank`. And for each place in the table (UInt32) the row's place among these.
    """
    own_number = columns[f"{Column.ID}_number"]
    headed = _filled(columns, Column.HEAD_ID) if household else _NOWHERE
    key_number = (
        put_in(own_number, headed, columns[f"{Column.HEAD_ID}_number"].gather(headed)) if len(headed) else own_number
    )
    order = _order(columns["slot_rank"], key_number)
    whole = {name: columns[name] for name in ("row", Column.ID, Column.NAME, "amount_fen", "slot", "slot_rank")}
    whole |= {"own_number": own_number, "key_number": key_number}
    moved = dict(zip(whole, side_by_side([partial(column.gather, order) for column in whole.values()]), strict=True))
    height = len(order)
    places = pl.repeat(0, height, dtype=pl.UInt32, eager=True)
    places = places.scatter(order, pl.int_range(height, dtype=pl.UInt32, eager=True))

    def with_others(name: str, other: str, at: pl.Series) -> pl.Series:
        """A moved column, with those of another column at these places of the table."""
        if at.is_empty():
            return moved[name]
        given = columns[other].gather(at) if other in columns else _nothing(len(at), moved[name].dtype)
        return put_in(moved[name], places.gather(at), given)

    named = pl.concat([_filled(columns, Column.PAYEE_ID), _filled(columns, Column.PAYEE_NAME)]).unique()
    key = with_others(Column.ID, Column.HEAD_ID, headed)
    # An id that is not right is nobody's key.
    wrong = moved["key_number"].is_null().arg_true()
    rows = pl.DataFrame(
        {
            "row": moved["row"],
            "beneficiary_id": moved[Column.ID],
            "beneficiary_name": moved[Column.NAME],
            "payee_id": with_others(Column.ID, Column.PAYEE_ID, named),
            "payee_name": with_others(Column.NAME, Column.PAYEE_NAME, named),
            "key": put_in(key, wrong, _nothing(len(wrong), pl.String())),
            "slot": moved["slot"],
            "amount_fen": moved["amount_fen"],
            "account": _sparse(columns, "account", places),
            "at": order,
            "key_number": moved["key_number"],
            "beneficiary_number": moved["own_number"],
            "payee_number": with_others("own_number", f"{Column.PAYEE_ID}_number", named),
            "slot_rank": moved["slot_rank"],
        }
    )
    return rows, places


def _filled(columns: Mapping[str, pl.Series], name: str) -> pl.Series:
    return columns[name].is_not_null().arg_true() if name in columns else _NOWHERE


def _sparse(columns: Mapping[str, pl.Series], name: str, places: pl.Series) -> pl.Series:
    """A column of text that most rows leave empty, moved."""
    filled = _filled(columns, name)
    nothing = _nothing(len(places), pl.String())
    return put_in(nothing, places.gather(filled), columns[name].gather(filled)) if len(filled) else nothing


def put_in(series: pl.Series, at: pl.Series, values: pl.Series) -> pl.Series:
    """`series` with `values` at positions `at`; the series given stays as it is."""
    # scatter writes in place, and the cells as the bureau wrote them are still to be shown.
    return series.clone().scatter(at, values) if len(at) else series


def _nothing(height: int, dtype: pl.DataType) -> pl.Series:
    return pl.repeat(None, height, dtype=dtype, eager=True)


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
