"""Schedules are read off the plan, and nothing is deployed that the register does not know."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.archives import CORE_LAYER
from infra.stack import deploy
from tests.infra.recorder import PARTITION, REGION, Recorder, record, settings
from yikatong.errors import Refusal
from yikatong.plan import PlanBook, Settings, derive_schedules
from yikatong.plan.settings import SETTINGS_PATH

DERIVED = {schedule.name: schedule for schedule in derive_schedules(PlanBook.committed(), Settings.committed())}


DAILY = {"anchor_books", "publish_disclosure", "export_portal"}


def of_the_plan(stack: Recorder) -> dict[str, dict[str, Any]]:
    return {name: inputs for name, inputs in stack.of("Schedule").items() if name not in DAILY}


def test_the_books_are_anchored_every_night_whatever_the_plan_says(stack: Recorder) -> None:
    daily = stack.of("Schedule")["anchor_books"]
    assert daily["scheduleExpression"] == "cron(0 1 * * ? *)"
    assert daily["scheduleExpressionTimezone"] == "Asia/Shanghai"
    assert daily["state"] == "ENABLED"
    assert json.loads(daily["target"]["input"]) == {"scheduled_at": "<aws.scheduler.scheduled-time>"}
    assert daily["target"]["deadLetterConfig"]["arn"].endswith("yikatong-test-schedules-dead")
    allowed = {(s["Action"][0], resource) for s in stack.policies()["anchor_books-daily"] for resource in s["Resource"]}
    assert {action for action, _ in allowed} == {"lambda:InvokeFunction", "sqs:SendMessage"}
    assert daily["target"]["arn"] in {resource for _, resource in allowed}


def test_the_disclosure_is_published_every_night_and_exported_when_that_is_done(stack: Recorder) -> None:
    daily = {verb: stack.of("Schedule")[verb] for verb in ("publish_disclosure", "export_portal")}
    assert {verb: schedule["scheduleExpression"] for verb, schedule in daily.items()} == {
        "publish_disclosure": "cron(0 2 * * ? *)",
        "export_portal": "cron(0 3 * * ? *)",
    }
    for verb, schedule in daily.items():
        assert schedule["state"] == "ENABLED"
        assert schedule["target"]["arn"].endswith(f"-{verb}")


def test_the_schedules_are_exactly_those_derived_from_the_plan(stack: Recorder) -> None:
    deployed = {
        name: (inputs["scheduleExpression"], inputs["scheduleExpressionTimezone"])
        for name, inputs in of_the_plan(stack).items()
    }
    assert deployed == {name: (s.expression, s.timezone) for name, s in DERIVED.items()}


def test_a_schedule_hands_start_run_its_own_time(stack: Recorder) -> None:
    for name, inputs in of_the_plan(stack).items():
        schedule = DERIVED[name]
        assert json.loads(inputs["target"]["input"]) == {
            "plan_year": 2023,
            "code": schedule.code,
            "mode": schedule.mode.value,
            "cadence": schedule.cadence,
            "scheduled_at": "<aws.scheduler.scheduled-time>",
        }
        assert inputs["target"]["arn"].endswith("yikatong-test-start_run")
        assert inputs["target"]["deadLetterConfig"]["arn"].endswith("yikatong-test-schedules-dead")
        assert inputs["flexibleTimeWindow"] == {"mode": "OFF"}
        assert not inputs.keys() & {"startDate", "endDate"}, "AWS refuses a start date in the past"


def states(**changes: object) -> set[str]:
    stack = record(lambda: deploy(settings(**changes)))
    return {inputs["state"] for inputs in of_the_plan(stack).values()}


def test_a_plan_whose_year_is_over_is_deployed_disabled() -> None:
    assert states(today=date(2023, 12, 31)) == {"ENABLED"}
    assert states(today=date(2024, 1, 1)) == {"DISABLED"}
    assert states(today=date(2024, 1, 1), enable_past_plans=True) == {"ENABLED"}


def test_the_scheduler_may_wake_start_run_and_nothing_else(stack: Recorder) -> None:
    allowed = {(s["Action"][0], resource) for s in stack.policies()["schedules"] for resource in s["Resource"]}
    start_run = f"arn:{PARTITION}:lambda:{REGION}:123456789012:function:yikatong-test-start_run"
    assert ("lambda:InvokeFunction", start_run) in allowed
    assert {action for action, _ in allowed} == {"lambda:InvokeFunction", "sqs:SendMessage"}


def test_a_plan_with_an_unregistered_subsidy_does_not_deploy(tmp_path: Path) -> None:
    (committed,) = CORE_LAYER.rglob("heilongjiang-2023.csv")
    plan = tmp_path / "plan.csv"
    text = committed.read_text(encoding="utf-8")
    assert "临时救助" in text
    plan.write_text(text.replace("临时救助", "从未登记的补贴"), encoding="utf-8")
    recorder = Recorder()
    with pytest.raises(Refusal, match="从未登记的补贴"):
        record(lambda: deploy(settings(plans=(plan,))), recorder)
    assert not [resource for resource in recorder.resources if resource.type.startswith("aws:")]


def test_settings_for_a_code_nobody_holds_do_not_deploy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mistyped = tmp_path / "settings.toml"
    text = SETTINGS_PATH.read_text(encoding="utf-8")
    mistyped.write_text(text.replace("[subsidy.corn-producer]", "[subsidy.corn-producers]"), encoding="utf-8")
    monkeypatch.setattr("yikatong.plan.settings.SETTINGS_PATH", mistyped)
    recorder = Recorder()
    with pytest.raises(Refusal, match="corn-producers"):
        record(lambda: deploy(settings()), recorder)
    assert not [resource for resource in recorder.resources if resource.type.startswith("aws:")]
