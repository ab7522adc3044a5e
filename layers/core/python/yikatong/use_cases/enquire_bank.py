"""Ask the bank about messages it has not answered: silence is in doubt, and is enquired about (PROTOCOL B2, B3).

A message that the bank says it never received is sent again only to a bank that declares message-id deduplication, which
pays it once though the first copy still arrives. Any other bank waits for a person (`resend_message`).
"""

import json
from datetime import datetime

from yikatong.bank.inbound import parse_inbound
from yikatong.bank.settings import Banks, BankSettings
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.ports import Bank, BankSilence, Control, Lake
from yikatong.receipts import keep_receipt
from yikatong.reissues import why_not_again
from yikatong.sent_messages import note_resend, resent_prefix, send_stored, sent_key
from yikatong.settlement import all_answered, is_spoken_of
from yikatong.states import SETTLEABLE

MOST_RESENT = 5
"""How often a message is sent again by itself; a bank that loses every copy is a person's business."""


def enquire_bank(batch_id: str, *, control: Control, lake: Lake, bank: Bank, banks: Banks, now: datetime) -> bool:
    """Ask about every message of the batch unless all is answered; return whether all is answered now."""
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None or batch.instruction is None or batch.state not in SETTLEABLE:
        return True
    if all_answered(batch, lake):
        return True
    agent = banks.bank(batch.instruction.bank_id)
    may_leave = agent.deduplicates and not why_not_again(batch, control, lake, banks)
    for message in batch.instruction.messages:
        ask_about(message, batch, lake, bank, agent, now, may_leave=may_leave)
    return all_answered(batch, lake)


def ask_about(
    message: str, batch: Batch, lake: Lake, bank: Bank, agent: BankSettings, now: datetime, *, may_leave: bool
) -> None:
    """Ask about one message and keep the answer; one the bank never received may be sent again (see above), if anything of
    its batch still may (PROTOCOL B6)."""
    try:
        answer = bank.enquire(agent.bank_id, message)
        if answer is not None:
            keep_answer(answer, batch, lake)
        elif agent.deduplicates and may_leave and lake.get(sent_key(message)) is not None:
            _send_again(message, batch, lake, bank, now)
    except BankSilence:
        # What happened stays unknown; the next enquiry, a receipt or a person will tell.
        return


def _send_again(message: str, batch: Batch, lake: Lake, bank: Bank, now: datetime) -> None:
    """Unless it was ever spoken of: a bank that has answered and now knows nothing of it has only forgotten.

    Its number is taken before that is looked at: who closes the message with a ruling needs the same one.
    """
    attempt = len(lake.keys(resent_prefix(message))) + 1
    if attempt > MOST_RESENT or is_spoken_of(message, batch, lake):
        return
    note = json.dumps({"ordered_by": "enquire_bank", "at": now.isoformat(), "batch_id": batch.batch_id}).encode()
    if note_resend(message, attempt, note, lake):
        send_stored(message, batch, lake, bank)


def keep_answer(answer: bytes, batch: Batch, lake: Lake) -> bool:
    """Keep what the bank answered to an enquiry; False, and nothing kept, when nobody can read it.

    Such an answer is none: what is kept is never deleted, and every settlement reads all of it.
    """
    try:
        parse_inbound(answer)
    except Refusal:
        return False
    keep_receipt(answer, batch, lake, "enquired")
    return True
