"""What people may look at: the batches and runs of their region and their subsidies, nobody else's."""

import json
from dataclasses import dataclass
from typing import Any

from yikatong.batches import Batch, Tally, batch_key, batches_pk, review_key
from yikatong.closing import NotBalanced, line_of
from yikatong.errors import Refusal
from yikatong.payments import split_batch_id
from yikatong.plan import PlanBook
from yikatong.ports import Control, Lake
from yikatong.principals import MAY, PROVINCE, Action, Principal, authorize, covers, leads
from yikatong.regions import name_of
from yikatong.roster.findings import asked_in_words
from yikatong.runs import Run, RunInputs, inputs_key, run_key
from yikatong.states import BATCH, RUN, BatchState
from yikatong.use_cases.open_run import lacks_trial

MOST_LISTED = 500
"""Newest first; whoever has more narrows the question."""
MOST_REVIEW_ROWS = 200


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


def may_read_report(principal: Principal) -> bool:
    """Whether whoever sees a batch may read its report too, in which personal data stands in clear."""
    return Action.READ_REPORT in MAY[principal.role]


def refusals_for(principal: Principal, batch: Batch, book: PlanBook) -> dict[str, str]:
    """Why the principal may not approve, reject or withdraw this batch whatever its state, in words; empty where they may."""
    subsidy = book.by_code(batch.plan_year, batch.code)
    told = {}
    for action in (Action.APPROVE_BATCH, Action.REJECT_BATCH, Action.WITHDRAW_BATCH):
        try:
            authorize(principal, action, batch.region, subsidy)
            told[action.value] = ""
        except Refusal as refusal:
            told[action.value] = refusal.message
    return told


def list_runs(
    control: Control, book: PlanBook, principal: Principal, plan_year: int, number: int | None = None
) -> list[Run]:
    """The runs of a subsidy (of every one of the principal's when left out) by their day, the latest first; those of one
    day by their ids. Other plan years' are left out."""
    subsidy = None if number is None else book.subsidy(plan_year, number)
    authorize(principal, Action.SEE_RUNS, subsidy=subsidy)
    mine = [each for each in book.plan(plan_year).subsidies if leads(principal, each)] if subsidy is None else [subsidy]
    queried = (run for each in mine for run in control.query(Run, f"RUNS#{each.code}"))
    found = [run for run in queried if run.plan_year == plan_year]
    by_id = sorted(found, key=lambda run: run.run_id)
    return sorted(by_id, key=lambda run: run.as_of, reverse=True)[:MOST_LISTED]


@dataclass(frozen=True)
class RunShown:
    """A run and, of the batches it bound in the principal's region: those that are its own now, in its own order, and
    those it has no more to do with, because another run took them up or they were withdrawn."""

    run: Run
    batches: tuple[Batch, ...]
    left: tuple[Batch, ...]


def show_run(control: Control, lake: Lake, book: PlanBook, principal: Principal, run_id: str) -> RunShown:
    run = find_run(control, run_id)
    authorize(principal, Action.SEE_RUNS, subsidy=book.by_code(run.plan_year, run.code))
    data = lake.get(inputs_key(run_id))
    bound = [] if data is None else [each.batch_id for each in RunInputs.model_validate_json(data).batches]
    stored = {batch.batch_id: batch for batch in control.query(Batch, batches_pk(run.code, run.mode))} if bound else {}
    seen = [stored[each] for each in bound if each in stored and covers(principal.region, stored[each].region)]
    own = [batch for batch in seen if batch.run_id == run_id and batch.state is not BatchState.WITHDRAWN]
    return RunShown(run, tuple(own), tuple(batch for batch in seen if batch not in own))


def batch_view(batch: Batch, book: PlanBook) -> dict[str, Any]:
    """A batch as people see it: what the roster held, and once approved its `line`. Tallies are counts and fen.

    Of a refused roster nothing is payable, whatever its rows would have been. `passed_on` is what `children` took up of the
    rows that the line holds as held or not sent.
    """
    tallies = {name: getattr(batch, name) for name in ("payable", "held", "review", "excluded")}
    if batch.state is BatchState.REFUSED:
        tallies = dict.fromkeys(tallies, Tally())
    return {
        "batch_id": batch.batch_id,
        "plan_year": batch.plan_year,
        "number": batch.number,
        "code": batch.code,
        "subsidy": book.by_code(batch.plan_year, batch.code).name,
        "region": batch.region,
        "region_name": name_of(batch.region),
        "mode": batch.mode,
        "state": batch.state.value,
        "state_words": BATCH[batch.state].bureau,
        "object_key": batch.object_key,
        "object_version": batch.object_version,
        "sha256": batch.sha256,
        "sheet": batch.sheet,
        "reissue_of": batch.reissue_of,
        "uploader": batch.uploader,
        "received_at": batch.received_at,
        "slots": list(batch.slots),
        "refusal": batch.refusal,
        "findings": batch.findings,
        "has_report": bool(batch.report_key),
        "rows": batch.rows,
        **{name: tally.model_dump() for name, tally in tallies.items()},
        "cards_checked": batch.cards_checked,
        "approval": batch.approval and batch.approval.model_dump(mode="json", exclude={"accepted_reviews"}),
        "first_approver": batch.first_approval.approver if batch.first_approval else "",
        "run_id": batch.run_id,
        "line": line_view(batch),
        "settlement_seq": batch.settlement.seq if batch.settlement else None,
        "parent": batch.parent,
        "children": list(batch.children),
        "passed_on": batch.passed_on.model_dump(),
        "carried": batch.carried,
        "recovered": batch.recovered.model_dump(),
        "withdrawn_because": batch.withdrawn_because,
    }


def batch_details(batch: Batch, control: Control, lake: Lake, book: PlanBook) -> dict[str, Any]:
    """What an approver must know beside `batch_view`: the rows under review, and whether the region's trial is still owed.

    `review_rows` are at most `MOST_REVIEW_ROWS`, `review_rows_more` says how many there are beyond; nobody's name in them.
    `reissues` are the batches that pay again what failed of this one (PROTOCOL B5), those refused left out.
    """
    data = lake.get(review_key(batch.rows_key)) if batch.rows_key and batch.review.count else None
    rows = json.loads(data or b"[]")
    shown = [
        {"row": each["row"], "fen": each["fen"], "code": each["code"], "words": asked_in_words(each["code"])}
        for each in rows[:MOST_REVIEW_ROWS]
    ]
    return {
        "review_rows": shown,
        "review_rows_more": len(rows) - len(shown),
        "waiting_for_trial": waits_for_trial(batch, control, book),
        "reissues": [
            {"batch_id": each.batch_id, "rows": each.rows, "state_words": BATCH[each.state].bureau}
            for each in control.query(Batch, batch.pk, batch.batch_id.removesuffix(batch.digest))
            if each.reissue_of == batch.batch_id and each.state is not BatchState.REFUSED
        ],
    }


def waits_for_trial(batch: Batch, control: Control, book: PlanBook) -> bool:
    """Whether no run will take the batch yet because its region has not passed the trial that the plan asks for."""
    return batch.state in (BatchState.VALIDATED, BatchState.APPROVED) and lacks_trial(batch, control, book)


def line_view(batch: Batch) -> dict[str, Any] | None:
    """What became of every approved row so far, as the run closes on it; None where it does not balance or apply."""
    if batch.approval is None or batch.state is BatchState.WITHDRAWN:
        return None
    try:
        return line_of(batch).as_record()
    except NotBalanced:
        # Closing fails loudly on this; whoever looks must still see the rest.
        return None


def run_view(run: Run, principal: Principal) -> dict[str, Any]:
    """A run as people see it. Its closing totals are every region's, so only who sees the whole province sees them."""
    whole = covers(principal.region, PROVINCE)
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
        "totals": run.totals if whole else {},
        "open_lines": [each for each in run.open_lines if covers(principal.region, split_batch_id(each)[2])],
    }


def run_details(shown: RunShown, book: PlanBook, principal: Principal) -> dict[str, Any]:
    """A run with the batches that are its own now, and under `passed_on` and `withdrawn` those that are no more."""
    gone = [batch for batch in shown.left if batch.state is BatchState.WITHDRAWN]
    return run_view(shown.run, principal) | {
        "batches": [batch_view(batch, book) for batch in shown.batches],
        "passed_on": [{"batch_id": each.batch_id, "run_id": each.run_id} for each in shown.left if each not in gone],
        "withdrawn": [batch.batch_id for batch in gone],
    }
