"""The Lambda Runtime API, one per worker process: what `awslambdaric` asks for its next event and answers to.

A port per worker tells the workers apart, which one shared port could not: the client sends no name of its own.
See https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PREFIX = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Invocation:
    """One event on its way to a worker; `deadline_ms` is a Unix time, as the client expects it."""

    request_id: str
    function_arn: str
    deadline_ms: int
    payload: bytes
    trace_id: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came back: the JSON the function returned, or with `failed` the error object AWS would hand to the
    caller."""

    payload: bytes
    failed: bool = False

    @classmethod
    def error(cls, error_type: str, message: str) -> "Outcome":
        """Build the error object of a failure the function's code did not report itself."""
        return cls(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), failed=True)


class RuntimeApi:
    """Serves one worker; `outcomes` also takes what happens to the process (its death), so that one queue tells the
    whole story."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self._events: queue.Queue[Invocation | None] = queue.Queue()
        api = self

        class Handler(_Handler):
            runtime = api

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    def send(self, invocation: Invocation) -> None:
        """Hand the next event to the worker, now or when it asks."""
        self._events.put(invocation)

    def next_event(self) -> Invocation | None:
        """Wait for an event; None when the cloud stops."""
        self.ready.set()
        return self._events.get()

    def close(self) -> None:
        """Let a waiting worker go and free the port."""
        self._events.put(None)
        threading.Thread(target=self._close, daemon=True).start()

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that died in the middle of a request is known by its process, not by its socket."""


class _Handler(BaseHTTPRequestHandler):
    runtime: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            self._answer(404)
            return
        event = self.runtime.next_event()
        if event is None:
            self._answer(410)
            return
        self._answer(
            200,
            event.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
                "Lambda-Runtime-Trace-Id": event.trace_id,
            },
        )

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/response"):
            self.runtime.outcomes.put(Outcome(body))
        elif self.path.endswith("/error"):
            self.runtime.outcomes.put(Outcome(body, failed=True))
        else:
            self._answer(404)
            return
        self._answer(202, b'{"status":"OK"}')

    def _body(self) -> bytes:
        """Read a body sent with a length, or in chunks as the runtime client does."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: each function has its own log file."""
