"""What must wake somebody, whatever the hour: numbers that the functions count, and AWS's own (issue 4).

One topic; whoever is on duty subscribes to it (`yikatong-STAGE-alarms`). Its messages name a queue or a number, nobody and
no payment, so it is not encrypted with a key of its own, which CloudWatch could not use without a policy for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from yikatong.aws.metrics import NAMESPACE, SERVICE

PERIOD_S = 300

COUNTED = {
    "FrozenPayments": "the bank contradicted itself about payments: a treasurer must rule (yikatong payment rule)",
    "AlteredClaims": "evidence in the lake is missing or altered; what rests on it stopped: restore the version, order again",
    "QuarantinedFiles": "a bank's file, or a part of it, was not understood: see bank-exchange quarantine/",
    "InDoubtPayments": "a run ended with payments that the bank has not answered: yikatong work",
}
"""By the metric the functions count (`yikatong.aws.metrics`): what it means and what to do."""


@dataclass(frozen=True)
class AlarmsArgs:
    """What AWS counts by itself: dead-letter queues by verb, functions whose every error is loud, the state machine's ARN."""

    dead_letter_queues: Mapping[str, pulumi.Input[str]]
    functions: Mapping[str, pulumi.Input[str]]
    state_machine_arn: pulumi.Input[str]


class Alarms(pulumi.ComponentResource):
    """The topic, and one alarm for each number that should be zero."""

    def __init__(self, args: AlarmsArgs, context: Context) -> None:
        super().__init__("yikatong:alarms:Alarms", "alarms", None, None)
        self._own = pulumi.ResourceOptions(parent=self)
        self._context = context
        self._topic = aws.sns.Topic("alarms", name=context.name("alarms"), opts=self._own)
        for metric, meaning in COUNTED.items():
            self._alarm(metric, meaning, NAMESPACE, metric, {"service": SERVICE}, "Sum")
        for verb, name in args.dead_letter_queues.items():
            self._alarm(
                f"{verb}-dead",
                f"messages for {verb} failed too often: mend it, then yikatong queue drain {verb}",
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": name},
                "Maximum",
            )
        for verb, name in args.functions.items():
            self._alarm(
                f"{verb}-errors",
                f"{verb} failed: of close_run, a run that does not balance or is not finished",
                "AWS/Lambda",
                "Errors",
                {"FunctionName": name},
                "Sum",
            )
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut"):
            self._alarm(
                metric,
                "an execution of payout ended before its run: it is started again a few times by itself",
                "AWS/States",
                metric,
                {"StateMachineArn": args.state_machine_arn},
                "Sum",
            )
        self.register_outputs({"topic": self._topic.arn})

    def _alarm(
        self,
        noun: str,
        meaning: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, pulumi.Input[str]],
        statistic: str,
    ) -> None:
        """Raised by the first one; no number at all is as good as zero."""
        aws.cloudwatch.MetricAlarm(
            noun,
            name=self._context.name(noun),
            alarm_description=meaning,
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic=statistic,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=1,
            period=PERIOD_S,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[self._topic.arn],
            opts=self._own,
        )
