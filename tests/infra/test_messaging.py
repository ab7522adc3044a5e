"""Queues, rules and mappings: no event is lost in silence."""

import json
from typing import Any

from infra.functions import QUEUED, SIZES
from tests.infra.recorder import Recorder, deployed
from yikatong.drains import VERBS


def feeding(stack: Recorder) -> dict[str, dict[str, Any]]:
    return {name: queue for name, queue in stack.aws_of("sqs", "Queue").items() if not name.endswith("-dead")}


def test_every_queue_has_a_dead_letter_queue_of_its_own(stack: Recorder) -> None:
    dead = {name for name in stack.aws_of("sqs", "Queue") if name.endswith("-dead")}
    assert feeding(stack).keys() == set(QUEUED)
    for name, queue in feeding(stack).items():
        redrive = json.loads(queue["redrivePolicy"])
        assert f"{name}-dead" in dead
        assert redrive["deadLetterTargetArn"].endswith(f"yikatong-test-{name}-dead")
        assert redrive["maxReceiveCount"] >= 5, "AWS advises at least five for event source mappings"
    assert dead == {f"{name}-dead" for name in (*QUEUED, "schedules")} == {f"{verb}-dead" for verb in VERBS}


def test_a_message_stays_hidden_longer_than_its_function_may_run(stack: Recorder) -> None:
    for name, queue in feeding(stack).items():
        assert queue["visibilityTimeoutSeconds"] >= SIZES[name].timeout_s


def test_the_local_cloud_may_be_less_patient() -> None:
    impatient = deployed(redelivery_s=5)
    assert {queue["visibilityTimeoutSeconds"] for queue in feeding(impatient).values()} == {5}


def test_every_queue_is_encrypted(stack: Recorder) -> None:
    assert all(queue["sqsManagedSseEnabled"] is True for queue in stack.aws_of("sqs", "Queue").values())


def test_one_bad_message_does_not_send_its_neighbours_round_again(stack: Recorder) -> None:
    mappings = stack.of("EventSourceMapping")
    assert mappings.keys() == set(QUEUED)
    assert all(mapping["functionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings.values())


def test_a_queue_takes_messages_from_its_own_rules_only(stack: Recorder) -> None:
    rules = stack.of("EventRule")
    sources: list[str] = []
    for policy in stack.of("QueuePolicy").values():
        (statement,) = json.loads(policy["policy"])["Statement"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        sources += statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert len(sources) == len(set(sources)) == len(rules)


def test_new_objects_wake_the_function_of_their_bucket(stack: Recorder) -> None:
    patterns = {name: json.loads(rule["eventPattern"]) for name, rule in stack.of("EventRule").items()}
    assert patterns["roster-dropped"]["detail"] == {"bucket": {"name": ["yikatong-test-roster-drop-123456789012"]}}
    assert patterns["cards-dropped"]["detail"] == {"bucket": {"name": ["yikatong-test-card-drop-123456789012"]}}
    departures = patterns["departures-dropped"]["detail"]
    assert departures == {"bucket": {"name": ["yikatong-test-departure-drop-123456789012"]}}
    # What we quarantine lies in the same bucket and must not wake us again.
    assert patterns["bank-answered"]["detail"]["object"] == {"key": [{"prefix": "inbound/"}]}


def test_an_order_and_a_dead_run_both_reach_start_run(stack: Recorder) -> None:
    targets = stack.of("EventTarget")
    queue = next(t["arn"] for name, t in targets.items() if name == "run-ordered")
    assert targets["payout-died"]["arn"] == queue
    assert queue.endswith("yikatong-test-start_run")
    rules = stack.of("EventRule")
    assert rules["run-ordered"]["eventBusName"] == "yikatong-test-bus"
    died = json.loads(rules["payout-died"]["eventPattern"])
    assert died["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert died["detail"]["stateMachineArn"][0].endswith("yikatong-test-payout")
