"""How fast a roster is validated, against the least anyone must do: read the same file.

    python -m tests.benchmarks.validation [--rows 100000 1000000]

Times are medians of seven in one run. Every size runs in a process of its own, so that peak memory is its own too: that of
one validation, with the file's bytes and the registry, as in the function.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from yikatong import cards
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.roster.context import RosterContext
from yikatong.roster.sample import Sample, make_sample
from yikatong.roster.validation import validate

REPEATS = 7
AS_OF = date(2023, 6, 10)
FAULTS_SHARE = 0.01
_HEADING = "     rows     MB what                   raw read s validate s  ratio     rows/s  peak MB"


def main() -> None:
    """Print a table: rows, size, raw read, validation without and with cards, ratios, rows per second, peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cards", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(_measure(arguments.measure, with_cards=arguments.cards)))  # noqa: T201
        return
    print(_HEADING)  # noqa: T201
    for rows in arguments.rows:
        with TemporaryDirectory() as folder:
            _write_files(Path(folder), rows)
            for with_cards in (False, True):
                command = [sys.executable, "-m", "tests.benchmarks.validation", "--measure", folder]
                done = subprocess.run(
                    [*command, *["--cards"] * with_cards], check=True, stdout=subprocess.PIPE, text=True
                )
                _print_line(json.loads(done.stdout), with_cards=with_cards)


def _print_line(found: dict[str, float], *, with_cards: bool) -> None:
    what = "checks + card join" if with_cards else "checks, repetitions"
    ratio, speed = found["validate"] / found["read"], found["rows"] / found["validate"]
    print(  # noqa: T201
        f"{found['rows']:>9.0f} {found['megabytes']:>6.1f} {what:<22} {found['read']:>10.3f} {found['validate']:>10.3f} "
        f"{ratio:>6.1f} {speed:>10,.0f} {found['peak']:>8.0f}"
    )


def _measure(folder: Path, *, with_cards: bool) -> dict[str, float]:
    data = (folder / "roster.csv").read_bytes()
    registry = pl.read_parquet(folder / "cards.parquet") if with_cards else None
    book = PlanBook.committed()
    subsidy = book.subsidy(2023, 2)
    context = RosterContext(
        book, subsidy, "230102", Mode.FORMAL, AS_OF, Settings.committed().for_subsidy(subsidy.code),
        registry_for=None if registry is None else lambda _: registry,
    )  # fmt: skip
    # One validation, as a function's worker does: reading alone would leave its own memory behind.
    validation = validate(data, "roster.csv", context)
    peak = _peak_megabytes()
    assert validation.accepted, "the benchmark's roster is one a bureau would be paid by"
    rows = validation.rows
    del validation
    # As text: ids read as numbers lose their X, or their digits.
    read = _median(lambda: pl.read_csv(data, infer_schema=False))
    seconds = _median(lambda: validate(data, "roster.csv", context))
    return {"rows": rows, "megabytes": len(data) / 2**20, "read": read, "validate": seconds, "peak": peak}


def _peak_megabytes() -> float:
    """This process's own peak; `ru_maxrss` would count what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*([0-9]+) kB", status)[1]) / 1024  # type: ignore[index]


def _median(run: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _write_files(folder: Path, rows: int) -> None:
    """A roster of so many rows, a hundredth of them faulty, and everybody's card."""
    book = PlanBook.committed()
    subsidy = book.subsidy(2023, 2)
    sample: Sample = make_sample(
        subsidy=subsidy, settings=Settings.committed().for_subsidy(subsidy.code), region="230102", rows=rows,
        slots=["2023-06"], seed=7, faults_share=FAULTS_SHARE,
    )  # fmt: skip
    (folder / "roster.csv").write_bytes(sample.roster_csv())
    cards.read_snapshot(sample.cards_csv(), AS_OF).frame.write_parquet(folder / "cards.parquet")


if __name__ == "__main__":
    main()
