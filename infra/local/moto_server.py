"""moto's server, as AWS for one local cloud: on a port of its own, from an empty account."""

import logging
import os
import socket
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer


class MotoServer:
    """Runs from construction until `close`; `endpoint` is what boto3 calls."""

    def __init__(self) -> None:
        port = _free_port()
        os.environ["MOTO_PORT"] = str(port)  # Step Functions' tasks call this port (FACTS)
        default_user_config["stepfunctions"]["execute_state_machine"] = True
        _forget_everything()
        _say_nothing()
        self._server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
        self._server.start()
        self.endpoint = f"http://127.0.0.1:{port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.stop()


def _free_port() -> int:
    """Ask the system for a free port: moto must be told its port before it starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _forget_everything() -> None:
    """Start from an empty account, whatever an earlier cloud of this process left behind."""
    instances: list[Any] = BackendDict._instances  # type: ignore[misc]
    for backends in list(instances):
        backends.reset()


def _say_nothing() -> None:
    """The server logs each request's path, and S3 keys are nobody's business on a terminal."""
    for name in ("werkzeug", "moto"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
