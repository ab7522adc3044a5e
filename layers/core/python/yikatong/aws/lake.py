"""The lake bucket: write-once objects with the digest of what they were made from (PROTOCOL O1)."""

import time
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from yikatong.ports import DigestMismatch, Once

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONFLICT_TRIES = 5


class S3Lake:
    """Implements `yikatong.ports.Lake`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put_once(self, key: str, data: bytes, digest: str) -> Once:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._client.put_object(
                    Bucket=self.bucket, Key=key, Body=data, IfNoneMatch="*", Metadata={"digest": digest}
                )
                return Once(created=True, data=data)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 412:
                    return self._standing(key, digest)
                if status != 409:
                    raise
                # 409: another conditional put of this key is under way; S3 asks to try again.
                time.sleep(0.05 * 2**attempt)
        raise TimeoutError(f"{key}: a conditional put kept meeting another one")

    def _standing(self, key: str, digest: str) -> Once:
        found = self._client.get_object(Bucket=self.bucket, Key=key)
        if found["Metadata"].get("digest") != digest:
            raise DigestMismatch(key)
        return Once(created=False, data=found["Body"].read())

    def get(self, key: str) -> bytes | None:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None

    def stored_at(self, key: str) -> datetime | None:
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["LastModified"]
        except self._client.exceptions.NoSuchKey:
            return None

    def keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))
