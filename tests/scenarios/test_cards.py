"""Card files through the local cloud: dropped in the bucket, taken by the function, one version after another."""

import json
from datetime import date
from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from tests.scenarios.people import People
from tests.unit.use_cases.test_import_cards import changes_csv, lost
from yikatong.aws.lake import S3Lake
from yikatong.registry import RegistryReader
from yikatong.roster.people import invent_people
from yikatong.roster.sample import cards_csv

pytestmark = pytest.mark.cloud

HOLDERS = tuple(invent_people(30, region="230102", seed=20221201, on=date(2022, 12, 1)))


def test_a_snapshot_and_two_days_of_changes_at_once_end_in_one_registry_and_three_reports(cloud: LocalCloud) -> None:
    """Dated after the crash points' snapshot, which it replaces, and before that of the other scenarios."""
    people = People(cloud)
    s3, buckets = cloud.client("s3"), cloud.resources["buckets"]

    def drop(key: str, data: bytes) -> None:
        s3.put_object(Bucket=buckets["card_drop"], Key=key, Body=data)

    def report(key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.load(s3.get_object(Bucket=buckets["reports"], Key=f"cards/{key}.json")["Body"])
        return found

    drop("replace/cards-20221201.csv", cards_csv(HOLDERS))
    cloud.settle()
    first = report("replace/cards-20221201.csv")
    assert (first["accepted"], first["rows"]) == (True, 30)
    drop("changes/20221203.csv", lost(HOLDERS[0]))
    drop("changes/20221202.csv", changes_csv(("变更", HOLDERS[0]), ("移除", HOLDERS[1])))
    cloud.settle()
    reports = [report(f"changes/2022120{day}.csv") for day in (2, 3)]
    assert [told["accepted"] for told in reports] == [True, True]
    versions = {told["registry_version"] for told in (first, *reports)}
    assert len(versions) == 3
    (current,) = (item["registry_version"] for item in people.table("control") if item["pk"] == "CARDS")
    lake = S3Lake(s3, buckets["lake"])
    ids = [holder.id_number for holder in HOLDERS]
    for version, states in ((first["registry_version"], ["normal", "normal"]), (current, ["lost", "none"])):
        rows = RegistryReader(lake, version).rows_for(ids)
        cards = dict(rows.select("id_number", "card_state").iter_rows())
        assert [cards[one] for one in ids[:2]] == states
