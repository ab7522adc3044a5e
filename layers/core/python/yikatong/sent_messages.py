"""Messages on their way: stored bytes, the mark put before they first leave, and a note for every time they leave again.

Only the creator of a mark or note sends (PROTOCOL B2). Nobody deletes any of them.
"""

from yikatong.batches import Batch
from yikatong.payments import digest_of
from yikatong.plan import Mode
from yikatong.ports import Bank, Lake


def message_key(batch_id: str, message: str) -> str:
    return f"instructions/{batch_id}/{message}.xml"


def sent_key(message: str) -> str:
    return f"sent/{message}"


def resent_prefix(message: str) -> str:
    return f"sent-again/{message}/"


def asked_key(message: str, order: str) -> str:
    """Where a person's wish to send once more is noted, granted or not; the store dates it."""
    return f"asked/{message}/{order}"


def note_resend(message: str, attempt: int, note: bytes, lake: Lake) -> bool:
    """Note that the message leaves once more, for the `attempt`-th time; False when somebody else has noted it."""
    key = f"{resent_prefix(message)}{attempt}"
    return lake.put_once(key, note, digest_of("resend", key)).created


def send_stored(message: str, batch: Batch, lake: Lake, bank: Bank) -> None:
    """Send the stored bytes as they are; raises `BankSilence`."""
    assert batch.instruction is not None, "only an instructed batch is sent"
    body = lake.get(message_key(batch.batch_id, message))
    assert body is not None, "a message is stored before its batch says INSTRUCTED"
    bank.send(batch.instruction.bank_id, body, trial=batch.mode == Mode.TRIAL)
