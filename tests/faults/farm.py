"""Several local clouds, a process each, several histories at once on each: two processors have enough to do."""

import itertools
import json
import multiprocessing
import re
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from tests.faults.history import LANES, Desk
from tests.faults.playing import Cast, Counted, Played, count, desk_with_cast, play
from tests.faults.scene import CrashPoint

PATIENCE_S = 600
"""After so long without a result something is broken beyond what a history can tell."""
HISTORIES_A_CLOUD = 150
"""Then a new cloud takes its place: moto keeps every execution there ever was, and each look at those that run takes longer.
Deadlines of a quarter of an hour each stay within its five bank days, too."""
TRIES = 3
"""A crash point that a replay did not reach is tried again: something took another turn before it."""


@dataclass(frozen=True)
class Broken:
    """Something of the harness itself went wrong."""

    what: str


@dataclass(frozen=True)
class Leaks:
    """What the logs of one cloud said about its people that they must not; one per cloud, at its end."""

    found: tuple[str, ...]


Result = Counted | Played | Leaks | Broken


class Farm:
    """`processes` clouds with `lanes` histories at a time on each."""

    def __init__(self, processes: int, lanes: int, cast_size: int, seed: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._tasks: Any = self._context.Queue()
        self._results: Any = self._context.Queue()
        self._clouds, self._lanes, self._cast_size, self._seed = processes, lanes, cast_size, seed
        self._processes: list[Any] = []
        self._leaks: list[str] = []
        self._ended = 0
        self._closing = False

    @contextmanager
    def working(self) -> Iterator["Farm"]:
        for _ in range(self._clouds):
            self._open()
        try:
            yield self
        finally:
            for process in self._processes:
                process.terminate()
                process.join()

    def _open(self) -> None:
        """One more cloud, with a cast of its own."""
        seed = self._seed + len(self._processes)
        process = self._context.Process(
            target=_work, args=(self._tasks, self._results, self._lanes, self._cast_size, seed), daemon=False
        )
        process.start()
        self._processes.append(process)

    def count(self, scenarios: Sequence[str]) -> Iterator[Counted]:
        yield from self._all(list(scenarios), Counted)

    def play(self, points: Sequence[CrashPoint]) -> Iterator[Played]:
        yield from self._all(list(points), Played)

    def leaks(self) -> list[str]:
        """Send everybody home, and say what their logs said about people."""
        self._closing = True
        self._tasks.put(None)
        while self._ended < len(self._processes):
            self._take()
        return self._leaks

    def _all(self, tasks: list[Any], kind: type[Any]) -> Iterator[Any]:
        for task in tasks:
            self._tasks.put(task)
        for _ in tasks:
            yield self._next(kind)

    def _next(self, kind: type[Any]) -> Any:
        while (result := self._take()) is None:
            pass
        assert isinstance(result, kind)
        return result

    def _take(self) -> Counted | Played | None:
        """The next result, or None: then it was a cloud that ended, and another took its place."""
        try:
            result: Result = self._results.get(timeout=PATIENCE_S)
        except Empty:
            raise RuntimeError("the clouds are silent") from None
        if isinstance(result, Broken):
            raise RuntimeError(result.what)
        if not isinstance(result, Leaks):
            return result
        self._leaks += result.found
        self._ended += 1
        if not self._closing:
            self._open()
        return None


def _work(tasks: Any, results: Any, lanes: int, cast_size: int, seed: int) -> None:
    try:
        with desk_with_cast(lanes, cast_size, seed) as (desk, cast):
            desk.cloud.warm()
            histories = itertools.count(1)
            threads = [
                threading.Thread(target=_work_lane, args=(tasks, results, desk, cast, n, histories))
                for n in range(lanes)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            results.put(Leaks(tuple(leaks(desk, cast))))
    except BaseException:
        results.put(Broken(traceback.format_exc()))
        raise


def _work_lane(tasks: Any, results: Any, desk: Desk, cast: Cast, n: int, histories: Iterator[int]) -> None:
    while next(histories) <= HISTORIES_A_CLOUD:
        task = tasks.get()
        if task is None:
            tasks.put(None)  # for the others: everybody goes home
            return
        try:
            if isinstance(task, str):
                results.put(count(desk, LANES[n], cast, task))
            else:
                results.put(play_until_reached(desk, n, cast, task))
        except Exception:  # noqa: BLE001 - told to whoever waits for results
            results.put(Broken(traceback.format_exc()))
            return


def play_until_reached(desk: Desk, lane: int, cast: Cast, point: CrashPoint) -> Played:
    """Play a crash point; once more when its call was never reached."""
    for tries in itertools.count(1):
        played = play(desk, LANES[lane], cast.take(), point.scenario, point)
        if played.killed or played.violations or tries == TRIES:
            return played
    raise AssertionError("counting never ends")


def leaks(desk: Desk, cast: Cast) -> list[str]:
    """Which logs and execution histories hold an id number, an account or a full name of the cast; nobody is named."""
    secret = {word for person in cast.people for word in (person.id_number, person.account, person.name)}
    found = []
    for name, text in _texts(desk):
        words = set(re.findall(r"[0-9]{17}[0-9Xx]|[0-9]{15,19}", text))
        for run in re.findall(r"[\u3400-\u9fff·]{2,}", text):
            words |= {run[a:b] for a in range(len(run)) for b in range(a + 2, min(a + 8, len(run)) + 1)}
        if words & secret:
            found.append(f"{name} tells of {len(words & secret)} people")
    return found


def _texts(desk: Desk) -> Iterator[tuple[str, str]]:
    for file in sorted(desk.cloud.log_folder.iterdir()):
        yield file.name, "\n".join(_readable(line) for line in file.read_text(errors="replace").splitlines())
    machines = desk.cloud.client("stepfunctions")
    arn = desk.cloud.resources["state_machine_arn"]
    for execution in machines.list_executions(stateMachineArn=arn)["executions"]:
        about = machines.get_execution_history(executionArn=execution["executionArn"], maxResults=1000)["events"]
        yield execution["name"], json.dumps(about, default=str, ensure_ascii=False)


def _readable(line: str) -> str:
    """A logged line with its escaped names unescaped."""
    try:
        return json.dumps(json.loads(line), ensure_ascii=False)
    except ValueError:
        return line


def remember(path: Path, played: Played) -> None:
    """Note what a crash point came to, so that an interrupted run can go on."""
    assert played.point is not None
    with path.open("a", encoding="utf-8") as file:
        note = [str(played.point), played.killed, played.deeds, played.violations, played.seconds]
        file.write(json.dumps(note, ensure_ascii=False) + "\n")


def recall(path: Path, points: Sequence[CrashPoint]) -> list[Played]:
    """What is remembered of these crash points."""
    known = {str(point): point for point in points}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return [
        Played(known[name].scenario, known[name], killed, tuple(deeds), tuple(violations), seconds, {})
        for name, killed, deeds, violations, seconds in lines
        if name in known
    ]
