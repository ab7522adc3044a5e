"""Close a run: every batch's line balances to the fen, or the step fails loudly (DESIGN §2, PROTOCOL B4)."""

import json
from datetime import date

from yikatong.batches import Batch, PassedTrial, batch_key, trial_key
from yikatong.closing import Line, line_of, total
from yikatong.errors import Conflict
from yikatong.follow_ups import order_follow_ups
from yikatong.funds import Funds, funds_key
from yikatong.payments import digest_of
from yikatong.plan import Mode, Settings
from yikatong.ports import AGAIN, Control, Lake, Orders, RunOrder
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.runs import Run, RunInputs, closing_key, inputs_key, run_key
from yikatong.sent_messages import sent_key
from yikatong.states import ENDED_RUN, BatchState, RunState


class Unfinished(Exception):
    """An item of the Map gave up: batches are neither paid nor carried. The execution fails, and the run is resumed."""


def close_run(
    run_id: str, code: str, *, control: Control, lake: Lake, orders: Orders, settings: Settings, today: date
) -> Run:
    """Write the closing totals and end the run: CLOSED, or CLOSED_OPEN_ITEMS naming what is still to come.

    Raises `Unfinished`, or `yikatong.closing.NotBalanced`; either fails the execution. The run stays as it was and is
    started again, which finishes what is unfinished, until the attempts are used up and a person has looked.
    """
    stored = lake.get(inputs_key(run_id))
    if stored is None:
        raise LookupError(run_id)
    inputs = RunInputs.model_validate_json(stored)
    while True:
        run = control.read(Run, *run_key(code, run_id))
        if run is None:
            raise LookupError(run_id)
        batches = _batches(inputs, control)
        lines = [line_of(batch) for batch in batches]
        if run.state in ENDED_RUN:
            break
        if run.state is RunState.STOPPED:
            # By a person, while this step was on its way: they will resume it.
            return run
        if unfinished := [batch.batch_id for batch in batches if _is_unfinished(batch, control, lake)]:
            raise Unfinished(", ".join(unfinished))
        registry = control.read(CurrentRegistry, *CURRENT_REGISTRY)
        newer = (registry.registry_version if registry else "") != inputs.registry_version
        freed = [batch for batch in batches if _freed_meanwhile(batch, newer, control)]
        # Before the run ends: nobody would try again a run that has.
        order_follow_ups(freed, digest_of(run_id)[:16], orders=orders, settings=settings, today=today)
        open_lines = tuple(line.batch_id for line in lines if line.open)
        to = RunState.CLOSED_OPEN_ITEMS if open_lines else RunState.CLOSED
        totals = {
            f"{name}_{part}": getattr(tally, part) for name, tally in total(lines).items() for part in ("count", "fen")
        }
        try:
            control.save(run.moved(to, totals=totals, open_lines=open_lines))
        except Conflict:
            continue
        run = run.moved(to, totals=totals, open_lines=open_lines)
        break
    stored_lines = _store(inputs, lines, run, lake)
    # An answer may have come between reading the lines and ending the run, when nobody amended it yet: look again.
    for batch in _batches(inputs, control):
        if line_of(batch).as_record() != stored_lines.get(batch.batch_id):
            amend_run(batch.batch_id, control=control, lake=lake)
    for batch_id in run.open_lines:
        _order_if_it_fits_now(batch_id, run, control, orders)
    return run


def _freed_meanwhile(batch: Batch, newer_registry: bool, control: Control) -> bool:
    """Whether rows of it may have come free while the bank had not been told of the batch: what frees rows from then on
    orders a run by itself (R3)."""
    if batch.selection is None:
        # Stopped before its claims: nothing of it was lost to anybody.
        return False
    # Claimed by an earlier run, it was judged by an earlier registry than the one this run froze.
    if newer_registry or batch.former_runs:
        return True
    others = (control.read(Batch, *batch_key(other)) for other in batch.selection.lost_to)
    return any(other is not None and other.state is BatchState.WITHDRAWN for other in others)


def _order_if_it_fits_now(batch_id: str, run: Run, control: Control, orders: Orders) -> None:
    """Funds raised while this run was still closing ordered a run that found the batch taken: order one now (R3)."""
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None or batch.state is not BatchState.CLAIMED or batch.selection is None or batch.run_id != run.run_id:
        return
    funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
    enough = funds is None or funds.available_fen is None or funds.available_fen >= batch.selection.sent.fen
    # What is reserved already fits: its item failed after the reservation.
    if enough or batch.reserved_fen is not None:
        # On any day, if it was one of those that need no 正式发放时间.
        kind = AGAIN if run.order.again else "carry"
        cause = f"{kind}{batch.digest}v{funds.version if funds else 0}"
        orders.order_run(RunOrder(run.plan_year, run.code, run.mode, run.as_of, cause))


def _store(inputs: RunInputs, lines: list[Line], run: Run, lake: Lake) -> dict[str, object]:
    """The closing file; stored after the state, so that a retry finds the run ended and stores what is missing.

    Returns the lines that it holds by batch: an earlier try's, if there was one.
    """
    document = {
        "run_id": run.run_id,
        "lines": [line.as_record() for line in lines],
        "totals": run.totals,
        "open": run.open_lines,
        "waiting_for_trial": inputs.waiting_for_trial,
        "approval_expired": inputs.approval_expired,
    }
    body = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1).encode()
    standing = lake.put_once(closing_key(run.run_id), body, digest_of("close_run", run.run_id)).data
    return {line["batch_id"]: line for line in json.loads(standing)["lines"]}


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
    while batch.run_id:
        run = control.read(Run, *run_key(batch.code, batch.run_id))
        if run is None or run.state not in ENDED_RUN or _close_line(run, batch.batch_id, control):
            return


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


def _batches(inputs: RunInputs, control: Control) -> list[Batch]:
    """The batches that are still this run's; those withdrawn or taken by another run are theirs to count."""
    batches = [control.read(Batch, *batch_key(frozen.batch_id)) for frozen in inputs.batches]
    return [
        batch
        for batch in batches
        if batch is not None and batch.run_id == inputs.run_id and not batch.withdrawn_because
    ]


def _is_unfinished(batch: Batch, control: Control, lake: Lake) -> bool:
    """Whether a step is still owed to this batch: nobody would take it up once the run has ended.

    Answers to its other messages may have settled a batch of which one message never left.
    """
    settlement = batch.settlement
    if settlement is None:
        return not batch.carried
    assert batch.instruction is not None, "only an instructed batch is settled"
    if not settlement.complete and any(lake.get(sent_key(one)) is None for one in batch.instruction.messages):
        return True
    if batch.mode == Mode.FORMAL:
        return batch.published_seq < settlement.seq
    sent = batch.instruction is not None and batch.instruction.messages
    passed = control.read(PassedTrial, *trial_key(batch.code, batch.plan_year, batch.region))
    return bool(settlement.complete and sent and passed is None)
