"""An approver puts their name to exactly that file and exactly those rows (DESIGN §2). Maker and checker differ."""

import json
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from yikatong.batches import Approval, Batch, Tally, review_key
from yikatong.errors import Refusal
from yikatong.plan import Frequency, Mode, PlanBook, Settings
from yikatong.ports import AGAIN, Control, Lake, Orders, RunOrder
from yikatong.principals import Action, Principal, authorize
from yikatong.states import BATCH, BatchState
from yikatong.use_cases.list_batches import find_batch


class ApprovalRequest(BaseModel):
    """What the approver says they approve, repeated from what they read; it must match to the fen."""

    model_config = ConfigDict(extra="forbid")

    sha256: str
    object_version: str
    payable: Tally
    held: Tally
    accepted_reviews: Annotated[tuple[int, ...], Field(max_length=100_000)] = ()
    """Row numbers under review that the approver accepts by name."""


class ReviewRow(BaseModel):
    """One row under review, from the list that `validate_roster` froze beside the roster."""

    row: int
    fen: int
    code: str


def approve_batch(
    control: Control,
    lake: Lake,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    principal: Principal,
    batch_id: str,
    request: ApprovalRequest,
    now: datetime,
) -> Batch:
    """Approve, and order a run where the plan gives no schedule that would (多次/年, 实际发放日), and for a reissue.

    From the subsidy's threshold on (settings, `second_approval_fen`) a formal batch needs two approvers of the same
    content: after the first it is still VALIDATED, and no run takes it.

    The same approval repeated by the same approver gives the same answer, and publishes the order again: the first
    time may have died between the two.
    """
    batch = find_batch(control, batch_id)
    subsidy = book.by_code(batch.plan_year, batch.code)
    authorize(principal, Action.APPROVE_BATCH, batch.region, subsidy)
    if principal.name == batch.uploader:
        raise Refusal("经办与审批不能是同一人：这份名册是您自己上传的。", "forbidden")
    if batch.approval is None or batch.state is BatchState.WITHDRAWN:
        if batch.state is not BatchState.VALIDATED:
            raise Refusal(f"批次不在待审批状态（现为{BATCH[batch.state].bureau}），不能审批。", "conflict")
        approval = _approval(lake, principal, batch, request, now)
        if _waits_for_another(batch, approval, settings):
            return _keep_first(control, batch, approval)
        approved = batch.moved(BatchState.APPROVED, approval=approval)
        control.save(approved)
        batch = approved.changed(version=batch.version + 1)
    elif not _repeats(batch.approval, principal, request):
        raise Refusal(f"批次已于 {batch.approval.approved_at} 审批，内容或审批人与本次不同。", "conflict")
    assert batch.approval is not None, "approved just now or before"
    # A batch further on than APPROVED has been taken by a run, so the order was not lost.
    unscheduled = subsidy.frequency is Frequency.PER_OCCASION or subsidy.formal.on_demand
    if batch.state is BatchState.APPROVED and (unscheduled or batch.reissue_of):
        orders.order_run(_order(batch, batch.approval))
    return batch


def _waits_for_another(batch: Batch, approval: Approval, settings: Settings) -> bool:
    """Whether the batch needs a second approver and this is not the second; a second who differs is refused."""
    threshold_fen = settings.for_subsidy(batch.code).second_approval_fen
    sum_fen = (approval.payable + approval.held + approval.accepted).fen
    if batch.mode != Mode.FORMAL or threshold_fen is None or sum_fen < threshold_fen:
        return False
    first = batch.first_approval
    if first is None or first.approver == approval.approver:
        return True
    if first.accepted_reviews != approval.accepted_reviews:
        raise Refusal(
            f"两位审批人确认的待复核行不同：{first.approver} 已确认 {len(first.accepted_reviews)} 行。", "conflict"
        )
    return False


def _keep_first(control: Control, batch: Batch, approval: Approval) -> Batch:
    """Note the first approver's word; the same person again may still change which rows they accept."""
    standing = batch.first_approval
    if standing is not None and standing.accepted_reviews == approval.accepted_reviews:
        return batch
    kept = batch.changed(first_approval=approval)
    control.save(kept)
    return kept.changed(version=batch.version + 1)


def _order(batch: Batch, approval: Approval) -> RunOrder:
    """Dated on the day of the approval, however late it is published again: `as_of` never moves.

    A reissue waits for no payday: whom it pays should have been paid before (PROTOCOL B5).
    """
    as_of = date.fromisoformat(approval.approved_at[:10])
    cause = f"{AGAIN if batch.reissue_of else 'appr'}{batch.digest}"
    return RunOrder(batch.plan_year, batch.code, batch.mode, as_of, cause)


def _approval(lake: Lake, principal: Principal, batch: Batch, request: ApprovalRequest, now: datetime) -> Approval:
    if different := _differences(batch, request):
        raise Refusal(f"您审批的内容与批次不一致：{'；'.join(different)}。请重新核对后再审批。", "conflict")
    rows = tuple(sorted(set(request.accepted_reviews)))
    return Approval(
        approver=principal.name,
        approved_at=now.isoformat(timespec="seconds"),
        sha256=batch.sha256,
        object_version=batch.object_version,
        mode=batch.mode,
        code=batch.code,
        slots=batch.slots,
        payable=batch.payable,
        held=batch.held,
        accepted_reviews=rows,
        accepted=_accepted(lake, batch, rows),
    )


def _differences(batch: Batch, request: ApprovalRequest) -> list[str]:
    different = []
    if request.sha256 != batch.sha256:
        different.append("文件的 SHA-256 不同")
    if request.object_version != batch.object_version:
        different.append("文件的版本不同")
    for words, stored, given in (("可发放", batch.payable, request.payable), ("暂缓", batch.held, request.held)):
        if stored != given:
            different.append(
                f"{words}行：批次为 {stored.count} 行 {stored.fen} 分，您填的是 {given.count} 行 {given.fen} 分"
            )
    return different


def _accepted(lake: Lake, batch: Batch, rows: tuple[int, ...]) -> Tally:
    """The number and sum of the accepted rows; a row that is not under review in this batch is refused by number."""
    if not rows:
        return Tally()
    data = lake.get(review_key(batch.rows_key))
    findings = [ReviewRow.model_validate(item) for item in json.loads(data or b"[]")]
    fen_by_row = {finding.row: finding.fen for finding in findings}
    assert Tally(count=len(fen_by_row), fen=sum(fen_by_row.values())) == batch.review, "review list and batch disagree"
    if unknown := [row for row in rows if row not in fen_by_row]:
        shown = "、".join(map(str, unknown[:10])) + ("等" if len(unknown) > 10 else "")
        raise Refusal(f"第 {shown} 行不是待复核的行，不能确认。", "conflict")
    return Tally(count=len(rows), fen=sum(fen_by_row[row] for row in rows))


def _repeats(approval: Approval, principal: Principal, request: ApprovalRequest) -> bool:
    return (
        approval.approver,
        approval.sha256,
        approval.object_version,
        approval.payable,
        approval.held,
        approval.accepted_reviews,
    ) == (
        principal.name,
        request.sha256,
        request.object_version,
        request.payable,
        request.held,
        tuple(sorted(set(request.accepted_reviews))),
    )
