"""The operators' and the treasury's levers on the local cloud: pause and resume, drain, rule, recover."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from infra.local.bank.answers import Answer, receipt
from infra.local.cloud import LocalCloud
from infra.local.runtime import Fate
from infra.local.runtime_api import Outcome
from tests.scenarios.people import DAOLI, People, everybody, roster
from yikatong.roster.people import Person

pytestmark = pytest.mark.cloud

OPERATOR, TREASURER = "province-operator", "province-treasurer"
FIRST, SECOND, THIRD, FOURTH = (everybody()[n : n + 2] for n in (90, 92, 94, 96))


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    cloud.clock.jump(date(2023, 6, 1))
    at_work = People(cloud)
    at_work.send_cards(everybody())
    yield at_work
    at_work.script(reset=True)


def approved(people: People, who: tuple[Person, ...], name: str) -> str:
    return people.approved(roster(who, DAOLI, 2, "2023-06", seed=len(name)), DAOLI, 2, name)


def work(people: People, kind: str) -> list[str]:
    found = people.as_(OPERATOR, "GET", "/v1/work-items")["work"]
    return [each["about"] for each in found if each["kind"] == kind]


def events_of(people: People, audit_id: str) -> list[dict[str, Any]]:
    s3, bucket = people.cloud.client("s3"), people.cloud.resources["buckets"]["audit"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=f"audit/{audit_id}/").get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in sorted(keys)]


def test_a_paused_subsidy_pays_nobody_and_its_resumption_pays_everybody_once(people: People) -> None:
    pause = "/v1/subsidies/2023/2"
    people.as_(OPERATOR, "POST", f"{pause}/pause", {"reason": "银行系统升级"})
    batch_id = approved(people, FIRST, "paused.csv")
    run_id = people.order_run(2)
    people.cloud.settle()
    assert people.run_state(run_id) == ""
    assert people.batch(batch_id)["state"] == "APPROVED"
    people.as_(OPERATOR, "POST", f"{pause}/resume", {"reason": "升级完成"})
    people.cloud.settle(90)
    assert people.batch(batch_id)["state"] == "PUBLISHED"
    people.assert_paid_once(FIRST)
    who = [event["who"] for event in events_of(people, "pause.urban-minimum-living")]
    assert who == [f"principal:{OPERATOR}", "function:start_run", f"principal:{OPERATOR}"]


def test_a_tick_that_could_not_be_delivered_is_drained_and_pays(people: People) -> None:
    batch_id = approved(people, SECOND, "dead-tick.csv")
    tick = {"plan_year": 2023, "code": "urban-minimum-living", "mode": "formal", "cadence": "once", "cause": "late1"}
    tick["scheduled_at"] = "2023-06-01T01:00:00Z"
    queue = people.cloud.resources["dead_letter_queues"]["schedules"]
    people.cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(tick))
    assert work(people, "dead_letters") == ["schedules"]
    order = {"reason": "权限已修复", "most": 10}
    assert people.as_(OPERATOR, "POST", "/v1/queues/schedules/drain", order)["moved"] == 1
    people.cloud.settle(90)
    assert people.batch(batch_id)["state"] == "PUBLISHED"
    people.assert_paid_once(SECOND)
    assert work(people, "dead_letters") == []
    assert [event["changes"].get("moved") for event in events_of(people, "queue.schedules")] == [None, 1]


class KillsClaims:
    """Kills the claiming workers of so many invocations: of one execution, with its retries, all there are."""

    def __init__(self, times: int) -> None:
        self.left = times

    def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:  # noqa: ARG002 - the watcher's
        if "claim" not in function_name or self.left == 0:
            return Fate()
        self.left -= 1
        return Fate("call1-before")

    def ended(self, function_name: str, invocation: str, outcome: Outcome) -> None:
        """Nothing to do."""


def test_a_run_whose_execution_dies_is_started_again_by_the_news_of_it_and_pays_once(people: People) -> None:
    batch_id = approved(people, FOURTH, "dies.csv")
    people.cloud.watch(KillsClaims(4))
    try:
        run_id = people.order_run(2)
        people.cloud.settle(90)
    finally:
        people.cloud.watch(None)
    ended = {each["name"]: each["status"] for each in people.executions() if each["name"].startswith(run_id)}
    assert ended == {f"{run_id}-1": "FAILED", f"{run_id}-2": "SUCCEEDED"}
    assert people.batch(batch_id)["state"] == "PUBLISHED"
    people.assert_paid_once(FOURTH)
    assert work(people, "broken_off") == []


def test_a_contradicted_payment_is_frozen_ruled_on_and_what_was_paid_wrongly_recovered(people: People) -> None:
    batch_id = approved(people, THIRD, "contradicted.csv")
    people.order_run(2)
    people.cloud.settle(90)
    payment, entry = next(
        (key, entry) for key, entry in people.book["payments"].items() if entry["account"] == THIRD[0].account
    )
    (item,) = [each for each in people.table("control") if each.get("batch_id") == batch_id and "instruction" in each]
    (message,) = item["instruction"]["messages"]
    denied = receipt(
        "late", "2023-06-01", message, [Answer(payment, entry["amount_fen"], "RJCT", "AC04", "2023-06-01")]
    )
    people.cloud.client("s3").put_object(
        Bucket=people.cloud.resources["buckets"]["bank_exchange"],
        Key=f"inbound/{item['instruction']['bank_id']}/late.xml",
        Body=denied,
    )
    people.cloud.settle()
    assert work(people, "frozen") == [batch_id]
    where = f"/v1/batches/{batch_id}/payments/{payment}"
    people.as_(TREASURER, "POST", f"{where}/ruling", {"ruled": "settled", "reason": "对账单已入账"})
    assert work(people, "frozen") == []
    assert people.batch(batch_id)["line"]["settled"]["count"] == 2
    body = {"amount_fen": 100, "on": "2023-06-01", "reference": "V1", "reason": "多发"}
    assert people.as_(TREASURER, "POST", f"{where}/recoveries", body)["recovered"] == {"count": 1, "fen": 100}
    assert people.as_(TREASURER, "POST", f"{where}/recoveries", body)["recovered"] == {"count": 1, "fen": 100}
    who = [event["who"] for event in events_of(people, batch_id)]
    assert who[-1] == f"principal:{TREASURER}"
