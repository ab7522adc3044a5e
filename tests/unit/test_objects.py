"""Metadata of an object: Chinese survives, and nothing is cut in the middle of a character."""

from typing import Any
from urllib.parse import unquote

from yikatong.aws.objects import Bucket


class FakeS3:
    def __init__(self) -> None:
        self.put: dict[str, Any] = {}

    def put_object(self, **request: Any) -> None:
        self.put = request


def test_a_long_reason_in_chinese_fits_and_reads_back() -> None:
    s3 = FakeS3()
    Bucket(s3, "b").put("k", b"x", reason="退票明细没有写明原报文号；" * 100)  # type: ignore[arg-type]
    stored = s3.put["Metadata"]["reason"]
    assert len(stored) < 2000
    assert stored.isascii()
    assert "�" not in unquote(stored)
    assert unquote(stored).startswith("退票明细没有写明原报文号；")
