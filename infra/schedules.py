"""EventBridge Scheduler: one schedule per line that `derive_schedules` reads off the plan; all wake `start_run`.

No schedule is written by hand, and none carries a start or end date: the year is in its cron fields (DESIGN §4). A
plan whose year is over is deployed DISABLED, so that deploying a second time cannot wake last year.
"""

import json
from dataclasses import dataclass
from datetime import date

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement, policy_document, trust
from infra.messaging import FORTNIGHT_S
from yikatong.plan import Schedule

# Scheduler replaces this attribute by the tick's own time (UTC, ISO 8601); `as_of` is its date in Asia/Shanghai.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
RETRY_AGE_S = 6 * 3600
START_RUN = "start_run"
DAILY_HOUR = 1  # Shanghai time: the day before is over, and the banks' day has not begun


@dataclass(frozen=True)
class SchedulesArgs:
    """`today` decides which plans' years are over."""

    derived: tuple[Schedule, ...]
    today: date
    enable_past_plans: bool


class ScheduleGroup(pulumi.ComponentResource):
    """The group, the role that may wake `start_run`, and the queue of ticks that could not be delivered.

    It comes before `start_run`, which itself orders one-time schedules in it.
    """

    def __init__(self, context: Context) -> None:
        super().__init__("yikatong:schedules:ScheduleGroup", "plan", None, None)
        own = pulumi.ResourceOptions(parent=self)
        self.context = context
        # It has no dead-letter queue of its own: it is one.
        dead = aws.sqs.Queue(
            "schedules-dead",
            name=context.name("schedules-dead"),
            message_retention_seconds=FORTNIGHT_S,
            sqs_managed_sse_enabled=True,
            opts=own,
        )
        group = aws.scheduler.ScheduleGroup("plan", name=context.name("plan"), opts=own)
        role = aws.iam.Role(
            "schedules",
            name=f"{context.name('schedules')}-{context.region}",
            assume_role_policy=trust("scheduler", context.account_id),
            opts=own,
        )
        self.policy = aws.iam.RolePolicy(
            "schedules",
            name="grants",
            role=role.id,
            policy=policy_document(
                [
                    Statement(("lambda:InvokeFunction",), (context.function_arn(START_RUN),)),
                    Statement(("sqs:SendMessage",), (dead.arn,)),
                ]
            ),
            opts=own,
        )
        self.name: pulumi.Output[str] = group.name
        self.role_arn: pulumi.Output[str] = role.arn
        self.dead_arn: pulumi.Output[str] = dead.arn
        self.dead_url: pulumi.Output[str] = dead.url
        self.register_outputs({"name": self.name})

    def order(self) -> Grant:
        """Order a one-time schedule in this group (a payday on a day the banks rest), woken under this role."""
        inside = self.context.arn("scheduler", f"schedule/{self.context.name('plan')}/*")
        return Grant(
            (
                Statement(("scheduler:CreateSchedule",), (inside,)),
                Statement(
                    ("iam:PassRole",),
                    (self.role_arn,),
                    {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
                ),
            ),
            {
                "SCHEDULE_GROUP": self.name,
                "SCHEDULE_ROLE_ARN": self.role_arn,
                "SCHEDULE_DEAD_ARN": self.dead_arn,
                "START_RUN_ARN": self.context.function_arn(START_RUN),
            },
        )


class Schedules(pulumi.ComponentResource):
    """The plan's schedules."""

    def __init__(self, args: SchedulesArgs, group: ScheduleGroup, start_run_arn: pulumi.Output[str]) -> None:
        super().__init__("yikatong:schedules:Schedules", "schedules", None, None)
        names = [schedule.name for schedule in args.derived]
        assert len(set(names)) == len(names), "two schedules of one name"
        for schedule in args.derived:
            over = schedule.plan_year < args.today.year
            aws.scheduler.Schedule(
                schedule.name,
                name=schedule.name,
                group_name=group.name,
                schedule_expression=schedule.expression,
                schedule_expression_timezone=schedule.timezone,
                state="DISABLED" if over and not args.enable_past_plans else "ENABLED",
                flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
                target=_target(start_run_arn, group.role_arn, tick_input(schedule), group.dead_arn),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[group.policy]),
            )
        self.register_outputs({})


class DailyTick(pulumi.ComponentResource):
    """A function woken once a day, whatever the plan says, under a role that may wake this one only."""

    def __init__(
        self,
        verb: str,
        function_arn: pulumi.Output[str],
        group: ScheduleGroup,
        context: Context,
        hour: int = DAILY_HOUR,
    ) -> None:
        super().__init__("yikatong:schedules:DailyTick", verb, None, None)
        own = pulumi.ResourceOptions(parent=self)
        daily = aws.scheduler.ScheduleGroup(verb, name=context.name(verb), opts=own)
        noun = f"{verb}-daily"
        role = aws.iam.Role(
            noun,
            name=f"{context.name(noun)}-{context.region}",
            assume_role_policy=trust("scheduler", context.account_id),
            opts=own,
        )
        policy = aws.iam.RolePolicy(
            noun,
            name="grants",
            role=role.id,
            policy=policy_document(
                [
                    Statement(("lambda:InvokeFunction",), (function_arn,)),
                    Statement(("sqs:SendMessage",), (group.dead_arn,)),
                ]
            ),
            opts=own,
        )
        aws.scheduler.Schedule(
            verb,
            name=verb,
            group_name=daily.name,
            schedule_expression=f"cron(0 {hour} * * ? *)",
            schedule_expression_timezone="Asia/Shanghai",
            state="ENABLED",
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
            target=_target(function_arn, role.arn, json.dumps({"scheduled_at": SCHEDULED_TIME}), group.dead_arn),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({})


def _target(
    function_arn: pulumi.Output[str],
    role_arn: pulumi.Output[str],
    tick: str,
    dead_arn: pulumi.Output[str],
) -> aws.scheduler.ScheduleTargetArgs:
    """A function woken with `tick`; what cannot be delivered for hours ends in the dead-letter queue."""
    return aws.scheduler.ScheduleTargetArgs(
        arn=function_arn,
        role_arn=role_arn,
        input=tick,
        dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=dead_arn),
        retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
            maximum_event_age_in_seconds=RETRY_AGE_S, maximum_retry_attempts=10
        ),
    )


def tick_input(schedule: Schedule) -> str:
    """What `start_run` receives at each tick (docs/architecture.md)."""
    return json.dumps(
        {
            "plan_year": schedule.plan_year,
            "code": schedule.code,
            "mode": schedule.mode.value,
            "cadence": schedule.cadence,
            "scheduled_at": SCHEDULED_TIME,
        }
    )
