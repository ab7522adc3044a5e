"""Fuzz the reading and judging of rosters for a while: `make fuzz`, `make fuzz FUZZ_S=60`; replay one file: `--replay FILE`.

Two kinds of children, by turns: one validates files spoiled at random, the other planted rosters whose findings are known.
Each input must come to an answer (a Validation, refused or not) without any exception, within TIME_S and MEMORY_MB more than
before, and no message may show a whole number. The parent watches: a child that dies, hangs or grows leaves its last
input under `tests/fuzz/found/`. Whatever is found goes into the corpus.
"""

import argparse
import faulthandler
import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yikatong.roster import csv_reading

FOUND = Path(__file__).parent / "found"
SCRATCH = Path(__file__).parent / "found" / ".running"
# Two processors shared with others, and files of two megabytes at most.
TIME_S = 20.0
MEMORY_MB = 600
# All a child may ask for: polars and its threads reserve much address space and use little of it.
ADDRESS_SPACE_BYTES = 8 * 2**30
CHILD_S = 60
MOST_STRETCHES = 500
_POLL_S = 0.2
_WHOLE_NUMBER = re.compile(r"[0-9]{15,}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--child", choices=("spoiled", "planted"))
    chosen = parser.parse_args()
    if chosen.replay:
        return _replay(chosen.replay)
    if chosen.child:
        return _child(chosen.child, chosen.seed, chosen.seconds)
    return _parent(chosen.seconds, chosen.seed)


# --- the parent ----------------------------------------------------------------------------------------------------------


def _parent(seconds: float, seed: int) -> int:
    SCRATCH.mkdir(parents=True, exist_ok=True)
    before = set(FOUND.iterdir())
    ends = time.monotonic() + seconds
    total: Counter[str] = Counter()
    turn = 0
    while (left := ends - time.monotonic()) > 1:
        kind = ("spoiled", "spoiled", "planted", "spoiled")[turn % 4]
        _watch(kind, seed * 1_000_003 + turn, min(CHILD_S, left))
        total += Counter(json.loads((SCRATCH / "counts.json").read_text()))
        turn += 1
    found = sorted(path.name for path in set(FOUND.iterdir()) - before if path.suffix == ".bin")
    print(json.dumps(dict(sorted(total.items())), ensure_ascii=False, indent=1))  # noqa: T201
    print(f"{total['inputs']} files in {seconds:.0f} s, {len(found)} found: {found}")  # noqa: T201
    return 1 if found else 0


def _watch(kind: str, seed: int, seconds: float) -> None:
    (SCRATCH / "input").write_bytes(b"")
    (SCRATCH / "counts.json").write_text("{}")
    command = [sys.executable, "-m", "tests.fuzz", "--child", kind, "--seed", str(seed), "--seconds", str(seconds)]
    with (SCRATCH / "stderr").open("wb") as errors:
        child = subprocess.Popen(command, stderr=errors, stdout=errors)
        started = time.time()
        while child.poll() is None:
            time.sleep(_POLL_S)
            # Planted rosters take their time to be drawn; a file is judged within TIME_S.
            if time.time() - max((SCRATCH / "input").stat().st_mtime, started) > TIME_S * (
                3 if kind == "planted" else 1
            ):
                _end(child)
                _keep(
                    (SCRATCH / "input").read_bytes(), f"no answer within {TIME_S} s", (SCRATCH / "stderr").read_bytes()
                )
                return
    if child.returncode != 0:
        _keep((SCRATCH / "input").read_bytes(), f"ended with {child.returncode}", (SCRATCH / "stderr").read_bytes())


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Let the child say where it is (faulthandler) before it ends."""
    child.send_signal(signal.SIGABRT)
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _keep(data: bytes, why: str, detail: bytes = b"") -> None:
    FOUND.mkdir(exist_ok=True)
    name = hashlib.sha256(data).hexdigest()[:16]
    (FOUND / f"{name}.bin").write_bytes(data)
    (FOUND / f"{name}.txt").write_text(why + "\n" + detail.decode("utf-8", "replace")[-4000:])


# --- a child -------------------------------------------------------------------------------------------------------------


def _child(kind: str, seed: int, seconds: float) -> int:
    faulthandler.enable()
    csv_reading.STRETCH_BYTES = (csv_reading.STRETCH_BYTES, 100, 1000)[seed % 3]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    counts: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    try:
        _spoiled(seed, ends, counts) if kind == "spoiled" else _planted(seed, ends, counts)
    finally:
        (SCRATCH / "counts.json").write_text(json.dumps(counts))
    return 0


def _spoiled(seed: int, ends: float, counts: Counter[str]) -> None:
    from tests.fuzz.mutation import mutated, seed_files

    seeds = seed_files()
    chance = random.Random(seed)
    while time.monotonic() < ends:
        data = mutated(chance, seeds)
        with _few_stretches(data):
            _judge(data, counts)
        if counts["inputs"] % 100 == 0:
            (SCRATCH / "counts.json").write_text(json.dumps(counts))


@contextmanager
def _few_stretches(data: bytes) -> Iterator[None]:
    """Small stretches find what goes wrong at their borders; thousands of them only take long."""
    usual = csv_reading.STRETCH_BYTES
    csv_reading.STRETCH_BYTES = max(usual, len(data) // MOST_STRETCHES)
    try:
        yield
    finally:
        csv_reading.STRETCH_BYTES = usual


def _judge(data: bytes, counts: Counter[str]) -> None:
    """Validate one file, and keep it if anything about that is wrong."""
    (SCRATCH / "input").write_bytes(data)
    _forget_peak()
    before = _peak_mb()
    started = time.monotonic()
    try:
        accepted = _assert_answer(data)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        _keep(data, f"{type(error).__name__}: {error}", traceback.format_exc().encode())
        counts["raised"] += 1
        return
    grown, took = _peak_mb() - before, time.monotonic() - started
    counts["inputs"] += 1
    counts["accepted" if accepted else "refused"] += 1
    counts["workbooks" if data[:2] in (b"PK", b"\xd0\xcf") else "texts"] += 1
    if grown > MEMORY_MB:
        _keep(data, f"{grown} MB")
    if took > TIME_S:
        _keep(data, f"{took:.0f} s")


def _assert_answer(data: bytes) -> bool:
    from tests.fuzz.planting import context
    from yikatong.roster import report
    from yikatong.roster.validation import validate

    # Which of the two subsidies judges a file follows from the file, so that a replay asks the same one.
    number = (25, 6)[hashlib.sha256(data).digest()[0] % 2]
    validation = validate(data, "名册", context(number))
    assert validation.accepted or validation.findings, "a refusal says why"
    assert sum(tally.rows for tally in validation.tallies.values()) == validation.rows
    text = report.to_json_bytes(validation).decode()
    assert not _WHOLE_NUMBER.search(text), "no message shows a whole number"
    if validation.rows < 200:
        report.to_xlsx(validation, subject="", filename="名册")
    return validation.accepted


def _planted(seed: int, ends: float, counts: Counter[str]) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    from tests.fuzz.planting import FORMATS, Planted, planted_rosters
    from yikatong.roster.validation import validate

    def judge(planted: Planted) -> None:
        (SCRATCH / "input").write_bytes(planted.data)
        counts["inputs"] += 1
        counts["planted"] += 1
        validation = validate(planted.data, "名册", planted.context)
        found = Counter((finding.row, finding.column, finding.code) for finding in validation.findings)
        if found != planted.expected:
            missed, more = planted.expected - found, found - planted.expected
            _keep(planted.data, f"{planted.description}: missed {dict(missed)}, more {dict(more)}")

    turn = 0
    while time.monotonic() < ends:
        # Few at a time: how long one takes is not known beforehand.
        once = settings(
            max_examples=50,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(seed + turn)(once(given(planted_rosters(formats=FORMATS))(judge)))()
        turn += 1


def _peak_mb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


def _forget_peak() -> None:
    """Let the peak of resident memory be counted from now on (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def _replay(path: Path) -> int:
    print("accepted" if _assert_answer(path.read_bytes()) else "refused")  # noqa: T201
    return 0


if __name__ == "__main__":
    os.environ.setdefault("RUST_BACKTRACE", "0")
    sys.exit(main())
