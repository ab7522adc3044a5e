"""Frames as Parquet bytes, the form in which the lake holds them.

Bytes are stable within a polars version after a sort or an anti-join, not after a group-by (FACTS): whoever needs them
stable sorts first, and nobody compares re-encoded bytes (PROTOCOL O1).
"""

import io

import polars as pl


def encode(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def decode(data: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(data))
