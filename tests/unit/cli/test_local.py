"""`yikatong local up`: the first thing it says, and that Ctrl-C always ends it."""

import asyncio
import threading
from typing import Any

import pytest

from cli.local import _interrupt, _Interrupted, _print_endpoints


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
