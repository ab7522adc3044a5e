"""Every night the heads of all chains go into one object, chained to the one before (PROTOCOL O2)."""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes import MemoryControl, MemoryLake
from yikatong.batches import Batch, batch_key
from yikatong.drains import QueueDrain, drain_key
from yikatong.funds import no_funds_yet
from yikatong.ledger import Ledger
from yikatong.pauses import read_pause
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook
from yikatong.ports import RunOrder
from yikatong.runs import Run, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.use_cases.anchor_books import anchor_books

BOOK = PlanBook.committed()
CODE = "urban-minimum-living"
NOW = datetime(2023, 6, 12, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


class Night:
    def __init__(self) -> None:
        self.control, self.audit = MemoryControl(), MemoryLake()
        self.ledger = Ledger(self.control, self.audit, "function:test", NOW)

    def batch(self, mode: str) -> Batch:
        identity = f"{CODE}.{mode}.230102.0123456789abcdef"
        pk, sk = batch_key(identity)
        return Batch(
            pk=pk, sk=sk, batch_id=identity, plan_year=2023, number=2, code=CODE, region="230102", mode=mode,
            state=BatchState.RECEIVED, object_key="2023/230102/2/a.csv", object_version="v1", sha256="a" * 64,
            uploader="clerk", received_at=NOW.isoformat(),
        )  # fmt: skip

    def anchor(self, day: int) -> str:
        return anchor_books(date(2023, 6, day), control=self.control, audit=self.audit, book=BOOK)

    def root(self, day: int) -> dict[str, Any]:
        data = self.audit.get(f"roots/2023-06-{day}.json")
        assert data is not None
        root: dict[str, Any] = json.loads(data)
        return root


def test_a_root_holds_the_head_of_every_batch_run_and_funds() -> None:
    night = Night()
    order = RunOrder(2023, CODE, "formal", NOW.date(), "sched")
    pk, sk = run_key(CODE, name_run(order))
    items = (
        night.batch("formal"),
        night.batch("trial"),
        Run(pk=pk, sk=sk, run_id=name_run(order), state=RunState.OPEN, **vars(order)),
        no_funds_yet(CODE, "230102", 2023),
        read_pause(night.control, CODE),
        QueueDrain(pk=drain_key("start_run")[0], sk="DRAIN", verb="start_run"),
    )
    for item in items:
        night.ledger.save(item)
    night.ledger.save(night.batch("formal").changed(version=1, rows=3))
    assert night.anchor(13) == "roots/2023-06-13.json"
    root = night.root(13)
    assert (root["date"], root["previous"]) == ("2023-06-13", None)
    assert {name: n for name, (n, _) in root["heads"].items()} == {
        f"{CODE}.formal.230102.0123456789abcdef": 2,
        f"{CODE}.trial.230102.0123456789abcdef": 1,
        name_run(order): 1,
        f"funds.{CODE}.230102.2023": 1,
        f"pause.{CODE}": 1,
        "queue.start_run": 1,
    }
    for name, (n, head) in root["heads"].items():
        assert sha256_hex(night.audit.objects[f"audit/{name}/{n:08d}"][0]) == head


def test_roots_are_a_chain_one_a_day_whatever_is_delivered_again() -> None:
    night = Night()
    night.ledger.save(night.batch("formal"))
    night.anchor(13)
    first = night.audit.objects["roots/2023-06-13.json"]
    night.ledger.save(night.batch("formal").changed(version=1, rows=3))
    assert night.anchor(13) == "roots/2023-06-13.json"
    assert night.audit.objects["roots/2023-06-13.json"] == first
    night.anchor(15)
    assert night.root(15)["previous"] == {"key": "roots/2023-06-13.json", "sha256": sha256_hex(first[0])}


def test_a_tick_that_comes_after_a_later_one_adds_nothing_to_the_chain() -> None:
    night = Night()
    night.anchor(15)
    assert night.anchor(14) == "roots/2023-06-15.json"
    assert list(night.audit.objects) == ["roots/2023-06-15.json"]


def test_a_chain_that_the_state_has_not_named_yet_is_anchored_by_nobody() -> None:
    night = Night()
    night.control.save(night.batch("formal"))
    night.anchor(13)
    assert night.root(13)["heads"] == {}
