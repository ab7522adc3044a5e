"""Step Functions, EventBridge and Scheduler, as far as the functions call them: they hand on to the simulated platform."""

import re
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Protocol

from tests.simulation.services import errors


class Executions(Protocol):
    """What the platform does for these clients."""

    def start_execution(self, name: str, payload: str) -> bool: ...
    def status_of(self, name: str) -> str | None: ...
    def abort(self, name: str) -> None: ...
    def answer_task(self, token: str) -> bool: ...
    def take_event(self, kind: str, detail: str) -> None: ...
    def schedule_tick(self, name: str, at: datetime, event: str) -> bool: ...


class MemoryStepFunctions:
    """Implements of `SFNClient` what is used."""

    exceptions = SimpleNamespace(
        ExecutionAlreadyExists=errors.ExecutionAlreadyExists,
        ExecutionDoesNotExist=errors.ExecutionDoesNotExist,
        TaskTimedOut=errors.TaskTimedOut,
        TaskDoesNotExist=errors.TaskDoesNotExist,
        InvalidToken=errors.InvalidToken,
    )

    def __init__(self, platform: Executions) -> None:
        self._platform = platform

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: ARG002
        assert re.fullmatch("[A-Za-z0-9_-]{1,80}", name), name
        if not self._platform.start_execution(name, input):
            raise errors.client_error(errors.ExecutionAlreadyExists, "ExecutionAlreadyExists", 400, "StartExecution")
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        status = self._platform.status_of(executionArn.rsplit(":", 1)[1])
        if status is None:
            raise errors.client_error(errors.ExecutionDoesNotExist, "ExecutionDoesNotExist", 400, "DescribeExecution")
        return {"status": status}

    def stop_execution(self, *, executionArn: str, cause: str) -> dict[str, Any]:  # noqa: ARG002
        self._platform.abort(executionArn.rsplit(":", 1)[1])
        return {}

    def send_task_success(self, *, taskToken: str, output: str) -> dict[str, Any]:  # noqa: ARG002
        if not self._platform.answer_task(taskToken):
            raise errors.client_error(errors.TaskTimedOut, "TaskTimedOut", 400, "SendTaskSuccess")
        return {}


class MemoryEvents:
    """Implements of `EventBridgeClient` what is used."""

    def __init__(self, platform: Executions) -> None:
        self._platform = platform

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        for entry in Entries:
            self._platform.take_event(entry["DetailType"], entry["Detail"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "event"} for _ in Entries]}


class MemoryScheduler:
    """Implements of `EventBridgeSchedulerClient` what is used."""

    exceptions = SimpleNamespace(ConflictException=errors.ConflictException)

    def __init__(self, platform: Executions) -> None:
        self._platform = platform

    def create_schedule(self, *, Name: str, ScheduleExpression: str, Target: dict[str, Any], **_more: Any) -> Any:
        at = datetime.fromisoformat(ScheduleExpression.removeprefix("at(").removesuffix(")"))
        if not self._platform.schedule_tick(Name, at, Target["Input"]):
            raise errors.client_error(errors.ConflictException, "ConflictException", 409, "CreateSchedule")
        return {}
