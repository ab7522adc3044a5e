"""What an API answers when it cannot do as asked: problem details (RFC 9457), in Chinese, for both APIs alike.

An answer and a log line never repeat what was sent: it may be personal.
"""

import base64
import json
import re
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.errors import Conflict, Refusal
from yikatong.regions import IN_WORDS

TITLES = {403: "无权办理", 404: "没有找到", 409: "与现状不符", 422: "请求内容不正确", 500: "系统故障"}
STATUS_OF = {
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "no_plan": HTTPStatus.NOT_FOUND,
    "no_subsidy": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
}


# By the kind of pydantic's error; the braces are its context, which holds the schema's bounds.
_CURES = {
    "extra_forbidden": "没有这一项",
    "int_type": "应是整数",
    "int_parsing": "应是整数",
    "int_from_float": "应是整数",
    "greater_than_equal": "不小于 {ge}",
    "less_than_equal": "不大于 {le}",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "至多 {max_length} 个字",
    "too_long": "至多 {max_length} 项",
    "json_invalid": "不是合法的 JSON",
}
_QUOTED = re.compile(r"'([^']*)'")


class Problems:
    """Registers the error handlers of one API."""

    def __init__(self, app: APIGatewayRestResolver, logger: Logger) -> None:
        self._app = app
        self._logger = logger
        app.exception_handler(Refusal)(self._refused)
        app.exception_handler(RequestValidationError)(self._invalid)
        app.exception_handler(Exception)(self._broken)
        app.not_found(self._no_route)

    def resolve(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one event. Every answer names its request, and what is not expressly public is not to be stored."""
        answer: dict[str, Any] = self._app.resolve(_readable(event), context)
        headers = answer["multiValueHeaders"] | {"X-Correlation-Id": [event["requestContext"]["requestId"]]}
        headers.setdefault("Cache-Control", ["no-store"])
        return answer | {"multiValueHeaders": headers}

    def _problem(self, status: int, code: str, detail: str, **more: object) -> Response[str]:
        body = {
            "type": f"urn:yikatong:problem:{code}",
            "title": TITLES[status],
            "status": int(status),
            "detail": detail,
        }
        self._logger.info("refused", problem=code, status=int(status))
        correlation_id = self._app.current_event.request_context.request_id
        text = json.dumps(body | {"correlation_id": correlation_id} | more, ensure_ascii=False)
        return Response(int(status), "application/problem+json", text)

    def _refused(self, refusal: Refusal) -> Response[str]:
        if isinstance(refusal, Conflict):
            return self._problem(409, "conflict", "同时有别的操作改动了它，请重新查看后再试。")
        return self._problem(
            STATUS_OF.get(refusal.code, HTTPStatus.UNPROCESSABLE_ENTITY), refusal.code, refusal.message
        )

    def _invalid(self, error: RequestValidationError) -> Response[str]:
        errors = [{"at": _place(each["loc"]), "kind": each["type"]} for each in error.errors()]
        words = "；".join(f"{_place(each['loc'])}{_wrong(each)}" for each in error.errors()[:10])
        return self._problem(422, "invalid", f"请求内容不正确：{words}。", errors=errors[:100])

    def _no_route(self, _: NotFoundError) -> Response[str]:
        return self._problem(404, "not_found", "没有这个地址。")

    def _broken(self, error: Exception) -> Response[str]:
        # The place, not the message: an exception's text may quote a row.
        places = traceback.format_tb(error.__traceback__)[-6:]
        self._logger.error("unexpected", exception_name=type(error).__name__, at=places)
        return self._problem(500, "broken", "系统出了故障，请稍后再试；多次出现请报告并附上编号。")


def _wrong(error: Mapping[str, Any]) -> str:
    """What is wrong, and what the schema would have taken: read off the schema's own words, never off what was sent."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "missing":
        return "缺少"
    if kind == IN_WORDS:
        return f"不正确，{error['msg']}"
    if kind in ("enum", "literal_error"):
        return f"不正确，可选 {'、'.join(re.findall(_QUOTED, str(context.get('expected', ''))))}"
    if kind.startswith("date_"):
        return "不正确，应是 2023-06-10 写法的日期"
    cure = _CURES.get(kind)
    return "不正确" if cure is None else f"不正确，{cure.format(**context)}"


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """A body that is no JSON is handed on as none at all: the route then refuses it like any other wrong request."""
    body = event.get("body")
    if not body:
        return event
    try:
        json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except (ValueError, RecursionError):
        return event | {"body": None, "isBase64Encoded": False} | _JSON_HEADERS
    kinds = [value for name, value in (event.get("headers") or {}).items() if name.lower() == "content-type"]
    return (
        event if all(kind.startswith("application/json") for kind in kinds) else event | {"body": None} | _JSON_HEADERS
    )


_JSON_HEADERS: dict[str, Any] = {
    "headers": {"Content-Type": "application/json"},
    "multiValueHeaders": {"Content-Type": ["application/json"]},
}


def _place(location: tuple[Any, ...]) -> str:
    """Where in the request, by the names of its schema; a name the schema does not have was sent, so it is not repeated."""
    parts = [str(part) for part in location[1:]]
    return ".".join(part for part in parts if part.isidentifier() and part.isascii() and len(part) < 40) or str(
        location[0]
    )
