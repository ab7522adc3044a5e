"""Many histories at once: a process a core, each on a core of its own, and one digest over all of them.

Polars is told to use one thread, and a process stays on its core: frames of three rows are otherwise handed back and forth
between cores, which takes five times as long as looking at them.
"""

import hashlib
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.history import Told

PORTION = 25
"""Seeds a process takes at a time."""
STORIES_KEPT = 5


@dataclass
class Sum:
    """All histories together, in the order of their seeds."""

    counts: Counter[str] = field(default_factory=Counter)
    violations: list["Told"] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)
    seconds: float = 0.0

    def add(self, told: "Told") -> None:
        self.counts += told.counts
        self.digest.update(f"{told.seed} {told.digest}\n".encode())
        if told.violation:
            self.violations.append(told)


def play_all(first: int, histories: int, without: frozenset[str] = frozenset(), stop_at: int = 0) -> Sum:
    """Histories of the seeds from `first` on; with `stop_at` no further than so many violations (the rest is not counted)."""
    begun = time.monotonic()
    whole = Sum()
    for portion in _portions(first, histories, without):
        for told in portion:
            whole.add(told)
        if stop_at and len(whole.violations) >= stop_at:
            break
    whole.seconds = time.monotonic() - begun
    return whole


def _portions(first: int, histories: int, without: frozenset[str]) -> Iterator[list["Told"]]:
    starts = range(first, first + histories, PORTION)
    tasks = [(start, min(PORTION, first + histories - start), without) for start in starts]
    os.environ["POLARS_MAX_THREADS"] = "1"
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    if len(tasks) == 1:
        yield _play_portion(tasks[0])
        return
    context = multiprocessing.get_context("spawn")
    free = context.SimpleQueue()
    for core in cores:
        free.put(core)
    with context.Pool(len(cores), _take_core, (free,)) as pool:
        yield from pool.imap(_play_portion, tasks)


def _take_core(free: Any) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {free.get()})


def _play_portion(task: tuple[int, int, frozenset[str]]) -> list["Told"]:
    # Only here: polars must not be there before its number of threads is said.
    from dataclasses import replace

    from tests.simulation.history import play

    first, count, without = task
    return [
        told if told.violation else replace(told, story=())
        for told in (play(first + at, without=without) for at in range(count))
    ]
