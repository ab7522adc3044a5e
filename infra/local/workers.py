"""Worker processes of one function: started when needed, kept warm, killed at the function's timeout."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.runtime_api import Invocation, Outcome, RuntimeApi

INIT_TIMEOUT_S = 60
"""How long a worker may take to import its handler: AWS allows 10 s, but not with all the others starting on the same
two cores."""


@dataclass(frozen=True)
class FunctionSpec:
    """What a worker needs to know of its function."""

    name: str
    arn: str
    handler: str
    folder: Path
    layers: tuple[Path, ...]
    timeout_s: int
    memory_mb: int
    variables: dict[str, str] = field(default_factory=dict)


class Spawner:
    """Starts processes from one thread that lives as long as the cloud.

    Linux's parent-death signal is sent when the *thread* that started a child ends; a request's thread ends at once.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(
        self, command: list[str], environment: dict[str, str], folder: Path, log: Path
    ) -> "subprocess.Popen[bytes]":
        """Start a process in its own session, so that Ctrl-C reaches the cloud first, which then ends its workers."""

        def popen() -> "subprocess.Popen[bytes]":
            with log.open("ab") as output:
                return subprocess.Popen(
                    command,
                    env=environment,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )

        return self._thread.submit(popen).result()

    def close(self) -> None:
        """Let the thread go, last of all."""
        self._thread.shutdown(wait=False)


class Worker:
    """One process running one function, one event at a time."""

    def __init__(self, spec: FunctionSpec, spawner: Spawner, environment: dict[str, str], log: Path) -> None:
        self.spec = spec
        self.api = RuntimeApi()
        script = Path(__file__).with_name("worker.py")
        self.process = spawner.start(
            [sys.executable, "-P", str(script), spec.handler],
            {**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            spec.folder if spec.folder.exists() else Path("/"),
            log,
        )
        threading.Thread(target=self._watch, name=f"watch-{spec.name}", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether the process can take another event."""
        return self.process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the handler is imported, the process has died, or it takes too long."""
        deadline = time.monotonic() + INIT_TIMEOUT_S
        while (
            not self.api.ready.wait(0.02) and self.alive and self.api.outcomes.empty() and time.monotonic() < deadline
        ):
            pass

    def run(self, invocation: Invocation) -> Outcome:
        """Run one event to its end: an answer, an error, the process's death, or the timeout, which kills it."""
        self.wait_until_ready()
        self.api.send(invocation)
        try:
            outcome = self.api.outcomes.get(timeout=self.spec.timeout_s)
        except queue.Empty:
            self.kill()
            message = (
                f"RequestId: {invocation.request_id} Error: Task timed out after {self.spec.timeout_s:.2f} seconds"
            )
            return Outcome.error("Sandbox.Timedout", message)
        if not self.api.ready.is_set():
            self.kill()
        return outcome

    def kill(self) -> None:
        """End the process the hard way, as a lost machine would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        self.api.close()

    def _watch(self) -> None:
        code = self.process.wait()
        cause = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        self.api.outcomes.put(Outcome.error("Runtime.ExitError", f"Runtime exited with error: {cause}"))
        self.api.close()


class Pool:
    """The workers of one function: at most `concurrency`, the last one used first, so that few stay busy and warm."""

    def __init__(self, spec: FunctionSpec, start: Callable[[FunctionSpec], Worker], concurrency: int) -> None:
        self.spec = spec
        self._start = start
        self._free = threading.Semaphore(concurrency)
        self._idle: list[Worker] = []
        self._busy: list[Worker] = []
        self._lock = threading.Lock()

    @property
    def busy_count(self) -> int:
        """How many events are being worked on."""
        return len(self._busy)

    def run(self, invocation: Callable[[], Invocation], cold: bool = False) -> Outcome:
        """Run an event in a warm worker, or in a new one (`cold`: in any case); wait when all are busy. The deadline
        starts when a worker takes it."""
        with self._worker(cold) as worker:
            return worker.run(invocation())

    def warm(self) -> None:
        """Start one worker ahead of need."""
        with self._worker() as worker:
            worker.wait_until_ready()

    def kill_one(self) -> bool:
        """Kill a worker, a busy one before an idle one; False when there is none."""
        with self._lock:
            victim = next(iter([*self._busy, *self._idle]), None)
        if victim is None:
            return False
        victim.kill()
        return True

    def close(self) -> None:
        """End every worker."""
        with self._lock:
            workers = [*self._busy, *self._idle]
            self._idle.clear()
        for worker in workers:
            worker.kill()

    @contextlib.contextmanager
    def _worker(self, cold: bool = False) -> Iterator[Worker]:
        with self._free:
            with self._lock:
                while self._idle and not self._idle[-1].alive:
                    self._idle.pop()
                worker = self._idle.pop() if self._idle and not cold else None
            worker = worker or self._start(self.spec)
            with self._lock:
                self._busy.append(worker)
            try:
                yield worker
            finally:
                with self._lock:
                    self._busy.remove(worker)
                    if worker.alive:
                        self._idle.append(worker)
