"""An operator exchanges the key of the public records: write everything under the new key, or remove what the old one left.

The order of steps is `yikatong.rekeying`'s. It is safe beside publishing, whatever comes first: a pass over the batches begins
only when every publisher writes under both keys, so it is what was published before that it must write; and a batch that
is settled again meanwhile is written again, since whoever publishes does so after the settlement is committed, and the
pass looks for one after writing. Each step can be repeated, killed and resumed; one worker at a time is at it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yikatong.batch_records import outcomes_of, records_of_batch
from yikatong.batches import Batch, batch_key, batches_pk
from yikatong.errors import Conflict
from yikatong.plan import Mode, PlanBook
from yikatong.ports import Control, Lake, Records, RekeyingOrder, RekeyingOrders
from yikatong.records import RecordKeys
from yikatong.rekeying import WORKER_S, Rekeying, first_look, rekeying_key

PART_ROWS = 5_000
"""Outcomes between two notes of how far the work has come: some seconds' worth."""
LEAST_LEFT_S = 60
"""With less time than this a worker hands on to the next one: a part takes less."""


@dataclass(frozen=True)
class Table:
    """What re-keying may touch, and what it was given: the keys as they stand in the secret at this moment."""

    control: Control
    lake: Lake
    records: Records
    orders: RekeyingOrders
    book: PlanBook
    keys: RecordKeys
    now: datetime
    left_s: Callable[[], float]
    """Seconds until this worker is killed."""


def rekey_records(order: RekeyingOrder, table: Table) -> str:
    """Do what was ordered as far as time allows; `done`, `more` (the next worker is ordered), or why not: `busy`, `early`,
    `nothing`, or `refused` where removing would lose records."""
    state = _looked_at(table)
    if state.is_worked_on(table.now):
        return "busy"
    if order.step == "rekey" and not state.target:
        return "nothing"
    if order.step == "remove" and not _may_remove(state):
        return "refused"
    if table.now < state.known_from:
        return "early"
    until = (table.now + timedelta(seconds=WORKER_S)).isoformat(timespec="seconds")
    try:
        state = _saved(state, table, worker_until=until, ordered_by=order.by, reason=order.reason)
    except Conflict:
        return "busy"
    state, ended = _rekey(state, table) if order.step == "rekey" else _remove(state, table)
    _saved(state, table, worker_until="")
    if not ended:
        table.orders.order_rekeying(order)
    return "done" if ended else "more"


def _looked_at(table: Table) -> Rekeying:
    """What is known of the keys, brought up to what the secret holds now."""
    known = table.control.read(Rekeying, *rekeying_key())
    state = first_look(table.keys, table.now) if known is None else known.after_look(table.keys, table.now)
    return state if state == known else _saved(state, table)


def _may_remove(state: Rekeying) -> bool:
    """One key is left, everything stands under it, and a pass once saw to that or to another: nothing is lost."""
    return not state.also_mark and state.read_mark in state.whole and bool(state.rekeyed)


def _rekey(state: Rekeying, table: Table) -> tuple[Rekeying, bool]:
    """Write every published batch under the key that misses some."""
    target = state.target
    keys = {target: table.keys.written[target]}
    for batch in _published(table):
        if (batch.code, batch.batch_id) <= _place(state.done_until):
            continue
        state, ended = _rekey_batch(batch, keys, state, table)
        if not ended:
            return state, False
    whole = (*state.whole, target)
    return _saved(state, table, whole=whole, rekeyed=target, done_until="", part="", part_rows=0), True


def _published(table: Table) -> Iterator[Batch]:
    """Every formal batch that was settled, by code and id. One that is settled later is published under both keys."""
    for code in sorted(table.book.register.codes):
        batches = table.control.query(Batch, batches_pk(code, Mode.FORMAL))
        yield from (batch for batch in batches if batch.settlement is not None)


def _place(batch_id: str) -> tuple[str, str]:
    return batch_id.split(".")[0], batch_id


def _rekey_batch(batch: Batch, keys: dict[str, bytes], state: Rekeying, table: Table) -> tuple[Rekeying, bool]:
    """Write one batch, part by part, until it is seen unchanged after the last one; False when time was up before."""
    while True:
        assert batch.settlement is not None, "only settled batches are asked for"
        part = f"{batch.batch_id}#{batch.settlement.seq}"
        outcomes = outcomes_of(batch, table.lake)
        begin = state.part_rows if state.part == part else 0
        for first in range(begin, outcomes.height, PART_ROWS):
            if table.left_s() < LEAST_LEFT_S:
                return state, False
            rows = outcomes.slice(first, PART_ROWS)
            written = table.records.put_all(records_of_batch(batch, rows, table.book, keys))
            state = _saved(state, table, part=part, part_rows=first + rows.height, written=state.written + written)
        # Whoever settled it meanwhile publishes it too, but may have done so before the last of the writes above.
        now = table.control.read(Batch, *batch_key(batch.batch_id))
        assert now is not None, "a batch is never deleted"
        if now.settlement == batch.settlement:
            return _saved(
                state, table, done_until=batch.batch_id, part="", part_rows=0, batches=state.batches + 1
            ), True
        batch = now


def _remove(state: Rekeying, table: Table) -> tuple[Rekeying, bool]:
    """Look through the whole table and delete what former keys left."""
    while True:
        if table.left_s() < LEAST_LEFT_S:
            return state, False
        page, after = table.records.look_through(state.removed_until)
        old = [key for key, mark in page if state.is_old(mark)]
        table.records.delete_all(old)
        state = _saved(state, table, removed_until=after, removed=state.removed + len(old))
        if after is None:
            return _saved(state, table, former=(), cleared=state.read_mark), True


def _saved(state: Rekeying, table: Table, **changes: Any) -> Rekeying:
    changed = state.model_copy(update=changes)
    table.control.save(changed)
    return changed.model_copy(update={"version": changed.version + 1})
