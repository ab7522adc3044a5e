"""The whole payout in memory: real use cases and domain, the fakes of `tests.fakes`, and the bank simulator itself.

`House.play` walks the `payout` state machine as its ASL does. The bank's book is the oracle.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from tests.unit.payout.books import Books
from tests.unit.payout.rosters import (
    AGENT,
    BANKS,
    BOOK,
    CODE,
    DAOLI,
    NUMBER,
    PAYMENT_SECRET,
    RECORD_SECRET,
    SETTINGS,
    SHANGHAI,
)
from tests.unit.payout.watching import WorkerDied
from yikatong.batches import Batch, batches_pk
from yikatong.funds import Funds
from yikatong.ledger import Ledger
from yikatong.ports import RunOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.records import RecordKeys
from yikatong.roster.people import Person
from yikatong.roster.sample import cards_csv
from yikatong.roster_arrivals import Arrival
from yikatong.runs import Run
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.await_receipts import await_receipts
from yikatong.use_cases.claim_payments import Claimed, claim_payments
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
from yikatong.use_cases.take_up_rows import TakenUp, take_up_rows
from yikatong.use_cases.validate_roster import validate_roster
from yikatong.use_cases.withdraw_batch import withdraw_batch

RETRIES = 3
"""How often the state machine tries a step again whose worker died (payout.asl.json)."""
ENQUIRIES = 2


class ExecutionFailed(Exception):
    """The step's retries are used up, and the execution ended."""


class House(Books):
    """One deployment in memory, and the people around it."""

    # --- time and people -------------------------------------------------------------------------------------------------

    def on(self, day: date) -> None:
        self.now = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
        self.bank.simulator.set_day(day)

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def who(self, role: str) -> Principal:
        pk, sk = principal_key(f"the-{role}")
        return Principal(pk=pk, sk=sk, name=f"the-{role}", role=Role(role), region="230000")

    def c_of(self, who: Principal) -> Ledger:
        return self.control_of(f"principal:{who.name}")

    def cards(self, people: Sequence[Person]) -> None:
        self.sequencer += 1
        data = cards_csv(people)
        import_cards(
            CardArrival(f"replace/cards-{self.now:%Y%m%d}.csv", f"{self.sequencer:08x}", len(data), lambda: data),
            control=self.c, lake=self.l, reports=self.reports, orders=self.o, book=BOOK, settings=SETTINGS, now=self.now,
        )  # fmt: skip

    def upload(
        self,
        data: bytes,
        region: str = DAOLI,
        *,
        mode: str = "formal",
        number: int = NUMBER,
        name: str = "a.csv",
        reissues: str = "",
        plan_year: int = 2023,
    ) -> Batch:
        """A roster is dropped and validated; the batch that came of it. `reissues` is the batch it pays again, if it does."""
        self.sequencer += 1
        key = f"{plan_year}/{region}/{number}/{name}"
        arrival = Arrival(
            key, f"v{self.sequencer}", f"{self.sequencer:08x}", mode, "", len(data), lambda: data, reissues=reissues
        )
        pk = batches_pk(str(BOOK.subsidy(plan_year, number).code), mode)
        known = {batch.batch_id for batch in self.control.query(Batch, pk)}
        validate_roster(
            arrival, control=self.c, lake=self.l, reports=self.reports, orders=self.o, book=BOOK, settings=SETTINGS,
            banks=BANKS, now=self.now,
        )  # fmt: skip
        new = [batch for batch in self.control.query(Batch, pk) if batch.batch_id not in known]
        assert len(new) == 1, "no new batch came of the roster"
        return new[0]

    def approve(self, batch: Batch, **changes: Any) -> Batch:
        self.later(1)
        request = ApprovalRequest(
            sha256=batch.sha256, object_version=batch.object_version, payable=batch.payable, held=batch.held, **changes
        )
        approver = self.who("approver")
        return approve_batch(
            self.c_of(approver), self.l, self.o, BOOK, SETTINGS, approver, batch.batch_id, request, self.now
        )

    def approved(self, data: bytes, region: str = DAOLI, **options: Any) -> str:
        """Upload and approve; the batch's id."""
        return self.approve(self.upload(data, region, **options)).batch_id

    def withdraw(self, batch_id: str) -> Batch:
        who, today = self.who("approver"), self.now.date()
        return withdraw_batch(self.c_of(who), self.o, BOOK, SETTINGS, who, batch_id, "名单有误", today)

    def set_funds(self, fen: int) -> Funds:
        treasurer = self.who("treasurer")
        return set_funds(
            self.c_of(treasurer), self.o, BOOK, treasurer, plan_year=2023, number=NUMBER, region=DAOLI, year=2023,
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
            lambda: start_run(order, control=self.c, workflow=self.w, book=BOOK, settings=SETTINGS)
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
            self.invoke(lambda: self.take_up(run_id, order.code))
            inputs = self.invoke(lambda: self.open(run_id, order.code))
            if inputs.batches:
                self.invoke(lambda: self.claim(run_id, order.code))
                for frozen in inputs.batches:
                    self.pay_batch(frozen.batch_id, run_id)
            self.invoke(lambda: self.close(run_id, order.code))
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
                    if self.invoke(lambda: self.enquire(batch_id)):
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

    def take_up(self, run_id: str, code: str = CODE) -> TakenUp:
        return take_up_rows(
            run_id, code, control=self.c, lake=self.l, book=BOOK, settings=SETTINGS, now=self.now
        )  # fmt: skip

    def open(self, run_id: str, code: str = CODE) -> Any:
        return open_run(
            run_id, code, control=self.c, lake=self.l, workflow=self.w, book=BOOK, settings=SETTINGS
        )  # fmt: skip

    def claim(self, run_id: str, code: str = CODE) -> Claimed:
        return claim_payments(
            run_id, code, control=self.c, lake=self.l, banks=BANKS, book=BOOK, settings=SETTINGS
        )  # fmt: skip

    def reserve(self, batch_id: str, run_id: str) -> str:
        return reserve_funds(batch_id, run_id, control=self.c)

    def instruct(self, batch_id: str, run_id: str) -> dict[str, int] | None:
        return instruct_bank(
            batch_id, run_id, control=self.c, lake=self.l, bank=self.b, banks=BANKS, book=BOOK, settings=SETTINGS,
            secret=PAYMENT_SECRET, now=self.now,
        )  # fmt: skip

    def enquire(self, batch_id: str) -> bool:
        return enquire_bank(batch_id, control=self.c, lake=self.l, bank=self.b, banks=BANKS, now=self.now)

    def close(self, run_id: str, code: str = CODE) -> Run:
        return close_run(
            run_id, code, control=self.c, lake=self.l, orders=self.o, settings=SETTINGS, today=self.now.date()
        )  # fmt: skip

    def settle(self, batch_id: str) -> Batch:
        return settle_batch(batch_id, control=self.c, lake=self.l)

    @property
    def reach(self) -> Reach:
        keys = RecordKeys(RECORD_SECRET)
        return Reach(self.c, self.l, self.r, self.reports, self.o, BOOK, keys, self.now.date())

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
            with suppress(WorkerDied):
                return step()

    def resend(self, message_id: str) -> str:
        return resend_message(
            message_id, "the-operator", self.reach, workflow=self.w, bank=self.b, banks=BANKS, now=self.now
        )


def dying(house: House, after: bool = False) -> Callable[[], None]:
    """The worker dies of the call at hand, before or after it takes effect."""

    def die() -> None:
        house.watch.dies_at, house.watch.after = house.watch.count, after

    return die
