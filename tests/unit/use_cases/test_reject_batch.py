"""An approver sends a batch back with the reason; the first of two approvals is void, and the same file may come again."""

import pytest

from tests.fakes import MemoryOrders
from tests.unit.use_cases.desk import BOOK, NOW, SETTINGS, Desk, sample
from yikatong.batches import Batch
from yikatong.errors import Refusal
from yikatong.principals import Principal, Role, principal_key
from yikatong.states import BatchState
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.reject_batch import reject_batch


def who(name: str = "approver", role: str = "approver", region: str = "230100") -> Principal:
    pk, sk = principal_key(name)
    return Principal(pk=pk, sk=sk, name=name, role=Role(role), region=region)


@pytest.fixture
def desk() -> Desk:
    """With one roster that awaits approval."""
    desk = Desk()
    assert desk.arrive(sample().roster_csv()) == BatchState.VALIDATED
    return desk


def reject(desk: Desk, principal: Principal | None = None, reason: str = "第三村的标准不对") -> Batch:
    return reject_batch(desk.control, BOOK, principal or who(), desk.standing().batch_id, reason)


def approve(desk: Desk, principal: Principal) -> Batch:
    batch = desk.standing()
    request = ApprovalRequest(
        sha256=batch.sha256, object_version=batch.object_version, payable=batch.payable, held=batch.held
    )
    return approve_batch(
        desk.control, desk.lake, MemoryOrders(), BOOK, SETTINGS, principal, batch.batch_id, request, NOW
    )


def test_a_rejected_batch_says_who_sent_it_back_and_why(desk: Desk) -> None:
    rejected = reject(desk)
    assert rejected == desk.standing()
    assert (rejected.state, rejected.refusal) == (BatchState.REFUSED, "审批退回（approver）：第三村的标准不对")
    assert reject(desk) == rejected, "the answer was lost, and the approver says it again"


def test_the_first_of_two_approvals_is_void(desk: Desk) -> None:
    batch = desk.standing()
    first = batch.changed(first_approval=approve(Desk(desk.control, desk.lake), who("first")).approval)
    desk.control.save(first.changed(version=desk.standing().version, state=BatchState.VALIDATED, approval=None))
    assert desk.standing().first_approval is not None
    assert reject(desk).first_approval is None


def test_the_same_file_may_be_sent_again_and_approved(desk: Desk) -> None:
    reject(desk)
    with pytest.raises(Refusal, match="不在待审批状态"):
        approve(desk, who())
    assert desk.arrive(sample().roster_csv()) == "replayed", "the old event, delivered once more, undoes no rejection"
    assert desk.standing().state is BatchState.REFUSED
    assert desk.arrive(sample().roster_csv(), version="v2", sequencer="02") == BatchState.VALIDATED
    assert desk.standing().refusal == ""
    assert approve(desk, who()).state is BatchState.APPROVED


@pytest.mark.parametrize(
    ("principal", "why"),
    [
        (who("maker", "approver"), "上传"),
        (who("clerk", "clerk"), "角色是经办"),
        (who("treasurer", "treasurer"), "角色是财政资金"),
        (who("elsewhere", "approver", "230200"), "管辖地区"),
    ],
)
def test_only_an_approver_of_the_region_who_did_not_upload_it_may(desk: Desk, principal: Principal, why: str) -> None:
    desk.control.save(desk.standing().changed(uploader="maker"))
    with pytest.raises(Refusal, match=why) as refused:
        reject(desk, principal)
    assert refused.value.code == "forbidden"
    assert desk.standing().state is BatchState.VALIDATED


def test_a_reason_is_asked_for(desk: Desk) -> None:
    with pytest.raises(Refusal, match="原因"):
        reject(desk, reason="  ")


@pytest.mark.parametrize("state", ["APPROVED", "BOUND", "INSTRUCTED", "WITHDRAWN"])
def test_what_awaits_no_approval_is_not_rejected(desk: Desk, state: str) -> None:
    desk.move(desk.standing(), BatchState(state))
    with pytest.raises(Refusal, match="不能退回") as refused:
        reject(desk)
    assert refused.value.code == "conflict"
