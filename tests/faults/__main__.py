"""`python -m tests.faults`: crash at every call of every scenario, and print what came of it. Exit 1 on any violation."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.faults.farm import Farm, recall, remember
from tests.faults.history import LANES
from tests.faults.playing import Counted, Played
from tests.faults.scenarios import SCENARIOS
from tests.faults.scene import CrashPoint

COLUMNS = (
    "scenario",
    "invocations",
    "calls",
    "points",
    "killed",
    "retry",
    "restart",
    "operator",
    "violations",
    "seconds",
)


def main() -> int:
    options = _options()
    began = time.monotonic()
    if not options.resume:
        options.notes.unlink(missing_ok=True)
    options.notes.parent.mkdir(parents=True, exist_ok=True)
    with Farm(options.processes, options.lanes, options.cast, options.seed).working() as farm:
        counted: dict[str, Counted] = {}
        for one in farm.count(options.scenario):
            counted[one.scenario] = one
            say(f"{one.scenario}: {one.invocations} invocations, {one.calls} calls, {len(one.points)} crash points")
        points = [point for name in options.scenario for point in _chosen(counted[name].points, options)]
        played = recall(options.notes, points)
        done = {one.point for one in played}
        left = [point for point in points if point not in done]
        say(f"{len(points)} crash points, {len(left)} to play")
        for n, history in enumerate(farm.play(left), start=1):
            remember(options.notes, history)
            played.append(history)
            for violation in history.violations:
                say(f"VIOLATION {history.point}: {violation}")
            if not history.killed:
                say(f"NOT REACHED {history.point}")
            if n % 50 == 0:
                say(f"{n} of {len(left)} after {time.monotonic() - began:.0f} s")
        leaked = farm.leaks()
    table(options.scenario, counted, points, played)
    problems = [f"{one.scenario} without a crash: {wrong}" for one in counted.values() for wrong in one.violations]
    problems += [f"{one.point}: {wrong}" for one in sorted(played, key=_place) for wrong in one.violations]
    problems += [f"{one.point}: its call was never reached" for one in sorted(played, key=_place) if not one.killed]
    problems += leaked
    for problem in problems:
        say(problem)
    say(f"{len(points)} crash points, {len(problems)} problems, {time.monotonic() - began:.0f} s")
    return 1 if problems else 0


def table(scenarios: list[str], counted: dict[str, Counted], points: list[CrashPoint], played: list[Played]) -> None:
    """One line a scenario, and the sum. `retry`, `restart` and `operator` say who brought the history to its end."""
    by_scenario: dict[str, list[Played]] = defaultdict(list)
    for one in played:
        by_scenario[one.scenario].append(one)
    asked = Counter(point.scenario for point in points)
    rows = []
    for name in scenarios:
        ones = by_scenario[name]
        who = Counter(one.recovered_by for one in ones if not one.violations)
        rows.append(
            [
                counted[name].invocations, counted[name].calls, asked[name], sum(one.killed for one in ones),
                who["retry"], who["restart"], who["operator"], sum(bool(one.violations) for one in ones),
                round(sum(one.seconds for one in ones)),
            ]
        )  # fmt: skip
    rows.append([sum(column) for column in zip(*rows, strict=True)])
    width = max(map(len, (*scenarios, COLUMNS[0])))
    say("  ".join([COLUMNS[0].ljust(width), *(column.rjust(len(column)) for column in COLUMNS[1:])]))
    for name, row in zip([*scenarios, "all"], rows, strict=True):
        cells = [str(cell).rjust(len(column)) for cell, column in zip(row, COLUMNS[1:], strict=True)]
        say("  ".join([name.ljust(width), *cells]))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _place(played: Played) -> CrashPoint:
    assert played.point is not None
    return played.point


def _chosen(points: tuple[CrashPoint, ...], options: argparse.Namespace) -> list[CrashPoint]:
    wanted = [point for point in points if not options.only or point.place.verb in options.only]
    return wanted[:: options.stride]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="this one only; may be repeated")
    parser.add_argument("--only", action="append", metavar="FUNCTION", help="crashes of this function only")
    parser.add_argument("--stride", type=int, default=1, help="every so manieth crash point")
    parser.add_argument("--processes", type=int, default=2, help="local clouds at a time")
    parser.add_argument("--lanes", type=int, default=len(LANES), help="histories at a time on each cloud")
    parser.add_argument("--cast", type=int, default=9000, help="people invented for each cloud")
    parser.add_argument("--seed", type=int, default=4, help="of the people")
    parser.add_argument(
        "--notes", type=Path, default=Path("build/faults.jsonl"), help="what is remembered for --resume"
    )
    parser.add_argument("--resume", action="store_true", help="leave out the crash points that the notes hold already")
    options = parser.parse_args()
    options.scenario = options.scenario or list(SCENARIOS)
    return options


if __name__ == "__main__":
    sys.exit(main())
