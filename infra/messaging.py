"""Events on their way to a function: rule → SQS with a dead-letter queue → event source mapping.

A queue stands between every event and its function, on AWS for retries that outlive a bad hour, and because the local
cloud runs exactly this path natively and no other (FACTS). A message that fails five times waits a fortnight in the
dead-letter queue, whose name an alarm can be hung on (`yikatong-STAGE-VERB-dead`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.function import Function
from infra.grants import Grant, Statement

FORTNIGHT_S = 14 * 24 * 3600
MAX_RECEIVES = 5


class Queue(pulumi.ComponentResource):
    """A queue and its dead-letter queue, named after the verb they feed. Created before the function that reads it."""

    def __init__(self, verb: str, function_timeout_s: int, context: Context) -> None:
        super().__init__("yikatong:messaging:Queue", verb, None, None)
        own = pulumi.ResourceOptions(parent=self)
        self.verb = verb
        dead = aws.sqs.Queue(
            f"{verb}-dead",
            name=context.name(f"{verb}-dead"),
            message_retention_seconds=FORTNIGHT_S,
            sqs_managed_sse_enabled=True,
            opts=own,
        )
        queue = aws.sqs.Queue(
            verb,
            name=context.name(verb),
            message_retention_seconds=FORTNIGHT_S,
            # Longer than the function may run, or a second worker would get the message while the first still works.
            visibility_timeout_seconds=context.redelivery_s or 6 * function_timeout_s,
            redrive_policy=pulumi.Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": MAX_RECEIVES}),
            sqs_managed_sse_enabled=True,
            opts=own,
        )
        self.arn: pulumi.Output[str] = queue.arn
        self.url: pulumi.Output[str] = queue.url
        self.dead_arn: pulumi.Output[str] = dead.arn
        self.dead_url: pulumi.Output[str] = dead.url
        self.register_outputs({"url": self.url, "dead_url": self.dead_url})

    def consume(self) -> Grant:
        """What an event source mapping does in the function's name."""
        actions = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        return Grant((Statement(actions, (self.arn,)),))


@dataclass(frozen=True)
class Route:
    """Which events reach a queue. `bus` is None for the account's default bus, where AWS's own events arrive."""

    name: str
    pattern: Mapping[str, Any]
    bus: pulumi.Input[str] | None = None


def object_created(bucket: pulumi.Output[str], prefix: str | None = None) -> dict[str, Any]:
    """S3's event for a new object or version, through EventBridge."""
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}}
    if prefix is not None:
        detail["object"] = {"key": [{"prefix": prefix}]}
    return {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}


class QueuedFunction(pulumi.ComponentResource):
    """Rules that feed a queue, and the mapping that feeds a function from it, message by message."""

    def __init__(
        self, queue: Queue, function: Function, routes: tuple[Route, ...], context: Context, batch_size: int = 1
    ) -> None:
        super().__init__("yikatong:messaging:QueuedFunction", queue.verb, None, None)
        own = pulumi.ResourceOptions(parent=self)
        rules = [self._rule(route, queue, context) for route in routes]
        aws.sqs.QueuePolicy(
            queue.verb,
            queue_url=queue.url,
            policy=pulumi.Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": queue.arn,
                            "Condition": {"ArnEquals": {"aws:SourceArn": [rule.arn for rule in rules]}},
                        }
                    ],
                }
            ),
            opts=own,
        )
        aws.lambda_.EventSourceMapping(
            queue.verb,
            event_source_arn=queue.arn,
            function_name=function.arn,
            batch_size=batch_size,
            # One bad message must not send its neighbours round again (an unhandled exception fails the whole batch).
            function_response_types=["ReportBatchItemFailures"],
            # AWS checks the role's permissions on the queue when the mapping is created.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[function.policy]),
        )
        self.register_outputs({})

    def _rule(self, route: Route, queue: Queue, context: Context) -> aws.cloudwatch.EventRule:
        own = pulumi.ResourceOptions(parent=self)
        rule = aws.cloudwatch.EventRule(
            route.name,
            name=context.name(route.name),
            event_bus_name=route.bus,
            event_pattern=pulumi.Output.json_dumps(dict(route.pattern)),
            opts=own,
        )
        aws.cloudwatch.EventTarget(
            route.name, rule=rule.name, event_bus_name=route.bus, target_id="queue", arn=queue.arn, opts=own
        )
        return rule
