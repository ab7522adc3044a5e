"""Who runs, and what time it is: one worker at a time, chosen by the seed, under a clock of its own.

A worker is one invocation of a function, on a thread of its own; it runs only while it holds the baton, and hands it on at
every call it makes to the outside (`switch`). Between two steps of a worker the platform may do something as well: deliver
a message, let time pass, press a button. Every choice is drawn from one random source, so a seed is a history.
"""

import heapq
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

STEP_S = 0.05
"""What a call takes, when nothing holds it up."""
AT_ONCE = 5
"""More workers than this are not started while others run: what interleaves is then already mixed enough."""
MOST_STEPS = 60_000


class WorkerDied(BaseException):
    """The worker is gone, as by a kill: nothing in the code may catch it."""


class Stuck(Exception):
    """The history does not come to an end: something goes round in circles."""


@dataclass
class Worker:
    """One invocation. `skew` is how wrong its machine's clock is; `version` which release of the code it runs."""

    name: str
    verb: str
    work: Callable[[], Any]
    ended: Callable[[Any, BaseException | None], None]
    ends_by: datetime
    skew: timedelta = timedelta()
    version: int = 0
    calls: int = 0
    broken: bool = False
    """A call of it was made to fail."""
    sleeps_until: datetime | None = None
    wiring: Any = None
    hand: "Hand | None" = None


class Hand:
    """A thread that does one worker's work after the other."""

    def __init__(self, stage: "Stage") -> None:
        self.baton = threading.Lock()
        self.baton.acquire()
        self.worker: Worker | None = None
        self._stage = stage
        threading.Thread(target=self._live, daemon=True).start()

    def move_to(self, stage: "Stage") -> None:
        self._stage = stage

    def _live(self) -> None:
        while True:
            self.baton.acquire()
            if self.worker is None:
                return
            stage, worker = self._stage, self.worker
            result, error = None, None
            try:
                if stage.over:
                    raise WorkerDied("the history is over")
                result = worker.work()
            except BaseException as raised:  # noqa: BLE001  # handed to whoever waits for this worker
                error = raised
            stage.finish(worker, result, error)


_idle: list[Hand] = []


@dataclass
class Stage:
    """The history's clock, its running workers, and what is due when."""

    chance: random.Random
    now: datetime
    moves: Callable[[], list[Callable[[], None]]] = list
    """What the platform could do now, in a fixed order."""
    stay: float = 0.6
    """How likely a worker goes on with its next call without anybody else in between."""
    hurry: float = 0.02
    """How likely the time of the next thing due comes although workers are busy."""
    running: list[Worker] = field(default_factory=list)
    worker: Worker | None = None
    steps: int = 0
    over: bool = False
    broken: BaseException | None = None
    _due: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _ordinal: int = 0
    _main: Any = field(default_factory=threading.Lock)

    # --- time ------------------------------------------------------------------------------------------------------------

    def at(self, when: datetime, act: Callable[[], None]) -> None:
        self._ordinal += 1
        heapq.heappush(self._due, (when, self._ordinal, act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.at(self.now + timedelta(seconds=seconds), act)

    def pass_time(self, until: datetime) -> None:
        """Let everything happen that is due by then."""
        while self._due and self._due[0][0] <= until:
            when, _, act = heapq.heappop(self._due)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, until)

    def _next_due(self) -> datetime | None:
        wakes = [worker.sleeps_until for worker in self.running if worker.sleeps_until is not None]
        if self._due:
            wakes.append(self._due[0][0])
        return min(wakes, default=None)

    # --- workers ---------------------------------------------------------------------------------------------------------

    def start(self, worker: Worker) -> None:
        hand = _idle.pop() if _idle else Hand(self)
        hand.move_to(self)
        hand.worker, worker.hand = worker, hand
        self.running.append(worker)

    def sleep(self, seconds: float) -> None:
        """The worker at hand waits; others go on."""
        assert self.worker is not None
        self.worker.sleeps_until = self.now + timedelta(seconds=seconds)
        self.switch()

    def switch(self) -> None:
        """The worker at hand stops here, and goes on when it is its turn again; it dies of its function's time limit."""
        me = self.worker
        if self.over:
            raise WorkerDied("the history is over")
        assert me is not None
        assert me.hand is not None
        self._hand_over(self._choose(me), me.hand.baton)
        if self.over or self.now >= me.ends_by:
            raise WorkerDied("time limit" if not self.over else "the history is over")

    def finish(self, worker: Worker, result: Any, error: BaseException | None) -> None:
        """Called on the worker's own thread, as the last thing it does."""
        assert worker.hand is not None
        self.running.remove(worker)
        hand, worker.hand = worker.hand, None
        hand.worker = None
        chosen = None
        try:
            if not self.over:
                self.worker = None
                worker.ended(result, error)
                chosen = self._choose(None)
        except Exception as broken:  # noqa: BLE001  # a defect of the harness: told by `play`
            self.broken = self.broken or broken
        _idle.append(hand)
        self._hand_over(chosen, None)

    def play(self) -> None:
        """Until nothing runs and nothing is to be done but waiting for a button or a later phase."""
        self._main.acquire(blocking=False)
        chosen = self._choose(None)
        if chosen is not None:
            self._hand_over(chosen, self._main)
        if self.broken is not None:
            raise self.broken

    def end(self) -> None:
        """Nobody goes on: whoever is still somewhere in the middle dies there."""
        self.over = True
        self._main.acquire(blocking=False)
        while self.running:
            self._hand_over(self.running[-1], self._main)

    def _hand_over(self, chosen: Worker | None, mine: Any) -> None:
        baton = self._main if chosen is None else chosen.hand.baton  # type: ignore[union-attr]
        self.worker = chosen
        if baton is mine:
            return
        baton.release()
        if mine is not None:
            mine.acquire()

    def _choose(self, me: Worker | None) -> Worker | None:
        """Whose turn it is; platform moves are made on the way. None: nothing is left to do, or something is broken."""
        try:
            return None if self.broken is not None else self._drawn(me)
        except Exception as broken:  # noqa: BLE001  # never inside the code of a worker: told by `play`
            self.broken = broken
            return None

    def _drawn(self, me: Worker | None) -> Worker | None:
        chance = self.chance
        self.pass_time(self.now + timedelta(seconds=STEP_S))
        while True:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise Stuck(f"{MOST_STEPS} steps")
            awake = self._awake()
            if me is not None and me in awake and chance.random() < self.stay:
                return me
            options: list[Any] = list(awake)
            if len(self.running) < AT_ONCE:
                options += self.moves()
            if not options or (self._due and chance.random() < self.hurry):
                due = self._next_due()
                if due is None:
                    if not options:
                        return None
                else:
                    self.pass_time(max(due, self.now))
                    continue
            chosen = options[chance.randrange(len(options))]
            if isinstance(chosen, Worker):
                return chosen
            chosen()
            if self.broken is not None:
                return None

    def _awake(self) -> list[Worker]:
        awake = []
        for worker in self.running:
            if worker.sleeps_until is not None and worker.sleeps_until <= self.now:
                worker.sleeps_until = None
            if worker.sleeps_until is None:
                awake.append(worker)
        return awake
