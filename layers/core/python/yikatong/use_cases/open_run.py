"""Freeze a run's inputs, once, and bind its batches (PROTOCOL R2)."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from yikatong.amendments import pass_on
from yikatong.batches import Batch, PassedTrial, batch_key, batches_pk, trial_key
from yikatong.errors import Conflict
from yikatong.follow_ups import approval_expired, concerns, may_have_children
from yikatong.payments import digest_of
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Lake, RunOrder, Workflow
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.runs import FrozenBatch, Run, RunInputs, inputs_key, map_items_key, run_key
from yikatong.states import BINDABLE, ENDED_RUN, BatchState, RunState


def open_run(
    run_id: str, code: str, *, control: Control, lake: Lake, workflow: Workflow, book: PlanBook, settings: Settings
) -> RunInputs:
    """Write the run's object if there is none, use it as it is if there is, and bind its batches.

    A batch that another run or a withdrawal took meanwhile is left alone: the claim step drops it.
    """
    run = control.read(Run, *run_key(code, run_id))
    if run is None:
        raise LookupError(run_id)
    stored = lake.get(inputs_key(run_id))
    if stored is None:
        # Two openings at once may differ in what they saw; the first object stands and both go on with it.
        inputs = _freeze(run, control, workflow, book, settings)
        digest = digest_of("open_run", run_id)
        stored = lake.put_once(inputs_key(run_id), inputs.model_dump_json().encode(), digest).data
    inputs = RunInputs.model_validate_json(stored)
    lake.put_once(map_items_key(run_id), _map_items(inputs), digest_of("map_items", run_id))
    for frozen in inputs.batches:
        bind(frozen.batch_id, run_id, control=control, lake=lake, workflow=workflow)
    if run.batch_count != len(inputs.batches):
        _note_count(control, run, len(inputs.batches))
    return inputs


@dataclass(frozen=True)
class Choice:
    """The batches a run takes, and the ids of those it leaves with the reason."""

    chosen: tuple[Batch, ...]
    waiting_for_trial: tuple[str, ...]
    approval_expired: tuple[str, ...]
    rows_left: bool = False
    """Whether earlier batches have rows that the run's first step may make child batches of."""


def choose_batches(
    order: RunOrder, run_id: str, *, control: Control, workflow: Workflow, book: PlanBook, settings: Settings
) -> Choice:
    """What a run of this order would bind now; one that only follows up binds nothing else, whatever day it is."""
    batches = [batch for batch in control.query(Batch, batches_pk(order.code, order.mode)) if concerns(order, batch)]
    bindable = [batch for batch in batches if batch.follows_up] if order.again else batches
    free = free_batches(bindable, run_id, control, workflow)
    # A run dated before an approval would judge slots and funds by a day on which nobody had approved anything.
    free = [batch for batch in free if batch.state is not BatchState.APPROVED or batch.approved_on <= order.as_of]
    expired = [batch for batch in free if _expired(batch, order.as_of, settings)]
    waiting = [batch for batch in free if batch not in expired and lacks_trial(batch, control, book)]
    return Choice(
        chosen=tuple(batch for batch in free if batch not in expired and batch not in waiting),
        waiting_for_trial=tuple(sorted(batch.batch_id for batch in waiting)),
        approval_expired=tuple(sorted(batch.batch_id for batch in expired)),
        rows_left=any(may_have_children(batch, order.as_of, settings) for batch in batches),
    )


def free_batches(batches: Iterable[Batch], run_id: str, control: Control, workflow: Workflow) -> list[Batch]:
    """Those a run may bind: APPROVED, its own, and BOUND or CLAIMED ones whose run has ended or died."""
    alive: dict[str, bool] = {}

    def held_by_another(batch: Batch) -> bool:
        if batch.state is BatchState.APPROVED or batch.run_id == run_id:
            return False
        if batch.run_id not in alive:
            alive[batch.run_id] = _holds_its_batches(batch, control, workflow)
        return alive[batch.run_id]

    return [batch for batch in batches if batch.state in BINDABLE and not held_by_another(batch)]


def _holds_its_batches(batch: Batch, control: Control, workflow: Workflow) -> bool:
    """A run that a person stopped keeps its batches until it is resumed: no other may pay them meanwhile."""
    run = control.read(Run, *run_key(batch.code, batch.run_id))
    stopped = run is not None and run.state is RunState.STOPPED
    return stopped or is_alive(batch.code, batch.run_id, control, workflow)


def is_alive(code: str, run_id: str, control: Control, workflow: Workflow) -> bool:
    """Whether an execution still carries this run."""
    run = control.read(Run, *run_key(code, run_id))
    if run is None or run.state in ENDED_RUN or run.state is RunState.STOPPED:
        return False
    return workflow.status(run.execution) == "RUNNING"


def bind(batch_id: str, run_id: str, *, control: Control, lake: Lake, workflow: Workflow) -> bool:
    """Bind one batch to this run, and close its open line in the runs that had left it; False when it is not free."""
    while True:
        batch = control.read(Batch, *batch_key(batch_id))
        if batch is None or not free_batches([batch], run_id, control, workflow):
            return False
        if batch.run_id == run_id and batch.state is not BatchState.APPROVED:
            for former in batch.former_runs:
                pass_on(batch, former, control=control, lake=lake)
            return True
        to = BatchState.CLAIMED if batch.state is BatchState.CLAIMED else BatchState.BOUND
        former_runs = (*batch.former_runs, batch.run_id) if batch.run_id else ()
        # Bound now, or lost to another run or to a crash of an earlier try: the next look tells.
        with suppress(Conflict):
            control.save(batch.moved(to, run_id=run_id, carried="", former_runs=former_runs))


def _freeze(run: Run, control: Control, workflow: Workflow, book: PlanBook, settings: Settings) -> RunInputs:
    choice = choose_batches(run.order, run.run_id, control=control, workflow=workflow, book=book, settings=settings)
    registry = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    order = sorted((batch.approval.approved_at if batch.approval else "", batch.batch_id) for batch in choice.chosen)
    return RunInputs(
        run_id=run.run_id,
        plan_year=run.plan_year,
        code=run.code,
        mode=run.mode,
        as_of=run.as_of,
        registry_version=registry.registry_version if registry else "",
        batches=tuple(FrozenBatch(batch_id=batch_id, approved_at=approved_at) for approved_at, batch_id in order),
        waiting_for_trial=choice.waiting_for_trial,
        approval_expired=choice.approval_expired,
    )


def lacks_trial(batch: Batch, control: Control, book: PlanBook) -> bool:
    """模拟测试: where the plan gives a trial time, a region's formal run waits for its passed trial (DESIGN §4)."""
    subsidy = book.by_code(batch.plan_year, batch.code)
    if batch.mode != Mode.FORMAL or not subsidy.trial.required:
        return False
    return control.read(PassedTrial, *trial_key(batch.code, batch.plan_year, batch.region)) is None


def _expired(batch: Batch, as_of: date, settings: Settings) -> bool:
    """An approval that no run took up in time no longer pays; what was bound or claimed in time goes on."""
    return batch.state is BatchState.APPROVED and approval_expired(batch, as_of, settings)


def _map_items(inputs: RunInputs) -> bytes:
    items = []
    for frozen in inputs.batches:
        pk, sk = batch_key(frozen.batch_id)
        items.append({"run_id": inputs.run_id, "code": inputs.code, "batch_id": frozen.batch_id, "pk": pk, "sk": sk})
    return json.dumps(items).encode()


def _note_count(control: Control, run: Run, count: int) -> None:
    try:
        control.save(run.model_copy(update={"batch_count": count}))
    except Conflict:
        # A zombie of the same run wrote it; the number comes from the same object.
        return
