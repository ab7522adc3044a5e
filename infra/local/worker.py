"""What runs in a worker process before the Lambda runtime client takes over: `python -P worker.py handler.handler`.

Three things AWS's own sandbox does: the process sees the function's package and its layers but not the repository it
was developed in, it cannot outlive the cloud that started it, and each call it makes to AWS or to a bank leaves a trace
(so that a test can hold the calls made against the rights granted). A fourth is a hard machine's: told so by the
invocation's trace header (`infra.local.runtime`), the process kills itself right before or right after one of its calls.
It runs as a script, so it imports nothing of ours.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

_IDENTIFIERS = (
    "Bucket", "Key", "Prefix", "TableName", "IndexName", "QueueUrl", "SecretId", "stateMachineArn",
    "executionArn", "FunctionName", "GroupName", "Name", "ClientToken", "EventBusName", "Source",
)  # fmt: skip
"""Request parameters that name a resource. Nothing else of a request is written down: it may be personal."""


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends, however it ends (Linux; elsewhere the lost connection
    does it)."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != int(os.environ["YIKATONG_PARENT_PID"]):
            os._exit(1)


def hide_repository() -> None:
    """Keep only the package, the layers and installed packages on the path: an import AWS would not find must fail
    here too."""
    own = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    prefixes = (sys.prefix, sys.base_prefix)
    sys.path[:] = own + [entry for entry in sys.path if entry not in own and entry.startswith(prefixes)]


def identifiers(parameters: dict[str, Any]) -> dict[str, Any]:
    """Pick from a request what names resources, and nothing about people."""
    found = {name: parameters[name] for name in _IDENTIFIERS if isinstance(parameters.get(name), str)}
    if isinstance(parameters.get("RequestItems"), dict):
        found["TableName"] = sorted(parameters["RequestItems"])
    if isinstance(parameters.get("TransactItems"), list):
        found["Transaction"] = [
            [action, request["TableName"]] for item in parameters["TransactItems"] for action, request in item.items()
        ]
    if isinstance(parameters.get("Entries"), list):
        found["EventBusName"] = sorted({entry.get("EventBusName", "default") for entry in parameters["Entries"]})
    return found


class Calls:
    """The calls of one invocation after another, each kind numbered from 1: `call1`, `call2` to AWS, `bank1` to a bank, and
    `secret1` for what an environment asks for once and keeps: only the first invocation of a worker makes those.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self._header = ""
        self._counts: dict[str, int] = {}

    @contextlib.contextmanager
    def call(self, service: str, operation: str, resources: dict[str, Any]) -> Iterator[None]:
        """Write one call down; die before it leaves or after its answer, good or bad, came back, when this is the one."""
        header = os.environ.get("_X_AMZN_TRACE_ID", "")
        if header != self._header:
            self._header, self._counts = header, {}
        told = dict(part.split("=", 1) for part in header.split(";") if "=" in part)
        kind = {"secretsmanager": "secret", "bank": "bank"}.get(service, "call")
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}{self._counts[kind]}"
        line = {
            "function": self._function,
            "service": service,
            "operation": operation,
            "resources": resources,
            "invocation": told.get("Root", ""),
            "call": name,
        }
        os.write(self._descriptor, (json.dumps(line) + "\n").encode())
        if told.get("Kill") == f"{name}-before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            yield
        finally:
            if told.get("Kill") == f"{name}-after":
                os.kill(os.getpid(), signal.SIGKILL)


def record_calls(path: str) -> None:
    """Append each call to AWS or to a bank as one JSON line to a file all workers share: {function, service, operation,
    resources, invocation, call}."""
    from botocore import client as clients

    calls = Calls(path)
    base: Any = clients.BaseClient
    ask_aws = base._make_api_call

    def asking_aws(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        with calls.call(client.meta.service_model.signing_name, operation, identifiers(parameters)):
            return ask_aws(client, operation, parameters)

    # Banks are asked through urllib, AWS is not; the local cloud's clock is neither, and no call AWS would see.
    ask_bank = urllib.request.OpenerDirector.open
    clock = os.environ.get("YIKATONG_CLOCK_URL", "")

    def asking_bank(opener: Any, request: Any, *rest: Any, **options: Any) -> Any:
        if not isinstance(request, urllib.request.Request) or request.full_url == clock:
            return ask_bank(opener, request, *rest, **options)
        with calls.call("bank", request.get_method(), {}):
            return ask_bank(opener, request, *rest, **options)

    base._make_api_call = asking_aws
    opener: Any = urllib.request.OpenerDirector
    opener.open = asking_bank


def main() -> None:
    """Become the function: hand over to the runtime client AWS ships."""
    die_with_parent()
    hide_repository()
    if os.environ.get("YIKATONG_CALLS_FILE"):
        record_calls(os.environ["YIKATONG_CALLS_FILE"])
    from awslambdaric.__main__ import main as run_runtime_client

    run_runtime_client(["awslambdaric", sys.argv[1]])


if __name__ == "__main__":
    main()
