"""How long one large batch takes from upload to public record, step by step, on the local cloud.

    python -m tests.benchmarks.payout [--payees 10000]

One machine plays AWS, the functions and the bank at once, so these are figures of this code on this machine, not of AWS.
`wall` is what somebody waiting would measure; `function` the time inside the function, cold starts left out (warmed).
"""

import argparse
import sys
import time
from datetime import date

from cli.demo.office import Office
from infra.local.cloud import LocalCloud
from yikatong.plan import PlanBook, Settings
from yikatong.roster.sample import make_sample

STEPS = (
    "import_cards",
    "validate_roster",
    "bureau_api",
    "start_run",
    "take_up_rows",
    "open_run",
    "claim_payments",
    "reserve_funds",
    "instruct_bank",
    "await_receipts",
    "receive_receipt",
    "settle_batch",
    "publish_records",
    "close_run",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--payees", type=int, default=10_000)
    payees = parser.parse_args().payees
    book, settings = PlanBook.committed(), Settings.committed()
    subsidy = book.subsidy(2023, 2)
    sample = make_sample(
        subsidy=subsidy,
        settings=settings.for_subsidy(subsidy.code),
        region="230102",
        rows=payees,
        slots=["2023-06"],
        seed=7,
    )
    with LocalCloud(date(2023, 6, 11), receipt_timeout_s=120) as cloud:
        cloud.warm()
        office = Office(cloud)
        laps: list[tuple[str, float]] = []
        began = time.monotonic()

        def lap(words: str) -> None:
            laps.append((words, time.monotonic() - began - sum(seconds for _, seconds in laps)))

        office.drop_cards([sample])
        lap("card registry imported")
        office.send("harbin", 2, "230102", "bench.csv", sample.roster_csv())
        cloud.settle(timeout_s=300)
        lap("roster uploaded and validated")
        office.approve_waiting({"230102": "harbin"})
        lap("approved")
        tick = {"plan_year": 2023, "code": subsidy.code, "mode": "formal", "cadence": "once"}
        cloud.clock.jump(date(2023, 6, 12))
        cloud.invoke("start_run", tick | {"scheduled_at": "2023-06-12T01:00:00Z"})
        cloud.settle(timeout_s=300)
        lap("run: claimed, paid, settled, published, closed")
        total = time.monotonic() - began
        batch = office.batches()[0]
        seconds = cloud.seconds_by_verb()
    settled = batch["line"]["settled"]["count"] if batch["line"] else 0
    if settled != payees:
        sys.stderr.write(f"only {settled} of {payees} were paid\n")
        return 1
    sys.stdout.write(f"{payees:,} payees, one batch, upload to public record: {total:.1f} s, {payees / total:,.0f}/s\n")
    for words, lap_s in laps:
        sys.stdout.write(f"  wall      {lap_s:6.2f} s  {words}\n")
    for verb in STEPS:
        times = seconds.get(verb, [])
        sys.stdout.write(f"  function  {sum(times):6.2f} s  {verb} ({len(times)}x)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
