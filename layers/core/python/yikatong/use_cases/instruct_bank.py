"""Tell the bank: ids and bytes are stored before it sees them; each message leaves at most once (PROTOCOL B1, B2)."""

import json
from contextlib import suppress
from datetime import datetime

import polars as pl

from yikatong import claims, parquet
from yikatong.bank.pain001 import build_message, message_id, message_plan, remittance
from yikatong.bank.settings import Banks, BankSettings
from yikatong.batches import Batch, Instruction, batch_key
from yikatong.errors import Conflict
from yikatong.manifest import Manifest, manifest_key
from yikatong.payments import digest_of, end_to_end_id, payment_id, sha256_hex, trial_payment_id
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Bank, BankSilence, Control, Lake
from yikatong.selection import approved_rows
from yikatong.states import BatchState
from yikatong.use_cases.enquire_bank import ask_about

FIRST_ATTEMPT = 1


class NotAsApproved(Exception):
    """What would be sent is not a subset of the approved rows, unchanged: the batch stops (DESIGN §2)."""


def instruct_bank(
    batch_id: str,
    run_id: str,
    *,
    control: Control,
    lake: Lake,
    bank: Bank,
    banks: Banks,
    book: PlanBook,
    settings: Settings,
    secret: bytes,
    now: datetime,
) -> dict[str, int] | None:
    """Store the instruction, move the batch to INSTRUCTED, then hand over each message that nobody handed over yet.

    Returns {"messages", "sent", "enquired"}, or None when the batch was taken or withdrawn meanwhile. A crash at any
    point is repaired by the retry: it uses the stored bytes, and enquires about a message whose sent mark stands,
    instead of sending it again.
    """
    batch = _read(batch_id, control)
    if batch.state is BatchState.CLAIMED and batch.run_id == run_id:
        batch = _store(batch, control, lake, banks, book, settings, secret, now)
    if batch.state in (BatchState.SETTLED, BatchState.PUBLISHED):
        return {"messages": 0, "sent": 0, "enquired": 0}
    if batch.state is not BatchState.INSTRUCTED:
        return None
    return _hand_over(batch, run_id, lake, bank, now)


def _read(batch_id: str, control: Control) -> Batch:
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None:
        raise LookupError(batch_id)
    return batch


def _store(
    batch: Batch,
    control: Control,
    lake: Lake,
    banks: Banks,
    book: PlanBook,
    settings: Settings,
    secret: bytes,
    now: datetime,
) -> Batch:
    assert batch.selection is not None
    if batch.mode == Mode.FORMAL and batch.reserved_fen != batch.selection.sent.fen:
        raise NotAsApproved(f"{batch.batch_id}: reserved {batch.reserved_fen}, to send {batch.selection.sent.fen}")
    agent = banks.serving(batch.region)
    data = lake.get(batch.selection.key)
    if data is None or sha256_hex(data) != batch.selection.sha256:
        raise NotAsApproved(f"{batch.batch_id}: its selection was altered")
    selection = parquet.decode(data)
    _check(batch, selection, lake, control, settings)
    payments = _payments(batch, selection.filter(pl.col("outcome") == "sent"), agent, book, secret)
    digest = digest_of("instruct_bank", batch.batch_id, batch.selection.sha256, agent.bank_id, agent.max_lines)
    key = f"instructions/{batch.batch_id}/payments.parquet"
    stored = lake.put_once(key, parquet.encode(payments), digest).data
    payments = parquet.decode(stored)
    messages = payments["message_id"].unique(maintain_order=True).to_list()
    for message in messages:
        lines = payments.filter(pl.col("message_id") == message)
        body = build_message(lines, message, now, banks.debtor(batch.region), now.date(), batch.mode == Mode.TRIAL)
        lake.put_once(message_key(batch.batch_id, message), body, digest_of(digest, message))
    instruction = Instruction(
        bank_id=agent.bank_id,
        payments_key=key,
        sha256=sha256_hex(stored),
        messages=tuple(messages),
        instructed_at=now.isoformat(),
    )
    # A Conflict is a withdrawal, another run, or this very write whose answer was lost: what is stored decides.
    with suppress(Conflict):
        control.save(batch.moved(BatchState.INSTRUCTED, instruction=instruction))
    return _read(batch.batch_id, control)


def _check(batch: Batch, selection: pl.DataFrame, lake: Lake, control: Control, settings: Settings) -> None:
    """Immediately before sending: sent + held + not sent = approved, to the fen, unchanged; and every sent row claimed."""
    same = ["row", "beneficiary_id", "payee_id", "payee_name", "slot", "amount_fen"]
    approved = approved_rows(batch, lake)
    if not selection.select(same).sort(same).equals(approved.select(same).sort(same)):
        raise NotAsApproved(f"{batch.batch_id}: the selection is not the approved rows")
    if not selection.filter((pl.col("outcome") != "sent") & (pl.col("reason") == "")).is_empty():
        raise NotAsApproved(f"{batch.batch_id}: a row is left out without a reason")
    if batch.mode == Mode.TRIAL:
        return
    group = settings.for_subsidy(batch.code).claim_group
    sent = selection.filter(pl.col("outcome") == "sent")
    for slot in sent["slot"].unique().to_list():
        manifest = control.read(Manifest, *manifest_key(group, slot))
        standing = claims.read_claims(manifest, lake.get) if manifest else pl.DataFrame(schema=claims.CLAIM_COLUMNS)
        own = standing.filter(pl.col("batch_id") == batch.batch_id)
        rows = sent.filter(pl.col("slot") == slot)
        if not rows.join(own, on=["key", "row", "amount_fen", "pay_account"], how="anti").is_empty():
            raise NotAsApproved(f"{batch.batch_id}: a row of {slot} would be sent without its claim")


def _payments(batch: Batch, sent: pl.DataFrame, agent: BankSettings, book: PlanBook, secret: bytes) -> pl.DataFrame:
    """One row per payment with its ids, in (slot, key) order, split into messages by the bank's limit."""
    trial = batch.mode == Mode.TRIAL
    sent = sent.sort("slot", "key", "row")
    pairs = zip(sent["slot"].to_list(), sent["key"].to_list(), strict=True)
    if trial:
        ids = [trial_payment_id(secret, batch.code, slot, key, batch.batch_id) for slot, key in pairs]
    else:
        ids = [payment_id(secret, batch.code, slot, key) for slot, key in pairs]
    plan = message_plan(sent.height, agent.max_lines)
    messages = [message_id(batch.digest, n, trial) for n, (_, length) in enumerate(plan, 1) for _ in range(length)]
    subsidy = book.by_code(batch.plan_year, batch.code)
    texts = [remittance(subsidy.name, slot) for slot in sent["slot"].to_list()]
    return sent.drop("outcome", "reason").with_columns(
        sent["reason"].eq("card_financial_inactive").not_().alias("activated"),
        pl.Series("payment_id", ids, pl.String),
        pl.lit(FIRST_ATTEMPT, pl.Int32).alias("attempt"),
        pl.Series("end_to_end_id", [end_to_end_id(one, FIRST_ATTEMPT) for one in ids], pl.String),
        pl.Series("message_id", messages, pl.String),
        pl.Series("remittance", texts, pl.String),
    )


def _hand_over(batch: Batch, run_id: str, lake: Lake, bank: Bank, now: datetime) -> dict[str, int]:
    assert batch.instruction is not None
    sent = enquired = 0
    bank_id = batch.instruction.bank_id
    bank.prepare(bank_id)
    for message in batch.instruction.messages:
        mark = json.dumps(
            {
                "batch_id": batch.batch_id,
                "bank_id": bank_id,
                "mode": batch.mode,
                "run_id": run_id,
                "at": now.isoformat(),
            }
        )
        created = lake.put_once(sent_key(message), mark.encode(), digest_of("sent", message)).created
        if created:
            body = lake.get(message_key(batch.batch_id, message))
            assert body is not None, "a message is stored before its batch says INSTRUCTED"
            try:
                bank.send(bank_id, body, trial=batch.mode == Mode.TRIAL)
            except BankSilence:
                # Whether it arrived is unknown, never failed: the receipts or an enquiry will tell (PROTOCOL B3).
                enquired += 1
                continue
            sent += 1
        else:
            enquired += 1
            ask_about(message, batch, lake, bank)
    return {"messages": len(batch.instruction.messages), "sent": sent, "enquired": enquired}


def message_key(batch_id: str, message: str) -> str:
    return f"instructions/{batch_id}/{message}.xml"


def sent_key(message: str) -> str:
    return f"sent/{message}"


def resent_key(message: str, attempt: int | None) -> str:
    """Where a person's order to send once more is noted; without `attempt`, the prefix of all of them."""
    return f"sent-again/{message}/" + ("" if attempt is None else f"{attempt}")
