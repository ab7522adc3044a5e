"""Pure functions of the product whose answers a process remembers: tiny histories ask the same again and again.

Only what depends on nothing but its arguments: decoding bytes, reading a bank's file, drawing a workbook. The answers are
immutable, so a history cannot tell. Without this most of the time would go into starting up polars for three rows.
"""

from collections.abc import Callable
from typing import Any

from yikatong import parquet
from yikatong.use_cases import publish_records

MOST = 4096


def remember_pure_functions() -> None:
    parquet.decode = _remembered(parquet.decode, lambda data: data)
    # The workbook for the bureau says nothing that the settlement does not; its own tests are elsewhere.
    publish_records.to_xlsx = lambda title, *_frames, **_more: str(title).encode()


def _remembered(function: Callable[..., Any], key_of: Callable[..., Any]) -> Callable[..., Any]:
    answers: dict[Any, Any] = {}

    def remembering(*arguments: Any) -> Any:
        key = key_of(*arguments)
        if key not in answers:
            if len(answers) > MOST:
                answers.clear()
            answers[key] = function(*arguments)
        return answers[key]

    return remembering
