"""公示: what the public may see of who was paid, as the objects of the site it is read from.

A list shows each person paid by surname, amount and day, and nothing else of them; a subsidy whose name alone reveals illness,
disability or bereavement (`sensitive` in the settings) is shown as sums only. Which regions stand together is
`yikatong.disclosure_groups`. Cells are written under new names and found through the index of their subsidy, which is put last:
a reader always sees an index whose cells exist.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from yikatong.disclosure_groups import K
from yikatong.disclosure_keys import AGGREGATE, LIST, Document, encode, folder_of, index_key, key_of
from yikatong.masking import mask_name
from yikatong.payments import sha256_hex
from yikatong.regions import name_of

ROWS_PER_PART = 2_000
"""So that a phone can open one: about 110 kB as it stands, a tenth of it on the wire."""

PAID = {"region": pl.String, "person": pl.String, "name": pl.String, "amount_fen": pl.Int64, "paid_on": pl.Date}
"""The people paid in one slot of one subsidy, as everything here takes them: a row for each payment's beneficiary."""

Objects = dict[str, bytes]


def masked_rows(paid: pl.DataFrame) -> list[Document]:
    """What a list shows; sorted by what is shown itself, so that the order tells nothing."""
    names = {name: mask_name(name) for name in paid["name"].unique()}
    shown = paid.select(
        name=pl.col("name").replace_strict(names, return_dtype=pl.String),
        amount_fen="amount_fen",
        # Who was ruled to be paid, without a word of the bank's, has no day.
        paid_on=pl.col("paid_on").dt.to_string("%Y-%m-%d").fill_null(""),
    )
    return shown.sort("name", "amount_fen", "paid_on").to_dicts()


def rows_changed(before: Sequence[Document], now: Sequence[Document]) -> int:
    """How many rows are in one of two versions only."""
    old, new = (Counter(tuple(sorted(row.items())) for row in rows) for rows in (before, now))
    return (old - new).total() + (new - old).total()


@dataclass(frozen=True)
class Cell:
    """One subsidy, slot and region as it is shown. `regions` are those whose people stand here; `follows` is a digest of the
    batches they were paid by, which tells when to look again and nothing else."""

    plan_year: int
    code: str
    subsidy: str
    slot: str
    region: str
    regions: frozenset[str]
    kind: str
    people: int
    amount_fen: int
    as_of: date
    follows: str

    @property
    def folder(self) -> str:
        return f"{folder_of(self.plan_year, self.code)}/{self.slot.replace('#', '_')}/{self.region}"

    def head(self) -> Document:
        assert self.people >= K, "no cell of fewer is ever shown"
        return {
            "code": self.code,
            "subsidy": self.subsidy,
            "plan_year": self.plan_year,
            "slot": self.slot,
            "region": self.region,
            "region_name": region_name(self.region, self.regions),
            "kind": self.kind,
            "merged": sorted(self.regions - {self.region}),
            "people": self.people,
            "amount_fen": self.amount_fen,
            "as_of": self.as_of.isoformat(),
        }

    def objects(self, number: int, rows: Sequence[Document] = ()) -> tuple[Document, Objects]:
        """The cell's line in the index with this number, and its objects by key: the cell, and a long list's further parts."""
        assert (self.kind == LIST) == bool(rows), "a list has rows, an aggregate none"
        if self.kind == AGGREGATE:
            body = encode(self.head())
            key = self._key(number, body)
            return self._line(key, body), {key: body}
        assert sum(row["amount_fen"] for row in rows) == self.amount_fen, "a list adds up to its sum"
        stem = self._key(number, encode([self.head(), *rows])).removesuffix(".json")
        first, *further = (rows[at : at + ROWS_PER_PART] for at in range(0, len(rows), ROWS_PER_PART))
        parts = {
            f"{stem}-{part}.json": encode({"part": part, "of": len(further) + 1, "rows": some})
            for part, some in enumerate(further, start=2)
        }
        shown = {"rows": first, "rows_count": len(rows), "parts": [f"/{key}" for key in parts]}
        body = encode(self.head() | shown)
        return self._line(f"{stem}.json", body), {**parts, f"{stem}.json": body}

    def _key(self, number: int, content: bytes) -> str:
        return f"{self.folder}/{number:06d}-{sha256_hex(content)[:12]}.json"

    def _line(self, key: str, body: bytes) -> Document:
        head = {name: value for name, value in self.head().items() if name != "plan_year"}
        return head | {"href": f"/{key}", "sha256": sha256_hex(body), "follows": self.follows}


def region_name(region: str, regions: frozenset[str]) -> str:
    """A rest is not the whole of its city or province, and is not called so."""
    return name_of(region) if regions == {region} else f"{name_of(region)}其他地区"


def subsidy_index(
    plan_year: int, code: str, subsidy: str, kind: str, number: int, as_of: date, lines: Sequence[Document]
) -> Document:
    return {
        "plan_year": plan_year,
        "code": code,
        "subsidy": subsidy,
        "kind": kind,
        "number": number,
        "as_of": as_of.isoformat(),
        "cells": sorted(lines, key=lambda line: (line["slot"], line["region"])),
    }


def year_index(plan_year: int, as_of: date, indexes: Sequence[Document]) -> Document:
    return {
        "plan_year": plan_year,
        "as_of": as_of.isoformat(),
        "subsidies": [
            {
                "code": index["code"],
                "subsidy": index["subsidy"],
                "kind": index["kind"],
                "slots": sorted({line["slot"] for line in index["cells"]}),
                "cells": len(index["cells"]),
                "href": f"/{index_key(plan_year, index['code'])}",
            }
            for index in indexes
            if index["cells"]
        ],
    }


def superseded(keys: Sequence[str], index: Document) -> Iterator[str]:
    """Of the objects in a subsidy's folder those that the index no longer shows.

    One under a later number than the index's own belongs to a publication under way.
    """
    shown = {key_of(line["href"]).removesuffix(".json") for line in index["cells"]}
    for key in keys:
        folder, _, name = key.rpartition("/")
        number, digest, *_part = name.removesuffix(".json").split("-") if name != "index.json" else ("", "")
        if number and int(number) <= index["number"] and f"{folder}/{number}-{digest}" not in shown:
            yield key
