"""The portal's export: what is public and nothing else, whole or not at all, and checked by whoever takes it."""

import gzip
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.fakes import MemorySite
from tests.unit.disclosure.test_publish_disclosure import publish
from tests.unit.disclosure.world import BOOK, DAOLI, LISTED, LONGSHA, SENSITIVE, World, ids, name_of
from tests.unit.payout.watching import Watch, Watched, WorkerDied
from yikatong.disclosure import ROWS_PER_PART
from yikatong.disclosure_keys import index_key
from yikatong.portal_export import check, complete, in_order, kind_of, read_lines
from yikatong.public_site import PublicSite
from yikatong.use_cases.export_portal import export_portal

FIRST = datetime(2023, 6, 1, 3, tzinfo=ZoneInfo("Asia/Shanghai"))
SCHEMA = json.loads((Path(__file__).parents[3] / "docs/portal-export.schema.json").read_text(encoding="utf-8"))
POLICY = {
    "code": LISTED, "document": "measures", "version": 1, "title": "办法", "document_number": "", "issuer": "省民政厅",
    "valid_from": "2023-01-01", "valid_to": None, "href": f"/policies/230000/{LISTED}/measures/0001.pdf",
    "media_type": "application/pdf", "size_bytes": 9, "sha256": "a" * 64, "published_at": "2023-01-05T09:00:00+08:00",
    "published_by": "省民政厅",
}  # fmt: skip


class Portal:
    """A site with something public, and the bucket its exports go to."""

    def __init__(self) -> None:
        self.world, self.bucket = World(), MemorySite()
        self.world.pay(LISTED, DAOLI, ids(9))
        self.world.pay(SENSITIVE, LONGSHA, ids(7, LONGSHA))
        publish(self.world, date(2023, 6, 13))
        self.policies(POLICY)
        self.world.site.put(
            "published/policy-lists/2023/230000.json", b'{"year": 2023, "region": "230000", "entries": []}'
        )
        self.world.site.put("published/policy-lists/2023/230000.xlsx", b"not for the portal")
        self.world.site.put("index.html", b"a page")

    def policies(self, *documents: Mapping[str, Any]) -> None:
        region = {"region": "230000", "documents": list(documents)}
        self.world.site.put("published/policies/230000.json", json.dumps(region, ensure_ascii=False).encode())

    def export(self, kind: str | None = None, now: datetime = FIRST, watch: Watch | None = None) -> str:
        watch = watch or Watch()
        return export_portal(
            kind,
            now,
            site=cast(PublicSite, Watched("site", self.world.site, watch)),
            portal=cast(PublicSite, Watched("portal", self.bucket, watch)),
            book=BOOK,
        )

    def files(self, export: str) -> dict[str, bytes]:
        start = f"exports/{export}/"
        return {key.removeprefix(start): data for key, data in self.bucket.objects.items() if key.startswith(start)}

    def manifest(self, export: str) -> dict[str, Any]:
        return dict(json.loads(self.files(export)["manifest.json"]))

    def records(self, export: str, name: str) -> list[dict[str, Any]]:
        return read_lines(self.files(export)[name])

    @property
    def exports(self) -> list[str]:
        return complete(self.bucket.keys("exports/"))


def faults(files: Mapping[str, bytes]) -> list[str]:
    return check(files.get, files)


def test_a_full_export_holds_every_policy_list_and_row_that_is_public_and_adds_up() -> None:
    portal = Portal()
    export = portal.export("full")
    assert export == "2023-06-01-01-full"
    said = portal.manifest(export)
    assert [each["name"] for each in said["files"]] == [
        "policies.jsonl.gz",
        "policy-lists.jsonl.gz",
        f"disclosure-2023-{LISTED}.jsonl.gz",
        f"disclosure-2023-{SENSITIVE}.jsonl.gz",
        "state.jsonl.gz",
    ]
    assert said["totals"] == {"records": 13, "cells": 2, "payments": 9, "people": 16, "amount_fen": 16 * 65_000}
    assert (said["follows"], said["withdrawn"]) == (None, [])
    cell, *rows = portal.records(export, f"disclosure-2023-{LISTED}.jsonl.gz")
    assert (cell["id"], cell["people"], cell["region_name"]) == (f"2023/{LISTED}/2023-06/{DAOLI}", 9, "哈尔滨市道里区")
    assert all(row.keys() == {"record", "cell", "name", "amount_fen", "paid_on"} for row in rows)
    (policy,) = portal.records(export, "policies.jsonl.gz")
    assert policy == {"record": "policy", "id": f"230000/{LISTED}/measures/1", "region": "230000", **POLICY}
    assert faults(portal.files(export)) == []


def test_nobody_is_in_an_export_by_name_number_or_account() -> None:
    portal = Portal()
    export = portal.export("full")
    everything = b"".join(
        gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in portal.files(export).values()
    )
    for who in (*ids(9), *ids(7, LONGSHA)):
        assert not [text for text in (who, name_of(who), f"6217{who}") if text in everything.decode()]


def test_an_export_is_what_its_schema_says() -> None:
    portal = Portal()
    exports = [portal.export("full"), portal.export("incremental")]
    for export in exports:
        jsonschema.validate(portal.manifest(export), SCHEMA)
        for name in portal.files(export):
            if name != "manifest.json":
                for record in portal.records(export, name):
                    jsonschema.validate(record, SCHEMA["$defs"]["record"] | {"$defs": SCHEMA["$defs"]})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(portal.manifest(exports[0]) | {"kind": "partial"}, SCHEMA)
    row = {"record": "payment", "cell": "c", "name": "张三丰", "amount_fen": 1, "paid_on": "2023-06-12"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(row, SCHEMA["$defs"]["record"] | {"$defs": SCHEMA["$defs"]})


def test_the_same_content_is_the_same_bytes() -> None:
    portal = Portal()
    one, other = portal.files(portal.export("full")), portal.files(portal.export("full"))
    assert {name: data for name, data in one.items() if name != "manifest.json"} == {
        name: data for name, data in other.items() if name != "manifest.json"
    }


def test_a_list_in_parts_is_exported_whole() -> None:
    portal = Portal()
    portal.world.pay(LISTED, LONGSHA, ids(ROWS_PER_PART + 3, LONGSHA))
    publish(portal.world, date(2023, 6, 14))
    export = portal.export("full")
    assert portal.manifest(export)["totals"]["payments"] == 9 + ROWS_PER_PART + 3
    assert faults(portal.files(export)) == []


def test_an_incremental_export_holds_what_differs_from_the_full_one_and_names_what_is_gone() -> None:
    portal = Portal()
    full = portal.export("full")
    nothing = portal.export("incremental")
    assert portal.manifest(nothing)["totals"]["records"] == 0
    portal.world.pay(LISTED, LONGSHA, ids(6, LONGSHA))
    portal.world.pay(LISTED, DAOLI, ids(9), returned=ids(6))
    publish(portal.world, date(2023, 6, 14))
    portal.policies(POLICY | {"version": 2}, POLICY)
    export = portal.export("incremental")
    said = portal.manifest(export)
    assert said["follows"]["export"] == full
    assert [
        cell["id"] for cell in portal.records(export, f"disclosure-2023-{LISTED}.jsonl.gz") if cell["record"] == "cell"
    ] == [f"2023/{LISTED}/2023-06/{LONGSHA}"]
    assert [policy["version"] for policy in portal.records(export, "policies.jsonl.gz")] == [2]
    assert f"disclosure-2023-{SENSITIVE}.jsonl.gz" not in portal.files(export)
    assert said["withdrawn"] == [{"kind": "cell", "id": f"2023/{LISTED}/2023-06/{DAOLI}"}]
    assert faults(portal.files(export)) == []


def test_what_an_incremental_export_brought_and_is_gone_is_named_by_every_later_one() -> None:
    portal = Portal()
    portal.export("full")
    portal.world.pay(LISTED, LONGSHA, ids(6, LONGSHA))
    publish(portal.world, date(2023, 6, 14))
    portal.export("incremental")
    portal.world.pay(LISTED, LONGSHA, ids(6, LONGSHA), returned=ids(6, LONGSHA))
    publish(portal.world, date(2023, 6, 15))
    gone = [{"kind": "cell", "id": f"2023/{LISTED}/2023-06/{LONGSHA}"}]
    assert portal.manifest(portal.export("incremental"))["withdrawn"] == gone
    assert portal.manifest(portal.export("incremental"))["withdrawn"] == gone


def test_by_schedule_an_export_is_full_on_the_first_of_a_month_and_incremental_otherwise() -> None:
    portal = Portal()
    second = FIRST + timedelta(days=1)
    kinds = [kind_of(portal.export(now=now)) for now in (second, second, FIRST, second)]
    assert kinds == ["full", "incremental", "full", "incremental"], "the very first one has nothing to follow"


def test_exports_of_a_day_are_in_the_order_of_their_numbers() -> None:
    wanted = ["2023-06-01-02-full", "2023-06-01-99-incremental", "2023-06-01-100-full", "2023-06-02-01-full"]
    assert in_order(reversed(wanted)) == wanted


def test_a_list_replaced_while_it_is_read_is_read_again() -> None:
    portal, watch = Portal(), Watch()

    def replaced() -> None:
        portal.world.pay(LISTED, DAOLI, ids(11, first=9), name="b")
        publish(portal.world, date(2023, 6, 14))

    watch.acts.append(("site.get", lambda arguments: f"/{DAOLI}/" in arguments[0], replaced))
    export = portal.export("full", watch=watch)
    assert portal.manifest(export)["totals"]["cells"] == 2
    assert portal.records(export, f"disclosure-2023-{LISTED}.jsonl.gz")[0]["people"] == 20
    assert faults(portal.files(export)) == []


def test_an_index_that_names_what_does_not_stand_is_no_export() -> None:
    portal = Portal()
    index = json.loads(portal.world.site.objects[index_key(2023, LISTED)])
    portal.world.site.delete([index["cells"][0]["href"].removeprefix("/")])
    with pytest.raises(LookupError):
        portal.export("full")
    assert portal.exports == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["full", "incremental"])
def test_a_worker_dies_at_any_call_and_what_it_left_is_taken_for_no_export(kind: str, after: bool) -> None:
    portal, watch = Portal(), Watch()
    portal.export("full")
    portal.export(kind, watch=watch)
    assert watch.calls.count("portal.put") >= 3
    for call in range(watch.count):
        portal = Portal()
        portal.export("full")
        with pytest.raises(WorkerDied):
            portal.export(kind, watch=Watch(dies_at=call, after=after))
        committed = after and call == watch.count - 1
        assert len(portal.exports) == (2 if committed else 1), "the manifest is the last thing put"
        again = portal.export(kind)
        assert len(portal.exports) == (3 if committed else 2)
        for export in portal.exports:
            assert faults(portal.files(export)) == []
        assert again == portal.exports[-1]


def test_two_exports_at_once_have_a_folder_each() -> None:
    portal, watch = Portal(), Watch()
    portal.export("full")
    others: list[str] = []
    watch.acts.append(("portal.put", lambda _: True, lambda: others.append(portal.export("incremental"))))
    mine = portal.export("incremental", watch=watch)
    assert [mine, *others] == ["2023-06-01-02-incremental", "2023-06-01-03-incremental"]
    assert not [fault for export in portal.exports for fault in faults(portal.files(export))]


# --- the checker ---------------------------------------------------------------------------------------------------------------


def test_a_folder_without_a_manifest_is_refused() -> None:
    portal = Portal()
    files = portal.files(portal.export("full"))
    del files["manifest.json"]
    (fault,) = faults(files)
    assert "没有完成" in fault


@given(some.data())
@settings(max_examples=60, deadline=None)
def test_whatever_byte_of_a_file_is_changed_or_file_is_missing_or_added_is_found(data: some.DataObject) -> None:
    files = _made()
    name = data.draw(some.sampled_from(sorted(files.keys() - {"manifest.json"})))
    change = data.draw(some.sampled_from(["byte", "gone", "more"]))
    if change == "byte":
        at = data.draw(some.integers(0, len(files[name]) - 1))
        files[name] = files[name][:at] + bytes([files[name][at] ^ 1]) + files[name][at + 1 :]
    elif change == "gone":
        del files[name]
    else:
        files["more.jsonl.gz"] = files[name]
    assert faults(files)


_FILES: dict[str, bytes] = {}


def _made() -> dict[str, bytes]:
    if not _FILES:
        portal = Portal()
        _FILES.update(portal.files(portal.export("full")))
    return dict(_FILES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said: said["totals"].update(amount_fen=1), "合计"),
        (lambda said: said["files"][2].update(amount_fen=1), "记录数或金额"),
        (lambda said: said["files"][2].update(payments=1), "记录数或金额"),
        (lambda said: said.update(format_version="2.0"), "格式"),
        (lambda said: said.update(kind="incremental"), "编号与类型"),
        (lambda said: said.update(follows={"export": "x"}), "依据"),
        (lambda said: said.pop("totals"), "读不懂"),
        (lambda said: said.pop("files"), "读不懂"),
    ],
)
def test_a_manifest_that_says_something_else_is_found(change: Any, words: str) -> None:
    files = _made()
    said = json.loads(files["manifest.json"])
    change(said)
    files["manifest.json"] = json.dumps(said).encode()
    told = faults(files)
    assert told
    assert words in "".join(told)
