"""One history among others on the same cloud: which invocations are its own, which of them waits, which one dies where."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.runtime import Fate
from infra.local.runtime_api import Outcome

BEFORE, AFTER, ALWAYS = "before", "after", "always"
"""A worker dies before its call leaves, or after the answer came back: once. `ALWAYS`: before the call leaves, and so do
the workers of the platform's retries, until those are used up and the execution dies."""
LONGEST_HOLD_S = 25.0
"""A held invocation goes on after this: whatever it waited for may have died with its worker."""


@dataclass(frozen=True, order=True)
class Place:
    """An invocation of a history: the nth of this function about this subject (`A`: the first batch and its run)."""

    verb: str
    subject: str
    nth: int

    def __str__(self) -> str:
        return f"{self.verb}/{self.subject}/{self.nth}"


@dataclass(frozen=True, order=True)
class CrashPoint:
    """Where a worker dies: right before its call `call` leaves, or right after that call's answer came back (`side`)."""

    scenario: str
    place: Place
    call: str
    side: str
    operation: str = field(default="", compare=False)
    """What is called there, for people."""

    @property
    def cold(self) -> bool:
        """A secret is asked for once in a worker's life, so this is reached in a new worker only."""
        return self.call.startswith("secret")

    def strikes(self, place: Place) -> bool:
        """Whether a worker of this invocation is to die."""
        if self.side != ALWAYS:
            return place == self.place
        same = (place.verb, place.subject) == (self.place.verb, self.place.subject)
        return same and place.nth >= self.place.nth

    @property
    def fate(self) -> Fate:
        return Fate(f"{self.call}-{AFTER if self.side == AFTER else BEFORE}", self.cold)

    def __str__(self) -> str:
        return f"{self.scenario} {self.place} {self.call} {self.side} ({self.operation})"


@dataclass
class Invocation:
    place: Place
    identity: str
    about: Any
    kill: CrashPoint | None = None
    died: bool = False


class Scene:
    """The invocations of one history, known by what their events name: `tokens` maps such words to the subject, and those of
    `batch_tokens` come first, since whatever names a batch names its subsidy as well."""

    def __init__(self, kills: tuple[CrashPoint, ...] = (), *, cold: frozenset[str] = frozenset()) -> None:
        """`cold`: functions that get a new worker for every invocation, so that each asks for its secrets."""
        self.cold = cold
        self.tokens: dict[str, str] = {}
        self.batch_tokens: dict[str, str] = {}
        self.invocations: list[Invocation] = []
        self.ended: Counter[tuple[str, str]] = Counter()
        self._arrived: Counter[tuple[str, str]] = Counter()
        self._kills = kills
        self.relented = False
        """Set once the run has died, so that what always died no longer does."""
        self._holds: dict[tuple[str, str], Callable[[], bool]] = {}
        self._changed = threading.Condition()
        self._busy = 0
        self._onstage = True

    @contextmanager
    def offstage(self) -> Iterator[None]:
        """What happens meanwhile belongs to the history, but nobody counts it and nobody dies."""
        before, self._onstage = self._onstage, False
        try:
            yield
        finally:
            self._onstage = before

    def hold(self, verb: str, subject: str, until: Callable[[], bool]) -> None:
        """Let invocations of a function about a subject begin only when something holds (or `LONGEST_HOLD_S` are over)."""
        self._holds[verb, subject] = until

    def let_go(self) -> None:
        """Hold nothing any more: what it waits for may never come."""
        with self._changed:
            self._holds.clear()
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = LONGEST_HOLD_S) -> bool:
        """Wait until something holds that only this scene's invocations, or `tell`, can change."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def tell(self) -> None:
        """Something that holds may depend on has changed."""
        with self._changed:
            self._changed.notify_all()

    def has_arrived(self, verb: str, subject: str) -> bool:
        return self._arrived[verb, subject] > 0

    def has_ended(self, verb: str, subject: str) -> bool:
        return self.ended[verb, subject] > 0

    @property
    def busy(self) -> bool:
        return self._busy > 0

    def died_at(self, point: CrashPoint) -> bool:
        """Whether a worker died there as it was told to."""
        return any(invocation.died and invocation.kill == point for invocation in self.invocations)

    def subject_of(self, text: str) -> str | None:
        """Whom an event is about, or None: then it is another history's."""
        for tokens in (self.batch_tokens, self.tokens):
            for token, subject in tokens.items():
                if token in text:
                    return subject
        return None

    def enter(self, verb: str, subject: str, identity: str, event: dict[str, Any]) -> Invocation:
        with self._changed:
            self._busy += 1
            self._arrived[verb, subject] += 1
            counted = self._onstage and event.get("httpMethod") != "GET"
            # Reading, and what happens off stage, is numbered 0: no crash point names it.
            nth = 1 + sum(
                i.place.nth > 0 and (i.place.verb, i.place.subject) == (verb, subject) for i in self.invocations
            )
            invocation = Invocation(Place(verb, subject, nth if counted else 0), identity, event)
            invocation.kill = next(
                (
                    kill
                    for kill in self._kills
                    if kill.strikes(invocation.place) and not (self.relented and kill.side == ALWAYS)
                ),
                None,
            )
            self.invocations.append(invocation)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._may_begin(verb, subject), LONGEST_HOLD_S)
        return invocation

    def _may_begin(self, verb: str, subject: str) -> bool:
        hold = self._holds.get((verb, subject))
        return hold is None or hold()

    def leave(self, invocation: Invocation, outcome: Outcome) -> None:
        with self._changed:
            self._busy -= 1
            self.ended[invocation.place.verb, invocation.place.subject] += 1
            invocation.died = invocation.kill is not None and outcome.failed and b"SIGKILL" in outcome.payload
            self._changed.notify_all()


class Stage:
    """The scenes now played on one cloud; implements `infra.local.runtime.Watcher`."""

    def __init__(self, verbs: dict[str, str]) -> None:
        self._verbs = verbs
        self._scenes: list[Scene] = []
        self._entered: dict[str, tuple[Scene, Invocation]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def playing(self, scene: Scene) -> Iterator[Scene]:
        with self._lock:
            self._scenes.append(scene)
        try:
            yield scene
        finally:
            with self._lock:
                self._scenes.remove(scene)

    def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:
        event = json.loads(payload)
        # A run that follows up names in its cause the batch that freed it; a step of the Map is about its own batch.
        text = str(event.get("batch_id") or payload.decode())
        for scene in list(self._scenes):
            subject = scene.subject_of(text)
            if subject is not None:
                verb = self._verbs.get(function_name, function_name)
                entered = scene.enter(verb, subject, invocation, event)
                self._entered[invocation] = (scene, entered)
                kill = entered.kill
                if kill is None:
                    return Fate(cold=verb in scene.cold and entered.place.nth > 0)
                return kill.fate
        return Fate()

    def ended(self, function_name: str, invocation: str, outcome: Outcome) -> None:  # noqa: ARG002 - the watcher's
        if found := self._entered.pop(invocation, None):
            scene, entered = found
            scene.leave(entered, outcome)


def calls_made(scene: Scene, calls_file: Path, offset: int = 0) -> dict[Place, list[tuple[str, str]]]:
    """Per invocation of a scene its calls in order, as (`call3`, `s3:PutObject`); read from `offset` of the cloud's file."""
    places = {one.identity: one.place for one in scene.invocations if one.place.nth > 0}
    made: dict[Place, list[tuple[str, str]]] = {place: [] for place in places.values()}
    with calls_file.open("rb") as file:
        file.seek(offset)
        for raw in file:
            line = json.loads(raw)
            if place := places.get(line["invocation"]):
                made[place].append((line["call"], f"{line['service']}:{line['operation']}"))
    return made


def until(condition: Callable[[], bool], timeout_s: float, pause_s: float = 0.04) -> bool:
    """Look again and again; whether it came to hold."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
