"""Paying again what finally failed: exactly the rejected and returned payments, each attempt once (PROTOCOL B5, B6).

An attempt is finally failed when a settlement or return file says so. What is known by enquiry only is final once the
bank's own word can no longer be under way: `answer_final_after_days` after the instruction (bank settings).
"""

from datetime import date, datetime, timedelta

import polars as pl

from yikatong import parquet
from yikatong.bank.settings import Banks
from yikatong.batches import Batch
from yikatong.claims import FIRST_ATTEMPT
from yikatong.ports import Lake
from yikatong.selection import MORE_THAN_FAILED, NOT_FAILED
from yikatong.settlement import payments_of
from yikatong.states import PaymentState

_FAILED = (PaymentState.REJECTED.value, PaymentState.RETURNED.value)


def failed_payments(batch: Batch, lake: Lake, banks: Banks, on: date) -> pl.DataFrame:
    """The payments of an instructed batch whose attempt has finally failed by that day.

    One row each: the columns of the payments file, and `state`, `reason` (of `yikatong.bank.codes`) and `raw_code`. A frozen
    payment has not failed: the bank contradicts itself.
    """
    payments = payments_of(batch, lake)
    if batch.settlement is None:
        return payments.clear().with_columns(state=pl.lit(""), reason=pl.lit(""), raw_code=pl.lit(""))
    data = lake.get(batch.settlement.key)
    assert data is not None, "stored before the batch names it, and never deleted"
    assert batch.instruction is not None, "only an instructed batch is settled"
    final_from = datetime.fromisoformat(batch.instruction.instructed_at).date() + timedelta(
        days=banks.bank(batch.instruction.bank_id).answer_final_after_days
    )
    settled = parquet.decode(data).filter(pl.col("state").is_in(_FAILED))
    if on < final_from:
        settled = settled.filter(pl.col("failed_by") == "delivered")
    failed = settled.select("end_to_end_id", "state", "reason", "raw_code")
    return payments.join(failed, on="end_to_end_id", how="inner", maintain_order="left")


def as_reissue(judged: pl.DataFrame, failed: pl.DataFrame) -> pl.DataFrame:
    """Judged rows (`selection.Judge`) of a reissue with the attempt that each would be; what may not be paid again, not sent."""
    one = failed.select("slot", "key", "beneficiary_id", failed_fen="amount_fen", failed_attempt="attempt")
    rows = judged.join(one, on=["slot", "key", "beneficiary_id"], how="left", maintain_order="left")
    none = pl.col("failed_attempt").is_null()
    more = pl.col("amount_fen") > pl.col("failed_fen")
    return rows.with_columns(
        attempt=(pl.col("failed_attempt") + 1).fill_null(FIRST_ATTEMPT),
        outcome=pl.when(none | more).then(pl.lit("not_sent")).otherwise("outcome"),
        reason=pl.when(none).then(pl.lit(NOT_FAILED)).when(more).then(pl.lit(MORE_THAN_FAILED)).otherwise("reason"),
    ).select(judged.columns)
