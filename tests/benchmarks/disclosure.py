"""What the disclosure of one large county takes: `python -m tests.benchmarks.disclosure [rows]`. In memory, no S3."""

import resource
import sys
import time
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from tests.fakes import MemorySite
from tests.unit.disclosure.world import BOOK, DAOLI, LISTED, SENSITIVE, SETTINGS, World
from yikatong.portal_export import FULL
from yikatong.use_cases.export_portal import export_portal
from yikatong.use_cases.publish_disclosure import publish_disclosure


def main(rows: int) -> None:
    world, portal = World(), MemorySite()
    who = {f"230102{number:012d}": 10_000 + number % 997 for number in range(rows)}
    for code in (LISTED, SENSITIVE):
        world.pay(code, DAOLI, who)
    for code in (LISTED, SENSITIVE):
        took = _timed(partial(_publish, world, code))
        sizes = [len(data) for key, data in world.site.objects.items() if f"/{code}/" in key]
        _say(
            f"{code}: {took:.2f} s, {len(sizes)} objects, {sum(sizes) / 1e6:.1f} MB, largest {max(sizes) / 1e3:.0f} kB"
        )
    _say(f"a night on which nothing changed: {_timed(partial(_publish, world, LISTED)):.3f} s")
    world.pay(LISTED, DAOLI, who, returned=sorted(who)[:9])
    _say(f"nine returns: {_timed(partial(_publish, world, LISTED)):.2f} s")
    now = datetime(2023, 6, 13, 3, tzinfo=UTC)
    took = _timed(partial(export_portal, FULL, now, site=world.site, portal=portal, book=BOOK))
    _say(f"export: {took:.2f} s, {sum(map(len, portal.objects.values())) / 1e6:.2f} MB")
    _say(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _publish(world: World, code: str) -> object:
    return publish_disclosure(
        date(2023, 6, 13), control=world.control, lake=world.lake, site=world.site, book=BOOK, settings=SETTINGS,
        only=frozenset({code}),
    )  # fmt: skip


def _timed(step: Any) -> float:
    began = time.process_time()
    step()
    return time.process_time() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
