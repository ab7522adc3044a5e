"""What came of a file of cards or of the departed, told to whoever sent it: JSON under the file's own name in the reports."""

import json
from collections.abc import Mapping

import polars as pl

from yikatong.ports import Reports

MOST_NAMED = 1_000
"""Rows left out that are named one by one; the others are counted."""


def tell(reports: Reports, key: str, outcome: Mapping[str, object]) -> None:
    reports.put(key, json.dumps(outcome, ensure_ascii=False, indent=1).encode())


def left_out(faults: pl.DataFrame, words: Mapping[str, str]) -> dict[str, object]:
    """`faults` has `row`, as the sender's program shows it, and `code`, for which `words` say what is wrong."""
    rows = faults.head(MOST_NAMED).select("row", "code").iter_rows()
    return {
        "left_out": [{"row": row, "code": code, "message": words[code]} for row, code in rows],
        "left_out_by_code": dict(faults.group_by("code").len().sort("code").iter_rows()),
    }
