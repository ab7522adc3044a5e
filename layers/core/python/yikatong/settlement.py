"""Settlement: what became of each payment, folded from everything the bank ever stated (DESIGN §3, PROTOCOL B6).

A pure function of the payments and the sets of kept receipts and rulings, in whatever order and however often they came:
so a late or repeated receipt needs no rule of its own, and a settlement can be recomputed by anyone from the evidence.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import polars as pl

from yikatong import parquet
from yikatong.batches import Batch, Settlement, Tally
from yikatong.payments import digest_of, sha256_hex, sorted_digest
from yikatong.ports import Lake
from yikatong.receipts import STATEMENTS, channel_of, messages_named, read_receipt, receipts_prefix, source_of
from yikatong.rulings import RULED, Ruling, last_rulings, rulings_prefix
from yikatong.states import FINAL_PAYMENT, PaymentState


class AlteredInstruction(Exception):
    """The payments file is missing or differs from what the batch instructed: nothing can be settled from it."""


def payments_of(batch: Batch, lake: Lake) -> pl.DataFrame:
    """The payments the bank was told of; raises `AlteredInstruction` when the bytes are not those instructed."""
    assert batch.instruction is not None
    data = lake.get(batch.instruction.payments_key)
    if data is None or sha256_hex(data) != batch.instruction.sha256:
        raise AlteredInstruction(batch.batch_id)
    return parquet.decode(data)


KEPT_STATEMENTS = {**STATEMENTS, "channel": pl.String, "source": pl.String}
"""Statements with the way they came (`delivered` in a file of the bank's own, or `enquired`) and the file's name."""


def fold(
    payments: pl.DataFrame, statements: pl.DataFrame, rulings: Mapping[str, Ruling] = MappingProxyType({})
) -> pl.DataFrame:
    """One row per payment with its state, reason and dates; `statements` as `KEPT_STATEMENTS`, `rulings` by payment.

    Credited and rejected both stated: FROZEN, whatever the order. Returned presumes credited. Nothing stated: IN_DOUBT.
    Where a person ruled which word is true, the contrary ones that they knew of do not count; where the bank never said
    anything, the ruling is what is said.
    `failed_by` says whether a rejection or return was `delivered` or is known by enquiry only (PROTOCOL B5).
    """
    failing = pl.col("kind") != "settled"
    kinds = (
        _believed(statements, rulings)
        .group_by("end_to_end_id")
        .agg(
            settled=(pl.col("kind") == "settled").any(),
            rejected=(pl.col("kind") == "rejected").any(),
            returned=(pl.col("kind") == "returned").any(),
            settled_on=pl.col("on").filter(pl.col("kind") == "settled").min(),
            returned_on=pl.col("on").filter(pl.col("kind") == "returned").min(),
            reason=pl.col("reason").filter(failing).drop_nulls().sort().first(),
            raw_code=pl.col("raw_code").filter(failing).drop_nulls().sort().first(),
            failed_by=pl.col("channel").filter(failing).sort().first(),
        )
    )
    said = {word: [payment for payment, ruling in rulings.items() if ruling.ruled == word] for word in RULED}
    credited = pl.col("settled") | pl.col("returned")
    state = (
        pl.when(credited & pl.col("rejected"))
        .then(pl.lit(PaymentState.FROZEN.value))
        .when(pl.col("returned"))
        .then(pl.lit(PaymentState.RETURNED.value))
        .when(pl.col("settled"))
        .then(pl.lit(PaymentState.SETTLED.value))
        .when(pl.col("rejected"))
        .then(pl.lit(PaymentState.REJECTED.value))
        .otherwise(pl.lit(PaymentState.IN_DOUBT.value))
    )
    columns = ["row", "payment_id", "attempt", "end_to_end_id", "message_id", "slot", "amount_fen"]
    return (
        payments.select(columns)
        .join(kinds, on="end_to_end_id", how="left", maintain_order="left")
        .with_columns(pl.col("settled", "rejected", "returned").fill_null(False))
        .with_columns(
            pl.col("settled") | pl.col("end_to_end_id").is_in(said["settled"]),
            pl.col("rejected") | pl.col("end_to_end_id").is_in(said["rejected"]),
        )
        .with_columns(state=state)
        .select(*columns, "state", "reason", "raw_code", "settled_on", "returned_on", "failed_by")
    )


def _believed(statements: pl.DataFrame, rulings: Mapping[str, Ruling]) -> pl.DataFrame:
    """The statements without those that a ruling says are untrue: of a settled payment that it was rejected, or of a
    rejected one that it was credited or came back. What the bank said since, nobody has ruled on."""
    untrue = pl.lit(False)
    for payment, ruling in rulings.items():
        is_rejection = pl.col("kind") == "rejected"
        contrary = is_rejection if ruling.ruled == "settled" else ~is_rejection
        untrue |= (pl.col("end_to_end_id") == payment) & contrary & pl.col("source").is_in(ruling.heard)
    return statements.filter(~untrue) if rulings else statements


def statements_of(keys: Sequence[str], payments: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    """Every believable statement of these kept receipts."""
    frames = [pl.DataFrame(schema=KEPT_STATEMENTS)]
    for key in keys:
        data = lake.get(key)
        assert data is not None, "nobody deletes receipts (PROTOCOL O1)"
        statements = read_receipt(data, payments).statements
        source = source_of(key)
        frames.append(
            statements.with_columns(channel=pl.lit(channel_of(source), pl.String), source=pl.lit(source, pl.String))
        )
    return pl.concat(frames)


def is_spoken_of(message: str, batch: Batch, lake: Lake) -> bool:
    """Whether a kept file of the bank, or a ruling, speaks of this message: it must never leave again.

    The bank has received it then, whatever it says of it now; or a person has said what became of it.
    """
    for key in lake.keys(receipts_prefix(batch.batch_id)):
        data = lake.get(key)
        assert data is not None, "nobody deletes receipts (PROTOCOL O1)"
        if message in messages_named(data):
            return True
    ruled = last_rulings(lake.keys(rulings_prefix(batch.batch_id)), lake)
    own = payments_of(batch, lake).filter(pl.col("message_id") == message)
    return bool(own["end_to_end_id"].is_in(list(ruled)).any())


def all_answered(batch: Batch, lake: Lake) -> bool:
    """Whether the bank's final word on every payment of the batch is here."""
    payments = payments_of(batch, lake)
    statements = statements_of(lake.keys(receipts_prefix(batch.batch_id)), payments, lake)
    states = fold(payments, statements)["state"]
    return bool(states.is_in([state.value for state in FINAL_PAYMENT]).all())


def evidence_digest(batch: Batch, keys: Sequence[str]) -> str:
    """Names the settlement that these receipts and rulings come to."""
    assert batch.instruction is not None, "only an instructed batch is settled"
    return digest_of("settle_batch", batch.batch_id, batch.instruction.sha256, sorted_digest(keys))


def settle(batch: Batch, lake: Lake) -> Settlement:
    """Fold and store the batch's next settlement; the same receipts give the same object. The caller commits it."""
    assert batch.instruction is not None
    keys = lake.keys(receipts_prefix(batch.batch_id))
    ruled = lake.keys(rulings_prefix(batch.batch_id))
    digest = evidence_digest(batch, [*keys, *ruled])
    if batch.settlement is not None and batch.settlement.digest == digest:
        return batch.settlement
    payments = payments_of(batch, lake)
    folded = fold(payments, statements_of(keys, payments, lake), last_rulings(ruled, lake))
    seq = 1 if batch.settlement is None else batch.settlement.seq + 1
    key = f"settlements/{batch.batch_id}/{seq}-{digest[:16]}.parquet"
    stored = lake.put_once(key, parquet.encode(folded), digest).data

    def of(*states: PaymentState) -> Tally:
        rows = folded.filter(pl.col("state").is_in([state.value for state in states]))
        return Tally(count=rows.height, fen=int(rows["amount_fen"].sum()))

    return Settlement(
        seq=seq,
        key=key,
        digest=digest,
        sha256=sha256_hex(stored),
        settled=of(PaymentState.SETTLED, PaymentState.RETURNED),
        rejected=of(PaymentState.REJECTED),
        in_doubt=of(PaymentState.IN_DOUBT, PaymentState.FROZEN),
        returned=of(PaymentState.RETURNED),
        frozen=of(PaymentState.FROZEN),
    )
