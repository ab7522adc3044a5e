"""A person orders stored bytes to be sent once more, after the bank has said that it never received them (PROTOCOL B3)."""

import json
from datetime import datetime

from yikatong.bank.settings import Banks
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.payments import digest_of
from yikatong.ports import Bank, BankSilence, Lake, Workflow
from yikatong.reissues import why_not_again
from yikatong.sent_messages import note_resend, seconds_under_way, send_stored, sent_key
from yikatong.settlement import is_spoken_of
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
    if is_spoken_of(message_id, batch, lake):
        raise Refusal(
            "银行对这份报文已有答复（或已有裁定），不能再发；仍未答复的支付，请向银行查实后裁定。", "conflict"
        )
    if why_not := why_not_again(batch, reach.control, lake, banks):
        raise Refusal(f"不能再发：{why_not}。", "conflict")
    deadline_s = banks.bank(batch.instruction.bank_id).message_deadline_s
    attempt = _next_attempt(message_id, ordered_by, deadline_s, lake, now)
    note = json.dumps({"ordered_by": ordered_by, "at": now.isoformat(), "batch_id": batch.batch_id})
    if not note_resend(message_id, attempt, note.encode(), lake):
        raise Refusal("另一个人刚刚下达了同一重发指令。", "conflict")
    if is_spoken_of(message_id, batch, lake):
        # While this order was on its way; its note keeps everybody else waiting for a while, and that is all.
        raise Refusal("这份报文刚刚有了答复或裁定，不再发送。", "conflict")
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
    """The number of the next resend; refused while an earlier hand-over may still be under way."""
    order = digest_of(ordered_by, now.isoformat())[:16]
    left_s, resent = seconds_under_way(message_id, order, deadline_s, lake)
    if left_s > 0:
        raise Refusal(f"上一次发送可能仍在途中，请 {left_s} 秒后再试。", "too_early")
    return resent + 1
