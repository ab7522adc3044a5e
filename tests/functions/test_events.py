"""Every committed event is one its function takes: decoded whole, handed to one use case, and answered."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from yikatong.use_cases.claim_payments import Claimed
from yikatong.use_cases.take_up_rows import TakenUp

EVENTS = Path(__file__).parents[2] / "events"
FUNCTIONS = Path(__file__).parents[2] / "functions"
# What each function calls; the APIs, which decode by their routes, have tests of their own beside this one.
USE_CASES = {
    "start_run": ("start_ordered_run", "start_scheduled_run"),
    "resend_message": ("resend_or_say_why",),
    "trace_payment": ("trace_or_say_why",),
    "rule_payment": ("rule_or_say_why",),
    "record_recovery": ("record_or_say_why",),
}
ANSWERS: dict[str, Any] = {
    "resend_or_say_why": {"outcome": "sent"},
    "trace_or_say_why": {"outcome": "told", "stories": []},
    "settle_batch": MagicMock(settlement=None),
    "close_run": MagicMock(totals={"in_doubt_count": 0}),
    "claim_payments": Claimed(batches=1, stopped=0),
    "take_up_rows": TakenUp(rows=1),
    "rule_or_say_why": {"outcome": "ruled"},
    "record_or_say_why": {"outcome": "recorded", "recovered": {"count": 1, "fen": 65000}},
    "receive_receipt": (),
    "import_cards": None,
    "import_departures": None,
    "rekey_records": "done",
}
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)


def steps() -> list[Path]:
    return [path for path in sorted(EVENTS.glob("*.json")) if not path.name.split(".")[0].endswith("_api")]


def test_every_function_has_an_event() -> None:
    told = {path.name.split(".")[0] for path in EVENTS.glob("*.json")}
    assert told == {path.parent.name for path in FUNCTIONS.glob("*/handler.py")}


@pytest.mark.parametrize("path", steps(), ids=lambda path: path.stem)
def test_an_event_is_decoded_and_one_use_case_called(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verb = path.name.split(".")[0]
    module = importlib.import_module(f"functions.{verb}.handler")
    monkeypatch.setattr(module, "wiring", wired)
    calls = []
    for name in USE_CASES.get(verb, (verb,)):
        use_case = MagicMock(name=name, return_value=ANSWERS.get(name, MagicMock()))
        monkeypatch.setattr(module, name, use_case)
        calls.append(use_case)
    monkeypatch.setattr(module, "logger", quiet(module.logger))
    event = json.loads(path.read_text(encoding="utf-8"))
    answer = module.handler(event, CONTEXT)
    assert sum(call.call_count for call in calls) == len(event.get("Records", [event]))
    if "Records" in event:
        assert answer == {"batchItemFailures": []}


def wired() -> MagicMock:
    """Adapters of which only S3 is looked at: it holds whatever is asked for."""
    w = MagicMock()
    sent_at = datetime(2023, 6, 5, 1, tzinfo=UTC)
    found = {
        "LastModified": sent_at,
        "ContentLength": 3,
        "Metadata": {"mode": "formal"},
        "Body": MagicMock(read=lambda: b"..."),
    }
    w.client.return_value.get_object.return_value = found
    return w


def quiet(logger: Any) -> Any:
    """Handlers log what use cases return, and a stand-in is not for a log."""
    return MagicMock(wraps=None, inject_lambda_context=logger.inject_lambda_context)


def test_an_event_that_is_cut_short_is_refused_and_not_taken_for_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue must keep what a function could not read: a report of success would lose it."""
    module = importlib.import_module("functions.receive_receipt.handler")
    monkeypatch.setattr(module, "wiring", wired)
    event = json.loads((EVENTS / "receive_receipt.json").read_text(encoding="utf-8"))
    event["Records"][0]["body"] = event["Records"][0]["body"][:100]
    with pytest.raises(Exception, match=r".+"):
        module.handler(event, CONTEXT)


def test_what_is_quarantined_keeps_its_bytes_though_a_stream_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("functions.receive_receipt.handler")
    w = wired()
    stream = iter([b"<not a receipt/>"])
    w.client.return_value.get_object.return_value["Body"] = MagicMock(read=lambda: next(stream, b""))
    monkeypatch.setattr(module, "wiring", lambda: w)
    monkeypatch.setattr(module, "receive_receipt", MagicMock(return_value=("看不懂",)))
    monkeypatch.setattr(module, "logger", quiet(module.logger))
    event = json.loads((EVENTS / "receive_receipt.json").read_text(encoding="utf-8"))
    assert module.handler(event, CONTEXT) == {"batchItemFailures": []}
    (put,) = [call.kwargs for call in w.client.return_value.put_object.call_args_list]
    assert put["Body"] == b"<not a receipt/>"
    assert put["Key"].startswith("quarantine/")


def test_a_tick_drained_from_a_dead_letter_queue_is_the_tick_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scheduler calls start_run directly; what could not be delivered lies in a queue, and comes back through start_run's."""
    module = importlib.import_module("functions.start_run.handler")
    monkeypatch.setattr(module, "wiring", wired)
    told = MagicMock(return_value="started")
    monkeypatch.setattr(module, "start_scheduled_run", told)
    tick = (EVENTS / "start_run.tick.json").read_text(encoding="utf-8")
    order = json.loads((EVENTS / "start_run.ordered.json").read_text(encoding="utf-8"))
    record = order["Records"][0] | {"body": tick}
    assert module.handler({"Records": [record]}, CONTEXT) == {"batchItemFailures": []}
    (late,) = (call.args[0] for call in told.call_args_list)
    module.handler(json.loads(tick), CONTEXT)
    assert told.call_args_list[1].args[0] == late
