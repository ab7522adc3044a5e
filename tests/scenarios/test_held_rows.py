"""A card is lost on payday and mended later, on the local cloud: the row is paid by itself, under the same approval."""

from collections.abc import Iterator
from datetime import date

import pytest

from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, People, everybody, roster
from tests.unit.use_cases.desk import changes_csv
from yikatong.cards import CardState
from yikatong.roster.people import invent_people

pytestmark = pytest.mark.cloud

HOLDERS = tuple(invent_people(3, region=DAOLI, seed=20230601, on=date(2023, 1, 1)))


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    cloud.clock.jump(date(2023, 6, 1))
    at_work = People(cloud)
    at_work.send_cards(everybody())
    yield at_work
    at_work.script(reset=True)


def send_changes(people: People, name: str, data: bytes) -> None:
    bucket = people.cloud.resources["buckets"]["card_drop"]
    people.cloud.client("s3").put_object(Bucket=bucket, Key=f"changes/{name}", Body=data)
    people.cloud.settle(90)


def test_a_held_row_is_paid_when_the_card_is_mended_and_nobody_presses_anything(people: People) -> None:
    lost = HOLDERS[2].with_card(CardState.LOST)
    send_changes(people, "20230601-31.csv", changes_csv(*(("新增", one) for one in (*HOLDERS[:2], lost))))
    batch_id = people.approved(roster(HOLDERS, DAOLI, 2, "2023-06", seed=61), DAOLI, 2, "held.csv")
    people.order_run(2)
    people.cloud.settle(90)
    parent = people.batch(batch_id)
    assert (parent["state"], parent["line"]["held"]["count"], parent["children"]) == ("PUBLISHED", 1, [])
    assert list(people.credited(HOLDERS).values()) == [1, 1, 0]

    send_changes(people, "20230601-32.csv", changes_csv(("变更", HOLDERS[2])))

    parent = people.batch(batch_id)
    (child_id,) = parent["children"]
    child = people.batch(child_id)
    assert (child["state"], child["parent"]) == ("PUBLISHED", batch_id)
    assert child["line"]["settled"] == parent["passed_on"] == parent["line"]["held"]
    assert child["approval"]["approver"] == parent["approval"]["approver"]
    assert people.run(child["run_id"])["state"] == "CLOSED"
    assert list(people.credited(HOLDERS).values()) == [1, 1, 1]
    assert {record["state"] for record in people.query(HOLDERS[2])} == {"SETTLED"}
