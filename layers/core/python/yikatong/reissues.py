"""Paying again what finally failed: exactly the rejected and returned payments, each attempt once (PROTOCOL B5, B6).

An attempt is finally failed when a settlement or return file says so. What is known by enquiry only is final once the
bank's own word can no longer be under way: `answer_final_after_days` after its message last left, by the store's clock.
"""

from datetime import date, timedelta

import polars as pl

from yikatong import parquet
from yikatong.bank.settings import Banks
from yikatong.batches import Batch, batch_key
from yikatong.claims import FIRST_ATTEMPT
from yikatong.ports import SHANGHAI, Control, Lake
from yikatong.selection import MORE_THAN_FAILED, NOT_FAILED
from yikatong.sent_messages import last_left
from yikatong.settlement import payments_of
from yikatong.states import PaymentState

_FAILED = (PaymentState.REJECTED.value, PaymentState.RETURNED.value)


def failed_payments(batch: Batch, control: Control, lake: Lake, banks: Banks, on: date) -> pl.DataFrame:
    """The payments of an instructed batch that have finally failed by that day, this attempt and all before it.

    One row each: the columns of the payments file, and `state`, `reason` (of `yikatong.bank.codes`) and `raw_code`. A frozen
    payment has not failed: the bank contradicts itself. Nor has one of which an earlier attempt was paid after all.
    """
    failed = _failed_attempts(batch, lake, banks, on)
    while batch.reissue_of:
        batch = _reissued(batch, control)
        # The bank's last word on them was final when they were paid again; what counts is that no answer says otherwise.
        earlier = _failed_attempts(batch, lake, banks, date.max)
        failed = failed.join(earlier, on=["slot", "key"], how="semi", maintain_order="left")
    return failed


def payable_again(reissue: Batch, control: Control, lake: Lake, banks: Banks, on: date) -> pl.DataFrame:
    """What a reissue may pay again by that day: the failed payments of the batch that it is a reissue of."""
    return failed_payments(_reissued(reissue, control), control, lake, banks, on)


def why_not_again(batch: Batch, control: Control, lake: Lake, banks: Banks) -> str:
    """Why nothing of a reissue may leave any more, empty when it may: an answer since its claim contradicted a failure (B6).

    Asked before every sending, whoever sends: the first time, again by itself, or on a person's order.
    """
    if not batch.reissue_of or batch.selection is None:
        return ""
    data = lake.get(batch.selection.key)
    assert data is not None, "stored before the batch names it, and never deleted"
    sent = parquet.decode(data).filter(pl.col("outcome") == "sent")
    failed = payable_again(batch, control, lake, banks, date.max)
    gone = sent.join(failed.with_columns(pl.col("attempt") + 1), on=["slot", "key", "attempt"], how="anti").height
    return f"原支付有 {gone} 笔不再是失败（银行答复前后矛盾），补发批次须撤回后重新报送" if gone else ""


def _reissued(batch: Batch, control: Control) -> Batch:
    first = control.read(Batch, *batch_key(batch.reissue_of))
    assert first is not None, "batches are never deleted"
    return first


def _failed_attempts(batch: Batch, lake: Lake, banks: Banks, on: date) -> pl.DataFrame:
    payments = payments_of(batch, lake)
    if batch.settlement is None:
        return payments.clear().with_columns(state=pl.lit(""), reason=pl.lit(""), raw_code=pl.lit(""))
    data = lake.get(batch.settlement.key)
    assert data is not None, "stored before the batch names it, and never deleted"
    assert batch.instruction is not None, "only an instructed batch is settled"
    settled = parquet.decode(data).filter(pl.col("state").is_in(_FAILED))
    if not (enquired := settled.filter(pl.col("failed_by") == "enquired")).is_empty():
        days = timedelta(days=banks.bank(batch.instruction.bank_id).answer_final_after_days)
        recent = [
            message
            for message in enquired["message_id"].unique()
            if (left := last_left(message, lake)) is not None and on < left.astimezone(SHANGHAI).date() + days
        ]
        settled = settled.filter(~((pl.col("failed_by") == "enquired") & pl.col("message_id").is_in(recent)))
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
