"""The bank over HTTP.

For the customer, with `Authorization: Bearer`: `POST /v1/payments`, `POST /v1/trial/payments`, `GET /v1/messages/{id}`
(docs/architecture.md). For whoever plays the world around it, without: `POST /script` (see `script`), `POST /accounts`
(`{account: registered name}`), `POST /day` (`{"date": "2023-06-12"}`), `POST /flush`, `GET /book`.
"""

import hmac
import json
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.bank.bank import Bank, Reply
from infra.local.bank.delivery import Delivery
from infra.local.bank.script import BadScript

MAX_BODY_BYTES = 64 * 1024 * 1024


class BankServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 only: it is a toy with real consequences for tests, not for a network."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, bank: Bank, delivery: Delivery, token: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.bank = bank
        self.delivery = delivery
        self.token = token

    def stop(self) -> None:
        """End `serve_forever`, from whichever thread."""
        threading.Thread(target=self.shutdown, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "bank"
    sys_version = ""
    wbufsize = -1  # headers and body in one packet; unbuffered, the delayed acknowledgement costs 40 ms a request
    timeout = 60
    server: BankServer

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        match self.path:
            case "/v1/payments" | "/v1/trial/payments":
                if self._authorised():
                    self._pay(self.server.bank.accept(body, trial=self.path == "/v1/trial/payments"))
            case "/script" | "/accounts" | "/day" | "/flush":
                self._control(body)
            case _:
                self._answer_json(404, {"reason": "no such path"})

    def do_GET(self) -> None:
        if self.path == "/book":
            self._answer_json(200, self.server.bank.book())
        elif self.path.startswith("/v1/messages/"):
            if not self._authorised():
                return
            known = self.server.bank.enquire(self.path.removeprefix("/v1/messages/"))
            if known is None:
                self._answer_json(404, {"reason": "never received"})
            else:
                self._answer(200, "application/xml", known)
        else:
            self._answer_json(404, {"reason": "no such path"})

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: paths and bodies are the customer's business."""

    def _pay(self, reply: Reply) -> None:
        if reply.cut:
            self.close_connection = True
            return
        if reply.delay_s:
            time.sleep(reply.delay_s)
        self._answer_json(reply.status, {"reason": reply.reason})

    def _control(self, body: bytes) -> None:
        bank = self.server.bank
        try:
            wanted = json.loads(body or b"{}")
            if not isinstance(wanted, dict):
                raise ValueError("a JSON object is wanted")
            match self.path:
                case "/script":
                    bank.change_script(wanted)
                    self._answer_json(200, {})
                case "/accounts":
                    bank.register_names(wanted)
                    self._answer_json(200, {"registered": len(wanted)})
                case "/day":
                    happened = bank.set_day(date.fromisoformat(wanted["date"]))
                    self._answer_json(200, {"today": bank.today.isoformat(), "lines": happened})
                case _:
                    happened = bank.set_day(None)
                    self.server.delivery.flush()
                    delivery = self.server.delivery
                    self._answer_json(200, {"delivered": delivery.delivered, "failed": delivery.failed})
        except (ValueError, TypeError, KeyError, AttributeError, BadScript) as error:
            self._answer_json(400, {"reason": f"{type(error).__name__}: {error}"})

    def _authorised(self) -> bool:
        given = self.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            return True
        self._answer_json(401, {"reason": "a bearer token is required"})
        return False

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self._answer_json(411, {"reason": "Content-Length is required"})
            return None
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer_json(413, {"reason": f"at most {MAX_BODY_BYTES} bytes"})
            return None
        return self.rfile.read(int(length))

    def _answer_json(self, status: int, content: dict[str, Any]) -> None:
        self._answer(status, "application/json", json.dumps(content, ensure_ascii=False).encode())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
