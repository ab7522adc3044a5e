"""One Lambda function as a component: its own role, its own log group, its own grants."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement, environment_of, policy_document, trust

RUNTIME = "python3.13"
# Graviton functions are not offered in every China region, and the layers carry compiled wheels: one architecture.
ARCHITECTURE = "x86_64"
HANDLER = "handler.handler"


@dataclass(frozen=True)
class FunctionArgs:
    """What one function is: its size, its layers, its grants, and where its failed asynchronous calls go.

    `storage_mb` is what it may write under /tmp."""

    code: pulumi.Archive
    layers: tuple[pulumi.Input[str], ...]
    memory_mb: int
    timeout_s: int
    storage_mb: int
    grants: tuple[Grant, ...] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    dead_letters: pulumi.Input[str] | None = None  # ARN of a queue


class Function(pulumi.ComponentResource):
    """A function named after its verb."""

    def __init__(self, verb: str, args: FunctionArgs, context: Context) -> None:
        super().__init__("yikatong:functions:Function", verb, None, None)
        own = pulumi.ResourceOptions(parent=self)
        self.verb, self.timeout_s = verb, args.timeout_s
        name = context.name(verb)
        logs = aws.cloudwatch.LogGroup(
            verb, name=f"/aws/lambda/{name}", retention_in_days=context.log_retention_days, opts=own
        )
        # The role's name carries the region: IAM is global, and two regions may hold the same stage.
        role = aws.iam.Role(verb, name=f"{name}-{context.region}", assume_role_policy=trust("lambda"), opts=own)
        statements = [
            Statement(("logs:CreateLogStream", "logs:PutLogEvents"), (pulumi.Output.concat(logs.arn, ":*"),)),
            Statement(("xray:PutTraceSegments", "xray:PutTelemetryRecords"), ("*",)),
            *(statement for grant in args.grants for statement in grant.statements),
        ]
        if args.dead_letters is not None:
            statements.append(Statement(("sqs:SendMessage",), (args.dead_letters,)))
        self.policy = aws.iam.RolePolicy(
            verb, name="grants", role=role.id, policy=policy_document(statements), opts=own
        )
        function = aws.lambda_.Function(
            verb,
            name=name,
            role=role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=HANDLER,
            code=args.code,
            layers=list(args.layers),
            memory_size=args.memory_mb,
            timeout=args.timeout_s,
            ephemeral_storage=aws.lambda_.FunctionEphemeralStorageArgs(size=args.storage_mb),
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={
                    "STAGE": context.stage,
                    "POWERTOOLS_SERVICE_NAME": verb,
                    "POWERTOOLS_METRICS_NAMESPACE": "yikatong",
                    **environment_of(args.grants),
                    **args.environment,
                }
            ),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            dead_letter_config=aws.lambda_.FunctionDeadLetterConfigArgs(target_arn=args.dead_letters)
            if args.dead_letters is not None
            else None,
            # After its permissions: a dead-letter queue is checked at creation, and the first event may come at once.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[logs, self.policy]),
        )
        self.name: pulumi.Output[str] = function.name
        self.arn: pulumi.Output[str] = function.arn
        self.invoke_arn: pulumi.Output[str] = function.invoke_arn
        self.role_arn: pulumi.Output[str] = role.arn
        self.register_outputs({"name": self.name, "arn": self.arn})
