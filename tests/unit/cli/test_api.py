"""The client of the two APIs: what it tells of an answer that says nothing for certain."""

from typing import Any

import httpx
import pytest

from cli import api
from yikatong.errors import Refusal

ENDPOINT = "http://127.0.0.1:1"


def answering(monkeypatch: pytest.MonkeyPatch, outcome: httpx.Response | Exception) -> None:
    def request(*_: Any, **__: Any) -> httpx.Response:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    for variable in (api.PUBLIC_URL, api.BUREAU_URL):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(httpx, "request", request)


def told(method: str, path: str) -> str:
    with pytest.raises(Refusal) as refused:
        api.call_public(ENDPOINT, method, path)
    return refused.value.message


def test_an_order_that_was_answered_502_is_not_said_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, httpx.Response(502, json={"message": "Internal server error"}))
    words = told("POST", "/v1/runs")
    assert words == ("没有得到确定的答复（502），不知是否已经办成：请先查看（yikatong run list），再决定是否重试。")


@pytest.mark.parametrize("body", [b"<html>", b'{"detail": "x"}'])
def test_whatever_stands_in_a_broken_answer_it_is_not_certain(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    answering(monkeypatch, httpx.Response(500, content=body))
    assert "batch show" in told("POST", "/v1/batches/b/approval")


def test_a_connection_lost_on_the_way_may_have_done_it_and_one_never_made_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering(monkeypatch, httpx.ReadTimeout("x"))
    assert "不知是否已经办成" in told("PUT", "/v1/funds/2023/2/230102/2023")
    answering(monkeypatch, httpx.ConnectError("x"))
    assert told("PUT", "/v1/funds/2023/2/230102/2023").startswith("连不上 127.0.0.1:1")


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/runs"), ("POST", "/v1/query")])
def test_what_changes_nothing_may_simply_be_asked_again(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    answering(monkeypatch, httpx.Response(502, json={"message": "Internal server error"}))
    assert "不知是否" not in told(method, path)


def test_a_refusal_keeps_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, httpx.Response(409, json={"detail": "批次不在待审批状态", "type": "urn:yikatong:conflict"}))
    assert told("POST", "/v1/batches/b/approval") == "批次不在待审批状态"


def test_an_upload_without_a_certain_answer_may_be_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, httpx.Response(503))
    with pytest.raises(Refusal, match="再报送一次"):
        api.put_file("http://127.0.0.1:1/bucket/key", {}, b"roster")
