"""The real bank process, and the least of an S3 for it to deliver into."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TOKEN = "a-token"
CONNECTION_CUT = -1


class Drop(ThreadingHTTPServer):
    """Takes `PUT /{bucket}/{key}` and remembers it, in order; that is all the bank ever asks of S3."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Put)
        self.objects: list[tuple[str, bytes]] = []
        self.failures = 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Put(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Drop

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.failures:
            self.server.failures -= 1
            self.send_response(503)
        else:
            self.server.objects.append((self.path, body))
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class RunningBank:
    """One bank process and the calls a customer or a test makes of it."""

    def __init__(self, drop: Drop, *options: str) -> None:
        self.drop = drop
        command = [
            sys.executable,
            "-m",
            "infra.local.bank",
            "--today",
            "2023-01-03",
            "--token",
            TOKEN,
            "--bucket",
            "box",
        ]
        self.process = subprocess.Popen(
            [*command, "--s3-endpoint", drop.endpoint, *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = json.loads(self.process.stdout.readline())["port"]

    def call(self, method: str, path: str, body: bytes | None = None, token: str | None = TOKEN) -> tuple[int, bytes]:
        """(status, body); status `CONNECTION_CUT` where the bank hung up without a word."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return CONNECTION_CUT, b""

    def pay(self, message: bytes, trial: bool = False) -> int:
        return self.call("POST", "/v1/trial/payments" if trial else "/v1/payments", message)[0]

    def tell(self, path: str, **wanted: Any) -> dict[str, Any]:
        status, body = self.call("POST", path, json.dumps(wanted).encode(), token=None)
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    def book(self) -> dict[str, Any]:
        book: dict[str, Any] = json.loads(self.call("GET", "/book", token=None)[1])
        return book

    def delivered(self) -> list[bytes]:
        """What has been put into the inbound folder so far, after everything due was delivered."""
        self.tell("/flush")
        assert all(path.startswith("/box/inbound/") and path.endswith(".xml") for path, _ in self.drop.objects)
        return [body for _, body in self.drop.objects]

    def answers(self) -> list[dict[str, str]]:
        """Per delivered file: end-to-end id → ISO status (receipts) or `RETURN`."""
        return [statuses(body) for body in self.delivered()]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return self.process.wait(10)


def statuses(body: bytes) -> dict[str, str]:
    """End-to-end id → status, by pattern: a third reading, neither the bank's nor ours."""
    text = body.decode()
    found = dict(re.findall(r"<OrgnlEndToEndId>([^<]+)</OrgnlEndToEndId><TxSts>([A-Z]{4})</TxSts>", text))
    return found | dict.fromkeys(re.findall(r"</MsgId><EndToEndId>([^<]+)</EndToEndId>", text), "RETURN")


@pytest.fixture
def drop() -> Iterator[Drop]:
    server = Drop()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def start(drop: Drop) -> Iterator[Callable[..., RunningBank]]:
    """`start(*options)` starts a bank; every one is stopped at the end."""
    running: list[RunningBank] = []

    def one(*options: str) -> RunningBank:
        running.append(RunningBank(drop, *options))
        return running[-1]

    yield one
    for bank in running:
        bank.stop()


@pytest.fixture(scope="session")
def idle_bank() -> Iterator[RunningBank]:
    """One bank shared by the tests of what it refuses: nothing moves in them, so they cannot disturb each other."""
    server = Drop()
    running = RunningBank(server)
    yield running
    running.stop()
    server.shutdown()
    server.server_close()


@pytest.fixture
def bank(start: Callable[..., RunningBank]) -> RunningBank:
    """A bank that does not deduplicate, on 2023-01-03."""
    return start()
