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

TITLES = {
    403: "无权办理",
    404: "没有找到",
    405: "不能这样请求",
    409: "与现状不符",
    413: "请求内容过大",
    415: "请求内容的类型不对",
    422: "请求内容不正确",
    429: "请求过于频繁",
    500: "系统故障",
}
PROBLEM_TYPE = "application/problem+json"
STATUS_OF = {
    "forbidden": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "no_plan": HTTPStatus.NOT_FOUND,
    "no_subsidy": HTTPStatus.NOT_FOUND,
    "conflict": HTTPStatus.CONFLICT,
    "too_many_attempts": HTTPStatus.TOO_MANY_REQUESTS,
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
    "string_type": "应是文字",
    "string_unicode": "有不能辨认的字符",
    "string_pattern_mismatch": "的写法不对",
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
        fault = _unreadable(event)
        answer: dict[str, Any] = self._app.resolve(event, context) if fault is None else self.refuse(event, *fault)
        headers = answer["multiValueHeaders"] | {"X-Correlation-Id": [event["requestContext"]["requestId"]]}
        if answer["statusCode"] != HTTPStatus.OK or "Cache-Control" not in headers:
            headers["Cache-Control"] = ["no-store"]
        return answer | {"multiValueHeaders": headers}

    def refuse(self, event: dict[str, Any], status: int, code: str, detail: str) -> dict[str, Any]:
        """The answer to an event that no route ever sees."""
        problem = self._problem(event["requestContext"]["requestId"], status, code, detail)
        return {
            "statusCode": status,
            "multiValueHeaders": {"Content-Type": [PROBLEM_TYPE]},
            "body": problem,
            "isBase64Encoded": False,
        }

    def methods_of(self, path: str) -> list[str]:
        """The methods that some route takes at this path."""
        # Powertools tells nobody which routes there are, and answers a wrong method with 404.
        routes = [*self._app._static_routes, *self._app._dynamic_routes]
        return sorted({route.method for route in routes if route.rule.match(path)})

    def _problem(self, correlation_id: str, status: int, code: str, detail: str, **more: object) -> str:
        self._logger.info("refused", problem=code, status=status)
        body = {
            "type": f"urn:yikatong:problem:{code}",
            "title": TITLES[status],
            "status": status,
            "detail": detail,
            "correlation_id": correlation_id,
        }
        return json.dumps(body | more, ensure_ascii=False)

    def _answer(self, status: int, code: str, detail: str, **more: object) -> Response[str]:
        correlation_id = self._app.current_event.request_context.request_id
        return Response(status, PROBLEM_TYPE, self._problem(correlation_id, status, code, detail, **more))

    def _refused(self, refusal: Refusal) -> Response[str]:
        if isinstance(refusal, Conflict):
            return self._answer(409, "conflict", "同时有别的操作改动了它，请重新查看后再试。")
        status = STATUS_OF.get(refusal.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        answer = self._answer(int(status), refusal.code, refusal.message)
        retry_after_s = getattr(refusal, "retry_after_s", None)
        if retry_after_s is not None:
            answer.headers["Retry-After"] = str(retry_after_s)
        return answer

    def _invalid(self, error: RequestValidationError) -> Response[str]:
        errors = [{"at": _place(each["loc"]), "kind": each["type"]} for each in error.errors()]
        words = "；".join(f"{_place(each['loc'])}{_wrong(each)}" for each in error.errors()[:10])
        return self._answer(422, "invalid", f"请求内容不正确：{words}。", errors=errors[:100])

    def _no_route(self, _: NotFoundError) -> Response[str]:
        methods = self.methods_of(self._app.current_event.path)
        if not methods:
            return self._answer(404, "not_found", "没有这个地址，请核对网址。")
        allowed = "、".join(methods)
        answer = self._answer(405, "wrong_method", f"这个地址不接受这种请求方法，请改用 {allowed}。")
        answer.headers["Allow"] = ", ".join(methods)
        return answer

    def _broken(self, error: Exception) -> Response[str]:
        # The place, not the message: an exception's text may quote a row.
        places = traceback.format_tb(error.__traceback__)[-6:]
        self._logger.error("unexpected", exception_name=type(error).__name__, at=places)
        return self._answer(500, "broken", "系统出了故障，请稍后再试；多次出现请报告并附上编号。")


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


def _unreadable(event: dict[str, Any]) -> tuple[int, str, str] | None:
    """What is wrong with a body before any route reads it: status, code and what to do."""
    body = event.get("body")
    if not body or event["httpMethod"] == "GET":
        return None
    kinds = [value for name, value in (event.get("headers") or {}).items() if name.lower() == "content-type"]
    # A page of another origin may send a form or plain text, or name no type, without asking; JSON it may not.
    if [kind.split(";")[0].strip().lower() for kind in kinds] != ["application/json"]:
        return 415, "wrong_type", "请求内容应是 JSON，请以 Content-Type: application/json 发送。"
    try:
        found = json.loads(base64.b64decode(body) if event.get("isBase64Encoded") else body)
    except (ValueError, RecursionError):
        return 422, "bad_json", "请求内容不是合法的 JSON（UTF-8 编码），请核对括号、引号和逗号。"
    return None if isinstance(found, dict) else (422, "bad_json", "请求内容应是一个 JSON 对象，写在 { } 里。")


def _place(location: tuple[Any, ...]) -> str:
    """Where in the request, by the names of its schema; a name the schema does not have was sent, so it is not repeated."""
    parts = [str(part) for part in location[1:]]
    return ".".join(part for part in parts if part.isidentifier() and part.isascii() and len(part) < 40) or str(
        location[0]
    )
