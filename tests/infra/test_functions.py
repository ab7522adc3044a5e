"""Functions: one role each, and not a permission more than its row in the table."""

import subprocess
import sys
from typing import Any

import pytest

from infra.archives import REPOSITORY
from infra.functions import PAYOUT_STEPS, SIZES
from infra.grants import WITHOUT_RESOURCE_LEVEL, Statement
from infra.messaging import MAX_RECEIVES
from tests.infra.recorder import Recorder
from yikatong.roster.reading import MAX_FILE_BYTES


def functions(stack: Recorder) -> dict[str, dict[str, Any]]:
    return stack.aws_of("lambda", "Function")


def granted(stack: Recorder, verb: str) -> set[tuple[str, str]]:
    return {
        (action, resource)
        for statement in stack.policies()[verb]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }


def test_the_functions_are_those_of_the_architecture(stack: Recorder) -> None:
    assert functions(stack).keys() == SIZES.keys()


def test_every_function_has_a_role_of_its_own(stack: Recorder) -> None:
    roles = [function["role"] for function in functions(stack).values()]
    assert len(set(roles)) == len(SIZES)
    attached = [inputs["role"] for inputs in stack.of("RolePolicy").values()]
    assert len(set(attached)) == len(attached), "two policies share a role"


def test_no_action_is_a_wildcard(stack: Recorder) -> None:
    for statements in stack.policies().values():
        for statement in statements:
            assert statement["Effect"] == "Allow"
            assert not [action for action in statement["Action"] if "*" in action]


def test_a_wildcard_action_cannot_even_be_written() -> None:
    with pytest.raises(AssertionError, match="wildcard"):
        Statement(("s3:*",), ("arn",))


def test_every_permission_names_its_resource_unless_aws_offers_none(stack: Recorder) -> None:
    everywhere = {
        action
        for statements in stack.policies().values()
        for statement in statements
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }
    assert everywhere <= WITHOUT_RESOURCE_LEVEL
    assert everywhere == WITHOUT_RESOURCE_LEVEL, "the list of exceptions holds more than is used"


def test_no_function_may_delete_anything_but_messages_remembered_replies_and_what_is_no_longer_public(
    stack: Recorder,
) -> None:
    deletions = {
        (verb, action, resource.rsplit("/", 1)[-1])
        for verb in SIZES
        for action, resource in granted(stack, verb)
        if "Delete" in action
    }
    allowed = {
        ("bureau_api", "dynamodb:DeleteItem", "yikatong-test-idempotency"),
        ("publish_disclosure", "s3:DeleteObject", "*"),
    }
    taken_down = [each for action, each in granted(stack, "publish_disclosure") if action == "s3:DeleteObject"]
    assert [each.rpartition("/published/")[2] for each in taken_down] == ["disclosure/*"]
    assert {deletion for deletion in deletions if deletion[1] != "sqs:DeleteMessage"} == allowed


RESOURCE_VARIABLES = {
    "ROSTER_BUCKET": "roster-drop",
    "CARD_BUCKET": "card-drop",
    "DEPARTURE_BUCKET": "departure-drop",
    "BANK_BUCKET": "bank-exchange",
    "LAKE_BUCKET": "lake",
    "AUDIT_BUCKET": "audit",
    "REPORTS_BUCKET": "reports",
    "POLICY_BUCKET": "policy-drop",
    "SITE_BUCKET": "site",
    "PORTAL_BUCKET": "portal-export",
    "CONTROL_TABLE": "control",
    "RECORDS_TABLE": "records",
    "ATTEMPTS_TABLE": "attempts",
    "IDEMPOTENCY_TABLE": "idempotency",
    "EVENT_BUS": "bus",
    "PAYOUT_STATE_MACHINE_ARN": "payout",
}


@pytest.mark.parametrize("verb", SIZES)
def test_a_function_is_told_the_names_of_exactly_what_it_may_touch(stack: Recorder, verb: str) -> None:
    variables = functions(stack)[verb]["environment"]["variables"]
    may_touch = {resource for _, resource in granted(stack, verb)}
    for variable, noun in RESOURCE_VARIABLES.items():
        touches = any(f"yikatong-test-{noun}" in resource for resource in may_touch)
        assert (variable in variables) == touches, f"{verb}: {variable}"


WRITE_STATES = {
    "validate_roster",
    "start_run",
    "take_up_rows",
    "open_run",
    "claim_payments",
    "reserve_funds",
    "instruct_bank",
    "receive_receipt",
    "settle_batch",
    "publish_records",
    "close_run",
    "resend_message",
    "rule_payment",
    "record_recovery",
    "bureau_api",
}


def test_who_writes_states_can_put_their_events_and_only_anchor_books_puts_roots(stack: Recorder) -> None:
    puts = {
        (verb, resource.rsplit("/", 2)[-2])
        for verb in SIZES
        for action, resource in granted(stack, verb)
        if action == "s3:PutObject" and "yikatong-test-audit" in resource
    }
    assert {verb for verb, prefix in puts if prefix == "audit"} >= WRITE_STATES
    assert {verb for verb, prefix in puts if prefix == "roots"} == {"anchor_books"}


def test_the_keys_are_read_by_those_who_make_ids_and_records_only(stack: Recorder) -> None:
    readers = {
        secret: {verb for verb in SIZES if any(r.endswith(secret) for _, r in granted(stack, verb))}
        for secret in ("payment-key", "record-key", "bank-tokens")
    }
    assert readers == {
        "payment-key": {"instruct_bank"},
        "record-key": {
            "receive_receipt",
            "publish_records",
            "resend_message",
            "rule_payment",
            "trace_payment",
            "rekey_records",
            "public_api",
        },
        "bank-tokens": {"instruct_bank", "enquire_bank", "resend_message"},
    }


def test_the_public_api_reaches_neither_the_books_nor_the_rosters(stack: Recorder) -> None:
    touched = {resource for _, resource in granted(stack, "public_api")}
    assert not [r for r in touched if any(word in r for word in ("lake", "control", "roster", "payout", "bank"))]


def test_only_start_run_and_people_can_begin_or_end_a_run(stack: Recorder) -> None:
    by_action = {
        action: {verb for verb in SIZES if any(a == action for a, _ in granted(stack, verb))}
        for action in ("states:StartExecution", "states:StopExecution", "scheduler:CreateSchedule", "iam:PassRole")
    }
    assert by_action == {
        "states:StartExecution": {"start_run"},
        "states:StopExecution": {"bureau_api"},
        "scheduler:CreateSchedule": {"start_run"},
        "iam:PassRole": {"start_run"},
    }


def test_the_schedule_role_may_be_passed_to_the_scheduler_only(stack: Recorder) -> None:
    (statement,) = [s for s in stack.policies()["start_run"] if s["Action"] == ["iam:PassRole"]]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    assert len(statement["Resource"]) == 1


def test_every_function_logs_for_a_set_time_and_is_traced(stack: Recorder) -> None:
    groups = stack.of("LogGroup")
    for verb, function in functions(stack).items():
        assert groups[verb]["name"] == f"/aws/lambda/{function['name']}"
        assert groups[verb]["retentionInDays"] == 400
        assert function["tracingConfig"] == {"mode": "Active"}


def test_no_function_outlives_what_waits_for_it(stack: Recorder) -> None:
    for verb, function in functions(stack).items():
        limit_s = 29 if verb.endswith("_api") else 900
        assert function["timeout"] <= limit_s


def test_a_roster_fits_on_disk_though_earlier_workers_died_of_it(stack: Recorder) -> None:
    storage_mb = {verb: function["ephemeralStorage"]["size"] for verb, function in functions(stack).items()}
    assert storage_mb.pop("validate_roster") >= MAX_RECEIVES * MAX_FILE_BYTES / 2**20
    assert set(storage_mb.values()) == {512}


def test_a_tick_that_keeps_failing_ends_in_a_dead_letter_queue(stack: Recorder) -> None:
    targets = {verb: f.get("deadLetterConfig", {}).get("targetArn") for verb, f in functions(stack).items()}
    assert {verb for verb, target in targets.items() if target} == {"start_run"}
    assert targets["start_run"].endswith("yikatong-test-start_run-dead")


def test_the_workflow_may_invoke_its_own_steps_only(stack: Recorder) -> None:
    (invoke,) = [s for s in stack.policies()["payout"] if s["Action"] == ["lambda:InvokeFunction"]]
    assert {arn.rsplit("-", 1)[-1] for arn in invoke["Resource"]} == set(PAYOUT_STEPS)


@pytest.mark.parametrize("verb", SIZES)
def test_a_function_carries_polars_exactly_when_its_handler_imports_it(verb: str) -> None:
    script = f"import functions.{verb}.handler, sys; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (done.stdout.strip() == "True") == SIZES[verb].columnar
