"""Where moto falls short of AWS for what this system does, and what stands in for it. Each patch says why.

moto's state is global to a process, so a process holds one local cloud, and these patches are applied once and routed
to it.
"""

import functools
import inspect
import itertools
import json
import math
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from moto import settings as moto_settings

from infra.local.event_sources import EventSources
from infra.local.runtime import LambdaRuntime


class _Current:
    """The one local cloud of this process, for the patched methods."""

    runtime: LambdaRuntime | None = None
    sources: EventSources | None = None
    now: ClassVar[Callable[[], datetime] | None] = None
    longest_retry_pause_s = math.inf
    tells_of_deaths = True
    waiting_tasks: ClassVar[dict[str, Any]] = {}
    applied = False


def install(
    runtime: LambdaRuntime,
    sources: EventSources,
    now: Callable[[], datetime],
    longest_retry_pause_s: float = math.inf,
) -> None:
    """Route moto's Lambda and SQS to this cloud's workers, and date its objects by this cloud's clock; patch moto the
    first time."""
    _Current.runtime, _Current.sources, _Current.now = runtime, sources, now
    _Current.longest_retry_pause_s, _Current.tells_of_deaths = longest_retry_pause_s, True
    if not _Current.applied:
        _Current.applied = True
        for patch in (
            _lambda_runs_workers,
            _queues_only_queue,
            _messages_are_not_lost,
            _object_events_have_an_order,
            _clients_are_shared,
            _map_starts_few_threads,
            _objects_are_dated_by_this_cloud,
            _retries_wait_as_told,
            _waiting_tasks_can_time_out,
            _deaths_of_executions_are_told,
            _queries_look_at_one_partition,
        ):
            patch()


def installed() -> bool:
    """Whether this process holds a local cloud already."""
    return _Current.runtime is not None


def uninstall() -> None:
    """Forget the cloud: what still calls in gets an error."""
    _Current.runtime = _Current.sources = _Current.now = None
    _Current.waiting_tasks.clear()


def tell_of_deaths(tells: bool) -> None:
    """Whether EventBridge hears of executions that did not end well."""
    _Current.tells_of_deaths = tells


def time_out_task(token: str) -> None:
    """End the waiting of a `waitForTaskToken` task now, as its `TimeoutSeconds` would later; too late for it, nothing."""
    if task := _Current.waiting_tasks.pop(token, None):
        task.interrupt_all()


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

    _replace(LambdaFunction, invoke=invoke, _invoke_lambda=_invoke_lambda)


def _queues_only_queue() -> None:
    """moto calls the function from inside `SendMessage`; here the message is queued and a poller is woken
    (`event_sources`)."""
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

    _replace(Queue, add_message=_locked(add_message))


def _messages_are_not_lost() -> None:
    """moto deletes by rebuilding the list of messages without a lock: a message sent meanwhile would be gone."""
    from moto.sqs.models import Queue

    _replace(Queue, delete_message=_locked(Queue.delete_message))


_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}


def _object_events_have_an_order() -> None:
    """moto gives every S3 event one sequencer and one id, sends it to every bus, and hides what goes wrong.

    Corrections of a roster are told apart by the sequencer: a rising one, compared as S3's is, letter by letter.
    """
    from moto.s3 import notifications

    rising = itertools.count(time.time_ns())

    def send(account_id: str, bucket: Any, event_name: str, key: Any) -> None:
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.strip('"'),
                "version-id": key.version_id,
                "sequencer": f"{next(rising):016X}",
            },
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": _REASONS.get(event_name, event_name),
        }
        emit((account_id, bucket.region_name), "aws.s3", notifications._detail_type(event_name), bucket.arn, detail)

    _replace(notifications, _send_event_bridge_message=send)


def emit(where: tuple[str, str], source: str, kind: str, resource: str, detail: Mapping[str, Any]) -> None:
    """Put AWS's own event on the default bus of an account and region, as AWS does and no customer may: past `PutEvents`,
    to the rules."""
    from moto.events.models import events_backends

    account, region = where
    event: Any = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": time.time(),  # moto writes it out as a date
        "region": region,
        "resources": [resource],
        "detail": detail,
    }
    bus: Any = events_backends[account][region].event_buses["default"]
    for rule in list(bus.rules.values()):
        rule.send_to_targets(event, transform_input=False)


def tell_of_death(execution: Any) -> None:
    """What EventBridge hears of an execution that ended otherwise than well (moto's `Execution`)."""
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine.arn,
        "name": execution.name,
        "status": execution.exec_status.value,
        "input": execution.execution_input,
    }
    where = (execution.account_id, execution.region_name)
    emit(where, "aws.states", "Step Functions Execution Status Change", execution.exec_arn, detail)


def _deaths_of_executions_are_told() -> None:
    """moto tells nobody how an execution ended; what restarts a run is the news that its execution has not ended well."""
    from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication

    original = BaseExecutionWorkerCommunication.terminated

    def terminated(self: Any) -> None:
        original(self)
        if self.execution.exec_status.value != "SUCCEEDED" and _Current.tells_of_deaths and installed():
            tell_of_death(self.execution)

    _replace(BaseExecutionWorkerCommunication, terminated=terminated)


def _objects_are_dated_by_this_cloud() -> None:
    """moto dates objects by the machine's clock. A message's deadline is counted by S3's dates, and here days are played."""
    from moto.core.utils import utcnow as machine_now
    from moto.s3 import models

    def utcnow() -> datetime:
        return machine_now() if _Current.now is None else _Current.now().astimezone(UTC).replace(tzinfo=None)

    _replace(models, utcnow=utcnow)


def _locked(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def under_lock(self: Any, *args: Any) -> Any:
        with self._messages_lock:
            return method(self, *args)

    return under_lock


def _clients_are_shared() -> None:
    """Step Functions' tasks build a boto3 client each, 50 ms of work that is not thread safe either; one per service
    will do."""
    # Imported for their names: each holds its own reference to the function replaced here.
    from moto.stepfunctions.parser import models  # noqa: F401

    clients: dict[tuple[str, str, str], Any] = {}
    lock = threading.Lock()

    def boto_client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG001 - moto's
        key = (region, service, moto_settings.moto_server_port())
        with lock:
            if key not in clients:
                clients[key] = _state_machine_client(*key)
            return clients[key]

    for name, module in list(sys.modules.items()):
        if name.startswith("moto.stepfunctions") and hasattr(module, "boto_client_for"):
            _replace(module, boto_client_for=boto_client_for)


def _state_machine_client(region: str, service: str, port: str) -> Any:
    make: Any = boto3.session.Session().client
    return make(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="ak",
        aws_secret_access_key="sk",
        config=Config(
            parameter_validation=False,
            retries={"total_max_attempts": 1},
            connect_timeout=60,
            read_timeout=900,
            max_pool_connections=100,
        ),
    )


def _replace(owner: Any, **members: Any) -> None:
    for name, member in members.items():
        setattr(owner, name, member)


def _map_starts_few_threads() -> None:
    """A Distributed Map starts as many threads as its MaxConcurrency, also for three items."""
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

    _replace(DistributedIterationComponent, _map_run=_map_run)


def _retries_wait_as_told() -> None:
    """A state's Retry waits whole seconds; where a thousand workers are killed, nobody wants to wait for each."""
    from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

    class Waiting:
        @staticmethod
        def sleep(seconds: float) -> None:
            time.sleep(min(seconds, _Current.longest_retry_pause_s))

    _replace(retrier_decl, time=Waiting)


def _waiting_tasks_can_time_out() -> None:
    """A day's wait for the bank is a setting, but in seconds; where nothing will come any more it is cut short instead."""
    from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager

    original = CallbackPoolManager.add

    def add(self: Any, callback_id: str) -> Any:
        endpoint = _Current.waiting_tasks[callback_id] = original(self, callback_id)
        return endpoint

    _replace(CallbackPoolManager, add=add)


def _queries_look_at_one_partition() -> None:
    """moto sorts the whole table for each query of it, by key; a partition is what a query is about."""
    from moto.dynamodb.models.table import Table

    query_original, all_original = Table.query, Table.all_items
    asked = threading.local()

    signature = inspect.signature(query_original)

    def query(*args: Any, **others: Any) -> Any:
        given = signature.bind(*args, **others).arguments
        asked.hash_key = None if given.get("index_name") else given["hash_key"]
        try:
            return query_original(*args, **others)
        finally:
            asked.hash_key = None

    def all_items(self: Any) -> list[Any]:
        hash_key = getattr(asked, "hash_key", None)
        if hash_key is None:
            found: list[Any] = all_original(self)
            return found
        partition = self.items.get(hash_key)
        if partition is None:
            return []
        return list(partition.values()) if self.range_key_attr else [partition]

    _replace(Table, query=query, all_items=all_items)
