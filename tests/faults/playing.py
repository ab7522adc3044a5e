"""Play one history on one lane, judge it, and leave the lane as if nothing had ever happened there."""

import random
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from infra.functions import PAYOUT_STEPS
from infra.local.cloud import LocalCloud
from tests.faults.history import SETTINGS, Desk, History, Lane
from tests.faults.scenarios import PEOPLE, SCENARIOS
from tests.faults.scene import AFTER, ALWAYS, BEFORE, CrashPoint, Place, Scene, calls_made
from tests.faults.verdict import end_to_end_id, violations
from yikatong.cards import partitions_of
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv

DAY = date(2023, 6, 5)
"""A Monday: each deadline that people wait for passes for all the histories of a cloud, and no payment begins on a day on
which banks do not work."""
SETTINGS_OF_THE_CLOUD: dict[str, Any] = {
    "receipt_timeout_s": 300,
    "enquiry_wait_s": 1,
    "enquiry_attempts": 1,
    "longest_retry_pause_s": 0.2,
}
"""The shortest there are: what is waited for is not what is tested. Receipts are waited for until none will come, and dead
runs are restarted by hand, see `History`: a timeout that strikes when the machine is busy would be another history."""

COUNT_TRIES = 3
"""How often a scenario is played until two histories make the same calls; on a machine with nothing else to do, once."""

Calls = dict[Place, list[tuple[str, str]]]


@dataclass(frozen=True)
class Played:
    """What came of one history. `point` is None where nobody was killed; `violations` is empty where all held."""

    scenario: str
    point: CrashPoint | None
    killed: bool
    deeds: tuple[str, ...]
    violations: tuple[str, ...]
    seconds: float
    calls: Calls

    @property
    def recovered_by(self) -> str:
        """Who brought it to its end: the platform's `retry`, the `restart` of a dead run, or an `operator`."""
        if any(deed != "restarted" for deed in self.deeds):
            return "operator"
        return "restart" if self.deeds else "retry"


class Cast:
    """People nobody has paid yet; each history takes its own. All of them have cards from the beginning, and all in one
    partition of the registry: how many of those a claim reads is a matter of chance, and so many calls it makes."""

    def __init__(self, count: int, seed: int) -> None:
        invented = invent_people(count, region="230102", seed=seed, on=date(2023, 1, 1))
        self.people = [one for one in invented if partitions_of([one.id_number]) == partitions_of(["230102"])]
        self._left: Iterator[Person] = iter(self.people)
        self._lock = threading.Lock()

    def take(self) -> list[Person]:
        """Enough of them for one history."""
        with self._lock:
            return [next(self._left) for _ in range(PEOPLE)]


def hand_in_cards(cloud: LocalCloud, people: list[Person], name: str) -> None:
    """Import the registry that the histories' claims are judged by."""
    bucket = cloud.resources["buckets"]["card_drop"]
    cloud.client("s3").put_object(Bucket=bucket, Key=name, Body=cards_csv(people))
    cloud.settle(120)


@contextmanager
def desk_with_cast(lanes: int, cast_size: int, seed: int) -> Iterator[tuple[Desk, Cast]]:
    """A local cloud of one's own."""
    with LocalCloud(DAY, concurrency=lanes + 1, **SETTINGS_OF_THE_CLOUD) as cloud:
        cloud.tell_of_deaths(False)
        cast = Cast(cast_size, seed)
        hand_in_cards(cloud, cast.people, "cards-20230101.csv")
        yield Desk.of(cloud), cast


def play(
    desk: Desk,
    lane: Lane,
    who: list[Person],
    scenario: str,
    point: CrashPoint | None = None,
    *,
    cold: bool = False,
    clearing: bool = True,
) -> Played:
    """Play a scenario, with a crash or without, and judge it at rest. Not `clearing`, the lane is used up."""
    began = time.monotonic()
    kills = (*SCENARIOS[scenario].accidents, *([point] if point else []))
    scene = Scene(kills, cold=desk.secretive if cold else frozenset())
    offset = desk.cloud.calls_file.stat().st_size
    history = History(desk, lane, scene, who, seed=random.Random(f"{scenario} {point}").randrange(10**6))
    with desk.stage.playing(scene):
        try:
            SCENARIOS[scenario].play(history)
            found = violations(history)
        except Exception as error:  # noqa: BLE001 - whatever a crash led to is a finding, and the next history is played
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = [f"{type(error).__name__} in {where.name}: {error}"]
            with_rest(history)
        calls = calls_made(scene, desk.cloud.calls_file, offset) if point is None else {}
        seconds = time.monotonic() - began
        if clearing:
            clear(history)
    killed = point is not None and scene.died_at(point)
    return Played(scenario, point, killed, tuple(history.deeds), tuple(found), seconds, calls)


@dataclass(frozen=True)
class Counted:
    """A scenario played without a crash: its crash points, and what was wrong with the playing itself."""

    scenario: str
    invocations: int
    calls: int
    points: tuple[CrashPoint, ...]
    violations: tuple[str, ...]


def count(desk: Desk, lane: Lane, cast: Cast, scenario: str) -> Counted:
    """Play a scenario in new workers and in warm ones, and list its crash points: the calls must be the same ones."""
    cold = play(desk, lane, cast.take(), scenario, cold=True)
    for _ in range(COUNT_TRIES):
        warm = play(desk, lane, cast.take(), scenario)
        different = differences(warm.calls, cold.calls)
        if not different:
            break
        cold = play(desk, lane, cast.take(), scenario, cold=True)
    wrong = [f"calls differ: {difference}" for difference in different]
    points = crash_points(scenario, warm.calls, cold.calls) if not different else []
    asked = {place: calls for place, calls in cold.calls.items() if SCENARIOS[scenario].crashes_at(place)}
    return Counted(
        scenario, len(asked), sum(map(len, asked.values())), tuple(points), (*cold.violations, *warm.violations, *wrong)
    )


def with_rest(history: History) -> None:
    """Let what is still going on come to its end, or give it up: the next history here must not meet it."""
    try:
        history.rest(lambda: True)
    except Exception:  # noqa: BLE001 - it was a finding already
        return


def clear(history: History) -> None:
    """Remove what the history left in the tables and in the lake, so that the next one here makes the same calls."""
    lane, desk = history.lane, history.desk
    words = {f"2023/{lane.region}/"}
    for subject in ("A", "B"):
        code = lane.code(subject)
        words |= {code, f"#{SETTINGS.for_subsidy(code).claim_group}#"}
    control = desk.scan("control")
    desk.delete("control", [item for item in control if any(word in f"#{item['pk']}#{item['sk']}#" for word in words)])
    accounts = {person.account for person in history.who}
    ours = {key for key, entry in desk.bank_book["payments"].items() if entry["account"] in accounts}
    desk.delete("records", [record for record in desk.scan("records") if end_to_end_id(record) in ours])
    _forget_objects({lane.code("A"), lane.code("B")})


def _forget_objects(codes: set[str]) -> None:
    """From moto itself: no customer may delete what is kept for ten years."""
    from moto.s3.models import s3_backends

    for accounts in list(s3_backends.values()):
        for backend in list(accounts.values()):
            for bucket in list(backend.buckets.values()):
                for key in [key for key in list(bucket.keys) if any(code in key for code in codes)]:
                    bucket.keys.pop(key)


def crash_points(scenario: str, warm: Calls, cold: Calls) -> list[CrashPoint]:
    """Every call of every invocation, both sides: the calls of warm workers, and a new worker's secrets. Where `runs_die`,
    also each step that fails until its execution does."""
    found = []
    for place, calls in sorted(cold.items()):
        if not SCENARIOS[scenario].crashes_at(place):
            continue
        secrets = [call for call in calls if call[0].startswith("secret")]
        for call, operation in [*warm[place], *secrets]:
            found += [CrashPoint(scenario, place, call, side, operation) for side in (BEFORE, AFTER)]
        if SCENARIOS[scenario].runs_die and place.verb in PAYOUT_STEPS:
            # Its first call: a retry of what was half done makes fewer, and would get by without a later one.
            call, operation = warm[place][0]
            found.append(CrashPoint(scenario, place, call, ALWAYS, operation))
    return found


def differences(warm: Calls, cold: Calls) -> list[str]:
    """Where two histories in which nobody died made other calls: then a crash point would not be one place."""
    plain = {place: [call for call in calls if not call[0].startswith("secret")] for place, calls in cold.items()}
    return [
        f"{place}: {[op for _, op in warm.get(place, [])]} and {[op for _, op in plain.get(place, [])]}"
        for place in sorted(warm.keys() | plain.keys())
        if warm.get(place) != plain.get(place)
    ]
