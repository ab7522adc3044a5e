"""The payout workflow: valid by the ASL validator, and every way through it played on moto."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.archives import REPOSITORY
from infra.functions import PAYOUT_STEPS
from infra.workflow import render
from tests.workflows.rendered import rendered

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def validator() -> Path:
    """The pinned npm `asl-validator`, installed from its lock. Without Node it is said aloud, and fails in CI."""
    program = HERE / "node_modules" / ".bin" / "asl-validator"
    npm = shutil.which("npm")
    why = "Node is missing: the ASL files were NOT validated (install Node 18 or later)"
    if npm is not None and not program.exists():
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True, check=False
        )
        why = f"npm could not install asl-validator: the ASL files were NOT validated\n{done.stderr[-500:]}"
    if shutil.which("node") is None or not program.exists():
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(why)
        pytest.skip(why)
    return program


def validate(validator: Path, definition: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "payout.asl.json"
    path.write_text(definition, encoding="utf-8")
    return subprocess.run([validator, "--json-path", path], capture_output=True, text=True, check=False)


def test_the_workflow_is_valid(validator: Path, tmp_path: Path) -> None:
    done = validate(validator, rendered(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_validator_would_notice_a_missing_state(validator: Path, tmp_path: Path) -> None:
    broken = rendered().replace('"Next": "CloseRun"', '"Next": "NoSuchState"')
    assert validate(validator, broken, tmp_path).returncode != 0


def test_a_substitution_keeps_its_type_and_none_is_left_over() -> None:
    assert json.loads(render('{"a": "${N}", "b": "x-${N}"}', {"N": 3})) == {"a": 3, "b": "x-3"}
    with pytest.raises(KeyError):
        render('{"a": "${Missing}"}', {})
    with pytest.raises(ValueError, match="Unused"):
        render("{}", {"Unused": 1})


def test_every_step_is_a_state_named_after_its_function() -> None:
    definition = json.loads(rendered())
    states = definition["States"] | definition["States"]["PayBatches"]["ItemProcessor"]["States"]
    assert {"".join(word.capitalize() for word in verb.split("_")) for verb in PAYOUT_STEPS} <= states.keys()


def test_every_step_of_a_batch_is_retried_and_then_recorded() -> None:
    items = json.loads(rendered())["States"]["PayBatches"]["ItemProcessor"]["States"]
    steps = {name: state for name, state in items.items() if state["Type"] == "Task" and name != "RecordFailure"}
    assert len(steps) == len(PAYOUT_STEPS) - 4, "all but take up, open, claim and close"
    for name, state in steps.items():
        assert {"States.TaskFailed", "Lambda.TooManyRequestsException"} <= {
            e for r in state["Retry"] for e in r["ErrorEquals"]
        }
        assert all(0 < retry["MaxAttempts"] <= 6 for retry in state["Retry"])
        assert state["Catch"][-1] == {
            "ErrorEquals": ["States.ALL"],
            "ResultPath": "$.failure",
            "Next": "RecordFailure",
        }, name


@pytest.fixture(scope="module")
def played() -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.workflows.play_payout"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def way_of(played: dict[str, Any], story: str) -> list[str]:
    """The steps a batch went through, in order, with the number of each enquiry."""
    steps: list[str] = []
    for call in played["calls"]:
        if call["story"] == story:
            steps.append(call["verb"] if call["attempt"] is None else f"{call['verb']} {call['attempt']}")
    return steps


FIRST = ["reserve_funds", "instruct_bank", "await_receipts"]
LAST = ["settle_batch", "publish_records"]


@pytest.mark.parametrize(
    ("story", "steps"),
    [
        ("answered", [*FIRST, *LAST]),
        ("short", ["reserve_funds"]),
        ("withdrawn", ["reserve_funds", "instruct_bank"]),
        ("late", [*FIRST, "enquire_bank 1", "enquire_bank 2", *LAST]),
        ("silent", [*FIRST, "enquire_bank 1", "enquire_bank 2", "enquire_bank 3", *LAST]),
        ("flaky", [*FIRST, "settle_batch", *LAST]),
        ("crashing", ["reserve_funds", *["instruct_bank"] * 4]),
    ],
)
def test_a_batch_goes_its_way(played: dict[str, Any], story: str, steps: list[str]) -> None:
    assert way_of(played, story) == steps


def test_a_run_opens_claims_and_closes_once(played: dict[str, Any]) -> None:
    assert way_of(played, "sched") == ["take_up_rows", "open_run", "claim_payments", "close_run"]
    assert played["executions"]["sched"] == "SUCCEEDED", "one failed batch does not fail the others"


def test_a_run_without_batches_only_takes_up_opens_and_closes(played: dict[str, Any]) -> None:
    assert way_of(played, "empty") == ["take_up_rows", "open_run", "close_run"]
    assert played["executions"]["empty"] == "SUCCEEDED"


def test_a_run_that_cannot_open_or_does_not_balance_fails_loudly(played: dict[str, Any]) -> None:
    assert played["executions"]["unopened"] == "FAILED"
    assert played["executions"]["unbalanced"] == "FAILED"


def test_a_failed_batch_is_recorded_by_the_errors_name_and_never_its_words(played: dict[str, Any]) -> None:
    failures = {story: item["last_failure"]["M"] for story, item in played["control"].items() if "last_failure" in item}
    assert {story: failure["error"]["S"] for story, failure in failures.items() if story == "crashing"} == {
        "crashing": "RuntimeError"
    }
    assert failures.keys() == {"crashing"}
    assert "张三" not in str(failures)


def test_only_keys_travel_to_the_functions(played: dict[str, Any]) -> None:
    known = {"run_id", "code", "batch_id", "task_token", "attempt", "plan_year", "mode", "as_of", "cause", "opened"}
    assert {key for call in played["calls"] for key in call["keys"]} == known
