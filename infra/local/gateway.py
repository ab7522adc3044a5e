"""One address for everything people reach: `/public/...` and `/bureau/...` as API Gateway would serve them, the site
at `/`, `/_local` for us.

moto keeps REST APIs and does not call what is behind them. A request here becomes the event a Lambda proxy
integration gets (payload format 1.0):
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import json
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from infra.local.routes import Match, Routes
from infra.local.sigv4 import BadSignature, Credential, verify

MAX_BODY_BYTES = 10 * 1024 * 1024
REQUEST_ID_HEADER = "x-amzn-RequestId"


@dataclass(frozen=True)
class Request:
    """An HTTP request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    source_ip: str
    header_pairs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path as sent, still escaped; `//x` is a path here, where a URL would have a host."""
        return self.target.partition("?")[0] if self.target.startswith("/") else urlsplit(self.target).path or "/"

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's pairs, in order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_json(cls, status: int, value: Any) -> "Reply":
        """An answer of our own or of API Gateway's."""
        body = json.dumps(value, ensure_ascii=False, default=str).encode()
        return cls(status, body, (("Content-Type", "application/json; charset=utf-8"),))


@dataclass
class GatewayParts:
    """What the gateway stands on, given once the stack is deployed.

    `invoke(function_arn, payload) -> (failed, answer)`; `serve_site` answers what belongs to no API.
    """

    routes: Routes
    region: str
    account: str
    invoke: Callable[[str, bytes], tuple[bool, bytes]]
    find_credential: Callable[[str], Credential | None]
    serve_site: Callable[[Request], Reply]


class Gateway:
    """The HTTP server. `local(request)` answers everything below `/_local`, from the start on."""

    def __init__(self, local: Callable[[Request], Reply], port: int = 0) -> None:
        self.parts: GatewayParts | None = None
        self._local = local
        gateway = self

        class Handler(_Handler):
            answer = staticmethod(lambda request: gateway.handle(request))

        self._server = _Server(("127.0.0.1", port), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, name="gateway", daemon=True).start()

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path == "/_local" or request.path.startswith("/_local/"):
            return self._local(request)
        if self.parts is None:
            return Reply.of_json(503, {"message": "Service Unavailable"})
        if self.parts.routes.knows(request.path):
            return self._call_api(request, self.parts)
        return self.parts.serve_site(request)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _call_api(self, request: Request, parts: GatewayParts) -> Reply:
        if len(request.body) > MAX_BODY_BYTES:
            return Reply.of_json(413, {"message": "HTTP content length exceeded 10485760 bytes."})
        match = parts.routes.find(request.method, request.path)
        if match is None:
            return Reply.of_json(403, {"message": "Missing Authentication Token"})
        caller: Credential | None = None
        if match.route.authorization == "AWS_IAM":
            try:
                caller = verify(
                    request.method, request.target, request.headers, request.body, parts.region, parts.find_credential
                )
            except BadSignature as refused:
                return Reply.of_json(403, {"message": str(refused)})
        request_id = str(uuid.uuid4())
        event = proxy_event(request, match, caller, parts.account, request_id)
        failed, answer = parts.invoke(match.route.function_arn, json.dumps(event).encode())
        reply = Reply.of_json(502, {"message": "Internal server error"}) if failed else _reply_of(answer)
        return Reply(reply.status, reply.body, (*reply.headers, (REQUEST_ID_HEADER, request_id)))


def proxy_event(
    request: Request, match: Match, caller: Credential | None, account: str, request_id: str
) -> dict[str, Any]:
    """Build the event of a Lambda proxy integration, payload format 1.0."""
    multi_headers: dict[str, list[str]] = {}
    for name, value in request.header_pairs:
        multi_headers.setdefault(name, []).append(value)
    multi_query: dict[str, list[str]] = {}
    for name, value in request.query:
        multi_query.setdefault(name, []).append(value)
    body, encoded = _text_or_base64(request.body)
    now = time.time()
    return {
        "resource": match.route.resource_path,
        "path": unquote(match.path),
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in multi_headers.items()},
        "multiValueHeaders": multi_headers,
        "queryStringParameters": {name: values[-1] for name, values in multi_query.items()} or None,
        "multiValueQueryStringParameters": multi_query or None,
        "pathParameters": match.parameters or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": account,
            "apiId": match.route.api,
            "authorizer": None,
            "domainName": request.headers.get("host", ""),
            "extendedRequestId": request_id,
            "httpMethod": request.method,
            "identity": {
                "accessKey": caller.access_key if caller else None,
                "accountId": caller.account if caller else None,
                "caller": caller.user_id if caller else None,
                "sourceIp": request.source_ip,
                "user": caller.user_id if caller else None,
                "userAgent": request.headers.get("user-agent"),
                "userArn": caller.user_arn if caller else None,
            },
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": match.route.resource_id,
            "resourcePath": match.route.resource_path,
            "stage": match.route.stage,
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def _text_or_base64(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _reply_of(answer: bytes) -> Reply:
    """Read a function's answer; anything but the agreed shape is a 502, as on AWS."""
    try:
        value = json.loads(answer)
        status = int(value["statusCode"])
        text = value.get("body") or ""
        body = base64.b64decode(text) if value.get("isBase64Encoded") else text.encode()
        headers = [(name, str(item)) for name, item in (value.get("headers") or {}).items()]
        for name, items in (value.get("multiValueHeaders") or {}).items():
            headers += [(name, str(item)) for item in items]
    except (ValueError, TypeError, KeyError, AttributeError):
        return Reply.of_json(502, {"message": "Internal server error"})
    return Reply(status, body, tuple(headers))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that closes before it has its answer is no error of ours: nothing is printed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    answer: Callable[[Request], Reply]
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "yikatong", ""
    disable_nagle_algorithm = True

    def handle_one(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            reply = Reply.of_json(413, {"message": "HTTP content length exceeded 10485760 bytes."})
            self.close_connection = True
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            request = Request(
                self.command, self.path, headers, body, str(self.client_address[0]), list(self.headers.items())
            )
            try:
                reply = self.answer(request)
            except Exception as error:  # noqa: BLE001 - a server answers, whatever went wrong behind it
                reply = Reply.of_json(500, {"message": f"{type(error).__name__}: {error}"})
        self.send_response(reply.status)
        for name, value in reply.headers:
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        if reply.status != HTTPStatus.NOT_MODIFIED:  # there the length would be the content's, which is not sent
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_one

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: paths may hold names."""
