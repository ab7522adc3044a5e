"""SQS to Lambda, in the background and at least once, as event source mappings do it.

moto runs the function inside the call that sends the message, one message at a time, and never tries again: an upload
would wait for its whole validation, and a retry for the next upload.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.local.runtime import LambdaRuntime

IDLE_POLL_S = 0.2
"""How often an empty queue is looked at again, for delayed messages and for those whose visibility ended; a new one
is seen at once."""
RETRY_AFTER_S = 1
"""Visibility of a message whose function failed. AWS lets the queue's timeout pass, six times the function's own:
minutes."""


class EventSources:
    """One poller per mapping, started with its first message."""

    def __init__(self, runtime: LambdaRuntime, concurrency: int = 2, retry_after_s: int = RETRY_AFTER_S) -> None:
        self._runtime = runtime
        self._concurrency = concurrency
        self._retry_after_s = retry_after_s
        self._pollers: dict[tuple[str, str], _Poller] = {}
        self._lock = threading.Lock()
        self._closed = False

    def message_arrived(self, queue: Any) -> None:
        """Wake the pollers of a queue (moto's `Queue`)."""
        for mapping in list(queue.lambda_event_source_mappings.values()):
            key = (queue.queue_arn, mapping.uuid)
            with self._lock:
                if key not in self._pollers and not self._closed:
                    self._pollers[key] = _Poller(queue, mapping, self._runtime, self._concurrency, self._retry_after_s)
            self._pollers[key].wake()

    def pending(self) -> int:
        """How many messages wait, are being worked on, or are yet invisible, in queues some function reads."""
        return len(self.pending_bodies())

    def pending_bodies(self) -> list[str]:
        """What those messages say."""
        return [message.body for poller in list(self._pollers.values()) for message in list(poller.queue._messages)]

    def close(self) -> None:
        """Stop polling."""
        with self._lock:
            self._closed = True
        for poller in self._pollers.values():
            poller.close()


class _Poller:
    def __init__(self, queue: Any, mapping: Any, runtime: LambdaRuntime, concurrency: int, retry_after_s: int) -> None:
        self.queue = queue
        self._retry_after_s = retry_after_s
        self._mapping = mapping
        self._runtime = runtime
        self._awake = threading.Event()
        self._closed = False
        self._slots = threading.Semaphore(concurrency)
        self._runners = ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix=f"sqs-{queue.name}")
        threading.Thread(target=self._poll, name=f"poll-{queue.name}", daemon=True).start()

    def wake(self) -> None:
        self._awake.set()

    def close(self) -> None:
        self._closed = True
        self._awake.set()
        self._runners.shutdown(wait=False, cancel_futures=True)

    def _poll(self) -> None:
        while not self._closed:
            self._awake.clear()
            self._slots.acquire()
            messages = self._receive() if self._mapping.enabled else []
            if messages and not self._closed:
                self._runners.submit(self._deliver, messages)
            else:
                self._slots.release()
                self._awake.wait(IDLE_POLL_S)

    def _receive(self) -> list[Any]:
        with self.queue._messages_lock:
            received: list[Any] = self._backend().receive_message(
                self.queue.name, self._mapping.batch_size, 0, int(self.queue.visibility_timeout)
            )
            return received

    def _deliver(self, messages: list[Any]) -> None:
        try:
            failed = self._failed(messages)
            with self.queue._messages_lock:
                for message in messages:
                    if message.id in failed:
                        self._backend().change_message_visibility(
                            self.queue.name, message.receipt_handle, self._retry_after_s
                        )
                    else:
                        self._backend().delete_message(self.queue.name, message.receipt_handle)
        finally:
            self._slots.release()
            self._awake.set()

    def _failed(self, messages: list[Any]) -> set[str]:
        """Run the function and return the ids of the messages to be delivered again."""
        every = {message.id for message in messages}
        event = {"Records": [self._record(message) for message in messages]}
        outcome = self._runtime.invoke(self._function(), json.dumps(event).encode())
        if outcome.failed:
            return every
        if "ReportBatchItemFailures" not in (self._mapping.function_response_types or []):
            return set()
        answer = json.loads(outcome.payload or b"null") or {}
        named = {failure.get("itemIdentifier") for failure in answer.get("batchItemFailures") or []}
        return named if named <= every else every  # an unknown id fails the whole batch, as on AWS

    def _record(self, message: Any) -> dict[str, Any]:
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": str(message.approximate_receive_count),
                "SentTimestamp": str(int(message.sent_timestamp)),
                "SenderId": "AIDALOCALSENDER",
                "ApproximateFirstReceiveTimestamp": str(
                    int(message.approximate_first_receive_timestamp or time.time() * 1000)
                ),
            },
            "messageAttributes": {},
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.queue_arn,
            "awsRegion": self.queue.region,
        }

    def _backend(self) -> Any:
        from moto.sqs.models import sqs_backends

        return sqs_backends[self.queue.account_id][self.queue.region]

    def _function(self) -> Any:
        from moto.awslambda.utils import get_backend

        backend: Any = get_backend(self.queue.account_id, self.queue.region)
        return backend.get_function(self._mapping.function_arn)
