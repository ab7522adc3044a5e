"""The books: no item that moves money changes without an event in its hash chain (PROTOCOL O2, DESIGN §7).

Before a state is written, its event is put, if absent, at `audit/{id}/{n}` as an intent; the conditional write of the
state then names n and the event's SHA-256. So an action whose event cannot be written does not happen, and the state
decides which intents count: one that no state ever named (the worker died, or lost the race) is void, any number of
them. Every slot holds the hash of the slot before it, void or not; every event also says which event the state named
before (`follows`). Folding `changes` along that path gives the whole item again.

Outside the chain is what is written without a version: the note `last_failure` that the workflow leaves on a batch
(payout.asl.json). It decides nothing, may be lost under the next write, and no event knows it.
"""

import json
from datetime import datetime
from typing import Any, TypeVar

from yikatong.errors import Conflict
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Control, DigestMismatch, Lake, Stored
from yikatong.states import BatchState, RunState, event_of

MOST_VOID = 1000
"""Void intents in a row behind one state. Each is a worker that died or lost between two calls: never bad luck alone."""

_OUTSIDE = frozenset({"version", "audit_n", "audit_head", "last_failure"})
"""Attributes that are in no event's `changes`: the first three are the event's own version, number and hash."""


class Chained(Stored):
    """An item whose every write has an event; which one was the last, and its SHA-256."""

    audit_n: int = 0
    audit_head: str = ""

    @property
    def audit_id(self) -> str:
        """The chain's name in the audit bucket: of this item alone, for ever."""
        raise NotImplementedError


S = TypeVar("S", bound=Stored)
C = TypeVar("C", bound=Chained)


class TooManyVoid(Exception):
    """So many intents stand behind one state that something keeps dying there: a person must look."""


class ChainBroken(Exception):
    """A slot is missing, or its bytes are not those that the next one, or the state, names."""


class Ledger:
    """Implements `yikatong.ports.Control` around another one: one put more for every write of a chained item.

    `who` acts, `principal:NAME` or `function:VERB`; `now` dates the intents. Made anew for every invocation:
    what an item was before is what this ledger last read or saved of it, if that is the version to be replaced.
    """

    def __init__(self, control: Control, audit: Lake, who: str, now: datetime) -> None:
        self._control = control
        self._audit = audit
        self._who = who
        self._now = now
        self._known: dict[tuple[str, str], Chained] = {}

    def read(self, model: type[S], pk: str, sk: str) -> S | None:
        found = self._control.read(model, pk, sk)
        if found is not None:
            self._remember(found)
        return found

    def query(self, model: type[S], pk: str, sk_prefix: str = "") -> list[S]:
        found = self._control.query(model, pk, sk_prefix)
        for item in found:
            self._remember(item)
        return found

    def query_region(self, model: type[S], region: str) -> list[S]:
        """Not remembered: what is eventually consistent never says what an item was before."""
        return self._control.query_region(model, region)

    def save(self, *items: Stored) -> None:
        """As `Control.save`; the events of all items first. One that cannot be written leaves everything as it was."""
        noted = [self._noted(item) if isinstance(item, Chained) else item for item in items]
        self._control.save(*noted)
        for item in noted:
            if isinstance(item, Chained):
                # As a read would give it: whole, and what was None is not there.
                stored = _stored(item) | {"version": item.version + 1}
                self._known[item.pk, item.sk] = type(item).model_validate(stored)

    def _remember(self, item: Stored) -> None:
        if isinstance(item, Chained):
            self._known[item.pk, item.sk] = item

    def _noted(self, item: C) -> C:
        """The item as it is to be stored: with the number and hash of the event, which stands by then as an intent."""
        before = self._before(item)
        follows, previous = (before.audit_n, before.audit_head) if before is not None else (0, "")
        event = _event(item, before) | {"follows": follows, "who": self._who}
        intent = digest_of("audit", json.dumps(event, sort_keys=True, ensure_ascii=False))
        for n in range(follows + 1, follows + 1 + MOST_VOID):
            key = event_key(item.audit_id, n)
            body = event | {"n": n, "previous": previous, "at": self._now.isoformat()}
            try:
                standing = self._audit.put_once(key, _encode(body), intent).data
            except DigestMismatch:
                if n == follows + 1:
                    self._still(item)
                previous = sha256_hex(self._slot(key))
                continue
            return item.model_copy(update={"audit_n": n, "audit_head": sha256_hex(standing)})
        raise TooManyVoid(f"{item.audit_id} after {follows}")

    def _before(self, item: C) -> Chained | None:
        """The item as it is stored at the version to be replaced, None when it is to be new."""
        if item.version == 0:
            return None
        known = self._known.get((item.pk, item.sk))
        if known is None or known.version != item.version:
            known = self._still(item)
        return known

    def _still(self, item: C) -> C | None:
        """The stored item, read now, if it still is what is to be replaced. Somebody else's intent mostly says it is not:
        to lose here leaves no void intent behind."""
        stored = self._control.read(type(item), item.pk, item.sk)
        if (0 if stored is None else stored.version) != item.version:
            raise Conflict(f"另有操作先写入了 {item.sk}，请重新读取后再试。", "conflict")
        return stored

    def _slot(self, key: str) -> bytes:
        data = self._audit.get(key)
        if data is None:
            raise ChainBroken(f"{key} is taken and cannot be read")
        return data


def event_key(audit_id: str, n: int) -> str:
    return f"audit/{audit_id}/{n:08d}"


def events_of(item: Chained, audit: Lake) -> list[dict[str, Any]]:
    """The events that the item's states named, oldest first; raises `ChainBroken` when a slot is not what was written."""
    named: list[dict[str, Any]] = []
    wanted, head = item.audit_n, item.audit_head
    for n in range(item.audit_n, 0, -1):
        key = event_key(item.audit_id, n)
        data = audit.get(key)
        if data is None or sha256_hex(data) != head:
            raise ChainBroken(key)
        event: dict[str, Any] = json.loads(data)
        if n == wanted:
            named.append(event)
            wanted = event["follows"]
        head = event["previous"]
    return named[::-1]


def _event(item: Chained, before: Chained | None) -> dict[str, Any]:
    """What the write does, whoever does it and whenever. The first event of a chain holds the whole item."""
    old = {} if before is None else before.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    new = _stored(item)
    known = old if before is not None and before.audit_n else {}
    fields = sorted((known.keys() | new.keys()) - _OUTSIDE)
    changes = {name: new.get(name) for name in fields if known.get(name) != new.get(name)}
    return {
        "id": item.audit_id,
        "version": item.version + 1,
        "what": _what(item, old.get("state")),
        "from": old.get("state", ""),
        "to": new.get("state", ""),
        "changes": changes,
        "evidence": _evidence(changes),
    }


def _what(item: Chained, before: str | None) -> str:
    """The event's name from the table of states; a write that moves no state is a note, the first one a creation."""
    kind, state = type(item).__name__, getattr(item, "state", None)
    if item.version == 0:
        return f"{kind}Created"
    if isinstance(state, BatchState | RunState) and before is not None and state != before:
        return event_of(type(state)(before), state)
    return f"{kind}Noted"


def _evidence(changes: dict[str, Any]) -> list[dict[str, str]]:
    """The objects that the changes name together with their SHA-256: rows, selection, payments file, settlement."""
    named = [(changes.get("rows_key"), changes.get("rows_sha256"))]
    for value in changes.values():
        if isinstance(value, dict):
            named.append((value.get("key") or value.get("payments_key"), value.get("sha256")))
    return [{"key": key, "sha256": sha256} for key, sha256 in named if key and sha256]


def _stored(item: Chained) -> dict[str, Any]:
    """The item as the control table holds it."""
    return item.model_dump(mode="json", exclude_none=True)


def _encode(event: dict[str, Any]) -> bytes:
    return json.dumps(event, sort_keys=True, ensure_ascii=False).encode()
