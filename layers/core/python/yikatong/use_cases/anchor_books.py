"""Once a day the heads of all audit chains go into one object, and these objects are a chain of their own (PROTOCOL O2).

Whoever holds one root, printed or mailed, can prove of every event before it that it was there: a chain rewritten from
its first event would end in another head.
"""

import json
from collections.abc import Iterator
from datetime import date

from yikatong.batches import Batch, batches_pk
from yikatong.drains import VERBS, QueueDrain, drain_key
from yikatong.funds import Funds
from yikatong.ledger import Chained
from yikatong.pauses import Pause, pause_key
from yikatong.payments import digest_of, sha256_hex
from yikatong.plan import Mode, PlanBook
from yikatong.ports import Control, Lake
from yikatong.runs import Run

ROOTS = "roots/"


def anchor_books(on: date, *, control: Control, audit: Lake, book: PlanBook) -> str:
    """Put the root of the day unless it, or a later one, stands; return the key of the last root.

    A tick that comes late anchors nothing: the later root holds every head that it would.
    """
    key = f"{ROOTS}{on.isoformat()}.json"
    standing = audit.keys(ROOTS)
    last = standing[-1] if standing else ""
    if last >= key:
        return last
    root = {
        "date": on.isoformat(),
        "previous": {"key": last, "sha256": sha256_hex(_stored(last, audit))} if last else None,
        "heads": {item.audit_id: [item.audit_n, item.audit_head] for item in _chained(control, book) if item.audit_n},
    }
    audit.put_once(key, json.dumps(root, sort_keys=True).encode(), digest_of("anchor_books", key))
    return key


def _stored(key: str, audit: Lake) -> bytes:
    data = audit.get(key)
    assert data is not None, "nobody deletes a root"
    return data


def _chained(control: Control, book: PlanBook) -> Iterator[Chained]:
    """Everything that has a chain, found by the partitions of the plans' subsidies: no scan of the table."""
    subsidies = [subsidy for year in book.years for subsidy in book.plan(year).subsidies]
    for code in sorted({subsidy.code for subsidy in subsidies if subsidy.code is not None}):
        for mode in Mode:
            yield from control.query(Batch, batches_pk(code, mode))
        yield from control.query(Run, f"RUNS#{code}")
        yield from control.query(Funds, f"FUNDS#{code}")
        yield from control.query(Pause, pause_key(code)[0])
    for verb in VERBS:
        yield from control.query(QueueDrain, drain_key(verb)[0])
