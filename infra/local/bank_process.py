"""The bank simulator as a process of its own: started with the cloud, ended with it, told the date by the clock."""

import contextlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import deque
from datetime import date
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


class BankDied(Exception):
    """The bank's process ended before it could say where it listens; the message holds what it printed last."""


class BankProcess:
    """`python -m infra.local.bank`, which ends when its stdin closes: so it never outlives us, however we end."""

    def __init__(
        self, endpoint: str, bucket: str, seed: int, today: date, token: str, options: tuple[str, ...] = ()
    ) -> None:
        self.token = token
        self._errors: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "infra.local.bank", "--port", "0", "--seed", str(seed),
                "--today", today.isoformat(),
                "--s3-endpoint", endpoint, "--bucket", bucket, "--token", token, *options,
            ],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read_errors, name="bank-errors", daemon=True).start()

    def wait_until_ready(self) -> str:
        """Return the bank's address. Raises BankDied."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise BankDied("".join(self._errors))
        self.endpoint = f"http://127.0.0.1:{json.loads(line)['port']}"
        return self.endpoint

    def call(self, method: str, path: str, body: Any = None, timeout_s: float = 30) -> Any:
        """Call one of the bank's control paths (`/day`, `/script`, `/book`) and return its JSON; a refusal raises
        ValueError."""
        request = urllib.request.Request(
            self.endpoint + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as refused:
            raise ValueError(f"the bank refused {path}: {refused.read().decode()}") from None

    def day(self, today: date) -> None:
        """Tell the bank the date; it takes none in the past, and then keeps its own."""
        with contextlib.suppress(ValueError):
            self.call("POST", "/day", {"date": today.isoformat()})

    def flush(self) -> None:
        """Have everything the bank has to say today delivered."""
        self.call("POST", "/flush", {})

    def close(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read_errors(self) -> None:
        assert self._process.stderr
        for line in self._process.stderr:
            self._errors.append(line.decode(errors="replace"))
