"""The bank at its worst: lost, late and repeated answers, refused messages, and an end that leaves nothing behind."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.bank_simulator.conftest import CONNECTION_CUT, ROOT, RunningBank
from tests.unit.bank_simulator.messages import line, message


def second(number: int) -> bytes:
    return message(line(number), message_id=f"F0123456789abcdef-{number:04d}")


@pytest.mark.parametrize(
    ("fault", "status", "moved_fen", "receipts", "known"),
    [
        ("lose", 202, 0, 0, False),
        ("refuse_500", 500, 0, 0, False),
        ("fail_500", 500, 9500, 1, True),
        ("drop_replies", CONNECTION_CUT, 9500, 1, True),
        ("lose_receipts", 202, 9500, 0, True),
        ("repeat_receipts", 202, 9500, 2, True),
    ],
)
def test_a_fault_befalls_the_next_message_only(
    bank: RunningBank, fault: str, status: int, moved_fen: int, receipts: int, known: bool
) -> None:
    bank.tell("/script", messages={fault: 1})
    assert bank.pay(second(1)) == status
    assert (bank.book()["moved_fen"], len(bank.delivered())) == (moved_fen, receipts)
    assert bank.call("GET", "/v1/messages/F0123456789abcdef-0001")[0] == (200 if known else 404)
    assert bank.pay(second(2)) == 202
    assert (bank.book()["moved_fen"], len(bank.delivered())) == (moved_fen + 9500, receipts + 1)


def test_a_late_reply_comes_after_the_money_moved(bank: RunningBank) -> None:
    bank.tell("/script", messages={"delay_replies": 1, "delay_s": 0.5})
    started = time.perf_counter()
    assert bank.pay(second(1)) == 202
    assert time.perf_counter() - started >= 0.5


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (message(line(1), count=2), "NbOfTxs says 2"),
        (message(line(1), off_fen=1), "CtrlSum says 9501 fen, the lines sum to 9500"),
        (message(line(1, 0)), "not positive"),
        (message(line(1)).replace(b"CNY", b"USD"), "CNY"),
        (message(line(1))[:-20], "well-formed"),
        (b'<!DOCTYPE d [<!ENTITY x "1">]>' + message(line(1)), "document type"),
        (b"<Document/>", "pain.001.001.09"),
    ],
)
def test_a_message_that_does_not_hold_together_is_refused_whole_with_the_reason(
    idle_bank: RunningBank, bad: bytes, said: str
) -> None:
    status, body = idle_bank.call("POST", "/v1/payments", bad)
    assert (status, idle_bank.book()["payments"]) == (400, {})
    assert said in json.loads(body)["reason"]


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_its_token_the_bank_neither_pays_nor_tells(idle_bank: RunningBank, token: str | None) -> None:
    assert idle_bank.call("POST", "/v1/payments", message(line(1)), token)[0] == 401
    assert idle_bank.call("GET", "/v1/messages/F0123456789abcdef-0001", token=token)[0] == 401
    assert idle_bank.book()["payments"] == {}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/script", {"acounts": {}}),
        ("/script", {"default": {"outcome": "explode"}}),
        ("/script", {"messages": {"lose": -1}}),
        ("/script", {"rates": {"reject": 0.9, "delay": 0.2}}),
        ("/script", {"rates": {"settle": 1}}),
        ("/day", {"date": "2023-01-02"}),
        ("/day", {"date": "soon"}),
    ],
)
def test_a_script_or_day_the_bank_cannot_play_is_refused(idle_bank: RunningBank, path: str, wanted: object) -> None:
    assert idle_bank.call("POST", path, json.dumps(wanted).encode())[0] == 400


def test_a_bucket_that_fails_for_a_while_gets_its_receipts_all_the_same_in_order(bank: RunningBank) -> None:
    bank.drop.failures = 2
    bank.pay(second(1))
    bank.pay(second(2))
    assert bank.answers() == [{"E1": "ACSC"}, {"E2": "ACSC"}]


def test_the_bank_ends_when_its_parent_closes_its_stdin_and_on_sigterm(start: Callable[..., RunningBank]) -> None:
    orphan, told = start(), start()
    assert orphan.process.stdin is not None
    orphan.process.stdin.close()
    assert orphan.process.wait(5) == 0
    assert told.stop() == 0
    for running in (orphan, told):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", running.port)) != 0


def test_ten_thousand_lines_are_booked_and_answered_within_two_seconds(bank: RunningBank) -> None:
    body = message(*(line(number) for number in range(10_000)))
    started = time.perf_counter()
    assert bank.pay(body) == 202
    (receipt,) = bank.answers()
    assert (len(receipt), bank.book()["moved_fen"]) == (10_000, 95_000_000)
    assert time.perf_counter() - started < 2


def test_the_oracle_shares_no_code_with_what_it_judges() -> None:
    sources = list(Path(ROOT, "infra/local/bank").glob("*.py"))
    assert len(sources) > 5
    for source in sources:
        imported = re.findall(r"^\s*(?:from|import)\s+([\w.]+)", source.read_text(encoding="utf-8"), re.MULTILINE)
        ours = [name for name in imported if name.split(".")[0] in ("yikatong", "infra", "cli", "functions")]
        assert all(name.startswith("infra.local.bank.") for name in ours), source.name
