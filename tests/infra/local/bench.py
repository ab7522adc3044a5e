"""A small Pulumi program with the parts the system is made of, to try the local cloud on something other than the
system."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

FUNCTIONS = Path(__file__).parent / "functions"
PROBE_TIMEOUT_S = 2
MAX_RECEIVES = 3


def deploy_bench() -> dict[str, Any]:
    """Bucket → rule → queue → consumer; a probe; a Distributed Map over a manifest; a task that waits for its token."""
    role = aws.iam.Role("bench", assume_role_policy=_trust("lambda.amazonaws.com"))
    inbox = aws.s3.Bucket("bench-in")
    outbox = aws.s3.Bucket("bench-out")
    aws.s3.BucketNotification("bench-in", bucket=inbox.id, eventbridge=True)
    dead = aws.sqs.Queue("bench-dead")
    queue = aws.sqs.Queue(
        "bench",
        visibility_timeout_seconds=60,
        redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": MAX_RECEIVES}),
    )
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["bench-in"]}}}
    rule = aws.cloudwatch.EventRule("bench", event_pattern=json.dumps(pattern))
    aws.cloudwatch.EventTarget("bench", rule=rule.name, arn=queue.arn)
    lost = aws.sqs.Queue("bench-lost")
    probe = _function("probe", role, {"GREETING": "hello"}, lost.arn)
    consumer = _function("consumer", role, {"OUT_BUCKET": outbox.bucket})
    aws.lambda_.EventSourceMapping(
        "bench",
        event_source_arn=queue.arn,
        function_name=consumer.arn,
        batch_size=5,
        function_response_types=["ReportBatchItemFailures"],
    )
    machine = aws.sfn.StateMachine(
        "bench",
        role_arn=role.arn,
        definition=pulumi.Output.all(probe.arn, _partition()).apply(lambda given: json.dumps(_definition(*given))),
    )
    return {
        "inbox": inbox.bucket,
        "outbox": outbox.bucket,
        "probe": probe.name,
        "dead": dead.url,
        "lost": lost.url,
        "machine": machine.arn,
    }


def _function(
    name: str, role: aws.iam.Role, variables: dict[str, Any], dead_letters: pulumi.Input[str] | None = None
) -> aws.lambda_.Function:
    return aws.lambda_.Function(
        f"bench-{name}",
        name=f"bench-{name}",
        role=role.arn,
        runtime="python3.13",
        handler="handler.handler",
        code=pulumi.FileArchive(str(FUNCTIONS / name)),
        timeout=PROBE_TIMEOUT_S if name == "probe" else 20,
        environment={"variables": variables},
        dead_letter_config={"target_arn": dead_letters} if dead_letters is not None else None,
    )


def _partition() -> str:
    return str(aws.get_partition().partition)


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _definition(probe_arn: str, partition: str) -> dict[str, Any]:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.0}]
    catch = [
        {"ErrorEquals": ["LookupError"], "ResultPath": "$.caught", "Next": "Missed"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": "Missed"},
    ]
    each = {
        "StartAt": "Do",
        "States": {
            "Do": {
                "Type": "Task",
                "Resource": probe_arn,
                "ResultPath": "$.answer",
                "Retry": retry,
                "Catch": catch,
                "End": True,
            },
            "Missed": {"Type": "Pass", "End": True},
        },
    }
    return {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": f"arn:{partition}:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "JSON"},
                    "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
                },
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **each},
                "MaxConcurrency": 40,
                "ResultPath": "$.items",
                "Next": "Await",
            },
            "Await": {
                "Type": "Task",
                "Resource": f"arn:{partition}:states:::lambda:invoke.waitForTaskToken",
                "TimeoutSeconds": 20,
                "Parameters": {
                    "FunctionName": probe_arn,
                    "Payload": {"do": "put", "bucket.$": "$.out", "key": "token", "body.$": "$$.Task.Token"},
                },
                "ResultPath": "$.told",
                "End": True,
            },
        },
    }
