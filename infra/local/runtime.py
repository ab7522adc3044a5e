"""Lambda: finds a function's package, role and settings in moto and runs its code in a real runtime client.

Functions get exactly what AWS would give them: their declared variables, their role's credentials, their package and
layers; beside that only the address of this cloud (`AWS_ENDPOINT_URL`) and of its clock (`YIKATONG_CLOCK_URL`).
"""

import os
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from infra.local.clients import Clients
from infra.local.resources.context import Context
from infra.local.runtime_api import Invocation, Outcome
from infra.local.workers import FunctionSpec, Pool, Spawner, Worker

ASYNC_RETRIES = 2
"""How often Lambda repeats an asynchronous invocation that failed."""


@dataclass(frozen=True)
class Fate:
    """What is to happen to an invocation: its worker dies at one of its calls (`call7-before`, `secret1-after`; see
    `infra.local.worker.Calls`), or a new worker is started for it."""

    kill: str = ""
    cold: bool = False


class Watcher(Protocol):
    """Told of every invocation: may hold it back, and decides its fate."""

    def begins(self, function_name: str, payload: bytes, invocation: str) -> Fate:
        """Come back when the invocation may go on."""

    def ended(self, function_name: str, invocation: str, outcome: Outcome) -> None:
        """What came of it."""


class LambdaRuntime:
    """Every function's pool of workers; one per local cloud."""

    def __init__(self, clients: Clients, work_folder: Path, clock_url: str, concurrency: int = 2) -> None:
        self.log_folder = work_folder / "logs"
        self.calls_file = work_folder / "calls.jsonl"
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self._packages: list[Context] = []
        self._clients = clients
        self._clock_url = clock_url
        self._concurrency = concurrency
        self._spawner = Spawner()
        self._pools: dict[str, Pool] = {}
        self._lock = threading.Lock()
        self._background = ThreadPoolExecutor(max_workers=8, thread_name_prefix="async-invoke")
        self._async_count = 0
        self.last_activity = time.monotonic()
        self.durations: list[tuple[str, float]] = []
        """Function name and seconds of every invocation, the wait for a worker included; benchmarks read it."""
        self.watcher: Watcher | None = None
        self._closed = False

    def invoke(self, function: Any, payload: bytes) -> Outcome:
        """Run an event in a worker of a function (moto's `LambdaFunction`) and return what the caller gets to see."""
        if self._closed:
            return Outcome.error("ServiceException", "the local cloud is stopping")
        self.last_activity = time.monotonic()
        pool = self._pool(function)
        root = f"1-{int(time.time()):x}-{uuid.uuid4().hex[:24]}"
        watcher = self.watcher
        # The one header of an invocation that reaches its worker's environment and that no code of ours reads.
        fate = watcher.begins(pool.spec.name, payload, root) if watcher else Fate()
        trace = f"Root={root};Sampled=0" + (f";Kill={fate.kill}" if fate.kill else "")

        def invocation() -> Invocation:
            request_id = str(uuid.uuid4())
            deadline_ms = int((time.time() + pool.spec.timeout_s) * 1000)
            return Invocation(request_id, pool.spec.arn, deadline_ms, payload, trace)

        began = time.monotonic()
        outcome = Outcome.error("ServiceException", "the worker could not be started")
        try:
            outcome = pool.run(invocation, fate.cold)
            return outcome
        finally:
            if watcher:
                watcher.ended(pool.spec.name, root, outcome)
            self.last_activity = time.monotonic()
            self.durations.append((pool.spec.name, self.last_activity - began))

    def add_packages(self, context: Context) -> None:
        """Make the functions of a deployment runnable."""
        self._packages.append(context)

    def carry_out(self, function: Any, payload: bytes) -> Outcome:
        """Do what Lambda does with an asynchronous event: repeat it twice when it fails, at once and not after minutes, then
        leave it in the function's dead-letter queue. Returns the last outcome."""
        for _ in range(1 + ASYNC_RETRIES):
            outcome = self.invoke(function, payload)
            if not outcome.failed:
                return outcome
        self._bury(function.function_name, payload)
        return outcome

    def invoke_later(self, function: Any, payload: bytes) -> None:
        """Accept an asynchronous event: the caller goes on, and the event is carried out in the background."""
        with self._lock:
            self._async_count += 1
        self._background.submit(self._run_async, function, payload)

    def warm(self, functions: list[Any]) -> None:
        """Start one worker each, as many at a time as there are processors: importing is all processor time."""
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as starters:
            list(starters.map(lambda function: self._pool(function).warm(), functions))

    def kill_worker(self, function_name: str) -> bool:
        """Kill a worker of a function, a busy one if there is one; False when none runs."""
        pool = self._pools.get(function_name)
        return pool.kill_one() if pool else False

    def busy(self) -> int:
        """How many events are being worked on, or wait to be, whoever sent them."""
        return self._async_count + sum(pool.busy_count for pool in self._pools.values())

    def close(self) -> None:
        """End every worker process."""
        self._closed = True
        self._background.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.close()
        self._spawner.close()

    def _run_async(self, function: Any, payload: bytes) -> None:
        try:
            self.carry_out(function, payload)
        finally:
            with self._lock:
                self._async_count -= 1

    def _bury(self, function_name: str, payload: bytes) -> None:
        queue = next((p.dead_letters[function_name] for p in self._packages if function_name in p.dead_letters), None)
        if queue is not None and not self._closed:
            sqs = self._clients("sqs")
            where = sqs.get_queue_url(QueueName=queue.rsplit(":", 1)[1])["QueueUrl"]
            sqs.send_message(QueueUrl=where, MessageBody=payload.decode())

    def _pool(self, function: Any) -> Pool:
        with self._lock:
            if function.function_name not in self._pools:
                spec = self._spec(function)
                self._pools[spec.name] = Pool(spec, self._start_worker, self._concurrency)
            return self._pools[function.function_name]

    def _spec(self, function: Any) -> FunctionSpec:
        package = next((p for p in self._packages if function.function_name in p.function_folders), None)
        if package is None:
            raise RuntimeError(f"{function.function_name} was invoked before its deployment ended")
        layers = [package.layer_folders[layer["Arn"]] for layer in function.layers]
        variables = {
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.function_name}",
        }  # fmt: skip
        variables |= self._role_credentials(function.role, function.function_name)
        return FunctionSpec(
            name=function.function_name,
            arn=function.function_arn,
            handler=function.handler,
            folder=package.function_folders[function.function_name],
            layers=tuple(layers),
            timeout_s=int(function.timeout),
            memory_mb=int(function.memory_size),
            variables={**variables, **{key: str(value) for key, value in function.environment_vars.items()}},
        )

    def _role_credentials(self, role: str, function_name: str) -> dict[str, str]:
        session = self._clients("sts").assume_role(
            RoleArn=role, RoleSessionName=function_name[:64], DurationSeconds=43200
        )
        return {
            "AWS_ACCESS_KEY_ID": session["Credentials"]["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": session["Credentials"]["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["Credentials"]["SessionToken"],
        }

    def _start_worker(self, spec: FunctionSpec) -> Worker:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "HOME": "/tmp",
            "PYTHONPATH": os.pathsep.join(str(p) for p in self._import_path(spec)),
            "POLARS_MAX_THREADS": "1",
            "LAMBDA_TASK_ROOT": str(spec.folder),
            "LAMBDA_RUNTIME_DIR": str(Path(__file__).parent),
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_REGION": self._clients.region,
            "AWS_DEFAULT_REGION": self._clients.region,
            "AWS_ENDPOINT_URL": self._clients.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_LAMBDA_FUNCTION_NAME": spec.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "AWS_LAMBDA_LOG_STREAM_NAME": uuid.uuid4().hex,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "POWERTOOLS_SERVICE_NAME": spec.name,
            "POWERTOOLS_TRACE_DISABLED": "true",
            "YIKATONG_CLOCK_URL": self._clock_url,
            "YIKATONG_CALLS_FILE": str(self.calls_file),
            "YIKATONG_PARENT_PID": str(os.getpid()),
            **spec.variables,
        }
        return Worker(spec, self._spawner, environment, self.log_folder / f"{spec.name}.log")

    def _import_path(self, spec: FunctionSpec) -> list[Path]:
        return [spec.folder, *(layer / "python" for layer in spec.layers if (layer / "python").exists())]
