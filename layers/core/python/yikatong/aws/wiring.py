"""One place where the adapters are put together from the environment; each is made when it is first used."""

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yikatong.aws.bank import HttpBank
from yikatong.aws.clock import clock_at, system_clock
from yikatong.aws.control import DynamoControl
from yikatong.aws.environment import Environment
from yikatong.aws.lake import S3Lake
from yikatong.aws.orders import EventOrders, ScheduleOrders
from yikatong.aws.queues import SqsQueues
from yikatong.aws.records import DynamoRecords
from yikatong.aws.workflow import StepFunctions
from yikatong.ledger import Ledger
from yikatong.plan import PlanBook, Settings

if TYPE_CHECKING:
    from datetime import datetime


class Wiring:
    """The adapters of one execution environment. Built once per environment, on first use, never at import."""

    def __init__(self, environment: Environment | None = None) -> None:
        self.environment = environment or Environment()
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            # Standard retries resend a request whose answer was lost; every write of ours is conditional or idempotent.
            self._clients[service] = boto3.client(
                service, config=Config(retries={"mode": "standard", "max_attempts": 4})
            )  # type: ignore[call-overload]
        return self._clients[service]

    @cached_property
    def control(self) -> DynamoControl:
        return DynamoControl(self.client("dynamodb"), self.environment["CONTROL_TABLE"])

    def control_of(self, who: str) -> Ledger:
        """The control table for one invocation that writes states: every write has its event, done by
        `function:VERB` or `principal:NAME` (PROTOCOL O2)."""
        return Ledger(self.control, self.audit, who, self.now())

    @cached_property
    def audit(self) -> S3Lake:
        return S3Lake(self.client("s3"), self.environment["AUDIT_BUCKET"])

    @cached_property
    def records(self) -> DynamoRecords:
        return DynamoRecords(self.client("dynamodb"), self.environment["RECORDS_TABLE"])

    @cached_property
    def lake(self) -> S3Lake:
        return S3Lake(self.client("s3"), self.environment["LAKE_BUCKET"])

    @cached_property
    def bank(self) -> HttpBank:
        tokens = json.loads(self.secret("BANK_TOKENS_SECRET"))
        return HttpBank(self.environment.mapping("BANK_ENDPOINTS"), lambda bank_id: str(tokens.get(bank_id, "")))

    @cached_property
    def workflow(self) -> StepFunctions:
        return StepFunctions(self.client("stepfunctions"), self.environment["PAYOUT_STATE_MACHINE_ARN"])

    @cached_property
    def orders(self) -> EventOrders:
        return EventOrders(self.client("events"), self.environment["EVENT_BUS"])

    @cached_property
    def queues(self) -> SqsQueues:
        return SqsQueues(self.client("sqs"), json.loads(self.environment["DEAD_LETTER_QUEUES"]))

    @cached_property
    def one_time_schedules(self) -> ScheduleOrders:
        env = self.environment
        return ScheduleOrders(
            self.client("scheduler"),
            group=env["SCHEDULE_GROUP"],
            target_arn=env["START_RUN_ARN"],
            role_arn=env["SCHEDULE_ROLE_ARN"],
            dead_arn=env["SCHEDULE_DEAD_ARN"],
        )

    @cached_property
    def book(self) -> PlanBook:
        paths = self.environment.get("PLAN_PATHS")
        return PlanBook.load([Path(path) for path in paths.split(":")]) if paths else PlanBook.committed()

    @cached_property
    def settings(self) -> Settings:
        return Settings.committed()

    def now(self) -> "datetime":
        url = self.environment.get("YIKATONG_CLOCK_URL")
        return clock_at(url) if url else system_clock()

    def secret(self, variable: str) -> str:
        """The string value of the secret whose id stands in the environment variable `variable`."""
        found: str = self.client("secretsmanager").get_secret_value(SecretId=self.environment[variable])["SecretString"]
        return found

    @cached_property
    def payment_secret(self) -> bytes:
        return self.secret("PAYMENT_KEY_SECRET").encode()

    @cached_property
    def record_secret(self) -> bytes:
        return self.secret("RECORD_KEY_SECRET").encode()


_wiring: Wiring | None = None


def wiring() -> Wiring:
    """This execution environment's wiring."""
    global _wiring
    if _wiring is None:
        _wiring = Wiring()
    return _wiring
