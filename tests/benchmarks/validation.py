"""How fast a roster is validated and how much memory that takes: against merely reading the file, and against other ways.

    python -m tests.benchmarks.validation [--rows 1000000] [--small 100000] [--workbook 200000]

Every line is a process of its own. It runs its candidate once, asks what it found and takes the peak of its resident memory
(VmHWM): the interpreter, the file's bytes, the registry where it is in memory already (up to here `before`), and everything
one run holds. Then candidate and raw read are timed in turn on the same bytes; times are medians, ratios are between the two
of one line. `make bench` runs it.
"""

import argparse
import gc
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from tests.benchmarks import files
from tests.benchmarks.candidates import candidate

REPEATS = 7
# Who needs longer than this is measured fewer times, and no less surely.
LONG_S, REPEATS_OF_LONG = 1.0, 3
MAX_PEAK_MB = 400
FIELDS_RATIO, CARDS_RATIO, WORKBOOK_RATIO = 3.0, 5.0, 2.5

_READ = ("polars.read_csv", "read_csv", "none: the floor")
_FIELDS = ("ours: field checks", "fields", "fields")
_CHECKS = ("ours: checks", "checks", "fields, repetitions")
_CARDS = ("ours: everything", "cards", "fields, repetitions, cards")
_STORED = ("ours: and read registry", "stored cards", "fields, repetitions, cards")
_PANDERA = ("pandera[polars]", "pandera", "ids, names, amount, slot")
_PYDANTIC = ("pydantic, row by row", "pydantic", "ids, names, amount, slot")
_HEADING = ("what", "threads", "read, s", "this, s", "× read", "rows/s", "before MB", "peak MB", "checks", "aim")
# As Markdown, so that docs/benchmarks.md takes it over as it is printed.
_LINE = "| {:<24} | {:>7} | {:>7} | {:>7} | {:>6} | {:>10} | {:>9} | {:>7} | {:<26} | {:<32} |\n"
_RULE = "|" + "|".join("-" * width for width in (26, 9, 9, 9, 8, 12, 11, 9, 28, 34)) + "|\n"


@dataclass(frozen=True)
class Line:
    """A line of the table: `what` is measured, its `candidate`, which checks it `covers`, and what is aimed at."""

    what: str
    candidate: str
    covers: str
    threads: int = 0
    most_ratio: float | None = None
    most_mb: int | None = None

    def aims(self, ratio: float, peak_mb: float) -> str:
        """Each aim with whether it was met."""
        aims = []
        if self.most_ratio is not None:
            aims.append(f"≤ {self.most_ratio:g}× {'met' if ratio <= self.most_ratio else 'MISSED'}")
        if self.most_mb is not None:
            aims.append(f"< {self.most_mb} MB {'met' if peak_mb < self.most_mb else 'MISSED'}")
        return ", ".join(aims)


def main() -> None:
    """Write the files, measure every line, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--workbook", type=int, default=200_000)
    parser.add_argument("--measure", nargs=2, metavar=("CANDIDATE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, folder = arguments.measure
        json.dump(_measure(name, Path(folder)), sys.stdout)
        return
    # Whoever reads the figures must know whether the machine was doing something else.
    sys.stdout.write(
        f"Python {platform.python_version()}, polars {pl.__version__}, {os.cpu_count()} cores, "
        f"load before the first line {os.getloadavg()[0]:.1f}\n\n"
    )
    for title, lines, make in _tables(arguments.rows, arguments.small, arguments.workbook):
        with TemporaryDirectory() as folder:
            size_mb = make(Path(folder))
            sys.stdout.write(f"{title}, {size_mb:.0f} MB\n\n{_LINE.format(*_HEADING)}{_RULE}")
            for line in lines:
                _print(line, _in_own_process(line, folder))
            sys.stdout.write("\n")


def _tables(rows: int, small: int, workbook: int) -> Iterator[tuple[str, list[Line], Callable[[Path], float]]]:
    ours = [
        Line(*_READ),
        Line(*_FIELDS, most_ratio=FIELDS_RATIO, most_mb=MAX_PEAK_MB),
        Line(*_CHECKS, most_mb=MAX_PEAK_MB),
        Line(*_CARDS, most_ratio=CARDS_RATIO),
        Line(*_STORED),
    ]
    one = [Line(*what, threads=1) for what in (_FIELDS, _CHECKS, _CARDS)]
    rivals = [Line(*_PANDERA), Line(*_PYDANTIC)]
    also = [
        Line("ours: GB18030, checks", "gb18030", "fields, repetitions"),
        Line("ours: import registry", "snapshot", "cards' own"),
    ]
    yield f"CSV, 7 columns, {rows:,} rows", [*ours, *one, *rivals, *also], _csv_files("7 columns", rows, more=True)
    yield f"CSV, 16 columns, {rows:,} rows", [*ours, Line(*_PANDERA)], _csv_files("16 columns", rows)
    plain = [Line(line.what, line.candidate, line.covers) for line in [*ours, *rivals]]
    yield f"CSV, 7 columns, {small:,} rows", plain, _csv_files("7 columns", small)
    for amounts_as_numbers in (False, True):
        told = "numbers" if amounts_as_numbers else "text"
        lines = [
            Line("polars.read_excel", "read_excel", "none: the floor"),
            Line("ours: cell types, checks", "xlsx", "fields, repetitions", most_ratio=WORKBOOK_RATIO),
        ]
        title = f"XLSX, 7 columns, amounts as {told}, {workbook:,} rows"
        yield title, lines, _workbook_files(workbook, amounts_as_numbers=amounts_as_numbers)


def _csv_files(layout: str, rows: int, *, more: bool = False) -> Callable[[Path], float]:
    """The roster in UTF-8; with `more` also in GB18030, and the registry's snapshot."""

    def make(folder: Path) -> float:
        made = files.make(rows, layout)
        data = files.as_csv(made.roster, layout)
        written = {"roster.csv": data}
        if more:
            written["roster-gb18030.csv"] = data.decode("utf-8-sig").encode("gb18030")
            written["cards.csv"] = files.registry_csv(made.registry)
        files.write(folder, made, written)
        return len(data) / 1e6

    return make


def _workbook_files(rows: int, *, amounts_as_numbers: bool) -> Callable[[Path], float]:
    def make(folder: Path) -> float:
        made = files.make(rows, "7 columns")
        data = files.as_workbook(made.roster, amounts_as_numbers=amounts_as_numbers)
        files.write(folder, made, {"roster.xlsx": data})
        return len(data) / 1e6

    return make


def _in_own_process(line: Line, folder: str) -> dict[str, float]:
    threads = {"POLARS_MAX_THREADS": str(line.threads)} if line.threads else {}
    command = [sys.executable, "-m", "tests.benchmarks.validation", "--measure", line.candidate, folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _print(line: Line, measured: dict[str, float]) -> None:
    read_s, run_s = measured["read_s"], measured["run_s"]
    ratio = run_s / read_s
    sys.stdout.write(
        _LINE.format(
            line.what, line.threads or os.cpu_count(), f"{read_s:.3f}", f"{run_s:.3f}", f"{ratio:.1f}",
            f"{measured['rows'] / run_s:,.0f}", f"{measured['before_mb']:.0f}", f"{measured['peak_mb']:.0f}", line.covers,
            line.aims(ratio, measured["peak_mb"]),
        )
    )  # fmt: skip
    sys.stdout.flush()


def _measure(name: str, folder: Path) -> dict[str, float]:
    measured = candidate(name, folder)
    rows = files.Planted.read(folder).rows
    before_mb = _forget_peak()
    start = time.perf_counter()
    result = measured.run()
    first_s = time.perf_counter() - start
    peak_mb = _memory_mb("VmHWM")
    found = measured.found(result)
    if found != measured.planted:
        raise SystemExit(f"{name} found {found}, planted was {measured.planted}")
    del result
    run_s, read_s = _in_turn(measured.run, measured.read, REPEATS_OF_LONG if first_s > LONG_S else REPEATS)
    return {"rows": rows, "before_mb": before_mb, "peak_mb": peak_mb, "run_s": run_s, "read_s": read_s}


def _in_turn(run: Callable[[], Any], read: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """The medians of both, in seconds. In turn, so that whatever else the machine does is done to both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for taken, work in zip(times, (run, read), strict=True):
            gc.collect()
            start = time.perf_counter()
            result = work()
            taken.append(time.perf_counter() - start)
            del result
    return statistics.median(times[0]), statistics.median(times[1])


def _forget_peak() -> float:
    """Have the peak begin at what is held now, in MB: how a candidate came by its files is not its work."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _memory_mb("VmRSS")


def _memory_mb(what: str) -> float:
    """This process's own memory in MB; `ru_maxrss` would count what its parent held when it was forked."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s*([0-9]+) kB", status)[1]) * 1024 / 1e6  # type: ignore[index]


if __name__ == "__main__":
    main()
