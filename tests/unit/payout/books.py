"""What a deployment in memory has written down, and what must always hold of it (DESIGN §7)."""

import copy
import io
from datetime import date, datetime
from typing import Any, Self, cast

import polars as pl

from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryRecords, MemoryReports
from tests.unit.payout.outside import Executions, SimulatedBank
from tests.unit.payout.rosters import BOOK, CODE, DAOLI, GROUP, NUMBER, SHANGHAI, SLOT, end_to_end
from tests.unit.payout.watching import Watch, Watched
from yikatong.batches import Batch, batch_key, batches_pk
from yikatong.closing import line_of
from yikatong.drains import QueueDrain
from yikatong.funds import Funds, funds_key
from yikatong.ledger import Chained, Ledger, events_of
from yikatong.manifest import Manifest, manifest_key
from yikatong.pauses import Pause
from yikatong.ports import Control, Lake, RunOrder
from yikatong.roster.people import Person
from yikatong.runs import Run, name_run, run_key
from yikatong.states import ENDED_RUN, BatchState, RunState

_OUTCOMES = {"settled": "SETTLED", "rejected": "REJECTED", "returned": "RETURNED"}


class Books:
    """What is stored and sent, and the ports to it as a worker has them: `c`, `l`, `b`, `w`, `r`, `o`, every call watched.

    `c` is made anew each time, as for each invocation: a ledger around the control table and the audit bucket.
    """

    def __init__(self, today: date = date(2023, 6, 1)) -> None:
        self.now = datetime(today.year, today.month, today.day, 9, tzinfo=SHANGHAI)
        self.control, self.lake, self.records = MemoryControl(), MemoryLake(lambda: self.now), MemoryRecords()
        self.audit = MemoryLake()
        self.orders, self.executions = MemoryOrders(), Executions()
        self.bank = SimulatedBank(today)
        self.quarantine: list[tuple[str, ...]] = []
        self.reports = MemoryReports()
        self.sequencer = 0
        self.tokens = 0
        self.map_items_fail_alone = False
        self.watch_with(Watch())

    def watch_with(self, watch: Watch) -> None:
        self.watch = watch
        self.watched_control, self.l = Watched("control", self.control, watch), Watched("lake", self.lake, watch)
        self.a = Watched("audit", self.audit, watch)
        self.b, self.w = Watched("bank", self.bank, watch), Watched("workflow", self.executions, watch)
        self.r, self.o = Watched("records", self.records, watch), Watched("orders", self.orders, watch)

    @property
    def c(self) -> Ledger:
        return self.control_of("function:payout")

    def control_of(self, who: str) -> Ledger:
        return Ledger(cast(Control, self.watched_control), cast(Lake, self.a), who, self.now)

    def copy(self) -> Self:
        """Another one exactly like this."""
        other = type(self).__new__(type(self))
        other.__dict__ |= self.__dict__
        other.control, other.lake, other.records = MemoryControl(), MemoryLake(lambda: other.now), MemoryRecords()
        other.control.items = copy.deepcopy(self.control.items)
        other.lake.objects, other.lake.times = dict(self.lake.objects), dict(self.lake.times)
        other.audit = MemoryLake()
        other.audit.objects = dict(self.audit.objects)
        other.records.items = copy.deepcopy(self.records.items)
        other.orders, other.executions = copy.deepcopy(self.orders), copy.deepcopy(self.executions)
        assert not self.bank.book["messages"], "a bank that has seen messages is not copied"
        other.bank = SimulatedBank(self.now.date())
        other.quarantine, other.reports = [], copy.deepcopy(self.reports)
        other.watch_with(Watch())
        return other

    def batch(self, batch_id: str) -> Batch:
        found = self.control.read(Batch, *batch_key(batch_id))
        assert found is not None
        return found

    def batches(self, number: int = NUMBER, mode: str = "formal") -> dict[str, Batch]:
        code = BOOK.subsidy(2023, number).code
        assert code is not None
        return {batch.batch_id: batch for batch in self.control.query(Batch, batches_pk(code, mode))}

    def run(self, order: RunOrder) -> Run:
        found = self.control.read(Run, *run_key(order.code, name_run(order)))
        assert found is not None
        return found

    def runs(self) -> list[Run]:
        return self.control.query(Run, f"RUNS#{CODE}")

    def funds(self) -> Funds:
        found = self.control.read(Funds, *funds_key(CODE, DAOLI, 2023))
        assert found is not None
        return found

    def manifest(self) -> Manifest:
        found = self.control.read(Manifest, *manifest_key(GROUP, SLOT))
        assert found is not None
        return found

    def selection(self, batch_id: str) -> dict[str, tuple[str, str]]:
        """Outcome and reason of each approved row, by beneficiary."""
        selection = self.batch(batch_id).selection
        assert selection is not None
        data = self.lake.get(selection.key)
        assert data is not None
        rows = pl.read_parquet(io.BytesIO(data)).select("beneficiary_id", "outcome", "reason").rows()
        return {person: (outcome, reason) for person, outcome, reason in rows}

    def settlement(self, batch_id: str) -> dict[str, str]:
        """State of each payment, by end-to-end id."""
        settlement = self.batch(batch_id).settlement
        assert settlement is not None
        data = self.lake.get(settlement.key)
        assert data is not None
        return dict(pl.read_parquet(io.BytesIO(data)).select("end_to_end_id", "state").rows())

    def messages(self, batch_id: str) -> tuple[str, ...]:
        instruction = self.batch(batch_id).instruction
        assert instruction is not None
        return instruction.messages

    # --- what must always hold (DESIGN §7) -----------------------------------------------------------------------------------

    def check_always(self) -> None:
        """Money at most once, funds within their limit, every line balanced, records as the bank's book has it."""
        book = self.bank.book
        assert book["duplicates"] == []
        for entry in book["payments"].values():
            assert entry["credited_fen"] in (0, entry["amount_fen"])
        self.check_chains()
        for (pk, _), item in self.control.items.items():
            if pk.startswith("FUNDS#"):
                funds = Funds.model_validate(item)
                assert funds.available_fen is None or funds.available_fen >= 0
                assert min(funds.reserved_fen, funds.spent_fen) >= 0
            if pk.startswith("BATCHES#"):
                batch = Batch.model_validate(item)
                if batch.approval is not None and batch.state is not BatchState.WITHDRAWN:
                    line_of(batch)
        for record in self.records.items.values():
            entry = book["payments"][record["sk"].split("#")[-2]]
            assert (record["state"], record["amount_fen"]) == (_OUTCOMES[entry["status"]], entry["amount_fen"])

    @property
    def chained(self) -> list[Chained]:
        """Everything that has a chain, as it is stored."""
        kinds = {"BATCHES": Batch, "RUNS": Run, "FUNDS": Funds, "PAUSE": Pause, "QUEUE": QueueDrain}
        return [
            kinds[pk.split("#")[0]].model_validate(item)
            for (pk, _), item in self.control.items.items()
            if pk.split("#")[0] in kinds
        ]

    def check_chains(self) -> None:
        """The events that a state named, one for each of its versions, give the item again (PROTOCOL O2)."""
        for item in self.chained:
            events = events_of(item, self.audit)
            assert [event["version"] for event in events] == list(range(1, item.version + 1))
            assert folded(events) == {
                name: value
                for name, value in self.control.items[item.pk, item.sk].items()
                if name not in ("version", "audit_n", "audit_head")
            }

    def check_at_rest(self, *people: Person) -> None:
        """When faults have stopped: nothing is on its way, and exactly these people were paid, once."""
        self.check_always()
        book = self.bank.book
        for batch in self.batches().values():
            assert batch.state in (BatchState.PUBLISHED, BatchState.WITHDRAWN, BatchState.REFUSED), batch.state
            assert batch.settlement is None or batch.settlement.complete
        for run in self.runs():
            assert run.state is RunState.CLOSED, (run.run_id, run.state, run.open_lines)
        spent = sum(funds.spent_fen for funds in self.control.query(Funds, f"FUNDS#{CODE}"))
        assert spent == book["moved_fen"] - book["returned_fen"]
        assert sum(funds.reserved_fen for funds in self.control.query(Funds, f"FUNDS#{CODE}")) == 0
        assert len(self.records.items) >= len(book["payments"])
        assert {key for key, entry in book["payments"].items() if entry["credited_times"]} == {
            end_to_end(person) for person in people
        }

    @property
    def unsettled(self) -> list[Batch]:
        """Batches that told the bank and wait for its word."""
        waiting = (BatchState.INSTRUCTED, BatchState.SETTLED, BatchState.PUBLISHED)
        return [
            batch
            for batch in self.batches().values()
            if batch.state in waiting and (batch.settlement is None or not batch.settlement.complete)
        ]

    @property
    def unfinished(self) -> list[Run]:
        return [run for run in self.runs() if run.state not in ENDED_RUN]


def folded(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The item that these events come to, without its version and what names the last of them."""
    item: dict[str, Any] = {}
    for event in events:
        item |= event["changes"]
    return {name: value for name, value in item.items() if value is not None}
