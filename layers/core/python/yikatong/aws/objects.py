"""Plain objects in a bucket other than the lake: reports, and the bank's messages put in quarantine."""

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Bucket:
    """Puts objects; the last one under a key stands, older versions are kept by the bucket."""

    def __init__(self, client: "S3Client", name: str) -> None:
        self._client = client
        self._name = name

    def put(self, key: str, data: bytes, **metadata: str) -> None:
        """`metadata` values may be Chinese: they are percent-encoded, since S3 metadata is ASCII,
        and cut to 180 characters, since it holds 2 KB."""
        quoted = {name: quote(value[:180]) for name, value in metadata.items()}
        self._client.put_object(Bucket=self._name, Key=key, Body=data, Metadata=quoted)
