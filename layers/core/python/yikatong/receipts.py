"""What the bank said about a batch, kept once per distinct file, and what can be believed of it.

A receipt is stored before anything is derived from it (PROTOCOL B4). What cannot be believed stays out of every
settlement: another message's lines, unknown end-to-end ids, amounts that are not ours, totals that are not the message's.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from yikatong.bank.camt054 import Returns
from yikatong.bank.inbound import parse_inbound
from yikatong.bank.pain002 import Receipt
from yikatong.batches import Batch
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Lake

Channel = Literal["delivered", "enquired"]

STATEMENTS = {
    "end_to_end_id": pl.String,
    "kind": pl.String,
    "amount_fen": pl.Int64,
    "reason": pl.String,
    "raw_code": pl.String,
    "on": pl.Date,
}
"""What the bank stated about one payment: `kind` is settled, rejected or returned."""


@dataclass(frozen=True)
class Reading:
    """The believable statements of one file, and what was wrong with the rest, in words without personal data."""

    statements: pl.DataFrame
    poison: tuple[str, ...] = ()


def receipts_prefix(batch_id: str) -> str:
    return f"receipts/{batch_id}/"


def keep_receipt(data: bytes, batch: Batch, lake: Lake, channel: Channel) -> str:
    """Store the bank's bytes under their own hash: the same file again is the same object. Returns its key."""
    digest = sha256_hex(data)
    key = f"{receipts_prefix(batch.batch_id)}{channel}-{digest}.xml"
    lake.put_once(key, data, digest_of("keep_receipt", digest))
    return key


def source_of(key: str) -> str:
    """The name of a kept file: how it came, and its hash."""
    return key.rsplit("/", 1)[1]


def channel_of(source: str) -> Channel:
    """How a kept file came, from its name."""
    return "enquired" if source.startswith("enquired-") else "delivered"


def messages_named(data: bytes) -> set[str]:
    """The messages that a kept file speaks of, whatever it says of their payments."""
    message = parse_inbound(data)
    if isinstance(message, Receipt):
        return {message.message_id}
    return set(message.lines["message_id"].drop_nulls())


def read_receipt(data: bytes, payments: pl.DataFrame) -> Reading:
    """Read one file against the batch's payments (`end_to_end_id`, `amount_fen`, `message_id`).

    Raises `Refusal` when the file as a whole is not a bank message we agreed on.
    """
    message = parse_inbound(data)
    return _of_returns(message, payments) if isinstance(message, Returns) else _of_receipt(message, payments)


def _of_receipt(receipt: Receipt, payments: pl.DataFrame) -> Reading:
    ours = payments.filter(pl.col("message_id") == receipt.message_id)
    nothing = pl.DataFrame(schema=STATEMENTS)
    if ours.is_empty():
        return Reading(nothing, (f"回执所指的报文 {receipt.message_id} 不是本批次的",))
    if receipt.original_sum_fen not in (None, int(ours["amount_fen"].sum())):
        return Reading(nothing, (f"回执所载报文 {receipt.message_id} 的总金额与我方不符",))
    if receipt.original_count not in (None, ours.height):
        return Reading(nothing, (f"回执所载报文 {receipt.message_id} 的总笔数与我方不符",))
    lines = receipt.lines.filter(pl.col("status") != "pending").select(
        "end_to_end_id",
        pl.col("status").alias("kind"),
        "amount_fen",
        "reason",
        "raw_code",
        pl.col("settled_on").alias("on"),
    )
    if receipt.unnamed_lines in ("settled", "rejected"):
        unnamed = ours.join(receipt.lines, on="end_to_end_id", how="anti").select(
            "end_to_end_id",
            pl.lit(receipt.unnamed_lines).alias("kind"),
            "amount_fen",
            pl.lit(receipt.group_reason, pl.String).alias("reason"),
            pl.lit(receipt.group_raw_code, pl.String).alias("raw_code"),
            pl.lit(None, pl.Date).alias("on"),
        )
        lines = pl.concat([lines, unnamed])
    return _believable(lines, ours)


def _of_returns(returns: Returns, payments: pl.DataFrame) -> Reading:
    """One notification may tell of several batches; the lines that name other batches' messages are theirs to read."""
    named = pl.col("message_id").is_in(payments["message_id"].unique().implode())
    lines = returns.lines.filter(named).select(
        "end_to_end_id",
        pl.lit("returned").alias("kind"),
        "amount_fen",
        "reason",
        "raw_code",
        pl.col("returned_on").alias("on"),
    )
    return _believable(lines, payments)


def _believable(lines: pl.DataFrame, ours: pl.DataFrame) -> Reading:
    joined = lines.join(
        ours.select("end_to_end_id", pl.col("amount_fen").alias("our_fen")), on="end_to_end_id", how="left"
    )
    unknown = joined.filter(pl.col("our_fen").is_null())
    wrong = joined.filter(pl.col("amount_fen") != pl.col("our_fen"))
    # An amount the bank does not repeat is no contradiction.
    statements = joined.filter(
        pl.col("our_fen").is_not_null() & (pl.col("amount_fen").is_null() | (pl.col("amount_fen") == pl.col("our_fen")))
    )
    poison = [f"支付号 {one} 不属于该报文" for one in unknown["end_to_end_id"].head(20)]
    poison += [f"支付号 {one} 的金额与指令不符" for one in wrong["end_to_end_id"].head(20)]
    return Reading(statements.select(pl.col(name).cast(kind) for name, kind in STATEMENTS.items()), tuple(poison))
