"""An approver sends a batch back to whoever made it, with the reason (maker ≠ checker, DESIGN §2)."""

from yikatong.batches import Batch
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.ports import Control
from yikatong.principals import Action, Principal, authorize
from yikatong.states import BATCH, BatchState
from yikatong.use_cases.list_batches import find_batch


def reject_batch(control: Control, book: PlanBook, principal: Principal, batch_id: str, reason: str) -> Batch:
    """Refuse what awaits approval; of two approvals the first is void. The same file may be sent again and is judged anew.

    Only before the approval: an approved batch is withdrawn instead. Saying the same again is harmless.
    """
    batch = find_batch(control, batch_id)
    authorize(principal, Action.REJECT_BATCH, batch.region, book.by_code(batch.plan_year, batch.code))
    if principal.name == batch.uploader:
        raise Refusal("经办与审批不能是同一人：这份名册是您自己上传的，请改用撤回。", "forbidden")
    if not reason.strip():
        raise Refusal("请写明退回的原因。", "invalid")
    refusal = f"审批退回（{principal.name}）：{reason.strip()}"
    if batch.state is BatchState.REFUSED and batch.refusal == refusal:
        return batch
    if batch.state is not BatchState.VALIDATED:
        raise Refusal(f"批次不在待审批状态（现为{BATCH[batch.state].bureau}），不能退回。", "conflict")
    rejected = batch.moved(BatchState.REFUSED, refusal=refusal, first_approval=None)
    control.save(rejected)
    return rejected.changed(version=batch.version + 1)
