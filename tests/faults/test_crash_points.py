"""A stride of the crash points on the session's cloud (`python -m tests.faults` plays them all), and that the harness sees
what it looks for."""

import copy
import dataclasses
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from infra.local.runtime_api import Outcome
from tests.faults.history import Desk, History, Lane
from tests.faults.playing import Cast, Played, crash_points, hand_in_cards, play
from tests.faults.scenarios import SCENARIOS
from tests.faults.scene import AFTER, ALWAYS, BEFORE, CrashPoint, Place, Scene, Stage
from tests.faults.verdict import violations

pytestmark = pytest.mark.cloud

COUNTY = "230108"
# Nothing is cleared away on a cloud that others use too: each history has a subsidy and a slot of its own.
LANES = [
    Lane(first, second, COUNTY, f"2023-{month:02}")
    for first, second, months in ((4, 5, range(4, 9)), (6, 7, range(4, 9)), (8, 9, range(4, 9)), (35, 37, range(3, 10)))
    for month in months
]
STRIDE_POINTS = 10
TRIES = 2
"""A busy machine lets this cloud's short timeouts strike, and then the history takes another turn before the crash."""


class Playground:
    """The session's cloud with a cast of its own, and the lanes not used yet."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cast = Cast(150, seed=44)
        hand_in_cards(cloud, self.cast.people, "cards-20221101.csv")
        self.desk = Desk.of(cloud)
        self.lanes = iter(LANES)

    def play(self, point: CrashPoint | None = None) -> Played:
        return play(self.desk, next(self.lanes), self.cast.take(), "one_batch", point, clearing=False)

    def crash_at(self, point: CrashPoint) -> Played:
        for _ in range(TRIES):
            played = self.play(point)
            if played.killed or played.violations:
                break
        return played


@pytest.fixture(scope="module")
def playground(cloud: LocalCloud) -> Iterator[Playground]:
    cloud.clock.jump(date(2023, 6, 1))
    cloud.tell_of_deaths(False)
    yield Playground(cloud)
    cloud.watch(None)
    cloud.tell_of_deaths(True)


@pytest.fixture(scope="module")
def points(playground: Playground) -> list[CrashPoint]:
    """Every crash point of the plainest scenario, in workers that have their secrets."""
    counted = playground.play()
    for _ in range(TRIES):
        counted, before = playground.play(), counted
        assert counted.violations == ()
        if counted.calls == before.calls:
            break
    found = [point for point in crash_points("one_batch", counted.calls, counted.calls) if point.side != ALWAYS]
    assert len(found) > 200
    assert len({point.place.verb for point in found}) >= 13
    return found


@pytest.mark.parametrize("nth", range(STRIDE_POINTS))
def test_wherever_a_worker_dies_everybody_is_paid_once_and_all_books_agree(
    playground: Playground, points: list[CrashPoint], nth: int
) -> None:
    point = points[(2 * nth + 1) * len(points) // (2 * STRIDE_POINTS)]
    played = playground.crash_at(point)
    assert played.violations == (), point
    assert played.killed, f"{point} was never reached"


@pytest.mark.parametrize("side", [BEFORE, AFTER])
def test_a_worker_that_dies_over_the_message_itself_pays_nobody_twice_and_strands_nobody(
    playground: Playground, points: list[CrashPoint], side: str
) -> None:
    (point,) = [one for one in points if (one.operation, one.side) == ("bank:POST", side)]
    played = playground.crash_at(point)
    assert played.violations == ()
    assert played.killed
    # Whether it left is unknown to the system; the bank's enquiry tells, or in the end a person who has it sent (B3).
    assert ("resent" in played.deeds) == (side == BEFORE)


def test_a_run_whose_step_fails_until_its_execution_dies_is_started_again_and_pays_everybody_once(
    playground: Playground, points: list[CrashPoint]
) -> None:
    first = next(point for point in points if point.place.verb == "claim_payments")
    played = playground.crash_at(dataclasses.replace(first, side=ALWAYS))
    assert played.violations == ()
    assert played.killed
    assert played.deeds == ("restarted",)


@pytest.fixture(scope="module")
def history(playground: Playground) -> History:
    """One history at rest, in which nobody died."""
    scene = Scene()
    history = History(playground.desk, next(playground.lanes), scene, playground.cast.take(), seed=1)
    with playground.desk.stage.playing(scene):
        SCENARIOS["one_batch"].play(history)
    return history


def _twice(entry: dict[str, Any]) -> None:
    entry["credited_times"] += 1
    entry["credited_fen"] *= 2


def _never(entry: dict[str, Any]) -> None:
    entry.update(credited_times=0, credited_fen=0, status="pending")


def _a_fen_more(entry: dict[str, Any]) -> None:
    entry["credited_fen"] += 1


def _returned(entry: dict[str, Any]) -> None:
    entry.update(returned_times=1, returned_fen=entry["credited_fen"], status="returned")


@pytest.mark.parametrize(
    ("forge", "seen"),
    [
        (_twice, ["was credited 2 times", "person 0 was paid 2 times, not 1", "the bank's book says"]),
        (_never, ["person 0 was paid 0 times, not 1", "the bank's book says"]),
        (_a_fen_more, ["which nobody ordered", "the bank's book says"]),
        (_returned, ["the bank's book says", "the bank's book returned"]),
    ],
)
def test_what_the_banks_book_says_otherwise_is_seen(
    playground: Playground,
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    forge: Callable[[dict[str, Any]], None],
    seen: list[str],
) -> None:
    assert violations(history) == []
    book = copy.deepcopy(playground.desk.bank_book)
    (entry,) = [one for one in book["payments"].values() if one["account"] == history.who[0].account]
    forge(entry)
    monkeypatch.setattr(Desk, "bank_book", book)
    found = violations(history)
    for words in seen:
        assert any(words in violation for violation in found), (words, found)


def test_a_crash_point_names_one_invocation_and_no_other() -> None:
    point = CrashPoint("story", Place("settle_batch", "A", 2), "call3", AFTER)
    scene = Scene((point,))
    scene.tokens["urban-heating"] = "its run"
    scene.batch_tokens["abc"] = "A"
    stage = Stage({"f": "settle_batch"})
    event = b'{"batch_id": "urban-heating.formal.230102.abc"}'
    with stage.playing(scene):
        fates = [stage.begins("f", event, str(n)).kill for n in range(4)]
        assert stage.begins("f", b'{"code": "rural-heating"}', "another's").kill == ""
        stage.ended("f", "1", Outcome.error("Runtime.ExitError", "Runtime exited with error: signal: SIGKILL"))
    assert fates == ["", "call3-after", "", ""]
    assert scene.died_at(point)
    assert [invocation.place.nth for invocation in scene.invocations] == [1, 2, 3, 4]


def test_a_step_that_always_fails_fails_at_every_try_from_then_on() -> None:
    point = CrashPoint("story", Place("settle_batch", "A", 2), "call3", ALWAYS)
    assert [nth for nth in range(5) if point.strikes(Place("settle_batch", "A", nth))] == [2, 3, 4]
    assert point.fate.kill == "call3-before"


def test_reading_and_what_happens_off_stage_is_no_crash_point() -> None:
    scene = Scene()
    scene.tokens["x"] = "A"
    stage = Stage({"f": "bureau_api"})
    with stage.playing(scene):
        stage.begins("f", b'{"httpMethod": "GET", "path": "x"}', "read")
        with scene.offstage():
            stage.begins("f", b'{"httpMethod": "POST", "path": "x"}', "off")
        stage.begins("f", b'{"httpMethod": "POST", "path": "x"}', "on")
    assert [invocation.place.nth for invocation in scene.invocations] == [0, 0, 1]
