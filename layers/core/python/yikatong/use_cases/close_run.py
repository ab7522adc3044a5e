"""Close a run: every batch's line balances to the fen, or the step fails loudly (DESIGN §2, PROTOCOL B4)."""

import json
from datetime import date

from yikatong.amendments import amend_run, strike_line
from yikatong.batches import Batch, PassedTrial, batch_key, trial_key
from yikatong.closing import Line, line_of, total
from yikatong.errors import Conflict
from yikatong.follow_ups import order_follow_ups
from yikatong.funds import Funds, funds_key
from yikatong.pauses import PAUSED
from yikatong.payments import digest_of
from yikatong.plan import Mode, Settings
from yikatong.ports import AGAIN, Control, Lake, Orders, RunOrder
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.runs import Run, RunInputs, closing_key, inputs_key, run_key
from yikatong.sent_messages import sent_key
from yikatong.states import BINDABLE, ENDED_RUN, BatchState, RunState


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
        left_open = control.read(Batch, *batch_key(batch_id))
        assert left_open is not None, "batches are never deleted"
        # Withdrawn meanwhile: the run had not ended yet, so nobody struck its line.
        if left_open.state is BatchState.WITHDRAWN:
            strike_line(left_open, control=control)
        else:
            _order_if_it_fits_now(left_open, run, control, orders)
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


def _order_if_it_fits_now(batch: Batch, run: Run, control: Control, orders: Orders) -> None:
    """Funds raised while this run was still closing ordered a run that found the batch taken: order one now (R3)."""
    if batch.state is not BatchState.CLAIMED or batch.selection is None or batch.run_id != run.run_id:
        return
    if batch.reissue_of and batch.reserved_fen is not None and batch.carried != PAUSED:
        # Stopped before it was sent, by an answer that contradicts its failure (B6): that is a person's to look at.
        return
    funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
    enough = funds is None or funds.available_fen is None or funds.available_fen >= batch.selection.sent.fen
    # What is reserved already fits: its item failed after the reservation.
    if enough or batch.reserved_fen is not None:
        # On any day, if it was one of those that need no 正式发放时间.
        kind = AGAIN if run.order.again else "carry"
        cause = f"{kind}{digest_of(run.run_id, batch.batch_id)[:16]}v{funds.version if funds else 0}"
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
        return not (batch.carried and batch.state in BINDABLE)
    assert batch.instruction is not None, "only an instructed batch is settled"
    if not settlement.complete and any(lake.get(sent_key(one)) is None for one in batch.instruction.messages):
        return True
    if batch.mode == Mode.FORMAL:
        return batch.published_seq < settlement.seq
    sent = batch.instruction is not None and batch.instruction.messages
    passed = control.read(PassedTrial, *trial_key(batch.code, batch.plan_year, batch.region))
    return bool(settlement.complete and sent and passed is None)
