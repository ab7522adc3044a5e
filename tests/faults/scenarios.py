"""What happens in the histories whose every call is crashed at. Tiny batches: a crash does not count rows.

Each is deterministic as long as nobody dies: where two things happen at once, one waits for the other to have begun or
ended (`Scene.hold`), so that the same calls come in the same order every time. After a crash nothing is promised but
what must hold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.faults.history import History
from tests.faults.scene import CrashPoint
from yikatong.states import BatchState

PEOPLE = 4
"""How many people a history may need."""


@dataclass(frozen=True)
class Scenario:
    """`only`: the functions whose calls are crashed at where the others' are the same as in another scenario."""

    play: Callable[[History], None]
    only: frozenset[str] = frozenset()

    def crashes_at(self, verb: str) -> bool:
        return not self.only or verb in self.only


def one_batch(history: History) -> None:
    """A roster, its approval, an order, a run; the bank's receipts find a task that waits."""
    _receipts_find_a_waiting_task(history, "A")
    _pay(history)


def early_receipts(history: History) -> None:
    """The same, but the receipts are there before the task waits for them (PROTOCOL B4)."""
    history.scene.hold("await_receipts", "A", lambda: history.scene.has_ended("receive_receipt", "A"))
    _pay(history)


def silent_bank(history: History) -> None:
    """The bank pays and says nothing: the run enquires."""
    silence = {person.account: {"outcome": "silence"} for person in history.who[:2]}
    history.desk.cloud.bank.call("POST", "/script", {"accounts": silence})
    _pay(history)


def two_runs(history: History) -> None:
    """Two subsidies of one claim group pay overlapping rosters in two runs; whoever claims first pays the common person."""
    scene, people = history.scene, history.who
    for subject in ("A", "B"):
        _receipts_find_a_waiting_task(history, subject)
    # Both are open before either claims, and the second claims while the first may lie dead over its own claim.
    scene.hold("claim_payments", "A", lambda: scene.has_ended("open_run", "B"))
    scene.hold("claim_payments", "B", lambda: scene.has_ended("claim_payments", "A"))
    scene.hold("open_run", "B", lambda: scene.has_ended("open_run", "A"))
    scene.hold("instruct_bank", "A", lambda: scene.has_ended("claim_payments", "B"))
    batches = {
        "A": history.upload("A", people[:3], "A"),
        "B": history.upload("B", people[2:4], "B"),
    }
    for subject, batch in batches.items():
        history.allocate(subject, batch.payable.fen)
        history.approve(batch)
    for subject in batches:
        history.order(subject)
    history.finish()


def _withdrawal_before(verb: str) -> Callable[[History], None]:
    def play(history: History) -> None:
        scene = history.scene
        _receipts_find_a_waiting_task(history, "A")
        withdrawn: list[bool] = []
        scene.hold(verb, "A", lambda: bool(withdrawn))
        batch = history.upload("A", history.who[:2])
        history.allocate("A", batch.payable.fen)
        history.approve(batch)
        history.order()
        scene.wait_for(lambda: scene.has_arrived(verb, "A"))
        history.withdraw(batch)
        withdrawn.append(True)
        scene.tell()
        history.finish()
        if history.batch(batch.batch_id).state is BatchState.WITHDRAWN:
            # Nobody is stranded: the same people, sent again, are paid.
            with scene.offstage():
                history.approve(history.upload("again", history.who[:2]))
                history.order()
                history.finish()

    play.__doc__ = f"A batch is withdrawn while its run is about to {verb.replace('_', ' ')} (PROTOCOL W1)."
    return play


SCENARIOS: Mapping[str, Scenario] = {
    "one_batch": Scenario(one_batch),
    "early_receipts": Scenario(early_receipts, frozenset({"await_receipts", "receive_receipt", "settle_batch"})),
    "silent_bank": Scenario(silent_bank, frozenset({"enquire_bank", "settle_batch", "publish_records", "close_run"})),
    "two_runs": Scenario(two_runs),
    **{
        f"withdrawn_before_{verb}": Scenario(_withdrawal_before(verb))
        for verb in ("open_run", "claim_payments", "reserve_funds", "instruct_bank")
    },
}


def setup_kills(scenario: str) -> tuple[CrashPoint, ...]:
    """Crashes that are part of the story itself, before the one that is looked for."""
    del scenario
    return ()


def _receipts_find_a_waiting_task(history: History, subject: str) -> None:
    scene = history.scene
    scene.hold("receive_receipt", subject, lambda: scene.has_ended("await_receipts", subject))


def _pay(history: History) -> None:
    batch = history.upload("A", history.who[:2])
    history.allocate("A", batch.payable.fen)
    history.approve(batch)
    history.order()
    history.finish()
