"""A site in memory, and batches that have been paid and published, put straight into control and lake."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from tests.fakes import MemoryControl, MemoryLake, MemorySite
from yikatong import parquet
from yikatong.batches import Batch, Instruction, Settlement, batch_key
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook, Settings
from yikatong.states import BatchState

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
LISTED, SENSITIVE = "urban-minimum-living", "orphan-basic-living"
DAOLI, NANGANG, DAOWAI, LONGSHA = "230102", "230103", "230104", "230202"
SURNAMES = "王李张刘陈杨赵黄周吴"


class World:
    """What has been paid: `pay` adds or replaces a batch's settlement as the bank's word would."""

    def __init__(self) -> None:
        self.control, self.lake, self.site = MemoryControl(), MemoryLake(), MemorySite()

    def copy(self) -> "World":
        other = World()
        other.control.items = dict(self.control.items)
        other.lake.objects, other.lake.times = dict(self.lake.objects), dict(self.lake.times)
        other.site.objects = dict(self.site.objects)
        return other

    def pay(
        self,
        code: str,
        region: str,
        people: Mapping[str, int] | Sequence[str],
        *,
        slot: str = "2023-06",
        name: str = "a",
        returned: Sequence[str] = (),
        paid_on: date | None = date(2023, 6, 12),
        amount_fen: int = 65_000,
    ) -> str:
        """`people` by id number, with amounts where they differ; a second call for the same batch is its next settlement."""
        amounts = dict(people) if isinstance(people, Mapping) else dict.fromkeys(people, amount_fen)
        identity = f"{code}.formal.{region}.{hashlib.sha256(f'{slot}{name}'.encode()).hexdigest()[:16]}"
        pk, sk = batch_key(identity)
        before = self.control.read(Batch, pk, sk)
        seq = 1 if before is None else before.published_seq + 1
        ids = sorted(amounts)
        payments = pl.DataFrame(
            {
                "end_to_end_id": [f"E{identity}{who}" for who in ids],
                "beneficiary_id": ids,
                "beneficiary_name": [name_of(who) for who in ids],
                "pay_account": [f"6217{who}" for who in ids],
            }
        )
        settled = pl.DataFrame(
            {
                "end_to_end_id": payments["end_to_end_id"],
                "slot": [slot] * len(ids),
                "amount_fen": [amounts[who] for who in ids],
                "state": ["RETURNED" if who in returned else "SETTLED" for who in ids],
                "settled_on": [paid_on] * len(ids),
            },
            schema_overrides={"settled_on": pl.Date, "amount_fen": pl.Int64},
        )
        stored = {
            f"instructions/{identity}/payments.parquet": payments,
            f"settlements/{identity}/{seq}.parquet": settled,
        }
        hashes = {}
        for key, frame in stored.items():
            data = parquet.encode(frame)
            hashes[key] = sha256_hex(self.lake.put_once(key, data, "digest").data)
        instruction_key, settlement_key = stored
        item: dict[str, Any] = {
            "instruction": Instruction(
                bank_id="bank", payments_key=instruction_key, sha256=hashes[instruction_key], messages=("m",),
                instructed_at="2023-06-12T09:00:00+08:00",
            ),
            "settlement": Settlement(seq=seq, key=settlement_key, digest=f"{seq}", sha256=hashes[settlement_key]),
            "published_seq": seq,
        }  # fmt: skip
        batch = before or Batch(
            pk=pk, sk=sk, batch_id=identity, plan_year=2023, number=number_of(code), code=code, region=region,
            mode="formal", state=BatchState.PUBLISHED, object_key="k", object_version="v", sha256="a" * 64,
            uploader="clerk", received_at="2023-06-05T09:00:00+08:00", slots=(slot,),
        )  # fmt: skip
        self.control.save(batch.changed(**item))
        return identity


def number_of(code: str) -> int:
    return next(subsidy.number for subsidy in BOOK.plan(2023).subsidies if subsidy.code == code)


def name_of(who: str) -> str:
    """Somebody's name, the same each time."""
    digest = hashlib.sha256(who.encode()).digest()
    return f"{SURNAMES[digest[0] % len(SURNAMES)]}某{who[-4:]}"


def ids(count: int, region: str = DAOLI, first: int = 0) -> list[str]:
    """Id numbers as they look; nobody's."""
    return [f"{region}19900101{number:04d}" for number in range(first, first + count)]
