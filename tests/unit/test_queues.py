"""Dead-letter queues on SQS: what is drained goes back whole, and is deleted only after that."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from yikatong.aws.queues import SCHEDULED_TIME, SqsQueues


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with mock_aws():
        yield boto3.client("sqs", region_name="cn-north-1")


@pytest.fixture
def queues(sqs: Any) -> SqsQueues:
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("work-dead", "work", "schedules-dead")}
    return SqsQueues(
        sqs, {"work": (urls["work-dead"], urls["work"]), "schedules": (urls["schedules-dead"], urls["work"])}
    )


def url(sqs: Any, name: str) -> str:
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def bodies(sqs: Any, name: str) -> list[str]:
    found = []
    while messages := sqs.receive_message(QueueUrl=url(sqs, name), MaxNumberOfMessages=10).get("Messages", []):
        found += [message["Body"] for message in messages]
    return sorted(found)


def test_at_most_so_many_are_moved_and_the_rest_stays(sqs: Any, queues: SqsQueues) -> None:
    for n in range(15):
        sqs.send_message(QueueUrl=url(sqs, "work-dead"), MessageBody=f"{n:02d}")
    assert (queues.verbs, queues.dead("work")) == (["schedules", "work"], 15)
    assert queues.drain("work", 12) == 12
    assert (queues.dead("work"), len(bodies(sqs, "work"))) == (3, 12)
    assert queues.drain("work", 12) == 3
    assert queues.drain("work", 12) == 0


@pytest.mark.parametrize("dies_at", ["send_message", "delete_message"])
def test_a_message_is_never_lost_though_it_may_be_doubled(
    sqs: Any, queues: SqsQueues, monkeypatch: pytest.MonkeyPatch, dies_at: str
) -> None:
    sqs.send_message(QueueUrl=url(sqs, "work-dead"), MessageBody="x")

    def die(**_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(sqs, dies_at, die)
        with pytest.raises(ConnectionError):
            queues.drain("work", 10)
    assert queues.dead("work") == 1, "hidden for a minute, and counted all the same"
    assert bodies(sqs, "work") == (["x"] if dies_at == "delete_message" else [])


def test_a_dead_tick_keeps_the_time_it_was_due(sqs: Any, queues: SqsQueues) -> None:
    tick = json.dumps({"code": "a", "scheduled_at": SCHEDULED_TIME})
    due = {"SCHEDULED_TIME": {"DataType": "String", "StringValue": "2023-06-12T01:00:00Z"}}
    sqs.send_message(QueueUrl=url(sqs, "schedules-dead"), MessageBody=tick, MessageAttributes=due)
    assert queues.drain("schedules", 10) == 1
    assert [json.loads(body)["scheduled_at"] for body in bodies(sqs, "work")] == ["2023-06-12T01:00:00Z"]
