"""A reissue pays again what the bank could not: each row must be a failed payment, for at most its amount (PROTOCOL B5)."""

import polars as pl

from yikatong.money import yuan
from yikatong.roster.columns import Column
from yikatong.roster.hits import Hit

# One row per finally failed payment of the batch that is paid again. `reissued`: another roster claimed its next attempt.
FAILED = {
    "slot": pl.String,
    "key": pl.String,
    "beneficiary_id": pl.String,
    "amount_fen": pl.Int64,
    "reissued": pl.Boolean,
}
_PAYMENT = ["slot", "key", "beneficiary_id"]


def failed_hits(rows: pl.DataFrame, failed: pl.DataFrame | None) -> list[Hit]:
    """`not_failed`, `more_than_failed` and `reissued_already`; nothing for an ordinary roster (`failed` None).

    Rows without a right id number, or without a slot, cannot be looked for: they are excluded anyway.
    """
    if failed is None:
        return []
    mine = rows.select("at", *_PAYMENT, pl.col("amount_fen").alias("asked_fen")).drop_nulls(["key", "slot"])
    met = mine.join(failed, on=_PAYMENT, how="left", maintain_order="left")
    unknown = met.filter(pl.col("amount_fen").is_null())
    reissued = met.filter(pl.col("reissued"))
    more = met.filter((pl.col("asked_fen") > pl.col("amount_fen")) & ~pl.col("reissued"))
    return [
        Hit("not_failed", Column.ID, unknown["at"]),
        Hit("reissued_already", Column.ID, reissued["at"]),
        Hit("more_than_failed", Column.AMOUNT, more["at"], lambda index: {"limit": yuan(more["amount_fen"][index])}),
    ]
