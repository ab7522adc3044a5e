"""One seed from beginning to end: a world, a mixture of faults, buttons; then calm, and everything must come right."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.simulation import worlds
from tests.simulation.faults import draw_faults
from tests.simulation.invariants import Violated, Watch, check_anytime, check_at_rest
from tests.simulation.operators import Crowd, next_working_day, open_day, put_in_order
from tests.simulation.platform import Platform
from tests.simulation.stage import Stuck

MOST_DAYS = 14
"""So many working days after the last fault everything must have come to rest."""


Callback = Callable[[Platform], None] | None


@dataclass(frozen=True)
class Told:
    """What became of a history."""

    seed: int
    digest: str
    violation: str
    counts: Counter[str] = field(default_factory=Counter)
    story: tuple[tuple[Any, ...], ...] = ()

    def lines(self) -> list[str]:
        return [f"{when:%m-%d %H:%M:%S} {' '.join(str(part) for part in what if part)}" for when, *what in self.story]


def play(seed: int, *, without: frozenset[str] = frozenset(), stores: Callback = None, at_end: Callback = None) -> Told:
    """Play the history of this seed. `without` leaves kinds of fault out; `stores` puts others in place of those in memory,
    `at_end` may look at what is there when all is over."""
    chance = random.Random(seed)
    made = worlds.world(chance.randrange(worlds.WORLDS))
    faults = draw_faults(chance, without)
    platform = worlds.begin(made, chance, faults)
    if stores is not None:
        stores(platform)
    stage = platform.stage
    stage.stay = chance.choice((0.3, 0.6, 0.85))
    stage.hurry = chance.choice((0.0, 0.005, 0.03))
    violation = ""
    try:
        _live(platform, made, chance)
    except (Violated, Stuck) as violated:
        violation = f"{type(violated).__name__}: {violated}"
    finally:
        stage.end()
    if at_end is not None:
        at_end(platform)
    counts = platform.counts + Counter({f"fault: {kind}": count for kind, count in faults.struck.items()})
    book = platform.bank.simulator.book()
    counts += Counter(payments=len(book["payments"]), moved_fen=book["moved_fen"], histories=1)
    counts += Counter(violations=int(bool(violation)))
    return Told(seed, _digest(platform), violation, counts, tuple(platform.story))


def _live(platform: Platform, made: worlds.World, chance: random.Random) -> None:
    Watch(platform)
    stage, bank = platform.stage, platform.bank
    bank.play_outcomes([person.account for person in made.people])
    for day in range(1, 6):
        stage.after(day * 86_400, lambda: bank.simulator.set_day(stage.now.date()))
    crowd = Crowd(platform, made, chance)
    crowd.press_at_random_moments()
    open_day(platform, made)
    stage.play()
    check_anytime(platform, made)
    platform.faults.calm = True
    stage.hurry = 0.0
    for day in range(MOST_DAYS):
        next_working_day(platform)
        stage.play()
        if not put_in_order(platform, made, crowd, day) and not platform.queue and not stage.running and day >= 5:
            break
        stage.play()
    stage.pass_time(stage.now + timedelta(days=1))
    stage.play()
    check_at_rest(platform, made)


def _digest(platform: Platform) -> str:
    """Of everything that happened, and of everything that is there now."""
    whole = hashlib.sha256()
    for line in platform.story:
        whole.update(repr(line).encode())
    dynamodb, s3 = platform.clients["dynamodb"], platform.clients["s3"]
    if hasattr(dynamodb, "tables"):
        for name in sorted(dynamodb.tables):
            for key in sorted(dynamodb.tables[name]):
                whole.update(json.dumps(dynamodb.tables[name][key], sort_keys=True).encode())
        for bucket in sorted(s3.buckets):
            whole.update(repr(sorted(s3.buckets[bucket])).encode())
    whole.update(json.dumps(platform.bank.simulator.book(), sort_keys=True).encode())
    return whole.hexdigest()
