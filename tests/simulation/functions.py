"""The functions: the real handlers, each worker with a wiring of its own over the history's services.

What a handler hands to its use case is never repeated here, so nothing can differ from what is deployed. A queue's
function is called record by record (`handle`), as its batch processor does.
"""

import importlib
import json
import logging
from datetime import datetime
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import base
from aws_lambda_powertools.metrics.provider.cloudwatch_emf import cloudwatch
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from infra.functions import SIZES
from tests.simulation import memory
from tests.simulation.gate import Gate
from yikatong import parquet
from yikatong.aws import lake as s3_lake
from yikatong.aws import wiring as wiring_module
from yikatong.aws.environment import Environment
from yikatong.aws.wiring import Wiring
from yikatong.plan import PlanBook, Settings
from yikatong.records import RecordKeys

if TYPE_CHECKING:
    from tests.simulation.platform import Platform

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
PAYMENT_SECRET, RECORD_SECRET = b"payments", b"records"
ARN = "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:payout"
VARIABLES = {
    "CONTROL_TABLE": "control",
    "RECORDS_TABLE": "records",
    "LAKE_BUCKET": "lake",
    "REPORTS_BUCKET": "reports",
    "AUDIT_BUCKET": "audit",
    "ROSTER_BUCKET": "roster-drop",
    "PAYOUT_STATE_MACHINE_ARN": ARN,
    "EVENT_BUS": "bus",
    "SCHEDULE_GROUP": "plan",
    "START_RUN_ARN": "arn:aws-cn:lambda:cn-north-1:123456789012:function:start_run",
    "SCHEDULE_ROLE_ARN": "arn:aws-cn:iam::123456789012:role/scheduler",
    "SCHEDULE_DEAD_ARN": "arn:aws-cn:sqs:cn-north-1:123456789012:dead",
    # Functions that others call are told by name.
    **{verb.upper(): verb for verb in SIZES},
}
OTHER_COMPRESSION = "snappy"

_playing: "Platform | None" = None


def playing() -> "Platform":
    """The platform of the history at hand; one is played at a time in a process."""
    assert _playing is not None
    return _playing


def play_on(platform: "Platform") -> None:
    global _playing
    _playing = platform


class SimulatedWiring(Wiring):
    """The deployment's own wiring: the services, the clock, the secrets and the bank are the history's."""

    def __init__(self, platform: "Platform") -> None:
        super().__init__(Environment(VARIABLES))
        self._platform = platform
        self.__dict__ |= {
            "book": BOOK,
            "settings": SETTINGS,
            "payment_secret": PAYMENT_SECRET,
            "bank": platform.bank.wire(),
        }

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = Gate(self._platform, service, self._platform.clients.get(service))
        return self._clients[service]

    @property
    def record_keys(self) -> RecordKeys:
        return RecordKeys(RECORD_SECRET)

    def now(self) -> datetime:
        return self._platform.time_of_worker()


def _wiring() -> Wiring:
    platform = playing()
    worker = platform.stage.worker
    assert worker is not None, "only workers touch the services"
    if worker.wiring is None:
        worker.wiring = SimulatedWiring(platform)
    found: Wiring = worker.wiring
    return found


class _Lines(logging.Handler):
    """Keeps every line a function logs, as it is written."""

    def emit(self, record: logging.LogRecord) -> None:
        playing().logs.append(self.format(record))


def _capture(module: ModuleType) -> None:
    logger = getattr(module, "logger", None)
    if logger is None:
        return
    (standing,) = logging.getLogger(logger.service).handlers[:1]
    if not isinstance(standing, _Lines):
        lines = _Lines()
        lines.setFormatter(standing.formatter)
        logging.getLogger(logger.service).handlers[:] = [lines]


def _handlers() -> dict[str, ModuleType]:
    import sys

    modules = {verb: importlib.import_module(f"functions.{verb}.handler") for verb in SIZES}
    wiring_module.wiring = _wiring
    for name, module in list(sys.modules.items()):
        if not name.startswith(("functions.", "yikatong.aws")):
            continue
        if getattr(module, "wiring", None) not in (None, wiring_module):
            module.wiring = _wiring  # type: ignore[attr-defined]
        if hasattr(module, "committed_banks"):
            module.committed_banks = lambda: playing().bank.banks  # type: ignore[attr-defined]
        if hasattr(module, "secrets"):
            module.secrets = SimpleNamespace(token_hex=lambda count: playing().token_hex(count))  # type: ignore[attr-defined]
        _capture(module)
    s3_lake.time = SimpleNamespace(sleep=lambda seconds: playing().stage.sleep(seconds))  # type: ignore[assignment]
    # Metrics are lines on the standard output, like logs.
    for printing in (cloudwatch, base):
        printing.print = lambda line: playing().logs.append(line)  # type: ignore[attr-defined]
    memory.fix_the_order_of_unique_values()
    memory.remember_pure_functions()
    return modules


def _encode(frame: Any) -> bytes:
    """The next release of the code, or of polars, writes the same frame as other bytes (FACTS)."""
    import io

    buffer = io.BytesIO()
    worker = playing().stage.worker if _playing is not None else None
    other = worker is not None and worker.version
    frame.write_parquet(buffer, compression=OTHER_COMPRESSION if other else "zstd")
    return buffer.getvalue()


MODULES = _handlers()
parquet.encode = _encode
CONTEXT = SimpleNamespace(
    function_name="function", memory_limit_in_mb=128, invoked_function_arn="arn", aws_request_id="request"
)


class Functions:
    """Calls a function as the platform does."""

    @staticmethod
    def handle(verb: str, event: dict[str, Any]) -> Any:
        return MODULES[verb].handler(event, CONTEXT)

    @staticmethod
    def record(verb: str, body: dict[str, Any]) -> None:
        """One SQS message of the function's queue."""
        module = MODULES[verb]
        take = module.handle_order if verb == "start_run" else module.handle
        take(SQSRecord({"body": json.dumps(body)}))

    @staticmethod
    def api(principal: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A signed request to the bureau API: status and answer."""
        answer = MODULES["bureau_api"].handler(_request(principal, method, path, body), CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    @staticmethod
    def time_limit_s(verb: str) -> int:
        return SIZES[verb].timeout_s


def _request(principal: str, method: str, path: str, body: Any) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {
            "requestId": "request",
            "path": path,
            "httpMethod": method,
            "stage": "v1",
            "identity": {"userArn": f"arn:aws-cn:iam::123456789012:user/{principal}", "sourceIp": "127.0.0.1"},
        },
    }
