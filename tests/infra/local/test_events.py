"""S3 → EventBridge → SQS → Lambda, at least once, with a dead-letter queue at the end of patience."""

import pytest

from tests.infra.local.bench import MAX_RECEIVES
from tests.infra.local.conftest import Bench

pytestmark = pytest.mark.cloud


def _put(bench: Bench, key: str) -> None:
    bench.cloud.client("s3").put_object(Bucket=bench.resources["inbox"], Key=key, Body=b"x")


def _receives(bench: Bench, key: str) -> int:
    found = bench.cloud.client("s3").get_object(Bucket=bench.resources["outbox"], Key=f"seen/{key}")
    return int(found["Body"].read().split()[0])


def test_an_uploaded_object_reaches_the_function(bench: Bench) -> None:
    _put(bench, "2023/一.csv")
    bench.cloud.settle(20)
    assert _receives(bench, "2023/一.csv") == 1


def test_only_the_failed_message_of_a_batch_comes_again(bench: Bench) -> None:
    for key in ("flaky/a", "steady/b", "steady/c"):
        _put(bench, key)
    bench.cloud.settle(20)
    assert [_receives(bench, key) for key in ("flaky/a", "steady/b", "steady/c")] == [2, 1, 1]


def test_two_versions_of_an_object_are_told_apart_by_a_rising_sequencer(bench: Bench) -> None:
    s3 = bench.cloud.client("s3")
    sequencers = []
    for _ in range(2):
        _put(bench, "same")
        bench.cloud.settle(20)
        sequencers.append(s3.get_object(Bucket=bench.resources["outbox"], Key="seen/same")["Body"].read().split()[1])
    assert sequencers[0] < sequencers[1]


def test_a_message_nobody_can_handle_ends_in_the_dead_letter_queue(bench: Bench) -> None:
    _put(bench, "poison/a")
    bench.cloud.settle(20)
    sqs = bench.cloud.client("sqs")
    dead = sqs.receive_message(QueueUrl=bench.resources["dead"], MessageSystemAttributeNames=["All"])["Messages"]
    assert ["poison/a" in message["Body"] for message in dead] == [True]
    assert int(dead[0]["Attributes"]["ApproximateReceiveCount"]) >= MAX_RECEIVES
