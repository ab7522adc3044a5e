"""A run that has ended, and what comes after: late answers, batches taken up by another run, withdrawals (PROTOCOL B4).

Its closing file is never written again. What changes gets an addendum, and a line that was open is closed, or one that a
contradiction opens again is open. Each of these is safe to repeat.
"""

import json

from yikatong.batches import Batch, batch_key
from yikatong.closing import line_of
from yikatong.errors import Conflict
from yikatong.payments import digest_of
from yikatong.ports import Control, Lake
from yikatong.runs import Run, run_key
from yikatong.states import ENDED_RUN, RunState


def amend_run(batch_id: str, *, control: Control, lake: Lake) -> None:
    """An answer that came after the run had closed: its line gets an addendum, and the run closes when none is open."""
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None or not batch.run_id or batch.settlement is None:
        return
    line = line_of(batch)
    while True:
        run = control.read(Run, *run_key(batch.code, batch.run_id))
        if run is None or run.state not in ENDED_RUN:
            return
        key = f"runs/{batch.run_id}/addenda/{batch_id}-{batch.settlement.seq}.json"
        body = json.dumps(line.as_record(), ensure_ascii=False, sort_keys=True, indent=1).encode()
        lake.put_once(key, body, digest_of("amend_run", key, batch.settlement.digest))
        if _open_line(run, batch_id, control) if line.open else _close_line(run, batch_id, control):
            return


def pass_on(batch: Batch, former_run_id: str, *, control: Control, lake: Lake) -> None:
    """Another run took up a batch that this one had left open: the line gets an addendum and is closed. Safe to repeat."""
    while True:
        run = control.read(Run, *run_key(batch.code, former_run_id))
        if run is None or batch.batch_id not in run.open_lines:
            return
        key = f"runs/{former_run_id}/addenda/{batch.batch_id}-passed-on.json"
        body = json.dumps({"batch_id": batch.batch_id, "passed_on_to": batch.run_id}).encode()
        lake.put_once(key, body, digest_of("pass_on", key))
        if _close_line(run, batch.batch_id, control):
            return


def strike_line(batch: Batch, *, control: Control) -> None:
    """A batch that an ended run had left open was withdrawn: nothing of it is still to come. Safe to repeat."""
    for run_id in filter(None, (*batch.former_runs, batch.run_id)):
        while True:
            run = control.read(Run, *run_key(batch.code, run_id))
            if run is None or run.state not in ENDED_RUN or _close_line(run, batch.batch_id, control):
                break


def _open_line(run: Run, batch_id: str, control: Control) -> bool:
    """A line that a contradicted answer opened again; False when the run has changed: read again."""
    if batch_id in run.open_lines:
        return True
    try:
        control.save(run.moved(RunState.CLOSED_OPEN_ITEMS, open_lines=(*run.open_lines, batch_id)))
    except Conflict:
        return False
    return True


def _close_line(run: Run, batch_id: str, control: Control) -> bool:
    """The ended run has one open line less, and is CLOSED with none left; False when the run has changed: read again."""
    if batch_id not in run.open_lines:
        return True
    left = tuple(one for one in run.open_lines if one != batch_id)
    try:
        control.save(run.moved(RunState.CLOSED_OPEN_ITEMS if left else RunState.CLOSED, open_lines=left))
    except Conflict:
        return False
    return True
