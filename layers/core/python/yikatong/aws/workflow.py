"""Step Functions, as far as runs need it."""

import json
from typing import TYPE_CHECKING, Any

from yikatong.ports import RunOrder

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


class StepFunctions:
    """Implements `yikatong.ports.Workflow`."""

    def __init__(self, client: "SFNClient", state_machine_arn: str) -> None:
        self._client = client
        self._arn = state_machine_arn

    def start(self, execution: str, order: RunOrder, run_id: str) -> None:
        payload = {
            "run_id": run_id,
            "plan_year": order.plan_year,
            "code": order.code,
            "mode": order.mode,
            "as_of": order.as_of.isoformat(),
            "cause": order.cause,
        }
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=execution, input=json.dumps(payload, sort_keys=True)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            # That very execution was started before and has ended since; the run's own state says what is left to do.
            return

    def status(self, execution: str) -> str:
        try:
            found = self._client.describe_execution(executionArn=self._execution_arn(execution))
        except self._client.exceptions.ExecutionDoesNotExist:
            return "ABSENT"
        return "RUNNING" if found["status"] in ("RUNNING", "PENDING_REDRIVE") else "ENDED"

    def stop(self, execution: str, reason: str) -> None:
        self._client.stop_execution(executionArn=self._execution_arn(execution), cause=reason)

    def wake(self, token: str, output: dict[str, Any]) -> bool:
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(output))
        except (
            self._client.exceptions.TaskTimedOut,
            self._client.exceptions.TaskDoesNotExist,
            self._client.exceptions.InvalidToken,
        ):
            return False
        return True

    def _execution_arn(self, execution: str) -> str:
        return self._arn.replace(":stateMachine:", ":execution:") + f":{execution}"
