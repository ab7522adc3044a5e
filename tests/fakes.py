"""In-memory stand-ins for the ports, faithful in what the protocol leans on: versions, put-if-absent, digests."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from yikatong.batches import scope_prefix
from yikatong.errors import Conflict
from yikatong.ports import BankSilence, DigestMismatch, Once, RecordKey, RekeyingOrder, RunOrder, Stored
from yikatong.public_site import Tagged, tag_of

S = TypeVar("S", bound=Stored)


class MemoryReports:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data


class MemorySite:
    """A public bucket; `before_put` is called before every conditional put, as another worker may act."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.before_put: Callable[[str], None] = lambda _key: None

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def get_tagged(self, key: str) -> Tagged | None:
        data = self.objects.get(key)
        return None if data is None else Tagged(data, hashlib.md5(data, usedforsecurity=False).hexdigest())

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        self.before_put(key)
        if tag_of(self.get_tagged(key)) != tag:
            return False
        self.objects[key] = data
        return True

    def put_once(self, key: str, data: bytes) -> bool:
        return self.put_if(key, data, None) or self.objects[key] == data

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)


class MemoryControl:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.writes = 0

    def read(self, model: type[S], pk: str, sk: str) -> S | None:
        item = self.items.get((pk, sk))
        return None if item is None else model.model_validate(item)

    def query(self, model: type[S], pk: str, sk_prefix: str = "") -> list[S]:
        found = sorted(key for key in self.items if key[0] == pk and key[1].startswith(sk_prefix))
        return [model.model_validate(self.items[key]) for key in found]

    def query_region(self, model: type[S], region: str) -> list[S]:
        rows = [
            item
            for item in self.items.values()
            if str(item.get("region_received", "")).startswith(scope_prefix(region))
        ]
        return [model.model_validate(item) for item in sorted(rows, key=lambda item: str(item["region_received"]))]

    def save(self, *items: Stored) -> None:
        for item in items:
            stored = self.items.get((item.pk, item.sk))
            if (0 if stored is None else stored["version"]) != item.version:
                raise Conflict(f"{item.pk} {item.sk}")
        for item in items:
            self.writes += 1
            self.items[(item.pk, item.sk)] = {
                **item.model_dump(mode="json", exclude_none=True),
                "version": item.version + 1,
            }


class MemoryLake:
    """`clock` is the store's own."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.times: dict[str, datetime] = {}
        self.clock = clock

    def put_once(self, key: str, data: bytes, digest: str) -> Once:
        if key in self.objects:
            stored, stored_digest = self.objects[key]
            if stored_digest != digest:
                raise DigestMismatch(key)
            return Once(created=False, data=stored)
        self.objects[key] = (data, digest)
        self.times[key] = self.clock()
        return Once(created=True, data=data)

    def stored_at(self, key: str) -> datetime | None:
        return self.times.get(key)

    def get(self, key: str) -> bytes | None:
        found = self.objects.get(key)
        return None if found is None else found[0]

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class MemoryBank:
    """Acknowledges and remembers; `silent` makes it say nothing though it took the message."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bool]] = []
        self.answers: dict[str, bytes] = {}
        self.silent = False

    def prepare(self, bank_id: str) -> None:
        """Always ready."""

    def send(self, bank_id: str, message: bytes, *, trial: bool) -> None:
        self.sent.append((bank_id, message, trial))
        if self.silent:
            raise BankSilence(bank_id)

    def enquire(self, bank_id: str, message_id: str) -> bytes | None:
        return self.answers.get(message_id)


class MemoryWorkflow:
    def __init__(self) -> None:
        self.executions: dict[str, str] = {}
        self.started: list[tuple[str, RunOrder]] = []
        self.woken: list[str] = []

    def start(self, execution: str, order: RunOrder, run_id: str) -> None:
        if execution not in self.executions:
            self.executions[execution] = "RUNNING"
            self.started.append((execution, order))

    def status(self, execution: str) -> str:
        return self.executions.get(execution, "ABSENT")

    def stop(self, execution: str, reason: str) -> None:
        self.executions[execution] = "ENDED"

    def wake(self, token: str, output: dict[str, Any]) -> bool:
        self.woken.append(token)
        return True


class MemoryOrders:
    def __init__(self) -> None:
        self.runs: list[RunOrder] = []
        self.once: list[tuple[str, datetime, dict[str, Any]]] = []
        self.rekeyings: list[RekeyingOrder] = []

    def order_rekeying(self, order: RekeyingOrder) -> None:
        self.rekeyings.append(order)

    def order_run(self, order: RunOrder) -> None:
        self.runs.append(order)

    def order_once(self, name: str, at: datetime, order: dict[str, Any]) -> None:
        self.once.append((name, at, order))


class MemoryQueues:
    """Dead messages by verb; what is drained goes back to `live`."""

    def __init__(self, **dead: Sequence[str]) -> None:
        self.letters = {verb: list(messages) for verb, messages in dead.items()}
        self.live: list[tuple[str, str]] = []

    @property
    def verbs(self) -> Sequence[str]:
        return sorted(self.letters)

    def dead(self, verb: str) -> int:
        return len(self.letters[verb])

    def drain(self, verb: str, most: int) -> int:
        moved, self.letters[verb] = self.letters[verb][:most], self.letters[verb][most:]
        self.live += [(verb, message) for message in moved]
        return len(moved)


class MemoryRecords:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}

    def put_all(self, items: Iterable[dict[str, Any]]) -> int:
        count = 0
        for item in items:
            self.items[(item["pk"], item["sk"])] = item
            count += 1
        return count

    def of_person(self, pk: str) -> Sequence[dict[str, Any]]:
        return [item for key, item in sorted(self.items.items()) if key[0] == pk]

    def look_through(self, after: RecordKey | None) -> tuple[Sequence[tuple[RecordKey, str]], RecordKey | None]:
        """Three at a time, so that every table takes several pages."""
        left = [key for key in sorted(self.items) if after is None or key > after]
        page = [(key, str(self.items[key].get("key_mark", ""))) for key in left[:3]]
        return page, page[-1][0] if len(left) > 3 else None

    def delete_all(self, keys: Sequence[RecordKey]) -> None:
        for key in keys:
            self.items.pop(key, None)
