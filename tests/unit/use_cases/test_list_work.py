"""What waits for a person: each kind once it is there, gone when it is done, and only for those whom it concerns."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import MemoryControl, MemoryQueues, MemoryWorkflow
from yikatong.bank.settings import committed_banks
from yikatong.batches import Approval, Batch, Instruction, Selection, Settlement, Tally, batch_key
from yikatong.plan import PlanBook, Settings
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import Run, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.use_cases.list_work import EXPIRY_WARNING_DAYS, list_work

CODE = "urban-minimum-living"
BATCH_ID = f"{CODE}.formal.230102.0123456789abcdef"
NOW = datetime(2023, 6, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
ORDER = RunOrder(2023, CODE, "formal", NOW.date(), "sched")
BANKS = committed_banks()
ONE = Tally(count=1, fen=100)
APPROVAL = Approval(
    approver="a", approved_at="2023-06-05T09:00:00+08:00", sha256="", object_version="", mode="formal", code=CODE,
    slots=(), payable=ONE, held=Tally(),
)  # fmt: skip


class Office:
    def __init__(self) -> None:
        self.control, self.workflow, self.queues = MemoryControl(), MemoryWorkflow(), MemoryQueues(start_run=[])

    def batch(self, state: str, **changes: Any) -> None:
        pk, sk = batch_key(BATCH_ID)
        batch = Batch(
            pk=pk, sk=sk, batch_id=BATCH_ID, plan_year=2023, number=2, code=CODE, region="230102", mode="formal",
            state=BatchState(state), object_key="", object_version="", sha256="", uploader="u",
            received_at="2023-06-05T09:00:00+08:00", payable=ONE, province="230000",
            region_received="230102#2023-06-05T09:00:00+08:00",
        )  # fmt: skip
        self.control.save(batch.changed(**changes))

    def instructed(self, hours_ago: int, settlement: Settlement | None = None) -> None:
        sent = (NOW - timedelta(hours=hours_ago)).isoformat()
        bank = next(iter(BANKS.treasuries)).bank_id
        instruction = Instruction(bank_id=bank, payments_key="", sha256="", messages=("F1-0001",), instructed_at=sent)
        selection = Selection(key="", sha256="", sent=ONE, held=Tally(), not_sent=Tally())
        self.batch("INSTRUCTED", instruction=instruction, selection=selection, settlement=settlement)

    def work(self, role: str = "operator", region: str = "230000", **more: Any) -> list[tuple[str, str]]:
        pk, sk = principal_key("p")
        who = Principal(pk=pk, sk=sk, name="p", role=Role(role), region=region)
        found = list_work(
            self.control, self.workflow, self.queues, more.get("quarantined", ()), PlanBook.committed(),
            Settings.committed(), BANKS, who, more.get("now", NOW),
        )  # fmt: skip
        return [(item.kind, item.detail) for item in found]


def test_a_validated_batch_waits_for_its_approver_and_says_whether_for_a_second() -> None:
    office = Office()
    office.batch("VALIDATED")
    assert office.work("approver", "230102") == [("approval", "1 行，u 报送")]
    assert office.work("approver", "230200") == [], "of another city"
    office = Office()
    office.batch("VALIDATED", first_approval=APPROVAL)
    assert office.work() == [("approval", "1 行，u 报送，a 已审批，待第二人")]


def test_an_approval_is_listed_before_it_expires() -> None:
    office = Office()
    office.batch("APPROVED", approval=APPROVAL)
    days = Settings.committed().for_subsidy(CODE).approval_expiry_days
    last = datetime.fromisoformat(APPROVAL.approved_at) + timedelta(days=days)
    assert office.work(now=last - timedelta(days=EXPIRY_WARNING_DAYS + 1)) == []
    assert office.work(now=last - timedelta(days=EXPIRY_WARNING_DAYS)) == [
        ("approval_expiring", f"最后一天 {last.date()}")
    ]


def test_a_carried_batch_says_why_until_it_is_taken_up() -> None:
    office = Office()
    office.batch("CLAIMED", carried="资金额度不足，还差 1.00 元")
    assert office.work("treasurer") == [("carried", "资金额度不足，还差 1.00 元")]
    office = Office()
    office.batch("CLAIMED", carried="")
    assert office.work("treasurer") == []


def test_a_withdrawal_that_broke_off_is_to_be_pressed_again_until_it_has_released_what_it_held() -> None:
    office = Office()
    office.batch("WITHDRAWN", withdrawn_because="a：错了")
    assert office.work("clerk") == [("withdrawal", "a：错了")]
    office = Office()
    office.batch("WITHDRAWN", withdrawn_because="a：错了", released=True)
    assert office.work("clerk") == []


def test_messages_count_as_unanswered_only_past_the_banks_deadline() -> None:
    early, late = Office(), Office()
    early.instructed(0)
    late.instructed(25)
    assert early.work() == []
    assert late.work() == [("in_doubt", "1 笔，报文 F1-0001")]


@pytest.mark.parametrize(
    ("in_doubt", "frozen", "kinds"), [(2, 1, ["in_doubt", "frozen"]), (1, 1, ["frozen"]), (0, 0, [])]
)
def test_frozen_payments_wait_for_a_ruling_and_are_not_enquired_about(
    in_doubt: int, frozen: int, kinds: list[str]
) -> None:
    office = Office()
    said = {"in_doubt": Tally(count=in_doubt), "frozen": Tally(count=frozen)}
    office.instructed(25, Settlement(seq=1, key="", digest="", **said))
    assert [kind for kind, _ in office.work()] == kinds


def test_runs_files_and_dead_letters_are_the_provinces_operators() -> None:
    office = Office()
    office.queues = MemoryQueues(start_run=["x"], receive_receipt=[])
    pk, sk = run_key(CODE, name_run(ORDER))
    office.control.save(Run(pk=pk, sk=sk, run_id=sk, state=RunState.STOPPED, note="o：维护", **vars(ORDER)))
    other = RunOrder(2023, CODE, "formal", NOW.date(), "ord1")
    pk, sk = run_key(CODE, name_run(other))
    office.control.save(Run(pk=pk, sk=sk, run_id=sk, state=RunState.PAYING, attempt=5, **vars(other)))
    expected = [
        ("stopped", "o：维护"),
        ("given_up", "已执行 5 次"),
        ("quarantine", "原因见该文件的元数据"),
        ("dead_letters", "1 条"),
    ]
    assert office.work(quarantined=["quarantine/b/x.xml"]) == expected
    assert office.work("operator", "230100", quarantined=["quarantine/b/x.xml"]) == []
    assert office.work("approver", quarantined=["quarantine/b/x.xml"]) == []
    once = RunOrder(2023, CODE, "formal", NOW.date(), "ord2")
    pk, dead = run_key(CODE, name_run(once))
    office.control.save(Run(pk=pk, sk=dead, run_id=dead, state=RunState.OPEN, attempt=1, **vars(once)))
    assert ("broken_off", "已执行 1 次") in office.work(), "the news of its death was lost: a person resumes it"
    office.workflow.start(f"{sk}-5", other, sk)
    assert ("given_up", "已执行 5 次") not in office.work(), "its last execution still goes on"
