"""Reading evidence: an object counts only as the bytes whose SHA-256 somebody put their name to."""

import hashlib
import io
import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from auditor.differences import Findings
from auditor.source import LAKE, Source


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parquet(data: bytes | None, columns: Iterable[str]) -> pl.DataFrame | None:
    """The frame, or None when it is none or lacks one of these columns."""
    if data is None:
        return None
    try:
        return (
            pl.read_parquet(io.BytesIO(data)) if set(columns) <= set(pl.read_parquet_schema(io.BytesIO(data))) else None
        )
    except pl.exceptions.PolarsError:
        return None


def checked_parquet(
    source: Source, key: str, digest: str, columns: Iterable[str], findings: Findings, name: str, where: str
) -> pl.DataFrame | None:
    """The frame under `key` if its bytes have this SHA-256; otherwise None, and the difference `name` is noted."""
    data = source.read(LAKE, key)
    frame = parquet(data, columns) if data is not None and sha256(data) == digest else None
    if frame is None:
        findings.altered.add(key)
        findings.add(name, f"{where}（{key}）", f"SHA-256 {digest[:16]}", sha256(data)[:16] if data else "缺失")
    return frame


def read_json(source: Source, key: str) -> Any:
    """The document, or None when there is none that can be read."""
    data = source.read(LAKE, key)
    try:
        return None if data is None else json.loads(data)
    except ValueError:
        return None
