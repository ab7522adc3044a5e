"""The local cloud: the whole system of `infra.stack` on one machine, from one `with` statement.

One process holds at most one (moto's state belongs to the process); two processes share nothing, neither ports nor
files.
"""

import contextlib
import dataclasses
import json
import math
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from infra.local import moto_patches
from infra.local.bank_process import BankProcess
from infra.local.clients import Clients
from infra.local.clock import Clock
from infra.local.event_sources import RETRY_AFTER_S, EventSources
from infra.local.gateway import Gateway, GatewayParts, Reply, Request
from infra.local.local_api import LocalApi
from infra.local.moto_server import MotoServer
from infra.local.principals import DEFAULT_PRINCIPALS, AccessKey, create_users, find_credential
from infra.local.resources import deploy
from infra.local.routes import Routes
from infra.local.runtime import LambdaRuntime, Watcher
from infra.local.settling import Settling, Work
from infra.local.site_server import server_of
from infra.settings import Principal, SecretValues, StackSettings

REGION = "cn-north-1"
STAGE = "local"
QUIET_S = 3.0
"""An execution that has called no function for so long waits for the bank, or for the next day."""


class _Closes(Protocol):
    def close(self) -> None: ...


_Part = TypeVar("_Part", bound=_Closes)
Program = Callable[[StackSettings], dict[str, Any]]
"""Deploys a stack and returns its outputs by the names of `infra.stack.Deployment`."""


class LocalCloud:
    """Starts, deploys and stops a local cloud. Keyword arguments beyond the named ones override fields of
    `StackSettings`.

    `program` is for tests of the local cloud itself; `warm` starts every function's worker ahead of need. A failed step
    or message is tried again after what the workflow says or the queue would wait, `longest_retry_pause_s` at most.
    """

    def __init__(
        self,
        as_of: date,
        plans: Sequence[Path] | None = None,
        bank_seed: int = 7,
        port: int = 0,
        principals: tuple[Principal, ...] = DEFAULT_PRINCIPALS,
        program: Program | None = None,
        bank_options: tuple[str, ...] = (),
        concurrency: int = 2,
        longest_retry_pause_s: float = math.inf,
        **overrides: Any,
    ) -> None:
        self.as_of = as_of
        self.resources: dict[str, Any] = {}
        self.keys: dict[str, AccessKey] = {}
        self._plans = tuple(plans) if plans else None
        self._bank_seed, self._bank_options = bank_seed, bank_options
        self._port, self._concurrency = port, concurrency
        self._longest_retry_pause_s = longest_retry_pause_s
        self._principals = principals
        self._program = program or _stack
        self._overrides = overrides
        self._running = contextlib.ExitStack()
        self._stopping = threading.Lock()

    def __enter__(self) -> "LocalCloud":
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self, service: str) -> Any:
        """Return a boto3 client of this cloud."""
        return self._clients(service)

    @property
    def endpoints(self) -> dict[str, str]:
        """Where to reach what: `gateway` (the site), `public`, `bureau`, `aws`, `bank`."""
        gateway = self._gateway.endpoint
        return {
            "gateway": gateway,
            "public": f"{gateway}/public",
            "bureau": f"{gateway}/bureau",
            "aws": self._clients.endpoint,
            "bank": self.bank.endpoint,
        }

    @property
    def log_folder(self) -> Path:
        """Where each function's log lies, `{name}.log`, JSON lines."""
        return self._runtime.log_folder

    @property
    def calls_file(self) -> Path:
        """Where every AWS call of every function is written down, JSON lines (see `infra.local.worker`)."""
        return self._runtime.calls_file

    def watch(self, watcher: Watcher | None) -> None:
        """Have every invocation told to `watcher`, or to nobody any more; see `infra.local.runtime.Watcher`."""
        self._runtime.watcher = watcher

    def pending_messages(self) -> list[str]:
        """The bodies of the messages that wait, or are being worked on, in queues some function reads."""
        return self._sources.pending_bodies()

    def tell_of_deaths(self, tells: bool) -> None:
        """Whether EventBridge hears of executions that did not end well, as it does; who restarts them by hand says no."""
        moto_patches.tell_of_deaths(tells)

    def time_out_task(self, token: str) -> None:
        """Let the time be over that a task of a workflow waits for its token."""
        moto_patches.time_out_task(token)

    def seconds_by_verb(self) -> dict[str, list[float]]:
        """How long each invocation so far took, by function; the wait for a worker included."""
        verbs = {name: verb for verb, name in self.resources["functions"].items()}
        found: dict[str, list[float]] = {}
        for name, seconds in list(self._runtime.durations):
            found.setdefault(verbs.get(name, name), []).append(seconds)
        return found

    def deploy(self, program: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Deploy a further Pulumi program into this cloud, and return its outputs; how tests bring functions of their
        own."""
        outputs, context = deploy(program, self._clients, self._folder)
        self._runtime.add_packages(context)
        return outputs

    def settle(self, timeout_s: float = 60, quiet_s: float | None = None) -> Work:
        """Wait until queues are empty, workers idle and no execution runs; see `infra.local.settling`. Raises
        NotSettled."""
        return self._settling.settle(timeout_s, quiet_s)

    def warm(self, verbs: Sequence[str] | None = None) -> None:
        """Start a worker for each of these functions (all when left out), in parallel."""
        names = self.resources["functions"]
        self._runtime.warm([self._function(names[verb]) for verb in (verbs or sorted(names))])

    def kill_worker(self, verb: str) -> bool:
        """Kill a worker of a function, a busy one first; False when none runs."""
        return self._runtime.kill_worker(self.resources["functions"].get(verb, verb))

    def invoke(self, verb: str, event: Any) -> Any:
        """Call a function and return its answer. Raises RuntimeError with its error object when it failed."""
        failed, answer = self._invoke_by_name(self.resources["functions"][verb], json.dumps(event).encode())
        if failed:
            raise RuntimeError(answer.decode())
        return json.loads(answer or b"null")

    def export(self, folder: Path) -> dict[str, int]:
        """Write every object, item and the bank's book to a folder; see `infra.local.export`."""
        from infra.local.export import export

        return export(folder, self._clients, self.bank.endpoint)

    def describe(self) -> dict[str, Any]:
        """Tell a client of another process all it needs; the keys and the token are invented and open nothing else."""
        return {
            "endpoints": self.endpoints,
            "region": REGION,
            "now": self.clock.now().isoformat(),
            "resources": self.resources,
            "principals": {
                principal.name: {**dataclasses.asdict(principal), **dataclasses.asdict(self.keys[principal.name])}
                for principal in self._principals
            },
            "bank": {"endpoint": self.bank.endpoint, "token": self.bank.token},
            "logs": str(self.log_folder),
            "calls": str(self.calls_file),
        }

    def now(self) -> datetime:
        """The present moment in this cloud; the machine's while it is being built."""
        return self.clock.now() if hasattr(self, "clock") else datetime.now(UTC)

    def stop(self) -> None:
        """End every process, thread and file of this cloud; may be called twice."""
        with self._stopping:
            self._running.close()

    def _start(self) -> None:
        if moto_patches.installed():
            raise RuntimeError("this process holds a local cloud already: moto's state belongs to the process")
        self._folder = Path(tempfile.mkdtemp(prefix="yikatong-"))
        self._running.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._clients = Clients(self._started(MotoServer()).endpoint, REGION)
        self.bank = self._started(self._start_bank())
        self._gateway = self._started(Gateway(LocalApi(self).answer, self._port))
        clock_url = f"{self._gateway.endpoint}/_local/clock"
        self._runtime = self._started(LambdaRuntime(self._clients, self._folder, clock_url, self._concurrency))
        pause_s = int(min(RETRY_AFTER_S, self._longest_retry_pause_s))
        self._sources = self._started(EventSources(self._runtime, self._concurrency, pause_s))
        moto_patches.install(self._runtime, self._sources, self.now, self._longest_retry_pause_s)
        self._running.callback(moto_patches.uninstall)
        self._deploy()
        self._serve()

    def _started(self, part: _Part) -> _Part:
        """Remember to close a part, whatever happens to the next."""
        self._running.callback(part.close)
        return part

    def _start_bank(self) -> BankProcess:
        bucket = f"yikatong-{STAGE}-bank-exchange-{self._clients.account}"
        token = secrets.token_hex(8)
        return BankProcess(self._clients.endpoint, bucket, self._bank_seed, self.as_of, token, self._bank_options)

    def _deploy(self) -> None:
        settings = self._settings()
        self.resources = self.deploy(lambda: self._program(settings))
        self.keys = create_users(self._clients, self._principals)

    def _serve(self) -> None:
        self._settling = Settling(self._clients, self._runtime, self._sources, self.bank.flush)
        self.clock = Clock(
            self.as_of,
            self._clients,
            invoke=lambda arn, payload: _decoded(self._carry_out(arn, payload)),
            day_begun=self.bank.day,
            settled=self._settle_day,
        )
        self._gateway.parts = GatewayParts(
            routes=Routes(self._clients, self.resources.get("apis", {})),
            region=REGION,
            account=self._clients.account,
            invoke=self._invoke_by_name,
            find_credential=lambda key: find_credential(self._clients, key),
            serve_site=self._site(),
        )

    def _settings(self) -> StackSettings:
        from infra.archives import SourceTree
        from yikatong.bank.settings import committed_banks

        endpoint = self.bank.wait_until_ready()
        bank_ids = [bank.bank_id for bank in committed_banks().banks]
        values: dict[str, Any] = {
            "stage": STAGE,
            "today": self.as_of,
            "code": SourceTree(),
            "plans": self._plans,
            "principals": self._principals,
            "enable_past_plans": True,
            "bank_endpoints": dict.fromkeys(bank_ids, endpoint),
            "secrets": SecretValues("local-payment-key", "local-record-key", dict.fromkeys(bank_ids, self.bank.token)),
            "receipt_timeout_s": 5,
            "enquiry_wait_s": 1,
            "enquiry_attempts": 2,
            "map_concurrency": 8,
            "strict_bucket_policies": False,
            "protect": False,
            "audit_retention_days": 1,
            "site_front": self._gateway.endpoint,
            "challenge": "local",
        }
        return StackSettings(**(values | self._overrides))

    def _settle_day(self) -> None:
        self.settle(timeout_s=120, quiet_s=QUIET_S)

    def _invoke_by_name(self, name_or_arn: str, payload: bytes) -> tuple[bool, bytes]:
        outcome = self._runtime.invoke(self._function(name_or_arn), payload)
        return outcome.failed, outcome.payload

    def _carry_out(self, arn: str, payload: bytes) -> tuple[bool, bytes]:
        """As Scheduler calls a function: asynchronously, only that the clock waits for it."""
        outcome = self._runtime.carry_out(self._function(arn), payload)
        return outcome.failed, outcome.payload

    def _function(self, name_or_arn: str) -> Any:
        from moto.awslambda.utils import get_backend

        backend: Any = get_backend(self._clients.account, REGION)
        return backend.get_function(name_or_arn)

    def _site(self) -> Callable[[Request], Reply]:
        bucket = self.resources.get("buckets", {}).get("site")
        if not bucket:
            return lambda _: Reply.of_json(404, {"message": "Not Found"})
        return server_of(self._clients("s3"), bucket, f"arn:{self._clients.partition}:s3:::{bucket}").answer


def _stack(settings: StackSettings) -> dict[str, Any]:
    from infra.stack import deploy as deploy_stack

    deployment = deploy_stack(settings)
    return {field.name: getattr(deployment, field.name) for field in dataclasses.fields(deployment)}


def _decoded(answer: tuple[bool, bytes]) -> tuple[bool, str]:
    return answer[0], answer[1].decode(errors="replace")


def void(_: object) -> None:
    """Drop a value where a callback returns none."""
