"""The same people again, as bureaus send them: re-encoded, in another order, under other names, and late; paid once."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from cli import api
from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, People, everybody, roster

pytestmark = pytest.mark.cloud

SIX, DEAD = everybody()[60:66], everybody()[66]


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    cloud.clock.jump(date(2023, 6, 13))
    at_work = People(cloud)
    at_work.send_cards(everybody())
    yield at_work
    at_work.script(reset=True)


def again(data: bytes, encoding: str, *, backwards: bool = False) -> bytes:
    header, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *(rows[::-1] if backwards else rows)])
    return text.getvalue().encode(encoding)


def sent(people: People, data: bytes, name: str) -> dict[str, Any]:
    """Uploaded and judged: the batch of exactly this content."""
    key = people.upload(data, DAOLI, 2, name)
    people.cloud.settle()
    found = people.as_("harbin-clerk", "GET", "/v1/batches", region=DAOLI)["batches"]
    return next(dict(batch) for batch in found if batch["object_key"] == key)


def report(people: People, batch: dict[str, Any]) -> str:
    """The findings as the bureau gets them, by the batch's own link."""
    shown = people.as_("harbin-clerk", "GET", f"/v1/batches/{batch['batch_id']}")
    assert api.get_file(shown["report"]["url"]).startswith(b"PK")
    s3 = people.cloud.client("s3")
    where = {"Bucket": people.cloud.resources["buckets"]["reports"], "Key": f"{batch['batch_id']}/findings.json"}
    return json.dumps(json.load(s3.get_object(**where)["Body"]), ensure_ascii=False)


def test_a_roster_sent_again_in_every_way_pays_everybody_once(people: People) -> None:
    data = roster(SIX, DAOLI, 2, "2023-06")
    first = sent(people, data, "replay.csv")
    # Nobody is paid yet: the copies are taken, told, and approved as if nobody had read what was told.
    copies = [
        sent(people, again(data, "gb18030"), "replay-gb18030.csv"),
        sent(people, again(data, "utf-16", backwards=True), "replay-backwards.csv"),
        sent(people, data, "replay-renamed.csv"),
    ]
    for copy in copies:
        assert copy["payable"] == first["payable"]
        assert "rows_known" in report(people, copy)
        assert first["batch_id"] in report(people, copy)
    for batch in (first, *copies):
        people.approve(batch)
    people.order_run(2)
    people.cloud.settle(90)
    people.assert_paid_once(SIX)
    lines = [people.batch(batch["batch_id"])["line"] for batch in (first, *copies)]
    assert sorted(line["settled"]["count"] for line in lines) == [0, 0, 0, 6]
    assert sum(line["not_sent"]["count"] for line in lines) == 18
    # Once they are paid, whoever sends them again is told row by row.
    late = sent(people, again(data, "utf-8-sig", backwards=True), "replay-late.csv")
    assert (late["state"], late["payable"]["count"], late["excluded"]["count"]) == ("VALIDATED", 0, 6)
    assert "already_claimed" in report(people, late)
    assert people.book["duplicates"] == []


def test_the_paid_roster_written_anew_under_its_own_name_is_refused_with_the_reason(people: People) -> None:
    data = again(roster(SIX, DAOLI, 2, "2023-06"), "gb18030", backwards=True)
    copies = ("replay.csv", "replay-gb18030.csv", "replay-backwards.csv", "replay-renamed.csv")
    states = {name: sent(people, data, name)["refusal"] for name in copies}
    assert all("不能再更正" in refusal for refusal in states.values())
    people.assert_paid_once(SIX)


def test_who_is_on_a_list_of_the_deceased_is_not_paid(people: People) -> None:
    body = {"region": DAOLI, "kind": "deceased", "file_name": "去世.csv"}
    grant = people.as_("harbin-clerk", "POST", "/v1/departures", body)
    listing = f"姓名,身份证号,日期\n{DEAD.name},{DEAD.id_number},2023-03-05\n"
    api.put_file(grant["url"], grant["headers"], listing.encode("gb18030"))
    people.cloud.settle()
    outcome = people.as_("harbin-clerk", "GET", "/v1/departures", key=grant["key"])
    assert (outcome["accepted"], outcome["rows"]) == (True, 1)
    batch = sent(people, roster([*everybody()[67:79], DEAD], DAOLI, 2, "2023-06", seed=9), "with-the-dead.csv")
    assert batch["excluded"]["count"] == 1
    assert "deceased_before_slot" in report(people, batch)
    people.approve(batch)
    people.order_run(2)
    people.cloud.settle(90)
    assert people.credited([DEAD]) == {DEAD.account: 0}
    people.assert_paid_once(everybody()[67:79])
