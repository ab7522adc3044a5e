"""What a function may do, as a value: exact actions on exact ARNs, and the variable that names the resource.

A component hands out grants (`lake.put("claims/*")`), a function takes them. The variable travels with the
permission, so a function knows the names of exactly the things it may touch, and a permission nobody asked for cannot
be given.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

# The only actions AWS cannot restrict to a resource (Service Authorization Reference); everything else names its ARN.
WITHOUT_RESOURCE_LEVEL = frozenset(
    {
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    }
)


@dataclass(frozen=True)
class Statement:
    """One Allow."""

    actions: tuple[str, ...]
    resources: tuple[pulumi.Input[str], ...]
    condition: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        assert self.actions, "a statement without actions"
        assert self.resources, "a statement without resources"
        assert not any("*" in action for action in self.actions), f"wildcard action in {self.actions}"

    def as_policy(self) -> dict[str, Any]:
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }
        return statement | ({"Condition": self.condition} if self.condition else {})


@dataclass(frozen=True)
class Grant:
    """Permissions on one resource, and the variables by which a function finds it."""

    statements: tuple[Statement, ...] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


def environment_of(grants: Iterable[Grant]) -> dict[str, pulumi.Input[str]]:
    return {name: value for grant in grants for name, value in grant.environment.items()}


def policy_document(statements: Iterable[Statement]) -> pulumi.Output[str]:
    """A policy in JSON, statements with the same actions and condition folded into one."""
    folded: dict[tuple[tuple[str, ...], str], Statement] = {}
    for statement in statements:
        key = (statement.actions, repr(statement.condition))
        before = folded.get(key)
        resources = (*before.resources, *statement.resources) if before else statement.resources
        folded[key] = Statement(statement.actions, resources, statement.condition)
    return pulumi.Output.json_dumps(
        {"Version": "2012-10-17", "Statement": [statement.as_policy() for statement in folded.values()]}
    )


def trust(service: str, source_account: str | None = None) -> str:
    """Who may assume a role. The account condition stops another account's schedule or workflow from borrowing it."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},  # the same in China for the services used here
        "Action": "sts:AssumeRole",
    }
    if source_account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": source_account}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
