"""A bucket whose objects are read by everybody, or handed on whole: put as what they are, and indexes put on condition."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from yikatong.public_site import Tagged

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_CONFLICT_TRIES = 5
_MEDIA_TYPES = {
    ".json": "application/json; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


PUBLIC_CACHE = "public, max-age=300"
"""Without a word of ours a browser keeps what was taken down for as long as it guesses."""


class S3Site:
    """Implements `yikatong.public_site.PublicSite`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> bytes | None:
        found = self.get_tagged(key)
        return None if found is None else found.data

    def get_tagged(self, key: str) -> Tagged | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        return Tagged(found["Body"].read(), found["ETag"])

    def put(self, key: str, data: bytes) -> None:
        self._put(key, data)

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._put(key, data, **({"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}))
                return True
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status in (404, 412):
                    return False
                if status != 409:
                    raise
                # Another conditional put of this key is under way; S3 asks to try again.
                time.sleep(0.05 * 2**attempt)
        raise TimeoutError(f"{key}: a conditional put kept meeting another one")

    def put_once(self, key: str, data: bytes) -> bool:
        return self.put_if(key, data, None) or self.get(key) == data

    def _put(self, key: str, data: bytes, **condition: Any) -> None:
        self._client.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=data,
            ContentType=_media_type(key),
            CacheControl=PUBLIC_CACHE,
            **condition,
        )

    def keys(self, prefix: str) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._client.delete_object(Bucket=self._bucket, Key=key)


def _media_type(key: str) -> str:
    return next((kind for ending, kind in _MEDIA_TYPES.items() if key.endswith(ending)), "application/octet-stream")
