"""What holds for every request to the public API, whichever route it is for: limits, HEAD and OPTIONS, ETags, one origin.

The site's origin alone may read answers in a browser (CORS); where site and API share one address there is no other origin,
and nobody is allowed. What is public may be asked for again by its ETag; what is personal has none.
"""

import base64
import hashlib
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from yikatong.aws.problems import Problems
from yikatong.aws.public_api.common import BODY_LIMIT_BYTES, PUBLIC_CACHE

_PREFLIGHT_S = 600
_EXPOSED = "X-Correlation-Id, Retry-After, ETag"


def answer(problems: Problems, event: dict[str, Any], context: LambdaContext, site_origin: str) -> dict[str, Any]:
    """Answer one event of API Gateway."""
    method = event["httpMethod"]
    methods = problems.methods_of(event["path"])
    if method == "OPTIONS" and methods:
        return _with_headers(_options(methods, event, site_origin), event, site_origin)
    # Whoever may GET may ask for the headers alone.
    asked = event | {"httpMethod": "GET"} if method == "HEAD" else event
    fault = _fault(asked)
    answered = problems.resolve(asked, context) if fault is None else problems.refuse(asked, *fault)
    answered = _with_headers(_conditional(answered, event), event, site_origin)
    return answered | {"body": ""} if method == "HEAD" else answered


def _fault(event: dict[str, Any]) -> tuple[int, str, str] | None:
    body = event.get("body") or ""
    size = len(base64.b64decode(body)) if event.get("isBase64Encoded") else len(body.encode())
    if size > BODY_LIMIT_BYTES and event["httpMethod"] != "GET":
        return 413, "too_large", f"请求内容不能超过 {BODY_LIMIT_BYTES} 字节，只需姓名和身份证号。"
    twice = [name for name, values in (event.get("multiValueQueryStringParameters") or {}).items() if len(values) > 1]
    if twice:
        return 422, "repeated", "网址里同一个参数出现了两次，每个参数只能写一次。"
    return None


def _options(methods: list[str], event: dict[str, Any], site_origin: str) -> dict[str, Any]:
    """The answer to a browser that asks before it sends JSON from the site's origin, or to whoever asks what is allowed."""
    allowed = ", ".join([*methods, "OPTIONS"])
    headers = {"Allow": [allowed], "Cache-Control": ["no-store"]}
    if _is_the_sites(event, site_origin):
        headers |= {
            "Access-Control-Allow-Methods": [allowed],
            "Access-Control-Allow-Headers": ["Content-Type"],
            "Access-Control-Max-Age": [str(_PREFLIGHT_S)],
        }
    return {"statusCode": 204, "multiValueHeaders": headers, "body": "", "isBase64Encoded": False}


def _conditional(answered: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """A public answer with its ETag; without its body for whoever has it already (RFC 9110, If-None-Match)."""
    headers = answered["multiValueHeaders"]
    if answered["statusCode"] != 200 or headers.get("Cache-Control") != [PUBLIC_CACHE]:
        return answered
    etag = f'"{hashlib.sha256(answered["body"].encode()).hexdigest()[:32]}"'
    known = [each.strip().removeprefix("W/") for each in (_header(event, "if-none-match") or "").split(",")]
    if etag in known or known == ["*"]:
        kept = {name: value for name, value in headers.items() if name != "Content-Type"}
        return answered | {"statusCode": 304, "multiValueHeaders": kept | {"ETag": [etag]}, "body": ""}
    return answered | {"multiValueHeaders": headers | {"ETag": [etag]}}


def _with_headers(answered: dict[str, Any], event: dict[str, Any], site_origin: str) -> dict[str, Any]:
    headers = answered["multiValueHeaders"] | {
        "X-Correlation-Id": [event["requestContext"]["requestId"]],
        "X-Content-Type-Options": ["nosniff"],
    }
    headers.setdefault("Cache-Control", ["no-store"])
    if site_origin:
        headers["Vary"] = ["Origin"]
    if _is_the_sites(event, site_origin):
        headers |= {"Access-Control-Allow-Origin": [site_origin], "Access-Control-Expose-Headers": [_EXPOSED]}
    return answered | {"multiValueHeaders": headers}


def _is_the_sites(event: dict[str, Any], site_origin: str) -> bool:
    return bool(site_origin) and _header(event, "origin") == site_origin


def _header(event: dict[str, Any], name: str) -> str | None:
    headers = event.get("headers") or {}
    return next((value for each, value in headers.items() if each.lower() == name), None)
