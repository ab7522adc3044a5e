"""The whole payout in memory: real use cases and domain, the fakes of `tests.fakes`, and the bank simulator itself.

`House.play` walks the `payout` state machine as its ASL does. Every call of a port can be counted, preceded by somebody
else's act, or be the last one of a worker, before or after it takes effect. The bank's book is the oracle.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from infra.local.bank.bank import Bank as Simulator
from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryRecords, MemoryWorkflow
from yikatong.bank.settings import committed_banks
from yikatong.batches import Batch, batch_key, batches_pk
from yikatong.closing import line_of
from yikatong.funds import Funds, funds_key
from yikatong.manifest import Manifest, manifest_key
from yikatong.payments import payment_id
from yikatong.plan import PlanBook, Settings, WorkingDays
from yikatong.ports import BankSilence, RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import Sample, cards_csv, make_sample
from yikatong.roster_arrivals import Arrival
from yikatong.runs import Run, name_run, run_key
from yikatong.states import ENDED_RUN, BatchState, RunState
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.await_receipts import await_receipts
from yikatong.use_cases.claim_payments import claim_payments
from yikatong.use_cases.close_run import Unfinished, close_run
from yikatong.use_cases.enquire_bank import enquire_bank
from yikatong.use_cases.import_cards import CardArrival, import_cards
from yikatong.use_cases.instruct_bank import instruct_bank
from yikatong.use_cases.open_run import open_run
from yikatong.use_cases.publish_records import Reach, publish_records
from yikatong.use_cases.receive_receipt import receive_receipt
from yikatong.use_cases.resend_message import resend_message
from yikatong.use_cases.reserve_funds import reserve_funds
from yikatong.use_cases.set_funds import FundsRequest, set_funds
from yikatong.use_cases.settle_batch import settle_batch
from yikatong.use_cases.start_run import start_run
from yikatong.use_cases.validate_roster import validate_roster
from yikatong.use_cases.withdraw_batch import withdraw_batch

SHANGHAI = ZoneInfo("Asia/Shanghai")
BOOK, SETTINGS, BANKS, DAYS = PlanBook.committed(), Settings.committed(), committed_banks(), WorkingDays.committed()
AGENT = BANKS.serving("230102")
NUMBER, CODE, GROUP, SLOT = 2, "urban-minimum-living", "minimum-living", "2023-06"
DAOLI, NANGANG, QIQIHAR = "230102", "230103", "230202"
PAYMENT_SECRET, RECORD_SECRET = b"payments", b"records"
PAYDAY = date(2023, 6, 12)
RETRIES = 3
"""How often the state machine tries a step again whose worker died (payout.asl.json)."""
ENQUIRIES = 2


class WorkerDied(BaseException):
    """The worker is gone, as by a kill: nothing in the code may catch it."""


class ExecutionFailed(Exception):
    """The step's retries are used up, and the execution ended."""


@dataclass
class Watch:
    """Every port call passes here. `dies_at` is the ordinal of the worker's last call; `acts` are others' acts in between."""

    count: int = 0
    dies_at: int | None = None
    after: bool = False
    deaths: int = 0
    calls: list[str] = field(default_factory=list)
    acts: list[tuple[str, Callable[[tuple[Any, ...]], bool], Callable[[], object]]] = field(default_factory=list)

    def call(self, name: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        for act in [act for act in self.acts if act[0] == name and act[1](arguments)]:
            self.acts.remove(act)
            act[2]()
        ordinal = self.count
        self.count += 1
        self.calls.append(name)
        if ordinal == self.dies_at and not self.after:
            self._die(name)
        result = effect()
        if ordinal == self.dies_at:
            self._die(name)
        return result

    def _die(self, name: str) -> None:
        self.deaths += 1
        raise WorkerDied(name)


class Watched:
    """A port, every method of which is watched."""

    def __init__(self, name: str, target: object, watch: Watch) -> None:
        self._name, self._target, self._watch = name, target, watch

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._target, method)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            return self._watch.call(f"{self._name}.{method}", arguments, lambda: found(*arguments, **options))

        return call


class SimulatedBank:
    """The bank simulator behind the port, in this process: what it delivers waits in `inbox`."""

    def __init__(self, today: date, deduplicates: bool = False) -> None:
        self.inbox: list[bytes] = []
        self.delivered: list[bytes] = []
        self.mute = False
        self.simulator = Simulator(AGENT.bank_id, today, 7, deduplicates, self._deliver)

    def _deliver(self, _name: str, body: bytes) -> None:
        self.inbox.append(body)

    def prepare(self, bank_id: str) -> None:
        assert bank_id == AGENT.bank_id

    def send(self, _bank_id: str, message: bytes, *, trial: bool) -> None:
        reply = self.simulator.accept(message, trial)
        if reply.cut or reply.status >= 300:
            raise BankSilence(f"{reply.status}")

    def enquire(self, _bank_id: str, message_id: str) -> bytes | None:
        if self.mute:
            raise BankSilence("mute")
        return self.simulator.enquire(message_id)

    def script(self, **wanted: Any) -> None:
        self.simulator.change_script(wanted)

    @property
    def book(self) -> dict[str, Any]:
        return self.simulator.book()


class Executions(MemoryWorkflow):
    """Executions with waiting tasks: only a live token wakes one."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[str, tuple[str, RunOrder]] = {}
        self.waiting: set[str] = set()
        self.answered: set[str] = set()

    def start(self, execution: str, order: RunOrder, run_id: str) -> None:
        super().start(execution, order, run_id)
        self.inputs[execution] = (run_id, order)

    def wake(self, token: str, output: dict[str, Any]) -> bool:
        super().wake(token, output)
        if token not in self.waiting:
            return False
        self.waiting.discard(token)
        self.answered.add(token)
        return True


class House:
    """One deployment in memory, and the people around it."""

    def __init__(
        self, today: date = date(2023, 6, 1), settings: Settings = SETTINGS, deduplicates: bool = False
    ) -> None:
        self.settings = settings
        self.now = datetime(today.year, today.month, today.day, 9, tzinfo=SHANGHAI)
        self.control, self.lake, self.records = MemoryControl(), MemoryLake(), MemoryRecords()
        self.orders, self.executions = MemoryOrders(), Executions()
        self.bank = SimulatedBank(today, deduplicates)
        self.quarantine: list[tuple[str, ...]] = []
        self.reports: dict[str, bytes] = {}
        self.sequencer = 0
        self.tokens = 0
        self.map_items_fail_alone = False
        self.watch_with(Watch())

    def watch_with(self, watch: Watch) -> None:
        self.watch = watch
        self.c, self.l = Watched("control", self.control, watch), Watched("lake", self.lake, watch)
        self.b, self.w = Watched("bank", self.bank, watch), Watched("workflow", self.executions, watch)
        self.r, self.o = Watched("records", self.records, watch), Watched("orders", self.orders, watch)

    def copy(self) -> "House":
        """Another house exactly like this one."""
        other = House.__new__(House)
        other.__dict__ |= self.__dict__
        other.control, other.lake, other.records = MemoryControl(), MemoryLake(), MemoryRecords()
        other.control.items = copy.deepcopy(self.control.items)
        other.lake.objects = dict(self.lake.objects)
        other.records.items = copy.deepcopy(self.records.items)
        other.orders, other.executions = copy.deepcopy(self.orders), copy.deepcopy(self.executions)
        assert not self.bank.book["messages"], "a bank that has seen messages is not copied"
        other.bank = SimulatedBank(self.now.date())
        other.quarantine, other.reports = [], dict(self.reports)
        other.watch_with(Watch())
        return other

    # --- time and people -------------------------------------------------------------------------------------------------

    def on(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
        self.bank.simulator.set_day(day)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def who(self, role: str, region: str = "230000") -> Principal:
        pk, sk = principal_key(f"the-{role}")
        return Principal(pk=pk, sk=sk, name=f"the-{role}", role=Role(role), region=region)

    def cards(self, people: Sequence[Person]) -> None:
        self.sequencer += 1
        data = cards_csv(people)
        import_cards(
            CardArrival(f"replace/cards-{self.now:%Y%m%d}.csv", f"{self.sequencer:08x}", len(data), lambda: data),
            control=self.c, lake=self.l, reports=_Reports(self.reports), now=self.now,
        )  # fmt: skip

    def upload(
        self, data: bytes, region: str = DAOLI, *, mode: str = "formal", number: int = NUMBER, name: str = "a.csv"
    ) -> Batch:
        """A roster is dropped and validated; the batch that came of it."""
        self.sequencer += 1
        key = f"2023/{region}/{number}/{name}"
        arrival = Arrival(key, f"v{self.sequencer}", f"{self.sequencer:08x}", mode, "", len(data), lambda: data)
        known = set(self.batches(number, mode))
        validate_roster(
            arrival, control=self.c, lake=self.l, reports=_Reports(self.reports), book=BOOK, settings=self.settings,
            now=self.now,
        )  # fmt: skip
        new = [batch for name, batch in self.batches(number, mode).items() if name not in known]
        assert len(new) == 1, "no new batch came of the roster"
        return new[0]

    def approve(self, batch: Batch, **changes: Any) -> Batch:
        self.later(1)
        request = ApprovalRequest(
            sha256=batch.sha256, object_version=batch.object_version, payable=batch.payable, held=batch.held, **changes
        )
        approver = self.who("approver")
        return approve_batch(self.c, self.l, self.o, BOOK, self.settings, approver, batch.batch_id, request, self.now)

    def approved(self, data: bytes, region: str = DAOLI, **options: Any) -> str:
        """Upload and approve; the batch's id."""
        return self.approve(self.upload(data, region, **options)).batch_id

    def withdraw(self, batch_id: str) -> Batch:
        return withdraw_batch(self.c, BOOK, self.settings, self.who("approver"), batch_id, "名单有误")

    def set_funds(self, fen: int, region: str = DAOLI) -> Funds:
        return set_funds(
            self.c, self.o, BOOK, self.who("treasurer"), plan_year=2023, number=NUMBER, region=region, year=2023,
            request=FundsRequest(allocated_fen=fen, reason="下达"), today=self.now.date(),
        )  # fmt: skip

    # --- runs --------------------------------------------------------------------------------------------------------------

    def order(
        self, *, mode: str = "formal", as_of: date | None = None, cause: str = "sched", number: int = NUMBER
    ) -> RunOrder:
        code = BOOK.subsidy(2023, number).code
        assert code is not None
        return RunOrder(2023, code, mode, as_of or self.now.date(), cause)

    def start(self, order: RunOrder) -> str:
        return self.invoke_surely(
            lambda: start_run(order, control=self.c, workflow=self.w, book=BOOK, settings=self.settings)
        )

    def pay(self, order: RunOrder | None = None) -> Run:
        """Start a run and play it, and every run ordered meanwhile, to their ends."""
        order = order or self.order()
        self.start(order)
        self.drain()
        return self.run(order)

    def drain(self) -> None:
        """Everything that waits happens: orders become runs, executions are played, the bank's answers are taken in."""
        while True:
            running = [name for name, status in self.executions.executions.items() if status == "RUNNING"]
            if self.orders.runs:
                self.start(self.orders.runs.pop(0))
            elif running:
                self.play(running[0])
            elif self.bank.inbox:
                self.take_in()
            else:
                return

    def play(self, execution: str) -> None:
        """Walk the state machine as payout.asl.json does; a step whose worker keeps dying ends the execution."""
        run_id, order = self.executions.inputs[execution]
        try:
            inputs = self.invoke(lambda: self.open(run_id, order.code))
            if inputs.batches:
                self.invoke(lambda: self.claim(run_id, order.code))
                for frozen in inputs.batches:
                    self.pay_batch(frozen.batch_id, run_id)
            self.invoke(lambda: close_run(run_id, order.code, control=self.c, lake=self.l, orders=self.o))
        except (ExecutionFailed, Unfinished):
            pass  # and the news of it starts the run again
        finally:
            self.executions.executions[execution] = "ENDED"
            self.executions.waiting.clear()

    def pay_batch(self, batch_id: str, run_id: str) -> str:
        """One item of the Map: it never fails, whatever becomes of its steps."""
        try:
            if self.invoke(lambda: self.reserve(batch_id, run_id)) != "reserved":
                return "skipped"
            if self.invoke(lambda: self.instruct(batch_id, run_id)) is None:
                return "skipped"
            if not self.await_answer(batch_id):
                for _ in range(ENQUIRIES):
                    if self.invoke(lambda: enquire_bank(batch_id, control=self.c, lake=self.l, bank=self.b)):
                        break
            self.invoke(lambda: self.settle(batch_id))
            self.invoke(lambda: self.publish(batch_id))
        except ExecutionFailed:
            if self.map_items_fail_alone:
                return "failed"
            raise
        return "settled"

    def await_answer(self, batch_id: str) -> bool:
        """The waiting task; False when it timed out."""

        def ask() -> str:
            self.tokens += 1
            token = f"token-{self.tokens}"
            self.executions.waiting.add(token)
            await_receipts(batch_id, token, control=self.c, lake=self.l, workflow=self.w)
            return token

        token = self.invoke(ask)
        while token not in self.executions.answered and self.bank.inbox:
            self.take_in()
        self.executions.waiting.discard(token)
        return token in self.executions.answered

    def invoke(self, step: Callable[[], Any]) -> Any:
        """A worker does a step, and another one does it again when it died (the ASL's Retry)."""
        for _ in range(1 + self.retries):
            try:
                return step()
            except WorkerDied:
                continue
        raise ExecutionFailed

    retries = RETRIES

    # --- single steps ------------------------------------------------------------------------------------------------------

    def open(self, run_id: str, code: str = CODE) -> Any:
        return open_run(
            run_id, code, control=self.c, lake=self.l, workflow=self.w, book=BOOK, settings=self.settings
        )  # fmt: skip

    def claim(self, run_id: str, code: str = CODE) -> int:
        return claim_payments(run_id, code, control=self.c, lake=self.l, book=BOOK, settings=self.settings)

    def reserve(self, batch_id: str, run_id: str) -> str:
        return reserve_funds(batch_id, run_id, control=self.c)

    def instruct(self, batch_id: str, run_id: str) -> dict[str, int] | None:
        return instruct_bank(
            batch_id, run_id, control=self.c, lake=self.l, bank=self.b, banks=BANKS, book=BOOK, settings=self.settings,
            secret=PAYMENT_SECRET, now=self.now,
        )  # fmt: skip

    def settle(self, batch_id: str) -> Batch:
        return settle_batch(batch_id, control=self.c, lake=self.l)

    @property
    def reach(self) -> Reach:
        return Reach(self.c, self.l, self.r, _Reports(self.reports), self.o, BOOK, RECORD_SECRET, self.now.date())

    def publish(self, batch_id: str) -> int:
        return publish_records(batch_id, self.reach)

    def take_in(self) -> tuple[str, ...]:
        """One file of the bank arrives; the queue brings it again until a worker survives it."""
        body = self.bank.inbox.pop(0)
        return self.receive(body)

    def receive(self, body: bytes, bank_id: str = AGENT.bank_id) -> tuple[str, ...]:
        self.bank.delivered.append(body)
        poison: tuple[str, ...] = self.invoke_surely(lambda: receive_receipt(body, bank_id, self.reach, self.w))
        if poison:
            self.quarantine.append(poison)
        return poison

    def invoke_surely(self, step: Callable[[], Any]) -> Any:
        while True:
            with _ignoring_death():
                return step()

    def resend(self, message_id: str) -> str:
        return resend_message(
            message_id, "the-operator", self.reach, workflow=self.w, bank=self.b, banks=BANKS, now=self.now
        )

    # --- looking -----------------------------------------------------------------------------------------------------------

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

    def runs(self, code: str = CODE) -> list[Run]:
        return self.control.query(Run, f"RUNS#{code}")

    def funds(self, region: str = DAOLI, code: str = CODE) -> Funds:
        found = self.control.read(Funds, *funds_key(code, region, 2023))
        assert found is not None
        return found

    def manifest(self, slot: str = SLOT, group: str = GROUP) -> Manifest:
        found = self.control.read(Manifest, *manifest_key(group, slot))
        assert found is not None
        return found

    def selection(self, batch_id: str) -> dict[str, tuple[str, str]]:
        """Outcome and reason of each approved row, by beneficiary."""
        import io

        import polars as pl

        selection = self.batch(batch_id).selection
        assert selection is not None
        data = self.lake.get(selection.key)
        assert data is not None
        rows = pl.read_parquet(io.BytesIO(data)).select("beneficiary_id", "outcome", "reason").rows()
        return {person: (outcome, reason) for person, outcome, reason in rows}

    def settlement(self, batch_id: str) -> dict[str, str]:
        """State of each payment, by end-to-end id."""
        import io

        import polars as pl

        settlement = self.batch(batch_id).settlement
        assert settlement is not None
        data = self.lake.get(settlement.key)
        assert data is not None
        return dict(pl.read_parquet(io.BytesIO(data)).select("end_to_end_id", "state").rows())

    def paid_times(self, person: Person, slot: str = SLOT, code: str = CODE) -> int:
        """How often the bank credited this person for a slot, by its own book."""
        entry = self.bank.book["payments"].get(end_to_end(person, slot, code))
        return 0 if entry is None else entry["credited_times"]

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
            entry = book["payments"][f"{record['sk'].split('#')[-2]}-1"]
            assert (record["state"], record["amount_fen"]) == (_OUTCOMES[entry["status"]], entry["amount_fen"])

    def check_at_rest(self, *people: Person, slot: str = SLOT) -> None:
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
            end_to_end(person, slot) for person in people
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


_OUTCOMES = {"settled": "SETTLED", "rejected": "REJECTED", "returned": "RETURNED"}


@dataclass
class _Reports:
    kept: dict[str, bytes]

    def put(self, key: str, data: bytes) -> None:
        self.kept[key] = data


@contextmanager
def _ignoring_death() -> Iterator[None]:
    with suppress(WorkerDied):
        yield


def end_to_end(person: Person, slot: str = SLOT, code: str = CODE) -> str:
    return f"{payment_id(PAYMENT_SECRET, code, slot, person.id_number)}-1"


@cache
def people(count: int, seed: int = 1, region: str = DAOLI) -> tuple[Person, ...]:
    return tuple(invent_people(count, region=region, seed=seed, on=date(2023, 1, 1)))


def roster(
    who: Sequence[Person], region: str = DAOLI, seed: int = 1, slots: Sequence[str] = (SLOT,), number: int = NUMBER
) -> bytes:
    """A roster of exactly these people; amounts differ with the seed."""
    return sample_of(who, region, seed, slots, number).roster_csv()


def sample_of(
    who: Sequence[Person], region: str = DAOLI, seed: int = 1, slots: Sequence[str] = (SLOT,), number: int = NUMBER
) -> Sample:
    subsidy = BOOK.subsidy(2023, number)
    assert subsidy.code is not None
    return make_sample(
        subsidy=subsidy, settings=SETTINGS.for_subsidy(subsidy.code), region=region, rows=len(who), slots=slots,
        seed=seed, include=who, arrear_share=1.0 if len(slots) > 1 else 0.0,
    )  # fmt: skip


def dying(house: House, after: bool = False) -> Callable[[], None]:
    """The worker dies of the call at hand, before or after it takes effect."""

    def die() -> None:
        house.watch.dies_at, house.watch.after = house.watch.count, after

    return die


def any_arguments(_arguments: tuple[Any, ...]) -> bool:
    return True


def saves(kind: type) -> Callable[[tuple[Any, ...]], bool]:
    """Matches a `control.save` in which an item of this kind takes part."""
    return lambda arguments: any(isinstance(item, kind) for item in arguments)


def key_starts(prefix: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: str(arguments[0]).startswith(prefix)
