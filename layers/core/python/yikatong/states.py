"""What a run, a batch and a payment may be, and how each may move on: one table (DESIGN §3).

Conditional writes, the workflow and the tests read this table; nothing else in the code decides which move is legal.
Each state says what the bureau and, for payments, the public is told, and whether it is final.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class BatchState(StrEnum):
    RECEIVED = "RECEIVED"
    REFUSED = "REFUSED"
    VALIDATED = "VALIDATED"
    APPROVED = "APPROVED"
    BOUND = "BOUND"
    CLAIMED = "CLAIMED"
    INSTRUCTED = "INSTRUCTED"
    SETTLED = "SETTLED"
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class RunState(StrEnum):
    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    PAYING = "PAYING"
    CLOSED = "CLOSED"
    CLOSED_OPEN_ITEMS = "CLOSED_OPEN_ITEMS"
    STOPPED = "STOPPED"


class PaymentState(StrEnum):
    CLAIMED = "CLAIMED"
    INSTRUCTED = "INSTRUCTED"
    SETTLED = "SETTLED"
    REJECTED = "REJECTED"
    IN_DOUBT = "IN_DOUBT"
    RETURNED = "RETURNED"
    REISSUED = "REISSUED"
    FROZEN = "FROZEN"


@dataclass(frozen=True)
class Facts:
    """One row of the table: words for people, whether the state is final, and the event of each edge out of it."""

    bureau: str
    edges: dict[str, str] = field(default_factory=dict)
    public: str = ""

    @property
    def terminal(self) -> bool:
        return not self.edges


_WITHDRAW = {"WITHDRAWN": "BatchWithdrawn"}

BATCH: dict[BatchState, Facts] = {
    BatchState.RECEIVED: Facts(
        "已收到，正在校验", {"REFUSED": "BatchRefused", "VALIDATED": "BatchValidated", **_WITHDRAW}
    ),
    # The same file sent again is judged again: an occasion may have been opened, or cards imported, since.
    BatchState.REFUSED: Facts("整份名册不予受理", {"REFUSED": "BatchRefused", "VALIDATED": "BatchValidated"}),
    BatchState.VALIDATED: Facts(
        "校验完成，待审批",
        {"REFUSED": "BatchRefused", "VALIDATED": "BatchValidated", "APPROVED": "BatchApproved", **_WITHDRAW},
    ),
    BatchState.APPROVED: Facts("已审批，待发放", {"BOUND": "BatchBound", **_WITHDRAW}),
    # A run that ended or died frees its batches: the next run binds them again, with their claims if they have any.
    BatchState.BOUND: Facts("已列入本次发放", {"BOUND": "BatchBound", "CLAIMED": "BatchClaimed", **_WITHDRAW}),
    BatchState.CLAIMED: Facts(
        "已锁定发放对象", {"CLAIMED": "BatchCarried", "INSTRUCTED": "BatchInstructed", **_WITHDRAW}
    ),
    BatchState.INSTRUCTED: Facts("已向银行发出指令", {"SETTLED": "BatchSettled"}),
    # A late answer or a return settles a batch again, under a higher settlement number; it is never unsettled.
    BatchState.SETTLED: Facts("银行已答复", {"SETTLED": "BatchSettled", "PUBLISHED": "RecordsPublished"}),
    BatchState.PUBLISHED: Facts("已公开", {"PUBLISHED": "RecordsPublished"}),
    BatchState.WITHDRAWN: Facts("已撤回"),
}

_STOP = {"STOPPED": "RunStopped"}

RUN: dict[RunState, Facts] = {
    RunState.OPEN: Facts("已开始", {"CLAIMED": "PaymentsClaimed", "CLOSED": "RunClosed", **_STOP}),
    RunState.CLAIMED: Facts(
        "已锁定发放对象", {"PAYING": "PayingBegan", "CLOSED": "RunClosed", "CLOSED_OPEN_ITEMS": "RunClosed", **_STOP}
    ),
    RunState.PAYING: Facts("发放中", {"CLOSED": "RunClosed", "CLOSED_OPEN_ITEMS": "RunClosed", **_STOP}),
    # A contradicted payment opens a closed line again: it is in doubt until a person has looked (PROTOCOL B6).
    RunState.CLOSED: Facts("已结清", {"CLOSED_OPEN_ITEMS": "RunAmended"}),
    RunState.CLOSED_OPEN_ITEMS: Facts(
        "已结束，有待结事项", {"CLOSED_OPEN_ITEMS": "RunAmended", "CLOSED": "RunAmended"}
    ),
    RunState.STOPPED: Facts("已停止", {"OPEN": "RunResumed", "CLAIMED": "RunResumed", "PAYING": "RunResumed"}),
}

PAYMENT: dict[PaymentState, Facts] = {
    PaymentState.CLAIMED: Facts("已锁定", {"INSTRUCTED": "PaymentInstructed"}),
    PaymentState.INSTRUCTED: Facts(
        "已向银行发出",
        {
            "SETTLED": "PaymentSettled",
            "REJECTED": "PaymentRejected",
            "IN_DOUBT": "PaymentInDoubt",
            "FROZEN": "PaymentFrozen",
        },
    ),
    PaymentState.SETTLED: Facts("已发放", {"RETURNED": "PaymentReturned", "FROZEN": "PaymentFrozen"}, public="已发放"),
    # To the payee a refusal and a return are one thing: the money is not there, and the bank sent it back.
    PaymentState.REJECTED: Facts(
        "银行退回", {"REISSUED": "PaymentReissued", "FROZEN": "PaymentFrozen"}, public="银行退回"
    ),
    PaymentState.IN_DOUBT: Facts(
        "银行未答复，查询中",
        {"SETTLED": "PaymentSettled", "REJECTED": "PaymentRejected", "FROZEN": "PaymentFrozen"},
    ),
    PaymentState.RETURNED: Facts(
        "入账后退回", {"REISSUED": "PaymentReissued", "FROZEN": "PaymentFrozen"}, public="银行退回"
    ),
    PaymentState.REISSUED: Facts("已重新发放"),
    PaymentState.FROZEN: Facts("银行答复前后矛盾，已冻结，待人工处理", public="银行正在核实"),
}


class IllegalMove(Exception):
    """A move the table does not allow: a defect or a stale worker, never a user's mistake."""


def event_of(before: BatchState | RunState | PaymentState, after: BatchState | RunState | PaymentState) -> str:
    """Return the event that the move `before` → `after` emits; raise `IllegalMove` when the table has no such edge."""
    facts = (
        BATCH[before]
        if isinstance(before, BatchState)
        else RUN[before]
        if isinstance(before, RunState)
        else PAYMENT[before]
    )
    try:
        return facts.edges[after]
    except KeyError:
        raise IllegalMove(f"{type(before).__name__}: {before} → {after}") from None


BINDABLE = frozenset({BatchState.APPROVED, BatchState.BOUND, BatchState.CLAIMED})
"""States in which a run may bind a batch (the last two only when the run that holds it has ended or died)."""

WITHDRAWABLE = frozenset(state for state, facts in BATCH.items() if "WITHDRAWN" in facts.edges)

SETTLEABLE = frozenset({BatchState.INSTRUCTED, BatchState.SETTLED, BatchState.PUBLISHED})
"""The bank has been told: answers count, and what is not answered is enquired about, settled once before or not."""

ENDED_RUN = frozenset({RunState.CLOSED, RunState.CLOSED_OPEN_ITEMS})

FINAL_PAYMENT = frozenset({PaymentState.SETTLED, PaymentState.REJECTED, PaymentState.RETURNED, PaymentState.FROZEN})
"""Payment states in which the bank's answer is known: nothing is awaited or enquired about any more."""
