"""Putting answers into the customer's bucket, in order, a moment after the request that caused them, as a bank does."""

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ATTEMPTS = 5
_PAUSE_S = 0.2


class Delivery:
    """A queue and the one thread that empties it into `{bucket}/inbound/{bank_id}/`."""

    def __init__(self, s3: "S3Client", bucket: str, bank_id: str, delay_s: float = 0.05) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"inbound/{bank_id}/"
        self._delay_s = delay_s
        self._queue: deque[tuple[float, str, bytes]] = deque()
        self._changed = threading.Condition()
        self._hurried = 0
        self.delivered = 0
        self.failed = 0
        threading.Thread(target=self._work, name="delivery", daemon=True).start()

    def put(self, name: str, body: bytes) -> None:
        """Deliver `body` under `name`, soon."""
        with self._changed:
            self._queue.append((time.monotonic() + self._delay_s, name, body))
            self._changed.notify_all()

    def flush(self) -> None:
        """Deliver what is queued now without its delay, and come back when it is delivered."""
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._queue)
            self._hurried -= 1

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue))
                ready_at, name, body = self._queue[0]
                while not self._hurried and (left := ready_at - time.monotonic()) > 0:
                    self._changed.wait(left)
            done = self._put_object(name, body)
            with self._changed:
                # Only now: an answer under way is not yet delivered, and a flush waits for it.
                self._queue.popleft()
                self.delivered += done
                self.failed += not done
                self._changed.notify_all()

    def _put_object(self, name: str, body: bytes) -> bool:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._s3.put_object(
                    Bucket=self._bucket, Key=self._prefix + name, Body=body, ContentType="application/xml"
                )
                return True
            except (BotoCoreError, ClientError) as error:
                sys.stderr.write(f"bank: {name} not delivered, attempt {attempt}: {error}\n")
                time.sleep(_PAUSE_S * attempt)
        return False
