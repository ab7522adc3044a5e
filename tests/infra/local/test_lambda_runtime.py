"""Functions run in real runtime clients, with what AWS would give them and nothing else."""

import json
import threading
import time
from pathlib import Path

import pytest

from infra.local.runtime import Fate
from infra.local.runtime_api import Outcome
from tests.infra.local.bench import FUNCTIONS, PROBE_TIMEOUT_S
from tests.infra.local.conftest import Bench

pytestmark = pytest.mark.cloud


def test_a_warm_worker_answers_the_next_event(bench: Bench) -> None:
    first, _ = bench.invoke(do="echo", say="你好")
    second, _ = bench.invoke(do="echo", say="again")
    assert first["said"] == "你好"
    assert first["pid"] == second["pid"]


def test_a_function_sees_its_own_variables_package_and_role_only(bench: Bench) -> None:
    answer, _ = bench.invoke(do="look")
    environment = answer["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["AWS_REGION"] == "cn-north-1"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SESSION_TOKEN"]
    assert answer["arn"].startswith("arn:aws-cn:lambda:cn-north-1:")
    assert 0 < answer["remaining_ms"] <= PROBE_TIMEOUT_S * 1000
    repository = FUNCTIONS.parents[3]
    assert str(repository) not in answer["path"]
    assert str(FUNCTIONS / "probe") in answer["path"]


def test_the_repository_cannot_be_imported_from_a_function(bench: Bench) -> None:
    answer, error = bench.invoke(do="import", module="infra")
    assert error == "Unhandled"
    assert answer["errorType"] == "ModuleNotFoundError"


def test_an_unhandled_exception_reaches_the_caller_with_its_type(bench: Bench) -> None:
    answer, error = bench.invoke(do="raise")
    assert (error, answer["errorType"], answer["errorMessage"]) == ("Unhandled", "LookupError", "nobody is there")


def test_a_function_that_outlives_its_timeout_is_killed_and_the_next_event_gets_a_new_worker(bench: Bench) -> None:
    before, _ = bench.invoke(do="echo", say="")
    answer, error = bench.invoke(do="sleep", seconds=60)
    assert error == "Unhandled"
    assert answer["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 2.00 seconds" in answer["errorMessage"]
    after, _ = bench.invoke(do="echo", say="")
    assert after["pid"] != before["pid"]


def test_a_killed_worker_is_an_error_and_a_retry_gets_a_new_worker(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "begun"

    def kill_when_begun() -> None:
        while not mark.exists():
            time.sleep(0.01)
        assert bench.cloud.kill_worker(bench.resources["probe"])

    killer = threading.Thread(target=kill_when_begun)
    killer.start()
    answer, error = bench.invoke(do="sleep", seconds=1.5, once=str(mark))
    killer.join()
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError"
    again, error = bench.invoke(do="sleep", seconds=1.5, once=str(mark))
    assert error is None
    assert again["pid"] != int(mark.read_text())


def test_every_aws_call_of_a_function_is_written_down(bench: Bench) -> None:
    bench.invoke(do="put", bucket=bench.resources["outbox"], key="recorded", body="x")
    calls = [json.loads(line) for line in bench.cloud.calls_file.read_text().splitlines()]
    resources = {"Bucket": "bench-out", "Key": "recorded"}
    (call,) = [line for line in calls if line["resources"] == resources]
    assert (call["function"], call["service"], call["operation"]) == ("bench-probe", "s3", "PutObject")
    assert call["call"] == "call1"
    assert call["invocation"]


class Fateful:
    """Tells every invocation the same fate, and remembers what came of them."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.failed: list[bool] = []

    def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:
        assert (function_name, json.loads(payload)["do"], len(invocation)) == ("bench-probe", "put", 35)
        return self.fate

    def ended(self, function_name: str, invocation: str, outcome: Outcome) -> None:  # noqa: ARG002 - the watcher's
        self.failed.append(outcome.failed)


@pytest.mark.parametrize(
    ("kill", "left"), [("call1-before", []), ("call1-after", ["fate"]), ("call2-before", ["fate"])]
)
def test_a_worker_can_be_killed_before_a_call_leaves_and_after_its_answer_came(
    bench: Bench, kill: str, left: list[str]
) -> None:
    key = f"fate-{kill}"
    watcher = Fateful(Fate(kill))
    bench.cloud.watch(watcher)
    try:
        answer, error = bench.invoke(do="put", bucket=bench.resources["outbox"], key=key, body="x")
    finally:
        bench.cloud.watch(None)
    assert bench.keys(key) == [key for _ in left]
    killed = kill.startswith("call1")
    assert watcher.failed == [killed]
    if killed:
        assert (error, answer["errorMessage"]) == ("Unhandled", "Runtime exited with error: signal: SIGKILL")


def test_a_new_worker_can_be_had_although_a_warm_one_waits(bench: Bench) -> None:
    first, _ = bench.invoke(do="echo", say="")

    class Cold(Fateful):
        def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:  # noqa: ARG002 - the watcher's
            return self.fate

    bench.cloud.watch(Cold(Fate(cold=True)))
    try:
        second, _ = bench.invoke(do="echo", say="")
    finally:
        bench.cloud.watch(None)
    assert second["pid"] != first["pid"]


def test_an_asynchronous_event_does_not_keep_the_caller_waiting(bench: Bench) -> None:
    event = {"do": "put", "bucket": bench.resources["outbox"], "key": "later", "body": "x"}
    answer = bench.cloud.client("lambda").invoke(
        FunctionName=bench.resources["probe"], InvocationType="Event", Payload=json.dumps(event)
    )
    assert answer["StatusCode"] == 202
    bench.cloud.settle(20)
    assert bench.keys("later") == ["later"]


def test_an_asynchronous_event_that_keeps_failing_is_tried_three_times_and_then_a_dead_letter(bench: Bench) -> None:
    class Counting:
        failed = 0

        def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:  # noqa: ARG002 - the watcher's
            return Fate()

        def ended(self, function_name: str, invocation: str, outcome: Outcome) -> None:  # noqa: ARG002 - the watcher's
            self.failed += outcome.failed

    watcher = Counting()
    bench.cloud.watch(watcher)
    try:
        bench.cloud.client("lambda").invoke(
            FunctionName=bench.resources["probe"], InvocationType="Event", Payload=json.dumps({"do": "raise"})
        )
        bench.cloud.settle(20)
    finally:
        bench.cloud.watch(None)
    assert watcher.failed == 3
    (lost,) = bench.cloud.client("sqs").receive_message(QueueUrl=bench.resources["lost"])["Messages"]
    assert json.loads(lost["Body"]) == {"do": "raise"}
