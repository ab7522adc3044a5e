"""Messages on their way: stored bytes, the mark put before they first leave, and a note for every time they leave again.

Only the creator of a mark or note sends (PROTOCOL B2). Nobody deletes any of them.
"""

import json
from collections.abc import Iterable
from datetime import datetime

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


def last_left(message: str, lake: Lake) -> datetime | None:
    """When it was last handed over, or was about to be, by the store's clock; None where it never was."""
    return _latest((sent_key(message), *lake.keys(resent_prefix(message))), lake)


def _latest(keys: Iterable[str], lake: Lake) -> datetime | None:
    return max((at for key in keys if (at := lake.stored_at(key)) is not None), default=None)


def seconds_under_way(message: str, order: str, deadline_s: int, lake: Lake) -> tuple[int, int]:
    """How long its last hand-over may still be under way, by the store's clock (0 when it can be no more), and how often it
    had left again by then: whoever sends next notes the number after that, or comes too late.

    `order` names who asks and when: it is noted, and the store dates the note. Both times are the store's, since a worker
    whose clock is a day behind marks its message as a day old while it is still on the wire.
    """
    asked = asked_key(message, order)
    lake.put_once(asked, order.encode(), digest_of("asked", asked))
    notes = lake.keys(resent_prefix(message))
    asked_at, last = lake.stored_at(asked), _latest((sent_key(message), *notes), lake)
    assert asked_at is not None, "put just now"
    # One second more: the store's dates are whole seconds, rounded down.
    left_s = 0 if last is None else deadline_s + 1 - int((asked_at - last).total_seconds())
    return max(0, left_s), len(notes)


def put_mark(message: str, mark: bytes, lake: Lake) -> bool:
    """Put the message's sent mark; only who gets True may hand it over, or may say that it never will be."""
    return lake.put_once(sent_key(message), mark, digest_of("sent", message)).created


def never_left(message: str, lake: Lake) -> bool:
    """Whether nobody has handed it over: it has no sent mark, or one that a ruling put, so that it never would."""
    mark = lake.get(sent_key(message))
    return mark is None or "never" in json.loads(mark)


def is_closed(message: str, lake: Lake) -> bool:
    """Whether a ruling has taken the number of its next sending: nothing of it is under way or ever will be."""
    notes = (lake.get(key) for key in lake.keys(resent_prefix(message)))
    return any("never" in json.loads(note) for note in notes if note is not None)


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
