"""The example events are what the deployed rules, schedules and workflow would really deliver."""

import json
from typing import Any

import pytest

from infra.archives import REPOSITORY
from infra.functions import PAYOUT_STEPS, SIZES
from tests.infra.recorder import Recorder
from tests.workflows.rendered import rendered

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "events").glob("*.json")}


def in_queue(name: str) -> dict[str, Any]:
    """The EventBridge event inside an SQS message."""
    (record,) = EVENTS[name]["Records"]
    body: dict[str, Any] = json.loads(record["body"])
    return body


def matches(pattern: Any, event: Any) -> bool:
    """As much of EventBridge's pattern matching as our rules use: nested names, lists of values, prefixes."""
    if isinstance(pattern, dict):
        return all(name in event and matches(inner, event[name]) for name, inner in pattern.items())
    return any(event.startswith(one["prefix"]) if isinstance(one, dict) else event == one for one in pattern)


def as_deployed_in_the_tests(pattern: dict[str, Any]) -> dict[str, Any]:
    """The events come from the example stack `hlj`, the recorded deployment is called `test`; Pulumi names the rest."""
    text = json.dumps(pattern).replace("yikatong-test-", "yikatong-hlj-")
    text = text.replace(":sfn:", ":states:").replace("StateMachine/", "stateMachine:")
    renamed: dict[str, Any] = json.loads(text)
    return renamed


def test_there_is_an_event_for_every_function_and_no_other() -> None:
    assert {name.split(".")[0] for name in EVENTS} == SIZES.keys()


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        ("validate_roster", "roster-dropped"),
        ("import_cards", "cards-dropped"),
        ("import_departures", "departures-dropped"),
        ("publish_policy", "policy-dropped"),
        ("collect_policy_list", "policy-list-dropped"),
        ("rekey_records", "rekeying-ordered"),
        ("receive_receipt", "bank-answered"),
        ("start_run.ordered", "run-ordered"),
        ("start_run.died", "payout-died"),
    ],
)
def test_a_rule_lets_its_own_event_through_and_no_other(stack: Recorder, event: str, rule: str) -> None:
    patterns = {
        name: as_deployed_in_the_tests(json.loads(r["eventPattern"])) for name, r in stack.of("EventRule").items()
    }
    assert [name for name, pattern in patterns.items() if matches(pattern, in_queue(event))] == [rule]


def test_what_we_quarantine_does_not_wake_us_again(stack: Recorder) -> None:
    pattern = as_deployed_in_the_tests(json.loads(stack.of("EventRule")["bank-answered"]["eventPattern"]))
    event = in_queue("receive_receipt")
    event["detail"]["object"]["key"] = "quarantine/example-bank/pain002.xml"
    assert not matches(pattern, event)


def test_a_tick_is_a_deployed_schedules_input_with_its_time_filled_in(stack: Recorder) -> None:
    tick = EVENTS["start_run.tick"] | {"scheduled_at": "<aws.scheduler.scheduled-time>"}
    assert tick in [json.loads(inputs["target"]["input"]) for inputs in stack.of("Schedule").values()]


def test_a_batchs_steps_receive_the_keys_that_the_workflow_sends() -> None:
    states = json.loads(rendered())["States"]["PayBatches"]["ItemProcessor"]["States"]
    for verb in set(PAYOUT_STEPS) - {"take_up_rows", "open_run", "claim_payments", "close_run"}:
        parameters = states["".join(word.capitalize() for word in verb.split("_"))]["Parameters"]
        sent = {key.removesuffix(".$") for key in parameters.get("Payload", parameters)}
        assert EVENTS[verb].keys() == sent, verb


def test_a_dead_run_carries_the_order_it_was_started_with() -> None:
    died = in_queue("start_run.died")["detail"]
    assert json.loads(died["input"]) == EVENTS["open_run"]
    assert died["name"].startswith(EVENTS["open_run"]["run_id"])


def test_only_bureaus_sign() -> None:
    signers = {name: e["requestContext"]["identity"]["userArn"] for name, e in EVENTS.items() if "requestContext" in e}
    assert all((arn is not None) == name.startswith("bureau_api") for name, arn in signers.items())
    assert {name.split(".")[0] for name in signers} == {"bureau_api", "public_api"}
