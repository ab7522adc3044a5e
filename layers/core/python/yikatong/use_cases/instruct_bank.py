"""Tell the bank: ids and bytes are stored before it sees them; each message leaves at most once (PROTOCOL B1, B2, B6)."""

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
from yikatong.reissues import why_not_again
from yikatong.selection import approved_rows
from yikatong.sent_messages import message_key, put_mark, send_stored
from yikatong.states import SETTLEABLE, BatchState
from yikatong.use_cases.enquire_bank import ask_about


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

    Returns {"messages", "sent", "enquired"}, or None when the batch was taken or withdrawn meanwhile, or is a reissue of a
    payment that no longer counts as failed: then it waits for a person, `carried` says why. A crash at any
    point is repaired by the retry: it uses the stored bytes, and enquires about a message whose sent mark stands,
    instead of sending it again. A batch that was settled with messages still to be handed over gets them handed over.
    """
    batch = _read(batch_id, control)
    why_not = why_not_again(batch, control, lake, banks)
    if batch.state is BatchState.CLAIMED and batch.run_id == run_id:
        if why_not:
            # A Conflict is a withdrawal or another worker of this very step: either way nothing is sent here.
            with suppress(Conflict):
                control.save(batch.changed(carried=why_not))
            return None
        try:
            batch = _store(batch, control, lake, banks, book, settings, secret, now)
        except NotAsApproved:
            # Withdrawn since it was read, its claims are gone; otherwise somebody must look.
            if _read(batch_id, control).state is BatchState.CLAIMED:
                raise
            return None
    if batch.state not in SETTLEABLE:
        return None
    assert batch.instruction is not None, "stored with the state"
    if why_not or (batch.settlement is not None and batch.settlement.complete):
        return {"messages": len(batch.instruction.messages), "sent": 0, "enquired": 0}
    return _hand_over(batch, run_id, lake, bank, banks.bank(batch.instruction.bank_id), now)


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
    selection = _selection(batch, lake)
    _check(batch, selection, lake, control, settings)
    payments = _payments(batch, selection.filter(pl.col("outcome") == "sent"), agent, book, secret)
    # Not the bank's line limit: what is stored is used, though the limit was changed since.
    digest = digest_of("instruct_bank", batch.batch_id, batch.selection.sha256, agent.bank_id)
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
        control.save(batch.moved(BatchState.INSTRUCTED, instruction=instruction, carried=""))
    return _read(batch.batch_id, control)


def _selection(batch: Batch, lake: Lake) -> pl.DataFrame:
    assert batch.selection is not None, "a claimed batch has its selection"
    data = lake.get(batch.selection.key)
    if data is None or sha256_hex(data) != batch.selection.sha256:
        raise NotAsApproved(f"{batch.batch_id}: its selection was altered")
    return parquet.decode(data)


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
        if not rows.join(own, on=["key", "row", "amount_fen", "pay_account", "attempt"], how="anti").is_empty():
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
        pl.Series("end_to_end_id", map(end_to_end_id, ids, sent["attempt"].to_list()), pl.String),
        pl.Series("message_id", messages, pl.String),
        pl.Series("remittance", texts, pl.String),
    )


def _hand_over(batch: Batch, run_id: str, lake: Lake, bank: Bank, agent: BankSettings, now: datetime) -> dict[str, int]:
    assert batch.instruction is not None
    sent = enquired = 0
    bank_id = agent.bank_id
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
        if put_mark(message, mark.encode(), lake):
            try:
                send_stored(message, batch, lake, bank)
            except BankSilence:
                # Whether it arrived is unknown, never failed: the receipts or an enquiry will tell (PROTOCOL B3).
                enquired += 1
                continue
            sent += 1
        else:
            enquired += 1
            ask_about(message, batch, lake, bank, agent, now, may_leave=True)
    return {"messages": len(batch.instruction.messages), "sent": sent, "enquired": enquired}
