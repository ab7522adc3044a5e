"""Exchanging the key of the public records (换键): what is known of it, and when the next step is safe.

A person's records stand under an HMAC key (`yikatong.records`). To exchange the old key for a new one without a moment
in which somebody finds nothing, or finds things twice, the secret changes three times, and after each change everybody
must know it before anything rests on it:

1. `{"read": old, "also_write": new}`: whatever is published from now on stands under both. Then everything published
   before is written under the new key too.
2. `{"read": new, "also_write": old}`: people are answered under the new key, where everything stands. A function that does not
   know yet answers under the old one, where everything stands as well.
3. `{"read": new}`: nobody reads or writes the old key any more. Then its records are removed.

Until step 3 one may go back, and nobody notices. An answer is always read under one key alone.
"""

from datetime import datetime, timedelta

from yikatong.ports import Stored
from yikatong.records import RecordKeys

KEYS_AGE_S = 300
"""How long a function may go on with keys it has read: it reads the secret again afterwards."""
EVERYBODY_KNOWS_S = 1800
"""After this time nobody acts on former keys: a function that had just read them (`KEYS_AGE_S`) may run for 900 s with them
in hand; the rest is for clocks that differ and requests on their way."""
WORKER_S = 960
"""One worker at a time: a function is killed after 900 s, and only then is its place free without its word."""


class Rekeying(Stored):
    """What is known of the keys, by their marks, and how far the work has come. There is one."""

    read_mark: str
    also_mark: str = ""
    since: str
    """When a function first saw these keys in the secret."""
    whole: tuple[str, ...]
    """The keys under which every record stands, and goes on being written."""
    former: tuple[str, ...] = ()
    """The keys that once stood in the secret and no longer do. Only their records are ever removed."""
    rekeyed: str = ""
    """The last key that everything was written under: what bears no mark at all is older."""
    cleared: str = ""
    """The key that is read, once former keys' records are gone."""
    done_until: str = ""
    """The last batch whose records stand under the key that is being written; batches are taken in the order of their ids."""
    part: str = ""
    """`{batch_id}#{seq}` of the batch that is being worked on, of which `part_rows` outcomes are written."""
    part_rows: int = 0
    batches: int = 0
    written: int = 0
    removed_until: tuple[str, str] | None = None
    """The last record that was looked at while old ones are removed."""
    removed: int = 0
    worker_until: str = ""
    """Until when a worker may still be at it; empty when none is."""
    ordered_by: str = ""
    reason: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """Of the keys that records are written under."""
        return (self.read_mark, self.also_mark) if self.also_mark else (self.read_mark,)

    @property
    def target(self) -> str:
        """The key under which something is still missing; empty when nothing is."""
        return next((mark for mark in reversed(self.marks) if mark not in self.whole), "")

    @property
    def known_from(self) -> datetime:
        """From when on everybody acts on these keys."""
        return datetime.fromisoformat(self.since) + timedelta(seconds=EVERYBODY_KNOWS_S)

    def is_old(self, mark: str) -> bool:
        """Whether a record with that mark is a former key's, once only one key is left. Those of before there were marks are."""
        return mark in self.former if mark else self.rekeyed == self.read_mark

    def is_worked_on(self, now: datetime) -> bool:
        return bool(self.worker_until) and now < datetime.fromisoformat(self.worker_until)

    def after_look(self, keys: RecordKeys, now: datetime) -> "Rekeying":
        """The same if the secret still holds these keys; else what follows from the new ones, with all work begun anew."""
        marks = tuple(keys.written)
        if marks == self.marks:
            return self
        return self.model_copy(
            update={
                "read_mark": marks[0],
                "also_mark": marks[1] if len(marks) > 1 else "",
                "since": now.isoformat(timespec="seconds"),
                # A key that is no longer written under misses what is published meanwhile, even if it comes back.
                "whole": tuple(mark for mark in self.whole if mark in marks),
                "former": tuple(mark for mark in dict.fromkeys((*self.former, *self.marks)) if mark not in marks),
                "cleared": "",
                "done_until": "",
                "part": "",
                "part_rows": 0,
                "batches": 0,
                "written": 0,
                "removed_until": None,
                "removed": 0,
            }
        )


def rekeying_key() -> tuple[str, str]:
    return "RECORDS", "KEYS"


def first_look(keys: RecordKeys, now: datetime) -> Rekeying:
    """Before any key was ever exchanged, everything stands under the one that is read."""
    pk, sk = rekeying_key()
    marks = tuple(keys.written)
    return Rekeying(
        pk=pk,
        sk=sk,
        read_mark=marks[0],
        also_mark=marks[1] if len(marks) > 1 else "",
        since=now.isoformat(timespec="seconds"),
        whole=marks[:1],
    )


def advice(state: Rekeying, now: datetime) -> str:
    """What the operator does next, in Chinese."""
    if state.read_mark not in state.whole:
        return "正在读取的密钥下记录不全：请立即把 read 换回原来的密钥"
    if state.is_worked_on(now):
        return "正在进行，请稍后再看"
    if not (state.also_mark or state.former or state.rekeyed):
        return "只用一个键，没有更换过"
    if now < state.known_from:
        return f"密钥刚刚更换：等到 {state.known_from:%H:%M} 各函数都已知道，再下令"
    if state.target:
        return "下令补写：yikatong records rekey"
    if state.also_mark and state.rekeyed == state.also_mark:
        return "新键下已写全：可以把 read 与 also_write 对调"
    if state.also_mark:
        return "两个键下都是全的：可以把 also_write 去掉，只留 read"
    if state.cleared == state.read_mark:
        return "只用一个键，旧键的记录已清除"
    if not state.rekeyed:
        return "只用一个键，没有写全过别的键，无须清除"
    return "可以下令清除旧键的记录：yikatong records remove-old"
