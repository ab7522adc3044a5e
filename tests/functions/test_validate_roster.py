"""A roster goes from the bucket to a file and is judged there: never held whole by the function, and never left behind."""

import importlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from botocore.response import StreamingBody

from yikatong.roster_arrivals import Arrival

EVENT = Path(__file__).parents[2] / "events/validate_roster.json"
CONTENT = "姓名,身份证号\n".encode() * 200_000
METADATA = {"mode": "formal", "sheet": "%E5%90%8D%E5%86%8C", "reissues": "b.formal.230102.1"}
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)


class Pieces(io.BytesIO):
    """An object's content as it comes over the network; nobody may ask for all of it at once."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size < len(CONTENT), "asked for whole"
        return super().read(size)


def invoke(judge: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    module = importlib.import_module("functions.validate_roster.handler")
    body = StreamingBody(Pieces(CONTENT), len(CONTENT))
    sent_at = datetime(2023, 6, 5, 1, tzinfo=UTC)
    found = {"LastModified": sent_at, "ContentLength": len(CONTENT), "Metadata": METADATA, "Body": body}
    w = MagicMock()
    w.client.return_value.get_object.return_value = found
    monkeypatch.setattr(module, "wiring", lambda: w)
    monkeypatch.setattr(module, "validate_roster", judge)
    monkeypatch.setattr(
        module, "logger", MagicMock(wraps=None, inject_lambda_context=module.logger.inject_lambda_context)
    )
    return module.handler(json.loads(EVENT.read_text(encoding="utf-8")), CONTEXT)


def test_a_roster_lies_in_a_file_while_it_is_judged_and_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    files = []

    def judge(arrival: Arrival, **_: Any) -> str:
        saved = arrival.read()
        assert isinstance(saved, Path)
        assert saved.read_bytes() == CONTENT
        assert arrival.size == len(CONTENT)
        assert (arrival.mode, arrival.sheet, arrival.reissues) == ("formal", "名册", "b.formal.230102.1")
        files.append(saved)
        return "VALIDATED"

    assert invoke(judge, monkeypatch) == {"batchItemFailures": []}
    (file,) = files
    assert not file.parent.exists()


def test_nothing_is_left_on_disk_by_a_roster_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    files = []

    def judge(arrival: Arrival, **_: Any) -> str:
        files.append(Path(arrival.read()))  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(Exception, match=r".+"):
        invoke(judge, monkeypatch)
    (file,) = files
    assert not file.parent.exists()
