"""What happens in the histories whose every call is crashed at. Tiny batches: a crash does not count rows.

Each is deterministic as long as nobody dies: where two things happen at once, one waits for the other to have begun or
ended (`Scene.hold`), so that the same calls come in the same order every time. After a crash nothing is promised but
what must hold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.faults.history import REST_S, History
from tests.faults.scene import BEFORE, CrashPoint, Place, until
from yikatong.batches import Batch
from yikatong.follow_ups import child_id
from yikatong.states import ENDED_RUN, BatchState

PEOPLE = 4
"""How many people a history may need."""


@dataclass(frozen=True)
class Scenario:
    """`only`: the functions whose calls are crashed at where the others' are the same as in another scenario; `accidents`:
    crashes that belong to the story, before the one that is looked for."""

    play: Callable[[History], None]
    only: frozenset[str] = frozenset()
    accidents: tuple[CrashPoint, ...] = ()
    runs_die: bool = False
    """Whether each step is also crashed at until the platform gives up, so that the run is started again (PROTOCOL R1)."""

    def crashes_at(self, place: Place) -> bool:
        """Whether the calls of an invocation are crash points."""
        if place in {accident.place for accident in self.accidents}:
            return False
        return not self.only or place.verb in self.only


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


def lost_message(history: History) -> None:
    """A worker died between the sent mark and the message: the bank knows nothing of it, and a person has it sent (B3)."""
    _pay(history)


def freed_rows(history: History) -> None:
    """A batch loses a person to another that is withdrawn: a child batch pays them (PROTOCOL C4, trace 9)."""
    scene, people = history.scene, history.who
    withdrawn: list[bool] = []
    with scene.offstage():
        holder = history.upload("A", people[:2], "A")
        loser = history.upload("B", people[1:4], "B")
        for label in ("B", "child"):
            _receipts_find_a_waiting_task(history, label)
        scene.batch_tokens[child_id(loser.batch_id, 1).rsplit(".", 1)[1]] = "child"
        scene.hold("reserve_funds", "A", lambda: bool(withdrawn))
        for subject, batch in (("A", holder), ("B", loser)):
            history.allocate(subject, batch.payable.fen)
            history.approve(batch)
        history.ask_for_a_run("A")
        scene.wait_for(lambda: scene.has_arrived("reserve_funds", "A"))
        history.ask_for_a_run("B")
        # Nothing is at rest while the first run is held, so the second's end is looked for by itself.
        until(lambda: [run.state in ENDED_RUN for run in history.runs("B")] == [True], REST_S)
    history.withdraw(holder)
    withdrawn.append(True)
    scene.tell()
    history.finish()


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


def reissue(history: History) -> None:
    """What the bank rejected is sent again as a reissue, with its own approval and its own run (PROTOCOL B5)."""
    first = _reject_two(history)
    again = history.upload_reissue("again", first, "A", 2)
    history.approve(again)
    history.finish()


def two_reissues(history: History) -> None:
    """The same failed payments are sent again twice, in two runs: one of them pays."""
    scene = history.scene
    first = _reject_two(history)
    one = history.upload_reissue("one", first, "A", 2)
    other = history.upload_reissue("other", first, "A", 2)
    # Each run takes its own batch, and the second claims while the first may lie dead over its own claim.
    scene.hold("claim_payments", "one", lambda: scene.has_ended("open_run", "other"))
    scene.hold("claim_payments", "other", lambda: scene.has_ended("claim_payments", "one"))
    scene.hold("instruct_bank", "one", lambda: scene.has_ended("claim_payments", "other"))
    history.approve(one)
    scene.wait_for(lambda: scene.has_ended("open_run", "one"))
    history.approve(other)
    history.finish()


def _reject_two(history: History) -> Batch:
    """Off stage: three people, of whom the bank rejects two; then their accounts are put right."""
    scene, bank = history.scene, history.desk.cloud.bank
    for label in ("A", "again", "one"):
        _receipts_find_a_waiting_task(history, label)
    rejected = [person.account for person in history.who[:2]]
    bank.call("POST", "/script", {"accounts": {one: {"outcome": "reject", "code": "AC04"} for one in rejected}})
    with scene.offstage():
        first = history.upload("A", history.who[:3])
        history.allocate("A", first.payable.fen)
        history.approve(first)
        history.order()
        history.finish()
    bank.call("POST", "/script", {"accounts": {one: {"outcome": "settle"} for one in rejected}})
    return history.batch(first.batch_id)


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
    "one_batch": Scenario(one_batch, runs_die=True),
    "early_receipts": Scenario(early_receipts, frozenset({"await_receipts", "receive_receipt", "settle_batch"})),
    "silent_bank": Scenario(silent_bank, frozenset({"enquire_bank", "settle_batch", "publish_records", "close_run"})),
    "two_runs": Scenario(two_runs, runs_die=True),
    "lost_message": Scenario(
        lost_message,
        frozenset(
            {
                "instruct_bank",
                "enquire_bank",
                "settle_batch",
                "publish_records",
                "close_run",
                "bureau_api",
                "resend_message",
                "receive_receipt",
            }
        ),
        (CrashPoint("lost_message", Place("instruct_bank", "A", 1), "bank1", BEFORE),),
    ),
    "freed_rows": Scenario(freed_rows),
    "reissue": Scenario(reissue),
    "two_reissues": Scenario(two_reissues, frozenset({"open_run", "claim_payments", "reserve_funds", "instruct_bank"})),
    **{
        f"withdrawn_before_{verb}": Scenario(_withdrawal_before(verb))
        for verb in ("open_run", "claim_payments", "reserve_funds", "instruct_bank")
    },
}


def _receipts_find_a_waiting_task(history: History, subject: str) -> None:
    scene = history.scene
    scene.hold("receive_receipt", subject, lambda: scene.has_ended("await_receipts", subject))


def _pay(history: History) -> None:
    batch = history.upload("A", history.who[:2])
    history.allocate("A", batch.payable.fen)
    history.approve(batch)
    history.order()
    history.finish()
