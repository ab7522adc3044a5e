"""Knowing when the local cloud has nothing more to do."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.clients import Clients
from infra.local.event_sources import EventSources
from infra.local.runtime import LambdaRuntime

POLL_S = 0.03


class NotSettled(Exception):
    """Work was still going on when the time was over; the message says what."""


@dataclass(frozen=True)
class Work:
    """What is going on: messages in queues, events in workers, executions that run (or wait for the bank)."""

    messages: int
    events: int
    executions: int

    def __bool__(self) -> bool:
        return bool(self.messages or self.events or self.executions)

    def __str__(self) -> str:
        return f"{self.messages} messages, {self.events} events in workers, {self.executions} running executions"


class Settling:
    """Watches queues, workers and executions; `flush` has the bank deliver what it has ready."""

    def __init__(
        self,
        clients: Clients,
        runtime: LambdaRuntime,
        sources: EventSources,
        flush: Callable[[], None] = lambda: None,
    ) -> None:
        self._clients = clients
        self._runtime = runtime
        self._sources = sources
        self._flush = flush

    def work(self) -> Work:
        """Count what is going on now."""
        machines = self._clients("stepfunctions")
        running = sum(
            len(machines.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"])
            for arn in (m["stateMachineArn"] for m in machines.list_state_machines()["stateMachines"])
        )
        return Work(self._sources.pending(), self._runtime.busy(), running)

    def settle(self, timeout_s: float, quiet_s: float | None = None) -> Work:
        """Wait until nothing goes on, and return what still does (nothing).

        With `quiet_s`, executions that only wait, because no function has run for so long, count as nothing. Raises
        NotSettled.
        """
        deadline = time.monotonic() + timeout_s
        idle_before = False
        while True:
            work = self.work()
            if self._is_over(work, quiet_s):
                if idle_before:
                    return work
                # Twice: an answer the bank has ready, or an event between two queues, shows up in between.
                idle_before = True
                self._flush()
            else:
                idle_before = False
            if time.monotonic() > deadline:
                raise NotSettled(f"after {timeout_s:g} s: {work}")
            time.sleep(POLL_S)

    def _is_over(self, work: Work, quiet_s: float | None) -> bool:
        if not work:
            return True
        if quiet_s is None or work.messages or work.events:
            return False
        return time.monotonic() - self._runtime.last_activity > quiet_s
