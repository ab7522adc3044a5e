"""Approval: by another person than the uploader, of exactly that file and those rows, and repeated without harm."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import MemoryControl, MemoryLake, MemoryOrders
from yikatong.batches import Batch, Tally, batch_key, review_key, rows_key
from yikatong.errors import Conflict, Refusal
from yikatong.plan import PlanBook, Settings
from yikatong.ports import RunOrder, Stored
from yikatong.principals import Principal, Role, principal_key
from yikatong.states import BatchState
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
NOW = datetime(2023, 6, 5, 10, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
HEX = "0123456789abcdef"
REVIEWS = [{"row": 5, "fen": 300, "code": "slot_review"}, {"row": 5, "fen": 300, "code": "amount_limit"}]
REVIEWS += [{"row": 9, "fen": 700, "code": "name_differs"}]
SAME = {
    "sha256": "a" * 64,
    "object_version": "v1",
    "payable": {"count": 10, "fen": 1000},
    "held": {"count": 2, "fen": 90},
}


class Desk:
    """One batch on the approver's desk."""

    def __init__(self, number: int = 2, **changes: Any) -> None:
        self.control, self.lake, self.orders = MemoryControl(), MemoryLake(), MemoryOrders()
        code = BOOK.subsidy(2023, number).code
        self.batch_id = f"{code}.formal.230102.{HEX}"
        pk, sk = batch_key(self.batch_id)
        batch = Batch(
            pk=pk,
            sk=sk,
            batch_id=self.batch_id,
            plan_year=2023,
            number=number,
            code=str(code),
            region="230102",
            mode="formal",
            state=BatchState.VALIDATED,
            object_key=f"2023/230102/{number}/a.csv",
            object_version="v1",
            sha256="a" * 64,
            uploader="harbin-clerk",
            received_at="2023-06-05T09:00:00+08:00",
            rows=15,
            payable=Tally(count=10, fen=1000),
            held=Tally(count=2, fen=90),
            review=Tally(count=2, fen=1000),
            slots=("2023-06",),
            rows_key=rows_key(self.batch_id, "d" * 16),
        )
        self.control.save(batch.changed(**changes))
        self.lake.put_once(review_key(batch.rows_key), json.dumps(REVIEWS).encode(), "d")

    def approve(
        self, name: str = "harbin-approver", at: datetime = NOW, role: str = "approver", **changes: Any
    ) -> Batch:
        pk, sk = principal_key(name)
        who = Principal(pk=pk, sk=sk, name=name, role=Role(role), region="230100")
        request = ApprovalRequest.model_validate(SAME | changes)
        return approve_batch(self.control, self.lake, self.orders, BOOK, SETTINGS, who, self.batch_id, request, at)

    @property
    def stored(self) -> Batch:
        batch = self.control.read(Batch, *batch_key(self.batch_id))
        assert batch is not None
        return batch


def test_an_approval_is_bound_to_the_file_the_rows_and_the_person() -> None:
    desk = Desk()
    answer = desk.approve()
    assert answer == desk.stored
    assert answer.state is BatchState.APPROVED
    approval = answer.approval
    assert approval is not None
    assert (approval.approver, approval.approved_at) == ("harbin-approver", "2023-06-05T10:30:00+08:00")
    assert (approval.sha256, approval.object_version, approval.slots) == ("a" * 64, "v1", ("2023-06",))
    assert (approval.payable, approval.held) == (Tally(count=10, fen=1000), Tally(count=2, fen=90))


def test_the_uploader_cannot_approve_whatever_their_role_is() -> None:
    desk = Desk()
    with pytest.raises(Refusal, match="不能是同一人") as refused:
        desk.approve("harbin-clerk")
    assert refused.value.code == "forbidden"
    assert desk.stored.state is BatchState.VALIDATED


def test_a_clerk_cannot_approve() -> None:
    with pytest.raises(Refusal, match="角色是经办"):
        Desk().approve("other-clerk", role="clerk")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "b" * 64}, "SHA-256"),
        ({"object_version": "v2"}, "版本"),
        ({"payable": {"count": 10, "fen": 1001}}, "可发放行：批次为 10 行 1000 分，您填的是 10 行 1001 分"),
        ({"held": {"count": 1, "fen": 90}}, "暂缓行"),
    ],
)
def test_what_differs_from_the_batch_is_named_and_nothing_is_approved(changes: dict[str, Any], words: str) -> None:
    desk = Desk()
    with pytest.raises(Refusal, match=words) as refused:
        desk.approve(**changes)
    assert refused.value.code == "conflict"
    assert desk.stored.state is BatchState.VALIDATED


def test_rows_under_review_are_accepted_by_number_each_counted_once() -> None:
    approval = Desk().approve(accepted_reviews=[9, 5, 5]).approval
    assert approval is not None
    assert (approval.accepted_reviews, approval.accepted) == ((5, 9), Tally(count=2, fen=1000))


def test_a_row_not_under_review_cannot_be_accepted() -> None:
    desk = Desk()
    with pytest.raises(Refusal, match="第 6 行不是待复核的行"):
        desk.approve(accepted_reviews=[5, 6])
    assert desk.stored.approval is None


def test_reviews_left_unaccepted_need_no_list() -> None:
    desk = Desk()
    desk.lake.objects.clear()
    assert desk.approve().state is BatchState.APPROVED


def test_a_scheduled_subsidy_is_left_to_its_schedule() -> None:
    desk = Desk()
    desk.approve()
    assert desk.orders.runs == []


def test_an_occasion_is_paid_on_approval() -> None:
    desk = Desk(number=11)
    desk.approve()
    order = RunOrder(2023, "temporary-relief", "formal", date(2023, 6, 5), f"appr{HEX}")
    assert desk.orders.runs == [order]


def test_the_same_approval_again_orders_the_same_run_again_on_the_same_day() -> None:
    desk = Desk(number=11)
    first = desk.approve()
    again = desk.approve(at=NOW + timedelta(days=3))
    assert again == first
    assert len(desk.orders.runs) == 2
    assert len(set(desk.orders.runs)) == 1


def test_a_repeated_approval_of_a_batch_a_run_has_taken_orders_nothing() -> None:
    desk = Desk(number=11)
    approved = desk.approve()
    desk.control.save(approved.moved(BatchState.BOUND, run_id="r"))
    assert desk.approve().state is BatchState.BOUND
    assert len(desk.orders.runs) == 1


@pytest.mark.parametrize(("name", "changes"), [("second-approver", {}), ("harbin-approver", {"accepted_reviews": [5]})])
def test_another_approval_of_an_approved_batch_is_refused(name: str, changes: dict[str, Any]) -> None:
    desk = Desk()
    desk.approve()
    with pytest.raises(Refusal, match="已于 2023-06-05") as refused:
        desk.approve(name, **changes)
    assert refused.value.code == "conflict"


@pytest.mark.parametrize("state", ["RECEIVED", "REFUSED", "WITHDRAWN"])
def test_a_batch_that_does_not_wait_for_approval_is_refused(state: str) -> None:
    with pytest.raises(Refusal, match="不在待审批状态"):
        Desk(state=BatchState(state)).approve()


def test_a_withdrawn_batch_is_not_approved_again_by_repeating_its_approval() -> None:
    desk = Desk()
    desk.control.save(desk.approve().moved(BatchState.WITHDRAWN))
    with pytest.raises(Refusal, match="已撤回"):
        desk.approve()


def test_a_withdrawal_between_reading_and_writing_wins() -> None:
    desk = Desk(number=11)
    save = desk.control.save

    def withdraw_first(*items: Stored) -> None:
        save(desk.stored.moved(BatchState.WITHDRAWN))
        save(*items)

    desk.control.save = withdraw_first  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        desk.approve()
    assert desk.stored.state is BatchState.WITHDRAWN
    assert desk.orders.runs == []


LARGE = {"payable": Tally(count=10, fen=50_000_000), "held": Tally(count=0, fen=0)}
LARGE_WORDS = {"payable": {"count": 10, "fen": 50_000_000}, "held": {"count": 0, "fen": 0}}


def large(**changes: Any) -> Desk:
    """A batch of 临时救助 that reaches its threshold of 500,000 yuan."""
    return Desk(11, **(LARGE | changes))


def test_a_large_batch_waits_for_a_second_approver_and_orders_nothing() -> None:
    desk = large()
    answer = desk.approve(**LARGE_WORDS)
    assert answer == desk.stored
    assert (answer.state, answer.approval) == (BatchState.VALIDATED, None)
    assert answer.first_approval is not None
    assert answer.first_approval.approver == "harbin-approver"
    assert desk.orders.runs == []


def test_a_second_approver_of_the_same_content_approves_it() -> None:
    desk = large()
    desk.approve(**LARGE_WORDS)
    answer = desk.approve("province-approver", **LARGE_WORDS)
    assert answer.state is BatchState.APPROVED
    assert answer.approval is not None
    assert answer.approval.approver == "province-approver"
    assert len(desk.orders.runs) == 1


def test_the_first_approver_is_not_the_second() -> None:
    desk = large()
    first = desk.approve(**LARGE_WORDS)
    assert desk.approve(**LARGE_WORDS) == first
    assert desk.stored.state is BatchState.VALIDATED


def test_the_uploader_is_not_the_second_approver_either() -> None:
    desk = large()
    desk.approve(**LARGE_WORDS)
    with pytest.raises(Refusal, match="不能是同一人"):
        desk.approve("harbin-clerk", **LARGE_WORDS)


def test_two_approvers_must_accept_the_same_rows_by_name() -> None:
    desk = large()
    desk.approve(**LARGE_WORDS, accepted_reviews=[5])
    with pytest.raises(Refusal, match="待复核行不同"):
        desk.approve("province-approver", **LARGE_WORDS)
    assert desk.approve("province-approver", **LARGE_WORDS, accepted_reviews=[5]).state is BatchState.APPROVED


def test_one_fen_below_the_threshold_one_approver_is_enough_and_a_trial_never_needs_two() -> None:
    below = {"payable": Tally(count=10, fen=49_999_999), "held": Tally(count=0, fen=0)}
    words = {"payable": {"count": 10, "fen": 49_999_999}, "held": {"count": 0, "fen": 0}}
    assert Desk(11, **below).approve(**words).state is BatchState.APPROVED
    assert large(mode="trial").approve(**LARGE_WORDS).state is BatchState.APPROVED
