"""Step Functions on real workers: a Distributed Map over a manifest in S3, retries, catches, a task that waits for
its token."""

import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.infra.local.conftest import Bench

pytestmark = pytest.mark.cloud


def _run(bench: Bench, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Start an execution over these items, answer its token once it waits, and return its output."""
    s3, machines = bench.cloud.client("s3"), bench.cloud.client("stepfunctions")
    out = bench.resources["outbox"]
    s3.delete_object(Bucket=out, Key="token")
    s3.put_object(Bucket=out, Key="manifest.json", Body=json.dumps(items))
    execution = machines.start_execution(
        stateMachineArn=bench.resources["machine"],
        name=uuid.uuid4().hex,
        input=json.dumps({"bucket": out, "key": "manifest.json", "out": out}),
    )["executionArn"]
    deadline = time.monotonic() + 40
    while not bench.keys("token"):
        assert time.monotonic() < deadline, machines.describe_execution(executionArn=execution)
        time.sleep(0.05)
    token = s3.get_object(Bucket=out, Key="token")["Body"].read().decode()
    machines.send_task_success(taskToken=token, output='{"from": "outside"}')
    bench.cloud.settle(20)
    described = machines.describe_execution(executionArn=execution)
    assert described["status"] == "SUCCEEDED", described
    output: dict[str, Any] = json.loads(described["output"])
    return output


def test_a_distributed_map_runs_every_item_of_a_manifest_and_then_waits_for_a_token(bench: Bench) -> None:
    output = _run(bench, [{"do": "echo", "say": number} for number in range(12)])
    assert [item["answer"]["said"] for item in output["items"]] == list(range(12))
    assert output["told"] == {"from": "outside"}


def test_an_error_is_caught_by_its_type_with_the_functions_own_words(bench: Bench) -> None:
    [item] = _run(bench, [{"do": "raise"}])["items"]
    assert item["caught"]["Error"] == "LookupError"
    assert json.loads(item["caught"]["Cause"])["errorMessage"] == "nobody is there"


def test_a_worker_killed_in_the_middle_of_an_item_is_retried_by_the_workflow(bench: Bench, tmp_path: Path) -> None:
    mark = tmp_path / "begun"

    def kill_when_begun() -> None:
        # Written, not merely created: the file is there, empty, before its one line is.
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.01)
        bench.cloud.kill_worker(bench.resources["probe"])

    killer = threading.Thread(target=kill_when_begun)
    killer.start()
    [item] = _run(bench, [{"do": "sleep", "seconds": 1.5, "once": str(mark)}])["items"]
    killer.join()
    assert item["answer"]["slept"] is False, "the retry found the first attempt's mark"
    assert item["answer"]["pid"] != int(mark.read_text())
