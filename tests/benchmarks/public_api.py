"""How long the public API takes to start: its imports, each time in a new process, against the aim of issue 5 (250 ms).

    python -m tests.benchmarks.public_api [--times 9]

`wall` is what a visitor would wait for, `processor` the part of it that does not depend on who else uses this machine. Both
are this machine's; in AWS a vCPU is had at 1,769 MB. What Python needs to start itself is left out.
"""

import argparse
import statistics
import subprocess
import sys

AIM_MS = 250
BANNED = ("polars", "pandas", "pyarrow", "boto3", "chinese_calendar", "stdnum")
HEAVIEST = 8
_COLD = """
import sys, time
wall, processor = time.perf_counter(), time.process_time()
import functions.public_api.handler
print((time.perf_counter() - wall) * 1000, (time.process_time() - processor) * 1000, len(sys.modules))
print(*(name for name in {banned} if name in sys.modules))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=9)
    times = parser.parse_args().times
    _python("-c", "import functions.public_api.handler")  # the first process of a checkout compiles
    runs = [_python("-c", _COLD.format(banned=BANNED)).stdout.splitlines() for _ in range(times)]
    wall, processor, modules = zip(*((float(each) for each in run[0].split()) for run in runs), strict=True)
    loaded = runs[0][1].split()
    sys.stdout.write(f"public_api, imports of a cold start, {times} new processes, aim under {AIM_MS} ms\n")
    for name, taken in (("wall", wall), ("processor", processor)):
        sys.stdout.write(f"  {name:10} median {statistics.median(taken):4.0f} ms, best {min(taken):4.0f} ms\n")
    sys.stdout.write(f"  {int(modules[0])} modules; of {', '.join(BANNED)}: {', '.join(loaded) or 'none'}\n")
    for taken_ms, name in heaviest():
        sys.stdout.write(f"  {taken_ms:6.1f} ms  {name}\n")
    return 0 if min(processor) < AIM_MS and not loaded else 1


def heaviest() -> list[tuple[float, str]]:
    """The packages that take most, what they import themselves included, as Python's own clock has it."""
    told = _python("-X", "importtime", "-c", "import functions.public_api.handler").stderr
    rows = [line.removeprefix("import time:").split("|") for line in told.splitlines()[1:]]
    taken = [(int(row[1]) / 1000, row[2].strip()) for row in rows if len(row) == 3 and row[1].strip().isdigit()]
    packages = [(taken_ms, name) for taken_ms, name in taken if name.count(".") < 2 and "handler" not in name]
    return sorted(packages, reverse=True)[:HEAVIEST]


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)


if __name__ == "__main__":
    sys.exit(main())
