"""A small world with everything in it that an audit looks at, played by the payout in memory; and ways to tamper with it."""

import copy
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

import polars as pl

from auditor.audit import Report, audit
from auditor.source import Item
from tests.unit.payout.house import House
from tests.unit.payout.rosters import BOOK, CODE, NANGANG, PAYDAY, RECORD_SECRET, people, roster
from yikatong.cards import CardState
from yikatong.use_cases.anchor_books import anchor_books

DISABLED = 17
PEOPLE = people(14)
PAID, HELD, OTHERS, WITHDRAWN = PEOPLE[:8], PEOPLE[8], PEOPLE[9:12], PEOPLE[12:14]
REJECTED, RETURNED, SILENT, SHARED = PAID[:2], PAID[2], PAID[3], PAID[4]


@dataclass
class World:
    """Implements `auditor.source.Source` over what the house wrote down. Tests tamper with a copy of it."""

    buckets: dict[str, dict[str, bytes]]
    tables: dict[str, list[Item]]
    books: list[Item] | None
    ids: dict[str, str] = field(default_factory=dict)
    """The batches of the story: `first`, `other`, `trial`, `withdrawn`, `child`, `reissue`."""

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return sorted(key for key in self.buckets[bucket] if key.startswith(prefix))

    def read(self, bucket: str, key: str) -> bytes | None:
        return self.buckets[bucket].get(key)

    def items(self, table: str) -> Iterable[Item]:
        return self.tables[table]

    def bank_books(self) -> list[Item] | None:
        return self.books

    # --- looking ---------------------------------------------------------------------------------------------------------

    def batch(self, name: str) -> Item:
        return self.item(lambda item: item.get("sk") == self.ids[name])

    def item(self, wanted: Callable[[Item], bool]) -> Item:
        (found,) = [item for item in self.tables["control"] if wanted(item)]
        return found

    def of_kind(self, kind: str) -> list[Item]:
        return [item for item in self.tables["control"] if item["pk"].startswith(f"{kind}#")]

    def frame(self, key: str) -> pl.DataFrame:
        return pl.read_parquet(io.BytesIO(self.buckets["lake"][key]))

    @property
    def payments(self) -> dict[str, Any]:
        """The bank's own ledger of money that moved."""
        assert self.books is not None
        found: dict[str, Any] = self.books[0]["payments"]
        return found

    def names(self, **options: Any) -> set[str]:
        return {difference.name for difference in self.audit(**options).differences}

    def audit(self, **options: Any) -> Report:
        return audit(self, **({"record_key": RECORD_SECRET} | options))

    # --- tampering -------------------------------------------------------------------------------------------------------

    def rewrite(self, key: str, change: Callable[[pl.DataFrame], pl.DataFrame], *, sign: bool = False) -> None:
        """Change a parquet object; with `sign` everything that names its SHA-256 in the control table names the new one."""
        old = self.buckets["lake"][key]
        buffer = io.BytesIO()
        change(self.frame(key)).write_parquet(buffer)
        self.buckets["lake"][key] = buffer.getvalue()
        if sign:
            before, after = (hashlib.sha256(data).hexdigest() for data in (old, buffer.getvalue()))
            table = json.dumps(self.tables["control"], ensure_ascii=False).replace(before, after)
            self.tables["control"] = json.loads(table)

    def replace(self, key: str, old: str, new: str, bucket: str = "lake") -> None:
        """Replace text in an object, once."""
        text = self.buckets[bucket][key].decode()
        assert old in text, f"{old} is not in {key}"
        self.buckets[bucket][key] = text.replace(old, new, 1).encode()


def world() -> World:
    """A copy of the story's end, to be tampered with."""
    told = _played()
    return World(
        {name: dict(objects) for name, objects in told.buckets.items()},
        copy.deepcopy(told.tables),
        copy.deepcopy(told.books),
        dict(told.ids),
    )


@cache
def _played() -> World:
    house, ids = House(), {}
    house.cards([person if person != HELD else HELD.with_card(CardState.LOST) for person in PEOPLE])
    ids["trial"] = house.approved(roster(PAID, number=DISABLED), mode="trial", number=DISABLED, name="trial.csv")
    house.pay(house.order(mode="trial", number=DISABLED))
    anchor_books(house.now.date(), control=house.control, audit=house.audit, book=BOOK)
    _pay_june(house, ids)
    _withdraw_for_lack_of_funds(house, ids)
    _follow_up(house, ids)
    anchor_books(house.now.date(), control=house.control, audit=house.audit, book=BOOK)
    return world_of(house, ids)


def world_of(house: House, ids: dict[str, str]) -> World:
    """What a house has written down so far."""
    return World(
        {
            "lake": {key: data for key, (data, _) in house.lake.objects.items()},
            "audit": {key: data for key, (data, _) in house.audit.objects.items()},
        },
        copy.deepcopy({"control": list(house.control.items.values()), "records": list(house.records.items.values())}),
        [json.loads(json.dumps(house.bank.book))],
        ids,
    )


def _pay_june(house: House, ids: dict[str, str]) -> None:
    """Two regions share a person; the bank rejects two, returns one five days later, and says nothing of one."""
    ids["first"] = house.approved(roster([*PAID, HELD]), name="first.csv")
    ids["other"] = house.approved(roster([*OTHERS, SHARED], NANGANG, seed=2), NANGANG, name="other.csv")
    house.on(PAYDAY)
    accounts: dict[str, Any] = {person.account: {"outcome": "reject", "code": "AC04"} for person in REJECTED}
    accounts[RETURNED.account] = {"outcome": "return", "code": "AC06", "days": 5}
    accounts[SILENT.account] = {"outcome": "silence", "credited": True}
    house.bank.script(accounts=accounts)
    house.pay()
    house.on(PAYDAY + timedelta(days=5))
    house.drain()


def _withdraw_for_lack_of_funds(house: House, ids: dict[str, str]) -> None:
    house.set_funds(house.funds().spent_fen + 1)
    ids["withdrawn"] = house.approved(roster(WITHDRAWN, seed=3), name="withdrawn.csv")
    house.pay(house.order(cause="ord1"))
    house.withdraw(ids["withdrawn"])
    house.set_funds(10_000_000)
    house.drain()


def _follow_up(house: House, ids: dict[str, str]) -> None:
    """The held person's card is found again, and what the bank rejected is paid again."""
    house.on(date(2023, 6, 20))
    house.bank.script(accounts={person.account: {"outcome": "settle"} for person in REJECTED})
    again = house.reports.objects[f"{ids['first']}/result.xlsx"]
    reissue = house.approve(house.upload(again, name="again.xlsx", reissues=ids["first"]))
    ids["reissue"] = reissue.batch_id
    house.cards(PEOPLE)
    house.drain()
    house.pay(house.order(cause="ord2"))
    (ids["child"],) = house.batch(ids["first"]).children


def funds(world: World, region: str) -> Item:
    return world.item(lambda item: item["pk"] == f"FUNDS#{CODE}" and item["sk"] == f"{region}#2023")
