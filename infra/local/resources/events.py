"""What sets things going: event buses, rules, schedules, secrets and the logs' retention."""

import json
from typing import Any

from infra.local.resources.context import Context, Created, Inputs, creates, given, pascal, tags_of


@creates("cloudwatch", "EventBus")
def event_bus(context: Context, name: str, inputs: Inputs) -> Created:
    bus = inputs.get("name") or name
    arn = context.clients("events").create_event_bus(Name=bus)["EventBusArn"]
    return bus, {**inputs, "name": bus, "arn": arn}


@creates("cloudwatch", "EventRule")
def event_rule(context: Context, name: str, inputs: Inputs) -> Created:
    rule = inputs.get("name") or name
    arn = context.clients("events").put_rule(
        Name=rule,
        State=inputs.get("state") or "ENABLED",
        **given(
            inputs,
            EventPattern="eventPattern",
            ScheduleExpression="scheduleExpression",
            EventBusName="eventBusName",
            Description="description",
        ),
    )["RuleArn"]
    return rule, {**inputs, "name": rule, "arn": arn}


@creates("cloudwatch", "EventTarget")
def event_target(context: Context, name: str, inputs: Inputs) -> Created:
    if ":sqs:" not in inputs["arn"]:
        raise ValueError(f"{name}: moto delivers events to SQS only; put a queue between the rule and {inputs['arn']}")
    target: dict[str, Any] = {"Id": inputs.get("targetId") or name, "Arn": inputs["arn"]}
    target |= given(inputs, RoleArn="roleArn", Input="input", InputPath="inputPath")
    if inputs.get("deadLetterConfig"):
        target["DeadLetterConfig"] = pascal(inputs["deadLetterConfig"])
    if inputs.get("retryPolicy"):
        target["RetryPolicy"] = pascal(inputs["retryPolicy"])
    answer = context.clients("events").put_targets(
        Rule=inputs["rule"], Targets=[target], **given(inputs, EventBusName="eventBusName")
    )
    if answer["FailedEntryCount"]:
        raise ValueError(f"{name}: {answer['FailedEntries']}")
    return f"{inputs['rule']}-{target['Id']}", {**inputs, "targetId": target["Id"]}


@creates("cloudwatch", "LogGroup")
def log_group(context: Context, name: str, inputs: Inputs) -> Created:
    group = inputs.get("name") or name
    logs = context.clients("logs")
    logs.create_log_group(logGroupName=group)
    if inputs.get("retentionInDays"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=inputs["retentionInDays"])
    return group, {**inputs, "name": group, "arn": context.clients.arn("logs", f"log-group:{group}")}


@creates("cloudwatch", "MetricAlarm")
def metric_alarm(context: Context, name: str, inputs: Inputs) -> Created:
    """Record the alarm's name only: nothing in the local cloud emits the metrics that would raise it."""
    alarm = inputs.get("name") or name
    return alarm, {**inputs, "name": alarm, "arn": context.clients.arn("cloudwatch", f"alarm:{alarm}")}


@creates("sns", "Topic")
def topic(context: Context, name: str, inputs: Inputs) -> Created:
    arn = context.clients("sns").create_topic(Name=inputs.get("name") or name)["TopicArn"]
    return arn, {**inputs, "arn": arn}


@creates("scheduler", "ScheduleGroup")
def schedule_group(context: Context, name: str, inputs: Inputs) -> Created:
    group = inputs.get("name") or name
    arn = context.clients("scheduler").create_schedule_group(Name=group)["ScheduleGroupArn"]
    return group, {**inputs, "name": group, "arn": arn}


@creates("scheduler", "Schedule")
def schedule(context: Context, name: str, inputs: Inputs) -> Created:
    schedule_name = inputs.get("name") or name
    target = inputs["target"]
    api_target = {"Arn": target["arn"], "RoleArn": target["roleArn"], **given(target, Input="input")}
    if target.get("retryPolicy"):
        api_target["RetryPolicy"] = pascal(target["retryPolicy"])
    if target.get("deadLetterConfig"):
        api_target["DeadLetterConfig"] = pascal(target["deadLetterConfig"])
    arn = context.clients("scheduler").create_schedule(
        Name=schedule_name,
        ScheduleExpression=inputs["scheduleExpression"],
        ScheduleExpressionTimezone=inputs.get("scheduleExpressionTimezone") or "UTC",
        FlexibleTimeWindow=pascal(inputs["flexibleTimeWindow"]),
        State=inputs.get("state") or "ENABLED",
        Target=api_target,
        **given(inputs, GroupName="groupName", Description="description"),
    )["ScheduleArn"]
    identity = f"{inputs.get('groupName') or 'default'}/{schedule_name}"
    return identity, {**inputs, "name": schedule_name, "arn": arn}


@creates("secretsmanager", "Secret")
def secret(context: Context, name: str, inputs: Inputs) -> Created:
    secret_name = inputs.get("name") or name
    answer = context.clients("secretsmanager").create_secret(
        Name=secret_name, Tags=tags_of(inputs), **given(inputs, Description="description", KmsKeyId="kmsKeyId")
    )
    return answer["ARN"], {**inputs, "name": secret_name, "arn": answer["ARN"]}


@creates("secretsmanager", "SecretVersion")
def secret_version(context: Context, _name: str, inputs: Inputs) -> Created:
    text = inputs["secretString"]
    answer = context.clients("secretsmanager").put_secret_value(
        SecretId=inputs["secretId"], SecretString=text if isinstance(text, str) else json.dumps(text)
    )
    return f"{answer['ARN']}|{answer['VersionId']}", {**inputs, "arn": answer["ARN"], "versionId": answer["VersionId"]}


@creates("ssm", "Parameter")
def parameter(context: Context, name: str, inputs: Inputs) -> Created:
    parameter_name = inputs.get("name") or name
    context.clients("ssm").put_parameter(
        Name=parameter_name, Value=inputs["value"], Type=inputs.get("type") or "String", Overwrite=True
    )
    arn = context.clients.arn("ssm", f"parameter/{parameter_name.lstrip('/')}")
    return parameter_name, {**inputs, "name": parameter_name, "arn": arn}
