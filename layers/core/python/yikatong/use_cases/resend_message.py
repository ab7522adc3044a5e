"""A person orders stored bytes to be sent once more, after the bank has said that it never received them (PROTOCOL B3)."""

import json
from datetime import datetime

from yikatong.bank.settings import Banks
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.payments import digest_of
from yikatong.ports import Bank, BankSilence, Lake, Workflow
from yikatong.sent_messages import asked_key, note_resend, resent_prefix, send_stored, sent_key
from yikatong.states import SETTLEABLE
from yikatong.use_cases.enquire_bank import keep_answer
from yikatong.use_cases.publish_records import Reach
from yikatong.use_cases.receive_receipt import take_effect


def resend_message(
    message_id: str, ordered_by: str, reach: Reach, *, workflow: Workflow, bank: Bank, banks: Banks, now: datetime
) -> str:
    """Send the same stored bytes once. Returns `answered` when the enquiry found an answer instead, or `sent`, or `silent`.

    The answer takes effect at once: the run may have ended long ago, and nobody else would look (PROTOCOL B4).

    Refused unless the bank says now that it never received the message, and the deadline after which no worker and no
    message can still be under way has passed since it was last handed over.
    """
    lake = reach.lake
    mark = lake.get(sent_key(message_id))
    if mark is None:
        raise Refusal(f"没有发出过报文 {message_id}。", "not_found")
    sent = json.loads(mark)
    batch = reach.control.read(Batch, *batch_key(sent["batch_id"]))
    assert batch is not None, "a sent mark names its batch"
    if batch.instruction is None or batch.state not in SETTLEABLE:
        raise Refusal("批次还没有向银行发出指令。", "conflict")
    bank.prepare(batch.instruction.bank_id)
    no_word = Refusal("银行目前没有答复查询，无法确认它是否收到过报文，请稍后再试。", "bank_silent")
    try:
        answer = bank.enquire(batch.instruction.bank_id, message_id)
    except BankSilence:
        raise no_word from None
    if answer is not None:
        if not keep_answer(answer, batch, lake):
            raise no_word
        take_effect(batch.batch_id, reach, workflow)
        return "answered"
    deadline_s = banks.bank(batch.instruction.bank_id).message_deadline_s
    attempt = _next_attempt(message_id, ordered_by, deadline_s, lake, now)
    note = json.dumps({"ordered_by": ordered_by, "at": now.isoformat(), "batch_id": batch.batch_id})
    if not note_resend(message_id, attempt, note.encode(), lake):
        raise Refusal("另一个人刚刚下达了同一重发指令。", "conflict")
    try:
        send_stored(message_id, batch, lake, bank)
    except BankSilence:
        return "silent"
    return "sent"


def resend_or_say_why(
    message_id: str, ordered_by: str, reach: Reach, *, workflow: Workflow, bank: Bank, banks: Banks, now: datetime
) -> dict[str, str]:
    """As `resend_message`, for a caller in another process: {"outcome"}, or {"outcome": "refused", "code", "detail"}."""
    try:
        outcome = resend_message(message_id, ordered_by, reach, workflow=workflow, bank=bank, banks=banks, now=now)
    except Refusal as refusal:
        return {"outcome": "refused", "code": refusal.code, "detail": refusal.message}
    return {"outcome": outcome}


def _next_attempt(message_id: str, ordered_by: str, deadline_s: int, lake: Lake, now: datetime) -> int:
    """The number of the next resend; refused while an earlier hand-over may still be under way.

    Both times are the store's: a worker whose clock is a day behind would have marked its message as a day old, and this
    order would send a second copy while the first is still on the wire.
    """
    order = digest_of(ordered_by, now.isoformat())[:16]
    asked = asked_key(message_id, order)
    lake.put_once(asked, ordered_by.encode(), digest_of("asked", asked))
    notes = lake.keys(resent_prefix(message_id))
    asked_at, *handed_over = (lake.stored_at(key) for key in (asked, sent_key(message_id), *notes))
    assert asked_at is not None, "put just now"
    last = max(at for at in handed_over if at is not None)
    left_s = deadline_s - (asked_at - last).total_seconds()
    if left_s > 0:
        raise Refusal(f"上一次发送可能仍在途中，请 {int(left_s) + 1} 秒后再试。", "too_early")
    return len(notes) + 1
