"""What people may look at: the batches and runs of their region and their subsidies, nobody else's."""

from typing import Any

from yikatong.batches import Batch, batch_key, batches_pk
from yikatong.closing import NotBalanced, line_of
from yikatong.errors import Refusal
from yikatong.payments import split_batch_id
from yikatong.plan import PlanBook
from yikatong.ports import Control, Lake
from yikatong.principals import Action, Principal, authorize, covers, leads
from yikatong.runs import Run, RunInputs, inputs_key, run_key
from yikatong.states import BATCH, RUN, BatchState

MOST_LISTED = 500
"""Newest first; whoever has more narrows the question."""


def find_batch(control: Control, batch_id: str) -> Batch:
    """The batch as it stands now; an id that names none is refused as `not_found`."""
    try:
        split_batch_id(batch_id)
    except ValueError:
        raise Refusal("没有这个批次。", "not_found") from None
    batch = control.read(Batch, *batch_key(batch_id))
    if batch is None:
        raise Refusal("没有这个批次。", "not_found")
    return batch


def find_run(control: Control, run_id: str) -> Run:
    """The run of that id (`{code}-{date}-{mode}-{cause}`, the code may hold hyphens); else refused as `not_found`."""
    run = control.read(Run, *run_key(run_id.rsplit("-", 3)[0], run_id))
    if run is None:
        raise Refusal("没有这次发放。", "not_found")
    return run


def list_batches(
    control: Control, book: PlanBook, principal: Principal, region: str | None = None, state: BatchState | None = None
) -> list[Batch]:
    """Batches of a region (the principal's own when left out) and those below it, newest first."""
    scope = region or principal.region
    authorize(principal, Action.SEE_BATCHES, scope)
    found = [
        batch
        for batch in control.query_region(Batch, scope)
        if (state is None or batch.state is state) and leads(principal, book.by_code(batch.plan_year, batch.code))
    ]
    return sorted(found, key=lambda batch: (batch.received_at, batch.batch_id), reverse=True)[:MOST_LISTED]


def show_batch(
    control: Control, book: PlanBook, principal: Principal, batch_id: str, action: Action = Action.SEE_BATCHES
) -> Batch:
    batch = find_batch(control, batch_id)
    authorize(principal, action, batch.region, book.by_code(batch.plan_year, batch.code))
    return batch


def list_runs(control: Control, book: PlanBook, principal: Principal, plan_year: int, number: int) -> list[Run]:
    """The runs of a subsidy, the latest first. Other plan years' runs of it are left out."""
    subsidy = book.subsidy(plan_year, number)
    authorize(principal, Action.SEE_RUNS, subsidy=subsidy)
    found = [run for run in control.query(Run, f"RUNS#{subsidy.code}") if run.plan_year == plan_year]
    return sorted(found, key=lambda run: (run.as_of, run.run_id), reverse=True)[:MOST_LISTED]


def show_run(
    control: Control, lake: Lake, book: PlanBook, principal: Principal, run_id: str
) -> tuple[Run, list[Batch]]:
    """A run and those of the batches it bound that lie in the principal's region, in the run's own order."""
    run = find_run(control, run_id)
    authorize(principal, Action.SEE_RUNS, subsidy=book.by_code(run.plan_year, run.code))
    data = lake.get(inputs_key(run_id))
    bound = [] if data is None else [each.batch_id for each in RunInputs.model_validate_json(data).batches]
    stored = {batch.batch_id: batch for batch in control.query(Batch, batches_pk(run.code, run.mode))} if bound else {}
    return run, [stored[each] for each in bound if each in stored and covers(principal.region, stored[each].region)]


def batch_view(batch: Batch, book: PlanBook) -> dict[str, Any]:
    """A batch as people see it: what the roster held, and once approved its `line`. Tallies are counts and fen."""
    return {
        "batch_id": batch.batch_id,
        "plan_year": batch.plan_year,
        "number": batch.number,
        "code": batch.code,
        "subsidy": book.by_code(batch.plan_year, batch.code).name,
        "region": batch.region,
        "mode": batch.mode,
        "state": batch.state.value,
        "state_words": BATCH[batch.state].bureau,
        "object_key": batch.object_key,
        "object_version": batch.object_version,
        "sha256": batch.sha256,
        "uploader": batch.uploader,
        "received_at": batch.received_at,
        "slots": list(batch.slots),
        "refusal": batch.refusal,
        "findings": batch.findings,
        "has_report": bool(batch.report_key),
        "rows": batch.rows,
        "payable": batch.payable.model_dump(),
        "held": batch.held.model_dump(),
        "review": batch.review.model_dump(),
        "excluded": batch.excluded.model_dump(),
        "approval": batch.approval and batch.approval.model_dump(mode="json", exclude={"accepted_reviews"}),
        "first_approver": batch.first_approval.approver if batch.first_approval else "",
        "run_id": batch.run_id,
        "line": line_view(batch),
        "carried": batch.carried,
        "withdrawn_because": batch.withdrawn_because,
    }


def line_view(batch: Batch) -> dict[str, Any] | None:
    """What became of every approved row so far, as the run closes on it; None where it does not balance or apply."""
    if batch.approval is None or batch.state is BatchState.WITHDRAWN:
        return None
    try:
        return line_of(batch).as_record()
    except NotBalanced:
        # Closing fails loudly on this; whoever looks must still see the rest.
        return None


def run_view(run: Run) -> dict[str, Any]:
    """A run as people see it, with its closing totals once it has closed."""
    return {
        "run_id": run.run_id,
        "plan_year": run.plan_year,
        "code": run.code,
        "mode": run.mode,
        "as_of": run.as_of.isoformat(),
        "cause": run.cause,
        "state": run.state.value,
        "state_words": RUN[run.state].bureau,
        "attempt": run.attempt,
        "batch_count": run.batch_count,
        "note": run.note,
        "totals": run.totals,
        "open_lines": list(run.open_lines),
    }
