"""What every route of the public API needs: its parameters, its documented answers, and what was published."""

import json
from typing import Annotated, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from yikatong.aws.public_api.answers import Answer, Problem
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.plan import Plan
from yikatong.regions import PROVINCE, known

PUBLIC_CACHE = "public, max-age=300"
BODY_LIMIT_BYTES = 4_096
_CODE = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
_REGION = r"^23[0-9]{4}$"
_SLOT = r"20[0-9]{2}(-(0[1-9]|1[0-2])|Q[1-4]|H[12]|%s[A-Z0-9-]{1,20})?"

Year = Annotated[int | None, Query(ge=2000, le=2100, description="计划年度；不填为最近一年")]
PathYear = Annotated[int, Path(ge=2000, le=2100, description="计划年度")]
Code = Annotated[str, Path(pattern=_CODE, max_length=24, description="补贴项目的永久代码")]
QueryCode = Annotated[str | None, Query(pattern=_CODE, max_length=24, description="补贴项目的永久代码")]
Region = Annotated[str, Path(pattern=_REGION, description="六位行政区划代码")]
QueryRegion = Annotated[str | None, Query(pattern=_REGION, description="六位行政区划代码；不填为全省")]
AskedRegion = Annotated[str, Query(pattern=_REGION, description="六位行政区划代码")]
AskedSlot = Annotated[str, Query(pattern=f"^{_SLOT % '#'}$", description="发放属期，如 2023-06、2023Q2、2023#名称")]
PathSlot = Annotated[str, Path(pattern=f"^{_SLOT % '_'}$", description="发放属期；# 写作 _")]
Part = Annotated[int, Query(ge=1, le=10_000, description="名单的第几部分，从 1 数起")]

logger = Logger(service="public_api")

_CORRELATION: dict[str, Any] = {"X-Correlation-Id": {"description": "本次请求的编号", "schema": {"type": "string"}}}
_CACHE: dict[str, Any] = {"Cache-Control": {"description": "可否缓存", "schema": {"type": "string"}}}
_ETAG: dict[str, Any] = {"ETag": {"description": "内容的指纹", "schema": {"type": "string"}}}
_RETRY: dict[str, Any] = {"Retry-After": {"description": "多少秒后再试", "schema": {"type": "integer"}}}
_PROBLEMS = {
    404: "没有这个地址，或者没有这个年度、项目、地区、属期的内容",
    405: "这个地址不接受这种方法",
    413: "请求内容超过 4096 字节",
    415: "请求内容的类型不是 application/json",
    422: "请求内容不正确，或者需要先回答一个问题（challenge_required）",
    429: "查询次数过多，请在 Retry-After 秒后再试",
    500: "系统故障",
}


def new_router() -> Router:
    return Router()  # type: ignore[no-untyped-call]


def publicly(summary: str, answer: type[Answer], words: str) -> dict[str, Any]:
    """How a route whose answer is public is declared: cached for minutes, asked again by its ETag."""
    unchanged: OpenAPIResponse = {"description": "内容没有变", "headers": _ETAG | _CACHE | _CORRELATION, "content": {}}
    answers = {200: _answer(answer, words, _ETAG | _CACHE), 304: unchanged} | _problems(404, 405, 422, 500)
    return {"summary": summary, "cache_control": PUBLIC_CACHE, "responses": answers}


def personally(summary: str, answer: type[Answer], words: str, *problems: int) -> dict[str, Any]:
    """How a route whose answer is nobody else's is declared: no cache keeps it."""
    return {
        "summary": summary,
        "responses": {200: _answer(answer, words, _CACHE)} | _problems(405, 422, 500, *problems),
    }


def _answer(answer: type[Answer], words: str, headers: dict[str, Any]) -> OpenAPIResponse:
    return {
        "description": words,
        "headers": headers | _CORRELATION,
        "content": {"application/json": {"model": answer}},
    }


def _problems(*statuses: int) -> dict[int, OpenAPIResponse]:
    return {
        status: {
            "description": _PROBLEMS[status],
            "headers": _CORRELATION | _CACHE | (_RETRY if status == 429 else {}),
            "content": {"application/problem+json": {"model": Problem}},
        }
        for status in sorted(statuses)
    }


def plan_of(year: int | None) -> Plan:
    """The plan asked for; the latest published one when no year is named."""
    book = wiring().book
    return book.plan(year if year is not None else book.years[-1])


def require_code(code: str) -> None:
    """A code that no plan ever had is not found."""
    if code not in wiring().book.register.codes:
        raise Refusal("没有这个代码的补贴项目，请从补贴项目列表里选择。", "not_found")


def region_of(code: str | None) -> str:
    """The region asked for, the province when none is; one that is not there is not found."""
    region = code or PROVINCE
    if not known(region):
        raise Refusal(f"没有行政区划代码为 {region} 的地区，请从地区列表里选择。", "not_found")
    return region


def published(key: str) -> dict[str, Any] | None:
    """A JSON document below `published/` of the site, None where nothing has been published."""
    assert key.startswith("published/"), "the public API reads what was published and nothing else"
    found = wiring().site.get(key)
    return None if found is None else json.loads(found)
