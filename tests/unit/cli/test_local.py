"""`yikatong local up`: the first thing it says, and that Ctrl-C always ends it."""

import asyncio
import threading
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import local
from cli.local import _interrupt, _Interrupted, _print_endpoints
from infra.local.bank.script import Script
from yikatong.errors import Refusal


def test_the_sites_address_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    endpoints = dict.fromkeys(("public", "bureau", "aws", "bank"), "http://127.0.0.1:2")
    about: dict[str, Any] = {"now": "2023-06-01T09:00:00+08:00", "principals": {}}
    _print_endpoints(about | {"endpoints": endpoints | {"gateway": "http://127.0.0.1:1"}})
    assert capsys.readouterr().out.splitlines()[0] == "公众服务区：http://127.0.0.1:1/"


def test_ctrl_c_ends_a_deployment_wherever_in_its_event_loop_it_falls() -> None:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # as the deployment's
    loop.call_soon(_interrupt, threading.Event())
    loop.call_later(5, loop.stop)
    try:
        with pytest.raises(_Interrupted):
            loop.run_forever()
    finally:
        loop.close()


def told_to_the_bank(monkeypatch: pytest.MonkeyPatch, *words: str) -> Script:
    """The bank's script after `local bank` with these words."""
    script = Script(seed=7)

    def call(_endpoint: str, method: str, path: str, body: Any) -> None:
        assert (method, path) == ("POST", "/_local/bank/script")
        script.change(body)

    monkeypatch.setattr(local, "_call", call)
    assert CliRunner().invoke(local.app, ["bank", *words]).exit_code == 0
    return script


def test_the_simulated_bank_rejects_whom_it_is_told_to_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    script = told_to_the_bank(monkeypatch, "--reject", "6217", "--reject", "6218")
    outcomes = [script.outcome_for(account).outcome for account in ("6217", "6218", "6219")]
    assert outcomes == ["reject", "reject", "settle"]


def test_a_share_of_all_accounts_can_be_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    script = told_to_the_bank(monkeypatch, "--reject-percent", "10")
    rejected = sum(script.outcome_for(str(account)).outcome == "reject" for account in range(1000))
    assert 50 < rejected < 150


def test_a_bank_that_is_told_nothing_is_not_asked() -> None:
    refused = CliRunner().invoke(local.app, ["bank", "--endpoint", "http://127.0.0.1:1"])
    assert isinstance(refused.exception, Refusal)
    assert "--reject-percent" in refused.exception.message


def test_the_accounts_are_told_with_their_roles_and_regions_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    endpoints = dict.fromkeys(("gateway", "public", "bureau", "aws", "bank"), "http://127.0.0.1:2")
    keys = {"access_key_id": "A", "secret_access_key": "S"}
    people = {"harbin-clerk": {"role": "clerk", "region": "230100"} | keys}
    _print_endpoints({"now": "2023-06-01T09:00:00+08:00", "principals": people, "endpoints": endpoints})
    output = capsys.readouterr().out
    assert "│ 经办 │ 哈尔滨市 230100 │" in output
    assert "Ctrl-C" in output
