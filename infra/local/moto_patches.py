"""Where moto falls short of AWS for what this system does, and what stands in for it. Each patch says why.

moto's state is global to a process, so a process holds one local cloud, and these patches are applied once and routed to it.
"""

import functools
import json
import threading
from collections.abc import Callable
from typing import Any

from infra.local.event_sources import EventSources
from infra.local.runtime import LambdaRuntime


class _Current:
    """The one local cloud of this process, for the patched methods."""

    runtime: LambdaRuntime | None = None
    sources: EventSources | None = None
    applied = False


def install(runtime: LambdaRuntime, sources: EventSources) -> None:
    """Route moto's Lambda and SQS to this cloud's workers; patch moto the first time."""
    _Current.runtime, _Current.sources = runtime, sources
    if not _Current.applied:
        _Current.applied = True
        for patch in (
            _lambda_runs_workers,
            _queues_only_queue,
            _messages_are_not_lost,
            _clients_are_shared,
            _map_starts_few_threads,
        ):
            patch()


def uninstall() -> None:
    """Forget the cloud: what still calls in gets an error."""
    _Current.runtime = _Current.sources = None


def _runtime() -> LambdaRuntime:
    if _Current.runtime is None:
        raise RuntimeError("no local cloud runs in this process")
    return _Current.runtime


def _lambda_runs_workers() -> None:
    """moto runs functions in Docker containers, one per call, and runs `Event` invocations while the caller waits."""
    from moto.awslambda.models import LambdaFunction

    def invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> bytes:
        payload = body.encode() if isinstance(body, str) else body or b"{}"
        kind = request_headers.get("x-amz-invocation-type") or request_headers.get("X-Amz-Invocation-Type")
        if kind == "Event":
            _runtime().invoke_later(self, payload)
            return b""
        if kind == "DryRun":
            return b""
        outcome = _runtime().invoke(self, payload)
        if outcome.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return outcome.payload

    def _invoke_lambda(self: Any, event: Any = None) -> tuple[str, bool, str]:
        outcome = _runtime().invoke(self, json.dumps(event if event is not None else {}).encode())
        return outcome.payload.decode(), outcome.failed, ""

    LambdaFunction.invoke = invoke
    LambdaFunction._invoke_lambda = _invoke_lambda


def _queues_only_queue() -> None:
    """moto calls the function from inside `SendMessage`; here the message is queued and a poller is woken (`event_sources`)."""
    from moto.sqs.models import Queue

    original = Queue.add_message

    def add_message(self: Any, message: Any) -> None:
        mappings, self.lambda_event_source_mappings = self.lambda_event_source_mappings, {}
        try:
            original(self, message)
        finally:
            self.lambda_event_source_mappings = mappings
        if _Current.sources is not None:
            _Current.sources.message_arrived(self)

    Queue.add_message = _locked(add_message)


def _messages_are_not_lost() -> None:
    """moto deletes by rebuilding the list of messages without a lock: a message sent meanwhile would be gone."""
    from moto.sqs.models import Queue

    Queue.delete_message = _locked(Queue.delete_message)


def _locked(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def under_lock(self: Any, *args: Any) -> Any:
        with self._messages_lock:
            return method(self, *args)

    return under_lock


def _clients_are_shared() -> None:
    """Step Functions' tasks build a boto3 client each, 50 ms of work that is not thread safe either; one per service will do."""
    import boto3
    from botocore.config import Config
    from moto.settings import moto_server_port
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import resource_eval_s3
    from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
    from moto.stepfunctions.parser.asl.utils import boto_client

    clients: dict[tuple[str, str, str], Any] = {}
    lock = threading.Lock()

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        key = (region, service, moto_server_port())
        with lock:
            if key not in clients:
                clients[key] = boto3.session.Session().client(
                    service,
                    region_name=region,
                    endpoint_url=f"http://127.0.0.1:{moto_server_port()}",
                    aws_access_key_id="ak",
                    aws_secret_access_key="sk",
                    config=Config(
                        parameter_validation=False,
                        retries={"max_attempts": 0, "total_max_attempts": 1},
                        connect_timeout=60,
                        read_timeout=900,
                        max_pool_connections=100,
                    ),
                )
            return clients[key]

    import sys

    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "boto_client_for"):
            module.boto_client_for = boto_client_for
    for module in (boto_client, lambda_eval_utils, resource_eval_s3):
        module.boto_client_for = boto_client_for


def _map_starts_few_threads() -> None:
    """A Distributed Map starts as many threads as its MaxConcurrency, also for three items."""
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import job as jobs
    from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
        DistributedIterationComponent,
    )

    original = DistributedIterationComponent._map_run

    def _map_run(self: Any, env: Any, eval_input: Any) -> None:
        record = eval_input.map_run_record
        items = len(env.stack[-1])
        if record.max_concurrency > items > 0:
            record.max_concurrency = items
        original(self, env, eval_input)

    assert jobs.JobPool is not None
    DistributedIterationComponent._map_run = _map_run
