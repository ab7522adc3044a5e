"""What wakes somebody: every dead-letter queue, every number that should be zero, and a run that does not balance."""

import ast
from pathlib import Path

from infra.alarms import COUNTED
from tests.infra.recorder import Recorder

ROOT = Path(__file__).parents[2]


def test_every_dead_letter_queue_has_an_alarm_on_its_name(stack: Recorder) -> None:
    dead = {queue["name"] for name, queue in stack.aws_of("sqs", "Queue").items() if name.endswith("-dead")}
    watched = {
        alarm["dimensions"]["QueueName"]: alarm
        for alarm in stack.of("MetricAlarm").values()
        if alarm["namespace"] == "AWS/SQS"
    }
    assert watched.keys() == dead
    for alarm in watched.values():
        assert (alarm["metricName"], alarm["threshold"]) == ("ApproximateNumberOfMessagesVisible", 1)


def test_every_alarm_tells_the_one_topic_and_silence_is_no_alarm(stack: Recorder) -> None:
    (topic,) = stack.of("Topic").values()
    assert topic["name"] == "yikatong-test-alarms"
    for alarm in stack.of("MetricAlarm").values():
        assert [action.rsplit("/", 1)[1] for action in alarm["alarmActions"]] == ["yikatong-test-alarms"]
        assert alarm["treatMissingData"] == "notBreaching"
        assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"


def test_a_number_has_an_alarm_exactly_when_code_counts_it(stack: Recorder) -> None:
    ours = [alarm for alarm in stack.of("MetricAlarm").values() if alarm["namespace"] == "yikatong"]
    assert {alarm["metricName"] for alarm in ours} == set(COUNTED) == counted()
    assert all(alarm["dimensions"] == {"service": "payout"} for alarm in ours)


def test_a_run_that_does_not_balance_or_dies_is_heard(stack: Recorder) -> None:
    alarms = stack.of("MetricAlarm").values()
    assert {"FunctionName": "yikatong-test-close_run"} in [alarm["dimensions"] for alarm in alarms]
    assert {"ExecutionsFailed", "ExecutionsTimedOut"} <= {alarm["metricName"] for alarm in alarms}


def counted() -> set[str]:
    """The first argument of every call of `count` in the functions and use cases."""
    files = [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/core/python/yikatong/use_cases").glob("*.py")]
    calls = [
        node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    return {
        call.args[0].value
        for call in calls
        if (isinstance(call.func, ast.Name) and call.func.id == "count")
        or (isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "reach.count")
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }
