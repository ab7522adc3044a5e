"""Rows and fen, counted from frames by the auditor itself."""

from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Sum:
    """A number of rows and their fen; shown as people read it, `3 行 1560.00 元`."""

    count: int = 0
    fen: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.count + other.count, self.fen + other.fen)

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.count - other.count, self.fen - other.fen)

    def __str__(self) -> str:
        return f"{self.count} 行 {yuan(self.fen)} 元"


ZERO = Sum()


def sum_of(frame: pl.DataFrame | None) -> Sum:
    """The rows of a frame, and their `amount_fen`."""
    return ZERO if frame is None else Sum(frame.height, int(frame["amount_fen"].sum()))


def stated(item: Any) -> Sum:
    """A sum as the platform's items hold it: {"count", "fen"}, or nothing."""
    return Sum(int(item.get("count", 0)), int(item.get("fen", 0))) if item else ZERO


def yuan(fen: int) -> str:
    """Fen as yuan, integer arithmetic only.

    >>> yuan(-123456), yuan(7)
    ('-1234.56', '0.07')
    """
    whole, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"
