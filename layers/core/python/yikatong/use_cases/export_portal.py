"""What is public goes to the province's official portal (专区) as an export: every night after the disclosure, and on demand.

Only objects under `published/` are read, so that no rule of privacy is applied, or forgotten, a second time. An export has a
number of its own from its first write on, and its manifest is put last: whoever dies leaves a folder without one, whoever comes
second takes the next number.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from yikatong.disclosure_keys import Document, encode, index_key, key_of
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook
from yikatong.portal_export import (
    DISCLOSURE,
    EXPORTS,
    FULL,
    INCREMENTAL,
    MANIFEST,
    POLICIES,
    POLICY_LISTS,
    STATE,
    Item,
    Lines,
    complete,
    export_id,
    folder_of,
    kind_of,
    manifest,
    state_of,
)
from yikatong.public_site import PublicSite

State = dict[tuple[str, str], str]
TRIES = 5
"""How often a subsidy whose lists are replaced while they are read is begun again."""


def export_portal(kind: str | None, now: datetime, *, site: PublicSite, portal: PublicSite, book: PlanBook) -> str:
    """Make an export and return its id. Without a `kind` it is a full one on the first of a month, else an incremental one;
    without a full one before it, it is full whatever was asked for."""
    before = complete(portal.keys(EXPORTS))
    base = next((export for export in reversed(before) if kind_of(export) == FULL), None)
    wanted = kind or (FULL if now.day == 1 else INCREMENTAL)
    if wanted == FULL or base is None:
        return _Export(FULL, now, {}, site, portal, book).make(None, {})
    # What any of them showed since may stand at the portal: all that is gone is named, whichever of them was laid over which.
    since = before[before.index(base) :]
    shown: State = {}
    for export in reversed(since):
        shown = state_of(_stored(portal, f"{folder_of(export)}{STATE}")) | shown
    follows = {"export": base, "manifest_sha256": sha256_hex(_stored(portal, f"{folder_of(base)}{MANIFEST}"))}
    standing = state_of(_stored(portal, f"{folder_of(base)}{STATE}"))
    return _Export(INCREMENTAL, now, standing, site, portal, book).make(follows, shown)


def _stored(portal: PublicSite, key: str) -> bytes:
    data = portal.get(key)
    assert data is not None, "an export that has its manifest has its files"
    return data


class _Export:
    def __init__(
        self, kind: str, now: datetime, standing: State, site: PublicSite, portal: PublicSite, book: PlanBook
    ) -> None:
        self._now, self._standing, self._site, self._portal, self._book = now, standing, site, portal, book
        self._id = self._number(kind)
        self._items: list[Item] = []
        self._files: list[dict[str, Any]] = []

    def make(self, follows: dict[str, str] | None, shown: State) -> str:
        """Files first, the manifest last. `shown` is what may stand at the portal by earlier exports."""
        self._write(POLICIES, "policy", self._policies())
        self._write(POLICY_LISTS, "policy_list", self._policy_lists())
        for year in self._book.years:
            for subsidy in self._book.plan(year).subsidies:
                if subsidy.code is not None:
                    self._write_disclosure(year, subsidy.code)
        state = Lines(STATE)
        for item in sorted(self._items):
            state.add({"record": "item", "kind": item.kind, "id": item.id, "sha256": item.sha256})
        self._put(state)
        gone = shown.keys() - {(item.kind, item.id) for item in self._items}
        said = manifest(self._id, self._now.isoformat(timespec="seconds"), self._files, follows, sorted(gone))
        self._portal.put_if(f"{folder_of(self._id)}{MANIFEST}", encode(said), None)
        return self._id

    def _number(self, kind: str) -> str:
        """The next number of the day that nobody has: two exports at once, or one that died, never share a folder."""
        day = self._now.date().isoformat()
        number = 1
        while not self._portal.put_if(f"numbers/{day}-{number:02d}", encode({"kind": kind}), None):
            number += 1
        return export_id(day, number, kind)

    def _policies(self) -> Iterator[tuple[str, Document]]:
        for region in self._objects("published/policies/"):
            for document in region["documents"]:
                name = f"{region['region']}/{document['code']}/{document['document']}/{document['version']}"
                yield name, document | {"region": region["region"]}

    def _policy_lists(self) -> Iterator[tuple[str, Document]]:
        for policy_list in self._objects("published/policy-lists/"):
            yield f"{policy_list['year']}/{policy_list['region']}", policy_list

    def _objects(self, prefix: str) -> Iterator[Document]:
        for key in self._site.keys(prefix):
            if key.endswith(".json") and (data := self._site.get(key)) is not None:
                yield json.loads(data)

    def _write(self, name: str, kind: str, documents: Iterator[tuple[str, Document]]) -> None:
        lines = Lines(name)
        for item_id, document in documents:
            if self._is_new(Item(kind, item_id, sha256_hex(encode(document)))):
                lines.add({"record": kind, "id": item_id} | document)
        self._put(lines)

    def _is_new(self, item: Item) -> bool:
        """Note that it is shown; whether it goes into this export."""
        self._items.append(item)
        return self._standing.get((item.kind, item.id)) != item.sha256

    def _put(self, lines: Lines) -> None:
        entry, data = lines.close()
        self._portal.put(f"{folder_of(self._id)}{lines.name}", data)
        self._files.append(entry)

    # --- disclosure ----------------------------------------------------------------------------------------------------------

    def _write_disclosure(self, plan_year: int, code: str) -> None:
        """One file for each subsidy and year that has anything new. A list that was replaced while it was read is read again,
        by the index that replaced it."""
        for _ in range(TRIES):
            noted = len(self._items)
            lines = Lines(DISCLOSURE.format(plan_year=plan_year, code=code))
            if self._added(lines, plan_year, code):
                if lines.counts.records:
                    self._put(lines)
                return
            del self._items[noted:]
        raise LookupError(f"{index_key(plan_year, code)} names cells that do not stand")

    def _added(self, lines: Lines, plan_year: int, code: str) -> bool:
        index = json.loads(self._site.get(index_key(plan_year, code)) or b'{"cells": []}')
        for line in index["cells"]:
            item = Item("cell", f"{plan_year}/{code}/{line['slot']}/{line['region']}", line["sha256"])
            if not self._is_new(item):
                continue
            cell = self._cell(line["href"])
            if cell is None:
                return False
            rows = cell.pop("rows", [])
            lines.add({"record": "cell", "id": item.id} | cell)
            for row in rows:
                lines.add({"record": "payment", "cell": item.id} | row)
        return True

    def _cell(self, href: str) -> Document | None:
        """A cell with all its rows; None where it, or a part of it, is gone."""
        data = self._site.get(key_of(href))
        if data is None:
            return None
        cell: Document = json.loads(data)
        for part in cell.pop("parts", []):
            found = self._site.get(key_of(part))
            if found is None:
                return None
            cell["rows"] += json.loads(found)["rows"]
        return cell
