"""A schedule's tick, an order to pay, or the news that a run died: start the run, or start it again."""

import json
from datetime import date, datetime
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.faults import without_quoting
from yikatong.aws.wiring import wiring
from yikatong.plan import WorkingDays
from yikatong.ports import RunOrder
from yikatong.use_cases.start_run import SCHEDULED, ScheduledTick, start_ordered_run, start_scheduled_run

logger = Logger(service="start_run")
processor = BatchProcessor(EventType.SQS)


def ports() -> dict[str, Any]:
    w = wiring()
    made = {"control": w.control_of("function:start_run"), "workflow": w.workflow, "schedules": w.one_time_schedules}
    return made | {"book": w.book, "settings": w.settings, "working_days": WorkingDays.committed()}


@without_quoting
def handle_order(record: SQSRecord) -> None:
    if "detail" not in record.json_body:
        # A tick that failed or could not be delivered, drained from a dead-letter queue: Scheduler's input as it was.
        logger.info("late tick", outcome=handle_tick(record.json_body))
        return
    detail = record.json_body["detail"]
    # The news of a dead execution carries its input, which is the order that started it.
    asked = json.loads(detail["input"]) if "stateMachineArn" in detail else detail
    order = RunOrder(
        asked["plan_year"], asked["code"], asked["mode"], date.fromisoformat(asked["as_of"]), asked["cause"]
    )
    outcome = start_ordered_run(order, **ports(), now=wiring().now())
    logger.info("run ordered", code=order.code, mode=order.mode, cause=order.cause, outcome=outcome)


def handle_tick(event: dict[str, Any]) -> str:
    tick = ScheduledTick(
        plan_year=event["plan_year"],
        code=event["code"],
        mode=event["mode"],
        cadence=event["cadence"],
        scheduled_at=datetime.fromisoformat(event["scheduled_at"].replace("Z", "+00:00")),
        cause=event.get("cause", SCHEDULED),
    )
    return start_scheduled_run(tick, **ports())


@logger.inject_lambda_context
@without_quoting
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    if "Records" in event:
        return process_partial_response(event=event, record_handler=handle_order, processor=processor, context=context)
    outcome = handle_tick(event)
    logger.info("tick", code=event["code"], mode=event["mode"], outcome=outcome)
    return {"outcome": outcome}
