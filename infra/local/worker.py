"""What runs in a worker process before the Lambda runtime client takes over: `python -P worker.py handler.handler`.

Three things AWS's own sandbox does: the process sees the function's package and its layers but not the repository it
was developed in, it cannot outlive the cloud that started it, and each call it makes to AWS leaves a trace (so that a
test can hold the calls made against the rights granted). It runs as a script, so it imports nothing of ours.
"""

import ctypes
import json
import os
import signal
import sys
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


def record_calls(path: str) -> None:
    """Append each AWS call as one JSON line `{function, service, operation, resources}` to a file all workers share."""
    from botocore import client as clients

    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    base: Any = clients.BaseClient
    original = base._make_api_call
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def recording(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        line = {
            "function": function,
            "service": client.meta.service_model.signing_name,
            "operation": operation,
            "resources": identifiers(parameters),
        }
        os.write(descriptor, (json.dumps(line) + "\n").encode())
        return original(client, operation, parameters)

    base._make_api_call = recording


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
