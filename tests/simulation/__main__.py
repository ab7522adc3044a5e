"""`python -m tests.simulation`: many histories with their counts, or one told line by line."""

import argparse
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--histories", type=int, default=1, help="how many seeds")
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--without", action="append", default=[], metavar="FAULT", help="leave a kind of fault out")
    parser.add_argument("--stop-at", type=int, default=0, metavar="VIOLATIONS", help="no further than so many")
    parser.add_argument(
        "--moto", action="store_true", help="play on moto as well, and compare what is stored in the end"
    )
    asked = parser.parse_args()
    if asked.moto:
        from tests.simulation.on_moto import compare

        return compare(range(asked.seed, asked.seed + asked.histories))
    if asked.histories == 1:
        return _tell_one(asked.seed, frozenset(asked.without))
    from tests.simulation.crowd import STORIES_KEPT, play_all

    whole = play_all(asked.seed, asked.histories, frozenset(asked.without), asked.stop_at)
    for name, count in sorted(whole.counts.items()):
        sys.stdout.write(f"{name:40} {count:>14,}\n")
    sys.stdout.write(f"{'seeds':40} {asked.seed:>14,} to {asked.seed + asked.histories - 1:,}\n")
    sys.stdout.write(f"digest {whole.digest.hexdigest()}\n")
    sys.stdout.write(
        f"{whole.seconds:.0f} s, {60 * whole.counts['histories'] / whole.seconds:,.0f} histories a minute\n"
    )
    for told in whole.violations[:STORIES_KEPT]:
        sys.stdout.write(f"\nseed {told.seed}: {told.violation}\n")
        sys.stdout.write("".join(f"  {line[:240]}\n" for line in told.lines()[-60:]))
        sys.stdout.write(f"  again: python -m tests.simulation --seed {told.seed}\n")
    for told in whole.violations[STORIES_KEPT:]:
        sys.stdout.write(f"seed {told.seed}: {told.violation}\n")
    return 1 if whole.violations else 0


def _tell_one(seed: int, without: frozenset[str]) -> int:
    from tests.simulation.history import play

    told = play(seed, without=without)
    sys.stdout.write("".join(f"{line[:300]}\n" for line in told.lines()))
    sys.stdout.write(f"digest {told.digest}\n{told.violation or 'everything held'}\n")
    return 1 if told.violation else 0


if __name__ == "__main__":
    sys.exit(main())
