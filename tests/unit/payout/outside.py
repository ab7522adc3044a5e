"""What lies outside the payout, in this process: the bank simulator itself, executions with waiting tasks."""

from datetime import date
from typing import Any

from infra.local.bank.bank import Bank as Simulator
from tests.fakes import MemoryWorkflow
from tests.unit.payout.rosters import AGENT
from yikatong.ports import BankSilence, RunOrder


class SimulatedBank:
    """The bank simulator behind the port, in this process: what it delivers waits in `inbox`."""

    def __init__(self, today: date) -> None:
        self.inbox: list[bytes] = []
        self.delivered: list[bytes] = []
        self.mute = False
        self.simulator = Simulator(AGENT.bank_id, today, seed=7, deduplicates=False, deliver=self._deliver)

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
