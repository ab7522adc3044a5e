"""The exchange of the public records' key from outside: who may order it, what the function is told, and the command."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import records as commands
from functions.bureau_api.handler import handler as bureau
from functions.rekey_records import handler as module
from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryRecords
from tests.functions.test_bureau_api import CONTEXT, NOW, PEOPLE, FakeWiring, event
from yikatong.aws import wiring as wiring_module
from yikatong.aws.environment import Environment
from yikatong.aws.wiring import Wiring
from yikatong.ports import RekeyingOrder
from yikatong.principals import Principal, Role, principal_key
from yikatong.records import RecordKeys, key_mark
from yikatong.rekeying import KEYS_AGE_S, first_look

OLD, NEW = "the key of old, long enough", "the key that follows, long"
ORDERED = Path(__file__).parents[2] / "events/rekey_records.json"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> FakeWiring:
    wiring = FakeWiring()
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    for role, region in PEOPLE.items():
        pk, sk = principal_key(role)
        wiring.control.save(Principal(pk=pk, sk=sk, name=role, role=Role(role), region=region))
    return wiring


def call(who: str, method: str, body: Any = None) -> tuple[int, dict[str, Any]]:
    answer = bureau(event(who, method, "/v1/records/rekeying", body, {}), CONTEXT)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("who", sorted(set(PEOPLE) - {"operator"}))
def test_nobody_but_an_operator_of_the_province_may_order_it_or_look(who: str) -> None:
    assert call(who, "GET")[0] == call(who, "POST", {"step": "rekey", "reason": "换键"})[0] == 403


def test_an_order_is_handed_on_with_who_and_why(made: FakeWiring) -> None:
    assert call("operator", "POST", {"step": "remove", "reason": "每年一换"}) == (200, {"step": "remove"})
    assert made.orders.rekeyings == [RekeyingOrder("remove", "operator", "每年一换")]
    assert call("operator", "POST", {"step": "delete", "reason": "每年一换"})[0] == 422
    assert len(made.orders.rekeyings) == 1


def test_what_is_seen_holds_marks_and_what_is_next_and_no_key(made: FakeWiring) -> None:
    assert call("operator", "GET")[1] == {"advice": "还没有看过密钥：先下令 yikatong records rekey，登记现在的密钥"}
    made.control.save(first_look(RecordKeys(OLD.encode(), NEW.encode()), NOW))
    seen = call("operator", "GET")[1]
    assert (seen["read_mark"], seen["also_mark"]) == (key_mark(OLD.encode()), key_mark(NEW.encode()))
    assert seen["advice"].startswith("密钥刚刚更换：等到 09:30")
    assert OLD not in json.dumps(seen)


def test_the_command_orders_and_shows(made: FakeWiring, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(_endpoint: str, name: str, method: str, path: str, body: Any = None) -> Any:
        assert path == "/v1/records/rekeying"
        return call(name, method, body)[1]

    monkeypatch.setattr("cli.api.call_bureau", asked)
    ordered = CliRunner().invoke(commands.app, ["rekey", "--reason", "换键", "--as", "operator"])
    assert "已下令" in ordered.output
    assert CliRunner().invoke(commands.app, ["remove-old", "--reason", "换键", "--as", "operator"]).exit_code == 0
    assert [order.step for order in made.orders.rekeyings] == ["rekey", "remove"]
    made.control.save(first_look(RecordKeys(OLD.encode(), NEW.encode()), NOW))
    shown = CliRunner().invoke(commands.app, ["status", "--as", "operator"]).output
    assert key_mark(NEW.encode()) in shown
    assert "下一步：密钥刚刚更换" in shown


class Secrets:
    def __init__(self, text: str) -> None:
        self.text, self.reads = text, 0

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        assert SecretId == "record-key"
        self.reads += 1
        return {"SecretString": self.text}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    found = Secrets(OLD)
    wiring = Wiring(Environment({"RECORD_KEY_SECRET": "record-key"}))
    monkeypatch.setattr(wiring, "client", lambda _: found)
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    return found


def test_everybody_reads_changed_keys_again_before_they_are_too_old(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(wiring_module.time, "time", lambda: now[0])
    wired = wiring_module.wiring()
    assert wired.record_secret == OLD.encode()
    secrets.text = json.dumps({"read": NEW, "also_write": OLD})
    now[0] += KEYS_AGE_S
    assert (wired.record_secret, secrets.reads) == (OLD.encode(), 1)
    now[0] += 1
    assert list(wired.record_keys.written.values()) == [NEW.encode(), OLD.encode()]
    assert (wired.record_secret, secrets.reads) == (NEW.encode(), 2)


def test_whoever_exchanges_the_keys_reads_them_as_they_stand_and_logs_no_person(
    secrets: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired = wiring_module.wiring()
    assert wired.record_secret == OLD.encode()
    secrets.text = json.dumps({"read": OLD, "also_write": NEW})
    adapters = {"control": MemoryControl(), "lake": MemoryLake(), "records": MemoryRecords(), "orders": MemoryOrders()}
    wired.__dict__.update(adapters)
    monkeypatch.setattr(wired, "now", lambda: NOW)
    context = SimpleNamespace(**vars(CONTEXT), get_remaining_time_in_millis=lambda: 900_000)
    answer = module.handler(json.loads(ORDERED.read_text(encoding="utf-8")), context)  # type: ignore[arg-type]
    assert answer == {"batchItemFailures": []}
    (state,) = adapters["control"].items.values()  # type: ignore[attr-defined]
    assert (state["read_mark"], state["also_mark"]) == (key_mark(OLD.encode()), key_mark(NEW.encode()))
