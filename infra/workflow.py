"""The `payout` state machine: an ASL file in plain JSON, its named substitutions filled with what was deployed.

A substitution that is the whole of a string takes the value's own type (`"${EnquiryWaitSeconds}"` becomes a number),
so the file stays valid JSON that any ASL tool reads. A name nobody gave, or a value nobody used, is an error.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement, policy_document, trust

WORKFLOWS = Path(__file__).resolve().parent / "workflows"
PLACEHOLDER = re.compile(r"\$\{([A-Za-z]+)\}")


def render(template: str, values: Mapping[str, str | int]) -> str:
    """Fill an ASL template. Raises KeyError for a name without a value, ValueError for a value without a use."""
    used: set[str] = set()

    def value_of(name: str) -> str | int:
        used.add(name)
        return values[name]

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [fill(inner) for inner in node]
        if isinstance(node, str):
            whole = PLACEHOLDER.fullmatch(node)
            if whole:
                return value_of(whole[1])
            return PLACEHOLDER.sub(lambda match: str(value_of(match[1])), node)
        return node

    filled = json.dumps(fill(json.loads(template)), indent=2, ensure_ascii=False)
    unused = values.keys() - used
    if unused:
        raise ValueError(f"substitutions without a use: {sorted(unused)}")
    return filled


@dataclass(frozen=True)
class WorkflowArgs:
    """`invokes` are the functions it may call, `grants` what it does itself."""

    template: str  # file name under infra/workflows
    substitutions: Mapping[str, pulumi.Input[str] | pulumi.Input[int]]
    invokes: tuple[pulumi.Input[str], ...]
    grants: tuple[Grant, ...] = ()


class Workflow(pulumi.ComponentResource):
    """A standard state machine under its own role; its log never holds execution data."""

    def __init__(self, noun: str, args: WorkflowArgs, context: Context) -> None:
        super().__init__("yikatong:workflow:Workflow", noun, None, None)
        own = pulumi.ResourceOptions(parent=self)
        logs = aws.cloudwatch.LogGroup(
            noun,
            name=f"/aws/vendedlogs/states/{context.name(noun)}",
            retention_in_days=context.log_retention_days,
            opts=own,
        )
        role = aws.iam.Role(
            noun,
            name=f"{context.name(noun)}-{context.region}",
            assume_role_policy=trust("states", context.account_id),
            opts=own,
        )
        policy = aws.iam.RolePolicy(
            noun,
            name="grants",
            role=role.id,
            policy=policy_document(
                [
                    Statement(("lambda:InvokeFunction",), args.invokes),
                    *(statement for grant in args.grants for statement in grant.statements),
                    *_map_statements(noun, context),
                    *_observability_statements(),
                ]
            ),
            opts=own,
        )
        template = (WORKFLOWS / args.template).read_text(encoding="utf-8")
        machine = aws.sfn.StateMachine(
            noun,
            name=context.name(noun),
            type="STANDARD",
            role_arn=role.arn,
            definition=pulumi.Output.all(**args.substitutions).apply(lambda values: render(template, values)),
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ERROR",
                include_execution_data=False,
                log_destination=pulumi.Output.concat(logs.arn, ":*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.name: pulumi.Output[str] = machine.name
        self.arn: pulumi.Output[str] = machine.arn
        self.register_outputs({"arn": self.arn})


def _map_statements(noun: str, context: Context) -> list[Statement]:
    """A Distributed Map starts, watches and stops its children as executions of its own state machine.

    Step Functions guide, "IAM policies for using Distributed Map states": a child's ARN is `execution:NAME/LABEL:ID`.
    """
    children = context.arn("states", f"execution:{context.name(noun)}/*")
    return [
        Statement(("states:StartExecution",), (context.state_machine_arn(noun),)),
        Statement(("states:DescribeExecution", "states:StopExecution"), (context.executions_arn(noun), children)),
        Statement(("states:RedriveExecution",), (children,)),
    ]


def _observability_statements() -> list[Statement]:
    """Log delivery and tracing: AWS offers no resource level for these (infra/grants.py lists them)."""
    deliveries = ("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries")
    policies = ("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")
    traces = ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
    return [
        Statement(tuple(f"logs:{action}" for action in (*deliveries, *policies)), ("*",)),
        Statement(tuple(f"xray:{action}" for action in traces), ("*",)),
    ]


def start(noun: str, context: Context) -> Grant:
    """Start an execution (PROTOCOL R1). The ARN is built: see `Context`."""
    return _told_of(noun, context, Statement(("states:StartExecution",), (context.state_machine_arn(noun),)))


def describe(noun: str, context: Context) -> Grant:
    """See whether a run's execution lives (PROTOCOL R1, B4)."""
    return _told_of(noun, context, Statement(("states:DescribeExecution",), (context.executions_arn(noun),)))


def stop(noun: str, context: Context) -> Grant:
    return _told_of(noun, context, Statement(("states:StopExecution",), (context.executions_arn(noun),)))


def answer_task(noun: str, context: Context) -> Grant:
    """Hand a task token back. IAM checks it against the state machine, not the execution."""
    return _told_of(noun, context, Statement(("states:SendTaskSuccess",), (context.state_machine_arn(noun),)))


def _told_of(noun: str, context: Context, statement: Statement) -> Grant:
    return Grant((statement,), {f"{noun.upper()}_STATE_MACHINE_ARN": context.state_machine_arn(noun)})
