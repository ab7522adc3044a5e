"""What waits for a person: one list, from the control table and the queues' own counts; no row of any roster is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yikatong.bank.settings import Banks
from yikatong.batches import Batch
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Control, Queues, Workflow
from yikatong.principals import MAY, PROVINCE, Action, Principal, authorize, covers, leads
from yikatong.runs import Run
from yikatong.states import BINDABLE, ENDED_RUN, SETTLEABLE, BatchState, RunState

EXPIRY_WARNING_DAYS = 14
MOST_FILES = 100

KINDS = {
    "approval": "待审批",
    "approval_expiring": "审批即将过期",
    "carried": "未发放，已结转",
    "withdrawal": "撤回未办完，请再撤回一次",
    "in_doubt": "银行逾期未答复",
    "frozen": "银行答复前后矛盾，待裁定",
    "stopped": "发放已停止",
    "given_up": "发放多次中断，不再自动重试",
    "broken_off": "发放中断，尚未重新开始",
    "quarantine": "银行文件无法处理",
    "dead_letters": "死信待重投",
}
"""Every kind of work, in the order in which it is listed, with its words."""


@dataclass(frozen=True)
class WorkItem:
    """`about` is what the lever takes: a batch, a run, a queue, a file. `detail` holds nobody's name or number."""

    kind: str
    about: str
    detail: str
    region: str = ""

    def as_record(self) -> dict[str, Any]:
        return {"kind": self.kind, "words": KINDS[self.kind]} | {
            name: getattr(self, name) for name in ("about", "detail", "region")
        }


def list_work(
    control: Control,
    workflow: Workflow,
    queues: Queues,
    quarantined: Sequence[str],
    book: PlanBook,
    settings: Settings,
    banks: Banks,
    principal: Principal,
    now: datetime,
) -> list[WorkItem]:
    """What waits in the principal's region and for their subsidies; runs, the bank's files and dead letters concern the
    whole province, and are listed for those who see it and may mend it. `quarantined`: the keys of such files."""
    authorize(principal, Action.SEE_BATCHES)
    batches = [
        batch
        for batch in control.query_region(Batch, principal.region)
        if leads(principal, book.by_code(batch.plan_year, batch.code))
    ]
    items = [item for batch in batches for item in _of_batch(batch, settings, banks, now)]
    if Action.RESUME_RUN in MAY[principal.role] and covers(principal.region, PROVINCE):
        items += _of_runs(control, workflow, book, principal)
        items += [WorkItem("quarantine", key, "原因见该文件的元数据") for key in sorted(quarantined)[-MOST_FILES:]]
        items += [WorkItem("dead_letters", verb, f"{dead} 条") for verb in queues.verbs if (dead := queues.dead(verb))]
    order = list(KINDS)
    return sorted(items, key=lambda item: (order.index(item.kind), item.about))


def _of_batch(batch: Batch, settings: Settings, banks: Banks, now: datetime) -> Iterator[WorkItem]:
    if batch.state is BatchState.VALIDATED:
        words = f"{batch.payable.count + batch.held.count} 行，{batch.uploader} 报送"
        if batch.first_approval is not None:
            words += f"，{batch.first_approval.approver} 已审批，待第二人"
        yield WorkItem("approval", batch.batch_id, words, batch.region)
    if batch.state is BatchState.APPROVED:
        last = batch.approved_on + timedelta(days=settings.for_subsidy(batch.code).approval_expiry_days)
        if (last - now.date()).days <= EXPIRY_WARNING_DAYS:
            yield WorkItem("approval_expiring", batch.batch_id, f"最后一天 {last}", batch.region)
    if batch.carried and batch.state in BINDABLE:
        yield WorkItem("carried", batch.batch_id, batch.carried, batch.region)
    if batch.state is BatchState.WITHDRAWN and not batch.released:
        # A worker died before the order of those who came free; pressing again goes on from there.
        yield WorkItem("withdrawal", batch.batch_id, batch.withdrawn_because, batch.region)
    if batch.state not in SETTLEABLE:
        return
    frozen = batch.settlement.frozen.count if batch.settlement is not None else 0
    if frozen:
        yield WorkItem("frozen", batch.batch_id, f"{frozen} 笔", batch.region)
    if waiting := _overdue(batch, frozen, banks, now):
        yield WorkItem("in_doubt", batch.batch_id, waiting, batch.region)


def _overdue(batch: Batch, frozen: int, banks: Banks, now: datetime) -> str:
    """Which of the bank's answers are missing though nothing sent can still be under way (PROTOCOL B3); empty when none."""
    assert batch.instruction is not None, "a settleable batch was instructed"
    assert batch.selection is not None, "what is instructed was selected"
    count = batch.settlement.in_doubt.count - frozen if batch.settlement is not None else batch.selection.sent.count
    deadline_s = banks.bank(batch.instruction.bank_id).message_deadline_s
    sent = datetime.fromisoformat(batch.instruction.instructed_at)
    if count <= 0 or now < sent + timedelta(seconds=deadline_s):
        return ""
    return f"{count} 笔，报文 {'、'.join(batch.instruction.messages)}"


def _of_runs(control: Control, workflow: Workflow, book: PlanBook, principal: Principal) -> Iterator[WorkItem]:
    subsidies = [each for plan in book.plans for each in plan.subsidies if each.code and leads(principal, each)]
    for code in sorted({each.code for each in subsidies if each.code}):
        for run in control.query(Run, f"RUNS#{code}"):
            if run.state is RunState.STOPPED:
                yield WorkItem("stopped", run.run_id, run.note)
            elif run.state not in ENDED_RUN and workflow.status(run.execution) != "RUNNING":
                # Within attempts the news of its death starts it again, within seconds; where that was lost, a person does.
                kind = "given_up" if run.attempt >= run.attempts_allowed else "broken_off"
                yield WorkItem(kind, run.run_id, f"已执行 {run.attempt} 次")
