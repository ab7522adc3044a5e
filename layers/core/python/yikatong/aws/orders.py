"""Orders: events on the bus to pay or to re-key, and one-time schedules for a payday that is no bank working day."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yikatong.ports import RekeyingOrder, RunOrder

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient
    from types_boto3_scheduler import EventBridgeSchedulerClient


class OrderNotTaken(Exception):
    """EventBridge did not take the event; the caller's retry publishes it again."""


class EventOrders:
    """Implements `yikatong.ports.Orders` and `yikatong.ports.RekeyingOrders`."""

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def order_run(self, order: RunOrder) -> None:
        self._publish("RunOrdered", asdict(order) | {"as_of": order.as_of.isoformat()})

    def order_rekeying(self, order: RekeyingOrder) -> None:
        self._publish("RekeyingOrdered", asdict(order))

    def _publish(self, kind: str, detail: dict[str, Any]) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": "yikatong",
            "DetailType": kind,
            "Detail": json.dumps(detail),
        }
        answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            raise OrderNotTaken(answer["Entries"][0].get("ErrorCode", ""))


class ScheduleOrders:
    """Implements `yikatong.ports.OneTimeSchedules`, in the plan's own schedule group."""

    def __init__(
        self, client: "EventBridgeSchedulerClient", group: str, target_arn: str, role_arn: str, dead_arn: str
    ) -> None:
        self._client = client
        self._group = group
        self._target_arn = target_arn
        self._role_arn = role_arn
        self._dead_arn = dead_arn

    def order_once(self, name: str, at: datetime, order: dict[str, Any]) -> None:
        try:
            self._client.create_schedule(
                GroupName=self._group,
                Name=name,
                ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="Asia/Shanghai",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._target_arn,
                    "RoleArn": self._role_arn,
                    "Input": json.dumps(order),
                    # A payday that could not be delivered must not vanish.
                    "DeadLetterConfig": {"Arn": self._dead_arn},
                },
            )
        except self._client.exceptions.ConflictException:
            # Made by an earlier delivery of the same tick: the name says which tick, so it is the same order.
            return
