"""What the use cases need from outside, as Protocols. `yikatong.aws` and the tests' in-memory fakes implement them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict


class Stored(BaseModel):
    """An item of the control table. `version` counts its writes; 0 means it has not been written yet.

    Unknown attributes are kept, so that two code versions can share the table.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    pk: str
    sk: str
    version: int = 0


S = TypeVar("S", bound=Stored)


class Control(Protocol):
    """The control table: consistent reads, and writes conditional on the version that was read."""

    def read(self, model: type[S], pk: str, sk: str) -> S | None: ...

    def query(self, model: type[S], pk: str, sk_prefix: str = "") -> list[S]: ...

    def save(self, *items: Stored) -> None:
        """Write all items or none, each on condition that the stored version is still `item.version` (0: absent).

        The stored version becomes `item.version + 1`. Raises `yikatong.errors.Conflict` when a condition does not hold;
        the caller reads again, since a lost acknowledgement looks the same as a lost race.
        """
        ...

    def query_region(self, model: type[S], region: str) -> list[S]:
        """Batches of a county, of a whole city (`230100`) or of the province (`230000`), oldest first within each county.

        Eventually consistent: for people to look at only.
        """
        ...


@dataclass(frozen=True)
class Once:
    """The outcome of a put-if-absent: whether this call created the object, and the bytes that stand."""

    created: bool
    data: bytes


class DigestMismatch(Exception):
    """An object exists under a deterministic key, made from other inputs (PROTOCOL O1): stop, a person must look."""


class Lake(Protocol):
    """The lake bucket. Objects are written once; nobody deletes them (PROTOCOL O1)."""

    def put_once(self, key: str, data: bytes, digest: str) -> Once:
        """Put if absent, with the digest of (step, inputs); raise `DigestMismatch` if it exists under another digest."""
        ...

    def get(self, key: str) -> bytes | None: ...

    def keys(self, prefix: str) -> list[str]: ...

    def stored_at(self, key: str) -> datetime | None:
        """When the object was put, aware, by the store's own clock, which no worker's can be ahead of or behind."""
        ...


class Reports(Protocol):
    """Where bureaus find what became of their files; a report may be written again."""

    def put(self, key: str, data: bytes) -> None: ...


class BankSilence(Exception):
    """The bank gave no usable answer (timeout, broken connection, 5xx): what happened is unknown, never failed."""


class Bank(Protocol):
    def prepare(self, bank_id: str) -> None:
        """Raise whatever would keep a message from leaving (no address, no token) before it is marked as sent."""
        ...

    def send(self, bank_id: str, message: bytes, *, trial: bool) -> None:
        """Hand over one stored message; raise `BankSilence` unless the bank acknowledged it."""
        ...

    def enquire(self, bank_id: str, message_id: str) -> bytes | None:
        """The bank's pain.002 of what it knows now, None when it never received the message; may raise `BankSilence`."""
        ...


AGAIN = "again"
"""How the cause of a run begins that only follows up."""


@dataclass(frozen=True)
class RunOrder:
    """An order to pay: a schedule's tick (`cause` = `sched`) or a person's or an event's own order.

    A cause that begins with `again` pays only what an earlier batch could not: child batches and reissues, on any day.
    """

    plan_year: int
    code: str
    mode: str
    as_of: date
    cause: str

    @property
    def again(self) -> bool:
        return self.cause.startswith(AGAIN)


class Workflow(Protocol):
    """Step Functions, as far as runs need it. Names never protect against double payment (PROTOCOL R1)."""

    def start(self, execution: str, order: RunOrder, run_id: str) -> None:
        """Start it; harmless when that very execution was started before."""
        ...

    def status(self, execution: str) -> str:
        """`RUNNING`, `ENDED` or `ABSENT`."""
        ...

    def stop(self, execution: str, reason: str) -> None: ...

    def wake(self, token: str, output: dict[str, Any]) -> bool:
        """Answer a waiting task; False when the token is dead, which is nothing to worry about (PROTOCOL B4)."""
        ...


class Orders(Protocol):
    def order_run(self, order: RunOrder) -> None:
        """Publish `RunOrdered`: `start_run` takes it up."""
        ...


@dataclass(frozen=True)
class RekeyingOrder:
    """A person's word, `by` whom and why: `rekey`, write the public records under the new key, or `remove` the old key's."""

    step: str
    by: str
    reason: str


class RekeyingOrders(Protocol):
    def order_rekeying(self, order: RekeyingOrder) -> None:
        """Publish `RekeyingOrdered`: `rekey_records` takes it up."""
        ...


class OneTimeSchedules(Protocol):
    def order_once(self, name: str, at: datetime, order: dict[str, Any]) -> None:
        """Make a one-time schedule that calls `start_run` at that Shanghai time; harmless when it exists."""
        ...


class Queues(Protocol):
    """The dead-letter queues, by the verb they belong to; `schedules` holds ticks that could not be delivered."""

    @property
    def verbs(self) -> Sequence[str]: ...

    def dead(self, verb: str) -> int:
        """About how many messages wait in that dead-letter queue."""
        ...

    def drain(self, verb: str, most: int) -> int:
        """Put at most so many dead messages back to where they are worked on; returns how many.

        A message is deleted only after it was put back: a crash in between doubles it, none is ever lost.
        """
        ...


RecordKey = tuple[str, str]
"""(pk, sk) of a public record."""


class Records(Protocol):
    """The public records table."""

    def put_all(self, items: Iterable[dict[str, Any]]) -> int: ...

    def of_person(self, pk: str) -> Sequence[dict[str, Any]]: ...

    def look_through(self, after: RecordKey | None) -> tuple[Sequence[tuple[RecordKey, str]], RecordKey | None]:
        """Some of all records, with their key marks (empty: none), in the table's own order from `after` on; and where to go
        on, None at the end."""
        ...

    def delete_all(self, keys: Sequence[RecordKey]) -> None: ...


Count = Callable[[str, int], None]
"""Takes the name of a metric and a number: what raises an alarm is counted through it."""


def uncounted(_name: str, _value: int) -> None:
    """Where nobody listens."""


SHANGHAI = ZoneInfo("Asia/Shanghai")
Clock = Callable[[], datetime]
"""Returns the present time, aware, in Asia/Shanghai. Used to stamp what happened; no rule reads it."""
