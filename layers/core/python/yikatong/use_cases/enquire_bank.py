"""Ask the bank about messages it has not answered: silence is in doubt, and is enquired about, never resent (B2, B3)."""

from yikatong.bank.inbound import parse_inbound
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.ports import Bank, BankSilence, Control, Lake
from yikatong.receipts import keep_receipt
from yikatong.settlement import all_answered
from yikatong.states import SETTLEABLE


def enquire_bank(batch_id: str, *, control: Control, lake: Lake, bank: Bank) -> bool:
    """Ask about every message of the batch unless all is answered; return whether all is answered now."""
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None or batch.instruction is None or batch.state not in SETTLEABLE:
        return True
    if all_answered(batch, lake):
        return True
    for message in batch.instruction.messages:
        ask_about(message, batch, lake, bank)
    return all_answered(batch, lake)


def ask_about(message: str, batch: Batch, lake: Lake, bank: Bank) -> bool:
    """Ask about one message and keep the answer; False when the bank never received it, or says nothing."""
    assert batch.instruction is not None
    try:
        answer = bank.enquire(batch.instruction.bank_id, message)
    except BankSilence:
        return False
    return answer is not None and keep_answer(answer, batch, lake)


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
