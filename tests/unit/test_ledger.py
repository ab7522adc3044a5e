"""No state is written without its event, and only events that a state named count (PROTOCOL O2)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import MemoryControl, MemoryLake
from tests.unit.payout.books import folded
from tests.unit.payout.watching import Watch, Watched, WorkerDied, any_arguments
from yikatong.batches import Approval, Batch, Instruction, RosterObject, Selection, Settlement, Tally, batch_key
from yikatong.errors import Conflict
from yikatong.funds import Funds, no_funds_yet
from yikatong.ledger import MOST_VOID, ChainBroken, Ledger, TooManyVoid, event_key, events_of
from yikatong.payments import sha256_hex
from yikatong.ports import Control, Lake
from yikatong.states import BatchState, IllegalMove

NOW = datetime(2023, 6, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
CODE = "urban-minimum-living"
BATCH_ID = f"{CODE}.formal.230102.0123456789abcdef"
KEY = batch_key(BATCH_ID)


class Desk:
    """A control table, an audit bucket, and workers at them, each with a ledger of its own."""

    def __init__(self) -> None:
        self.control, self.audit = MemoryControl(), MemoryLake()
        self.watch = Watch()

    def worker(self, who: str = "function:settle_batch", later_s: int = 0) -> Ledger:
        control, audit = Watched("control", self.control, self.watch), Watched("audit", self.audit, self.watch)
        return Ledger(cast(Control, control), cast(Lake, audit), who, NOW + timedelta(seconds=later_s))

    @property
    def batch(self) -> Batch:
        found = self.control.read(Batch, *KEY)
        assert found is not None
        return found

    @property
    def events(self) -> list[dict[str, Any]]:
        return events_of(self.batch, self.audit)

    def slot(self, n: int) -> dict[str, Any]:
        data = self.audit.get(event_key(BATCH_ID, n))
        assert data is not None
        event: dict[str, Any] = json.loads(data)
        return event

    def check(self) -> None:
        """The chain gives the item again, one event for each version, and no slot is out of the chain of hashes."""
        stored = self.control.items[KEY]
        assert [event["version"] for event in self.events] == list(range(1, stored["version"] + 1))
        outside = ("version", "audit_n", "audit_head")
        assert folded(self.events) == {name: value for name, value in stored.items() if name not in outside}
        previous = ""
        for n in count(1):
            data = self.audit.get(event_key(BATCH_ID, n))
            if data is None:
                assert n > stored["audit_n"]
                break
            assert json.loads(data)["previous"] == previous
            previous = sha256_hex(data)


def received() -> Batch:
    pk, sk = KEY
    return Batch(
        pk=pk, sk=sk, batch_id=BATCH_ID, plan_year=2023, number=2, code=CODE, region="230102", mode="formal",
        state=BatchState.RECEIVED, object_key="2023/230102/2/a.csv", object_version="v1", sha256="a" * 64,
        uploader="clerk", received_at=NOW.isoformat(),
    )  # fmt: skip


def validated(batch: Batch) -> Batch:
    return batch.moved(BatchState.VALIDATED, rows=3, rows_key="rosters/b/1.parquet", rows_sha256="b" * 64)


@pytest.fixture
def desk() -> Desk:
    """One validated batch, two events."""
    made = Desk()
    worker = made.worker("function:validate_roster")
    batch = received()
    worker.save(batch)
    worker.save(validated(batch.changed(version=1)))
    return made


def approved(batch: Batch) -> Batch:
    approval = Approval(
        approver="approver", approved_at=NOW.isoformat(), sha256=batch.sha256, object_version="v1", mode="formal",
        code=CODE, slots=("2023-06",), payable=Tally(count=3, fen=300), held=Tally(),
    )  # fmt: skip
    return batch.moved(BatchState.APPROVED, approval=approval)


def read(worker: Ledger) -> Batch:
    found = worker.read(Batch, *KEY)
    assert found is not None
    return found


def test_an_event_says_who_did_what_from_where_to_where_and_names_its_evidence(desk: Desk) -> None:
    created, judged = desk.events
    assert (created["what"], created["from"], created["to"]) == ("BatchCreated", "", "RECEIVED")
    assert (created["n"], created["follows"], created["previous"], created["version"]) == (1, 0, "", 1)
    assert (judged["what"], judged["from"], judged["to"]) == ("BatchValidated", "RECEIVED", "VALIDATED")
    assert (judged["n"], judged["follows"], judged["version"]) == (2, 1, 2)
    assert (judged["who"], judged["at"]) == ("function:validate_roster", NOW.isoformat())
    assert judged["changes"] == {
        "state": "VALIDATED",
        "rows": 3,
        "rows_key": "rosters/b/1.parquet",
        "rows_sha256": "b" * 64,
    }
    assert judged["evidence"] == [{"key": "rosters/b/1.parquet", "sha256": "b" * 64}]
    assert sha256_hex(desk.audit.objects[event_key(BATCH_ID, 1)][0]) == judged["previous"]
    desk.check()


def test_a_write_that_moves_no_state_is_a_note_and_what_became_nothing_is_removed(desk: Desk) -> None:
    worker = desk.worker()
    worker.save(read(worker).changed(carried="资金额度不足", reserved_fen=300))
    worker.save(read(worker).changed(carried="", reserved_fen=None))
    noted, removed = desk.events[2:]
    assert (noted["what"], noted["from"], noted["to"]) == ("BatchNoted", "VALIDATED", "VALIDATED")
    assert noted["changes"] == {"carried": "资金额度不足", "reserved_fen": 300}
    assert removed["changes"] == {"carried": "", "reserved_fen": None}
    assert "reserved_fen" not in folded(desk.events)
    desk.check()


def test_rows_selection_payments_file_and_settlement_are_named_by_their_hashes(desk: Desk) -> None:
    worker = desk.worker()
    selection = Selection(key="selections/b/s.parquet", sha256="c" * 64, sent=Tally(), held=Tally(), not_sent=Tally())
    instruction = Instruction(
        bank_id="bank", payments_key="instructions/b/payments.parquet", sha256="d" * 64, messages=("F1-0001",),
        instructed_at=NOW.isoformat(),
    )  # fmt: skip
    settlement = Settlement(seq=1, key="settlements/b/1-e.parquet", digest="e" * 64, sha256="f" * 64)
    worker.save(read(worker).changed(selection=selection, instruction=instruction, settlement=settlement))
    assert desk.events[-1]["evidence"] == [
        {"key": "instructions/b/payments.parquet", "sha256": "d" * 64},
        {"key": "selections/b/s.parquet", "sha256": "c" * 64},
        {"key": "settlements/b/1-e.parquet", "sha256": "f" * 64},
    ]


def test_a_move_that_the_table_of_states_does_not_have_is_not_even_intended(desk: Desk) -> None:
    worker = desk.worker()
    with pytest.raises(IllegalMove):
        worker.save(read(worker).changed(state=BatchState.PUBLISHED))
    assert len(desk.audit.objects) == 2


def test_an_action_whose_event_cannot_be_written_does_not_happen(desk: Desk) -> None:
    def refuse() -> None:
        raise TimeoutError("the audit bucket does not answer")

    desk.watch.acts.append(("audit.put_once", any_arguments, refuse))
    worker = desk.worker("principal:approver")
    with pytest.raises(TimeoutError):
        worker.save(approved(read(worker)))
    assert desk.batch.state is BatchState.VALIDATED
    desk.check()


def test_in_the_ordinary_case_a_write_is_one_put_and_one_save_more_reads_none(desk: Desk) -> None:
    worker = desk.worker()
    batch = read(worker)
    desk.watch.calls.clear()
    worker.save(approved(batch))
    assert desk.watch.calls == ["audit.put_once", "control.save"]


# --- workers that die, or race -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_dies_at_each_call_around_a_save_and_its_retry_goes_on(after: bool) -> None:
    for k, call in enumerate(("control.read", "audit.put_once", "control.save")):
        desk = Desk()
        desk.worker().save(received())
        desk.watch.dies_at, desk.watch.after = desk.watch.count + k, after
        worker = desk.worker()
        with pytest.raises(WorkerDied, match=call):
            worker.save(validated(read(worker)))
        retry = desk.worker(later_s=60)
        batch = read(retry)
        if batch.state is BatchState.RECEIVED:
            retry.save(validated(batch))
        assert desk.batch.state is BatchState.VALIDATED
        # The same worker's retry uses the stored intent as it is: nothing is left void.
        assert [event["n"] for event in desk.events] == [1, 2]
        desk.check()


def test_trace_13_a_workers_intent_left_in_a_slot_does_not_freeze_a_withdrawal_that_wants_it(desk: Desk) -> None:
    desk.watch.acts.append(("control.save", any_arguments, lambda: setattr(desk.watch, "dies_at", desk.watch.count)))
    dying = desk.worker("principal:approver")
    with pytest.raises(WorkerDied):
        dying.save(approved(read(dying)))
    assert desk.slot(3)["to"] == "APPROVED"
    assert desk.batch.audit_n == 2

    withdrawing = desk.worker("principal:clerk")
    withdrawing.save(read(withdrawing).moved(BatchState.WITHDRAWN, withdrawn_because="名单有误"))

    last = desk.events[-1]
    assert (last["n"], last["follows"], last["to"]) == (4, 2, "WITHDRAWN")
    assert last["previous"] == sha256_hex(desk.audit.objects[event_key(BATCH_ID, 3)][0])
    assert [event["to"] for event in desk.events] == ["RECEIVED", "VALIDATED", "WITHDRAWN"]
    desk.check()


def test_of_two_workers_at_once_one_writes_and_the_others_intent_is_void(desk: Desk) -> None:
    approving, withdrawing = desk.worker("principal:approver"), desk.worker("principal:clerk")
    batch = read(withdrawing)

    def withdraw() -> None:
        withdrawing.save(batch.moved(BatchState.WITHDRAWN))

    # Between the approver's intent and the approver's state.
    desk.watch.acts.append(("control.save", any_arguments, withdraw))
    with pytest.raises(Conflict):
        approving.save(approved(read(approving)))
    assert desk.batch.state is BatchState.WITHDRAWN
    assert [event["n"] for event in desk.events] == [1, 2, 4]
    assert desk.slot(3)["to"] == "APPROVED"
    desk.check()


def test_whoever_lost_before_the_intent_leaves_none(desk: Desk) -> None:
    late, first = desk.worker("principal:approver"), desk.worker("principal:clerk")
    batch = read(late)
    first.save(read(first).moved(BatchState.WITHDRAWN))
    with pytest.raises(Conflict):
        late.save(approved(batch))
    assert len(desk.audit.objects) == 3
    desk.check()


def test_two_workers_who_do_the_same_share_the_intent_and_one_of_them_writes(desk: Desk) -> None:
    one, other = desk.worker("function:open_run"), desk.worker("function:open_run", later_s=5)
    batch = read(other)
    desk.watch.acts.append(("control.save", any_arguments, lambda: other.save(approved(batch))))
    with pytest.raises(Conflict):
        one.save(approved(read(one)))
    assert [event["n"] for event in desk.events] == [1, 2, 3]
    assert desk.events[-1]["at"] == NOW.isoformat(), "the intent was put by the first"
    desk.check()


def test_a_lost_acknowledgement_of_the_state_is_read_and_the_next_event_follows_it(desk: Desk) -> None:
    class Deaf(MemoryControl):
        def save(self, *items: Any) -> None:
            super().save(*items)
            raise Conflict("the answer was lost, and the second try met the first one's item")

    deaf = Deaf()
    deaf.items = desk.control.items
    worker = Ledger(deaf, desk.audit, "principal:approver", NOW)
    with pytest.raises(Conflict):
        worker.save(approved(read(worker)))
    again = read(worker)
    assert again.state is BatchState.APPROVED
    with pytest.raises(Conflict):
        worker.save(again.moved(BatchState.BOUND, run_id="run"))
    assert [(event["n"], event["follows"]) for event in desk.events] == [(1, 0), (2, 1), (3, 2), (4, 3)]
    desk.check()


def test_any_number_of_void_intents_is_passed_but_not_an_endless_one(desk: Desk) -> None:
    void = {"n": 0, "previous": "", "follows": 2, "version": 3}
    for n in range(3, 3 + MOST_VOID - 1):
        desk.audit.objects[event_key(BATCH_ID, n)] = (json.dumps(void).encode(), f"another worker's {n}")
    worker = desk.worker()
    worker.save(approved(read(worker)))
    assert desk.batch.audit_n == 2 + MOST_VOID
    for n in range(desk.batch.audit_n + 1, desk.batch.audit_n + 1 + MOST_VOID):
        desk.audit.objects[event_key(BATCH_ID, n)] = (b"{}", f"another worker's {n}")
    with pytest.raises(TooManyVoid):
        worker.save(read(worker).moved(BatchState.BOUND, run_id="run"))


# --- what an item was before ---------------------------------------------------------------------------------------------


def test_an_item_saved_and_changed_again_without_being_read_follows_what_was_saved(desk: Desk) -> None:
    worker = desk.worker()
    batch = approved(read(worker))
    worker.save(batch)
    desk.watch.calls.clear()
    worker.save(batch.changed(version=batch.version + 1).moved(BatchState.BOUND, run_id="run"))
    assert desk.watch.calls == ["audit.put_once", "control.save"]
    assert [event["what"] for event in desk.events[2:]] == ["BatchApproved", "BatchBound"]
    assert desk.events[-1]["changes"] == {"state": "BOUND", "run_id": "run"}
    desk.check()


def found_by_region(worker: Ledger) -> Batch:
    return worker.query_region(Batch, "230102")[0]


def found_elsewhere(worker: Ledger) -> Batch:
    return read(Ledger(worker._control, worker._audit, "function:another", NOW))


@pytest.mark.parametrize("find", [found_by_region, found_elsewhere])
def test_what_this_worker_did_not_read_is_read_before_it_is_changed(
    desk: Desk, find: Callable[[Ledger], Batch]
) -> None:
    desk.control.items[KEY]["region_received"] = "230102#2023"
    worker = desk.worker()
    batch = find(worker)
    worker.save(approved(batch))
    assert desk.events[-1]["changes"].keys() == {"state", "approval"}
    stale = batch.moved(BatchState.WITHDRAWN)
    objects = dict(desk.audit.objects)
    with pytest.raises(Conflict):
        desk.worker().save(stale)
    assert desk.audit.objects == objects, "an old version is no ground for an intent"


def test_items_found_by_a_query_count_as_read(desk: Desk) -> None:
    worker = desk.worker()
    (batch,) = worker.query(Batch, KEY[0])
    desk.watch.calls.clear()
    worker.save(approved(batch))
    assert desk.watch.calls == ["audit.put_once", "control.save"]
    desk.check()


def test_several_items_of_one_transaction_have_an_event_each_or_nothing_is_written(desk: Desk) -> None:
    worker = desk.worker("function:reserve_funds")
    funds = no_funds_yet(CODE, "230102", 2023)
    worker.save(read(worker).changed(reserved_fen=300), funds.reserve(300))
    stored = desk.control.read(Funds, funds.pk, funds.sk)
    assert stored is not None
    (event,) = events_of(stored, desk.audit)
    assert (event["id"], event["what"], event["from"]) == (f"funds.{CODE}.230102.2023", "FundsCreated", "")
    assert folded([event])["reserved_fen"] == 300

    late = desk.worker("function:settle_batch")
    stale, batch = stored, read(late)
    worker.save(stored.reserve(50))
    with pytest.raises(Conflict):
        late.save(batch.changed(reserved_fen=0), stale.settle(reserved_change_fen=-300, spent_change_fen=300))
    assert desk.batch.reserved_fen == 300
    worker.save(read(worker).changed(reserved_fen=0))
    assert desk.events[-1]["n"] == desk.events[-2]["n"] + 2, "the loser's intent for the batch is void"
    desk.check()


def test_an_item_from_before_the_books_begins_its_chain_whole() -> None:
    desk = Desk()
    desk.control.save(received())
    worker = desk.worker()
    worker.save(validated(read(worker)))
    (event,) = desk.events
    assert (event["n"], event["follows"], event["version"], event["what"]) == (1, 0, 2, "BatchValidated")
    assert folded(desk.events)["batch_id"] == BATCH_ID


def test_a_field_that_only_newer_code_knows_is_in_the_event_that_first_stores_it(desk: Desk) -> None:
    del desk.control.items[KEY]["children"]
    worker = desk.worker()
    worker.save(approved(read(worker)))
    assert desk.events[-1]["changes"]["children"] == []


def test_the_workflows_note_of_a_failure_stays_outside_the_chain(desk: Desk) -> None:
    note = {"run_id": "run", "error": "States.Timeout", "at": NOW.isoformat()}
    desk.control.items[KEY]["last_failure"] = note
    worker = desk.worker()
    worker.save(approved(read(worker)))
    assert desk.control.items[KEY]["last_failure"] == note
    desk.control.items[KEY].pop("last_failure")
    worker.save(read(worker).moved(BatchState.BOUND, run_id="run"))
    assert not [event for event in desk.events if "last_failure" in event["changes"]]
    desk.check()


def test_what_moves_no_money_has_no_chain(desk: Desk) -> None:
    desk.worker().save(RosterObject(pk="OBJECT#a", sk="formal", batch_id=BATCH_ID))
    assert len(desk.audit.objects) == 2


# --- reading a chain -----------------------------------------------------------------------------------------------------


def test_a_chain_of_which_a_slot_was_altered_or_is_missing_is_refused(desk: Desk) -> None:
    batch, key = desk.batch, event_key(BATCH_ID, 1)
    data, digest = desk.audit.objects[key]
    desk.audit.objects[key] = (data.replace(b"clerk", b"other"), digest)
    with pytest.raises(ChainBroken, match=key):
        events_of(batch, desk.audit)
    del desk.audit.objects[key]
    with pytest.raises(ChainBroken, match=key):
        events_of(batch, desk.audit)


def test_a_state_that_was_set_back_to_an_earlier_event_is_refused_only_with_its_hash(desk: Desk) -> None:
    first = desk.batch.model_copy(update={"audit_n": 1})
    with pytest.raises(ChainBroken):
        events_of(first, desk.audit)
