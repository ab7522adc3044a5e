"""Pure functions of the product whose answers a process remembers: tiny histories ask the same again and again.

Only what depends on nothing but its arguments, and answers with what nobody changes: frames, and values of them. A history
cannot tell. Without this most of the time would go into starting up polars for three rows. A mutant's functions are
remembered as the mutant has them.
"""

from collections.abc import Callable
from functools import partialmethod
from typing import Any

import polars as pl

from yikatong import parquet, selection, settlement
from yikatong.use_cases import claim_payments, instruct_bank, publish_records, receive_receipt

MOST = 20_000
PURE = (
    (selection, "judge_cards"),
    (claim_payments, "after_claims"),
    (settlement, "read_receipt"),
    (receive_receipt, "read_receipt"),
    (settlement, "fold"),
    (instruct_bank, "build_message"),
)


def fix_the_order_of_unique_values() -> None:
    """Which of several values `unique` gives first is polars' own chance; a seed must be a history."""
    for kind in (pl.Series, pl.DataFrame):
        kind.unique = partialmethod(kind.unique, maintain_order=True)  # type: ignore[method-assign, assignment]


def remember_pure_functions() -> None:
    parquet.decode = _remembered(parquet.decode)
    for module, name in PURE:
        if hasattr(module, name):
            setattr(module, name, _remembered(getattr(module, name)))
    # The workbook for the bureau says nothing that the settlement does not; its own tests are elsewhere.
    publish_records.to_xlsx = lambda title, *_frames, **_more: str(title).encode()


def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    answers: dict[Any, Any] = {}

    def remembering(*arguments: Any, **options: Any) -> Any:
        key = tuple(_key_of(one) for one in (*arguments, *options.values()))
        if key not in answers:
            if len(answers) > MOST:
                answers.clear()
            answers[key] = function(*arguments, **options)
        return answers[key]

    return remembering


def _key_of(value: Any) -> Any:
    """A frame by its content; everything else is hashable as it is."""
    if isinstance(value, pl.DataFrame):
        return tuple(value.columns), tuple(value.rows())
    return tuple(sorted(value.items())) if isinstance(value, dict) else value
