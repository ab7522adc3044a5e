"""One place where the adapters are put together from the environment; each is made, and imported, when it is first used.

The imports stand inside because every function comes here: the public query must not wait for the bank's adapter.
"""

import json
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yikatong.aws.environment import Environment

if TYPE_CHECKING:
    from datetime import datetime

    from yikatong.attempts import Limits
    from yikatong.aws.attempts import DynamoAttempts
    from yikatong.aws.bank import HttpBank
    from yikatong.aws.control import DynamoControl
    from yikatong.aws.lake import S3Lake
    from yikatong.aws.orders import EventOrders, ScheduleOrders
    from yikatong.aws.queues import SqsQueues
    from yikatong.aws.records import DynamoRecords
    from yikatong.aws.workflow import StepFunctions
    from yikatong.challenge import Challenge
    from yikatong.ledger import Ledger
    from yikatong.plan import PlanBook, Settings
    from yikatong.records import RecordKeys


class Wiring:
    """The adapters of one execution environment. Built once per environment, on first use, never at import."""

    def __init__(self, environment: Environment | None = None) -> None:
        self.environment = environment or Environment()
        self._clients: dict[str, Any] = {}
        self._record_keys: RecordKeys | None = None
        self._record_keys_read_at = 0.0

    def client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config

            # Standard retries resend a request whose answer was lost; every write of ours is conditional or idempotent.
            self._clients[service] = self._session.create_client(
                service, config=Config(retries={"mode": "standard", "max_attempts": 4})
            )
        return self._clients[service]

    @cached_property
    def _session(self) -> Any:
        # botocore's clients: boto3 adds resources and transfers that nothing here uses, and takes a third of a second.
        from botocore.session import get_session

        return get_session()

    @cached_property
    def control(self) -> "DynamoControl":
        from yikatong.aws.control import DynamoControl

        return DynamoControl(self.client("dynamodb"), self.environment["CONTROL_TABLE"])

    def control_of(self, who: str) -> "Ledger":
        """The control table for one invocation that writes states: every write has its event, done by
        `function:VERB` or `principal:NAME` (PROTOCOL O2)."""
        from yikatong.ledger import Ledger

        return Ledger(self.control, self.audit, who, self.now())

    @cached_property
    def audit(self) -> "S3Lake":
        from yikatong.aws.lake import S3Lake

        return S3Lake(self.client("s3"), self.environment["AUDIT_BUCKET"])

    @cached_property
    def records(self) -> "DynamoRecords":
        from yikatong.aws.records import DynamoRecords

        return DynamoRecords(self.client("dynamodb"), self.environment["RECORDS_TABLE"])

    @cached_property
    def attempts(self) -> "DynamoAttempts":
        from yikatong.aws.attempts import DynamoAttempts

        return DynamoAttempts(self.client("dynamodb"), self.environment["ATTEMPTS_TABLE"])

    @property
    def limits(self) -> "Limits":
        from yikatong.attempts import LIMITS

        return LIMITS

    @property
    def challenge(self) -> "Challenge | None":
        """What tells people from programs once the free attempts are used; None where the stack has no such thing."""
        from yikatong.challenge import LocalChallenge

        kind = self.environment.get("CHALLENGE") or "none"
        if kind not in ("none", "local"):
            raise RuntimeError(f"CHALLENGE is none or local, not {kind}")
        return LocalChallenge(self.record_secret, self.attempts.count) if kind == "local" else None

    @cached_property
    def site(self) -> "S3Lake":
        """The public site's bucket, to read what was published."""
        from yikatong.aws.lake import S3Lake

        return S3Lake(self.client("s3"), self.environment["SITE_BUCKET"])

    @cached_property
    def lake(self) -> "S3Lake":
        from yikatong.aws.lake import S3Lake

        return S3Lake(self.client("s3"), self.environment["LAKE_BUCKET"])

    @cached_property
    def bank(self) -> "HttpBank":
        from yikatong.aws.bank import HttpBank

        tokens = json.loads(self.secret("BANK_TOKENS_SECRET"))
        return HttpBank(self.environment.mapping("BANK_ENDPOINTS"), lambda bank_id: str(tokens.get(bank_id, "")))

    @cached_property
    def workflow(self) -> "StepFunctions":
        from yikatong.aws.workflow import StepFunctions

        return StepFunctions(self.client("stepfunctions"), self.environment["PAYOUT_STATE_MACHINE_ARN"])

    @cached_property
    def orders(self) -> "EventOrders":
        from yikatong.aws.orders import EventOrders

        return EventOrders(self.client("events"), self.environment["EVENT_BUS"])

    @cached_property
    def queues(self) -> "SqsQueues":
        from yikatong.aws.queues import SqsQueues

        return SqsQueues(self.client("sqs"), json.loads(self.environment["DEAD_LETTER_QUEUES"]))

    @cached_property
    def one_time_schedules(self) -> "ScheduleOrders":
        from yikatong.aws.orders import ScheduleOrders

        env = self.environment
        return ScheduleOrders(
            self.client("scheduler"),
            group=env["SCHEDULE_GROUP"],
            target_arn=env["START_RUN_ARN"],
            role_arn=env["SCHEDULE_ROLE_ARN"],
            dead_arn=env["SCHEDULE_DEAD_ARN"],
        )

    @cached_property
    def book(self) -> "PlanBook":
        from yikatong.plan import PlanBook

        paths = self.environment.get("PLAN_PATHS")
        return PlanBook.load([Path(path) for path in paths.split(":")]) if paths else PlanBook.committed()

    @cached_property
    def settings(self) -> "Settings":
        from yikatong.plan import Settings

        return Settings.committed()

    def now(self) -> "datetime":
        from yikatong.aws.clock import clock_at, system_clock

        url = self.environment.get("YIKATONG_CLOCK_URL")
        return clock_at(url) if url else system_clock()

    def secret(self, variable: str) -> str:
        """The string value of the secret whose id stands in the environment variable `variable`."""
        found: str = self.client("secretsmanager").get_secret_value(SecretId=self.environment[variable])["SecretString"]
        return found

    @cached_property
    def payment_secret(self) -> bytes:
        return self.secret("PAYMENT_KEY_SECRET").encode()

    @property
    def record_keys(self) -> "RecordKeys":
        """The keys of the public records, read again once they are old: while one key is exchanged for another, everybody
        must know of it in bounded time (`yikatong.rekeying`)."""
        from yikatong.rekeying import KEYS_AGE_S

        if self._record_keys is None or time.time() - self._record_keys_read_at > KEYS_AGE_S:
            read_at = time.time()
            self._record_keys, self._record_keys_read_at = self.fresh_record_keys(), read_at
        return self._record_keys

    def fresh_record_keys(self) -> "RecordKeys":
        """The keys as the secret holds them now."""
        from yikatong.records import RecordKeys

        return RecordKeys.of_secret(self.secret("RECORD_KEY_SECRET"))

    @property
    def record_secret(self) -> bytes:
        """The key that people's questions are answered under."""
        return self.record_keys.read


_wiring: Wiring | None = None


def wiring() -> Wiring:
    """This execution environment's wiring."""
    global _wiring
    if _wiring is None:
        _wiring = Wiring()
    return _wiring
