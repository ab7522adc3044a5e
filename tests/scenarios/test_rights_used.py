"""Least privilege, seen from outside: what each function called on the local cloud against what its role was granted.

moto cannot judge these policies (FACTS), so the workers write down every call, and this file, which runs after the other
scenarios, holds the calls against the roles' own policies.
"""

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.cloud import LocalCloud

pytestmark = pytest.mark.cloud

ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "TransactWriteItems": "dynamodb:PutItem",
    "Invoke": "lambda:InvokeFunction",
}
SERVICES = {"stepfunctions": "states"}
# Granted for what is not a call of the function's own code: the platform's, or a permission another party uses.
NOT_CALLED = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:SendMessage",
    "s3:ListBucket",  # without it S3 answers 403 for a missing key, and `Lake.get` could not tell
    "s3:GetObjectVersion",  # GetObject with a VersionId: the same operation in the calls
    "iam:PassRole",  # by naming the role in CreateSchedule
}
# What only faults, refusals or other people's requests bring about; each has a test of its own elsewhere.
SELDOM = {
    "bureau_api": {
        "s3:PutObject",
        "s3:GetObject",
        "lambda:InvokeFunction",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "states:DescribeExecution",
        "states:StopExecution",
    },
    "public_api": {"s3:GetObject"},
    "open_run": {"states:DescribeExecution"},
    # A slot of the audit bucket is read only where another worker's intent stands in it.
    "start_run": {"states:DescribeExecution", "s3:GetObject"},
    "reserve_funds": {"s3:GetObject"},
    "enquire_bank": {"s3:PutObject"},  # an answer that came no other way, or the note that a message goes out again
    "validate_roster": {"events:PutEvents"},
    "publish_records": {"events:PutEvents", "dynamodb:Query"},
    "receive_receipt": {
        "s3:PutObject",
        "events:PutEvents",
        "dynamodb:BatchWriteItem",
        "dynamodb:Query",
        "secretsmanager:GetSecretValue",
    },
    "close_run": {"events:PutEvents"},
    # An enquiry that is answered takes effect at once; the crash points' resends are sent instead.
    "resend_message": {
        "dynamodb:BatchWriteItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "events:PutEvents",
        "s3:PutObject",
        "states:DescribeExecution",
        "states:SendTaskSuccess",
    },
    "record_recovery": {"events:PutEvents", "dynamodb:Query"},  # only where something waits for the money
    # A ruling on a batch whose run still waits, and whatever publishing may order.
    "rule_payment": {"events:PutEvents", "dynamodb:Query", "states:SendTaskSuccess", "states:DescribeExecution"},
}


@pytest.fixture(scope="module")
def calls(cloud: LocalCloud) -> list[tuple[str, str, str]]:
    """(function, action, ARN) of every call so far."""
    verbs = {name: verb for verb, name in cloud.resources["functions"].items()}
    lines = [json.loads(line) for line in cloud.calls_file.read_text().splitlines()]
    # Other tests bring functions of their own into this cloud.
    ours = [line for line in lines if line["function"] in verbs and line["service"] != "bank"]
    return sorted({(verbs[line["function"]], *call) for line in ours for call in _named(line)})


@pytest.fixture(scope="module")
def granted(cloud: LocalCloud) -> dict[str, list[dict[str, Any]]]:
    """The statements of every function's role, as deployed."""
    iam, functions = cloud.client("iam"), cloud.client("lambda")
    found = {}
    for verb, name in cloud.resources["functions"].items():
        role = functions.get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[1]
        policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
        found[verb] = [
            statement
            for policy in policies
            for statement in iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]["Statement"]
        ]
    return found


def _named(line: dict[str, Any]) -> Iterator[tuple[str, str]]:
    service = SERVICES.get(line["service"], line["service"])
    action = ACTIONS.get(line["operation"], f"{service}:{line['operation']}")
    for resource in _resources(service, line["resources"]):
        yield action, resource


def _resources(service: str, named: dict[str, Any]) -> Iterator[str]:
    """The last part of the ARN that each named resource has; compared with the end of the granted ARN."""
    if service == "s3":
        yield named["Bucket"] + (f"/{named['Key']}" if "Key" in named else "")
    elif service == "dynamodb":
        tables = named.get("TableName") or sorted({table for _, table in named["Transaction"]})
        for table in [tables] if isinstance(tables, str) else tables:
            yield f"table/{table}" + (f"/index/{named['IndexName']}" if "IndexName" in named else "")
    elif service == "states":
        yield named.get("executionArn") or named.get("stateMachineArn") or "*"
    elif service == "secretsmanager":
        yield named["SecretId"]
    elif service == "events":
        yield from (f"event-bus/{bus}" for bus in named["EventBusName"])
    elif service == "scheduler":
        yield f"schedule/{named['GroupName']}/{named['Name']}"
    elif service == "lambda":
        yield f"function:{named['FunctionName']}"
    elif service == "sqs":
        yield named["QueueUrl"].rsplit("/", 1)[1]
    else:
        raise AssertionError(f"a call to {service}: say here how its resources are named")


def _allows(statement: dict[str, Any], action: str, resource: str) -> bool:
    if action not in statement["Action"]:
        return False
    return resource == "*" or any(
        fnmatch.fnmatchcase(resource, arn) or fnmatch.fnmatchcase(f"x{resource}", f"*{_tail(arn)}")
        for arn in statement["Resource"]
    )


def _tail(arn: str) -> str:
    """`arn:aws-cn:dynamodb:cn-north-1:1234:table/x` → `table/x`; a whole ARN in the call is compared as it is."""
    return arn.split(":", 5)[-1] if not arn.startswith("arn:aws-cn:states") else arn


def test_no_function_calls_what_its_role_does_not_allow(
    calls: list[tuple[str, str, str]], granted: dict[str, list[dict[str, Any]]]
) -> None:
    denied = [
        f"{verb}: {action} on {resource}"
        for verb, action, resource in calls
        if not any(_allows(statement, action, resource) for statement in granted[verb])
    ]
    assert len({verb for verb, _, _ in calls}) >= 12, "the other scenarios did not run before: nothing to compare"
    assert denied == []


def test_no_function_is_granted_what_it_never_uses(
    calls: list[tuple[str, str, str]], granted: dict[str, list[dict[str, Any]]]
) -> None:
    used = {(verb, action) for verb, action, _ in calls}
    ran = {verb for verb, _, _ in calls}
    idle = sorted(
        f"{verb}: {action}"
        for verb in ran
        for statement in granted[verb]
        for action in statement["Action"]
        if (verb, action) not in used and action not in NOT_CALLED and action not in SELDOM.get(verb, set())
    )
    assert idle == []


def test_a_call_outside_the_role_would_be_seen(granted: dict[str, list[dict[str, Any]]], cloud: LocalCloud) -> None:
    lake = cloud.resources["buckets"]["lake"]
    assert any(_allows(s, "s3:GetObject", f"{lake}/claims/g/s/r/v0.parquet") for s in granted["claim_payments"])
    assert not any(_allows(s, "s3:GetObject", f"{lake}/receipts/b/x.xml") for s in granted["claim_payments"])
    assert not any(_allows(s, "s3:DeleteObject", f"{lake}/claims/x") for s in granted["claim_payments"])
