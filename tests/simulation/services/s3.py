"""S3 in memory: versioned objects, conditional puts, listings. Whoever wants is told of every object that was created."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.services import errors

KEYS_A_PAGE = 3


@dataclass(frozen=True)
class Version:
    body: bytes
    metadata: dict[str, str]
    number: int
    modified: datetime


class MemoryS3:
    """Implements of `S3Client` what is used. `created` is told of every object created: bucket, key, version."""

    exceptions = SimpleNamespace(NoSuchKey=errors.NoSuchKey)

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.buckets: dict[str, dict[str, list[Version]]] = {}
        self.created: Callable[[str, str, Version], None] = lambda _bucket, _key, _version: None
        self._now = now
        self._numbers = 0

    def copy(self, now: Callable[[], datetime]) -> "MemoryS3":
        other = MemoryS3(now)
        other.buckets = {
            bucket: {key: list(versions) for key, versions in objects.items()}
            for bucket, objects in self.buckets.items()
        }
        other._numbers = self._numbers
        return other

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        IfNoneMatch: str = "",
        Metadata: dict[str, str] | None = None,
        **_more: Any,
    ) -> dict[str, Any]:
        versions = self.buckets.setdefault(Bucket, {}).setdefault(Key, [])
        if IfNoneMatch == "*" and versions:
            raise errors.client_error(ClientError, "PreconditionFailed", 412, "PutObject")
        assert all(value.isascii() for value in (Metadata or {}).values()), "S3 metadata is ASCII"
        self._numbers += 1
        version = Version(bytes(Body), dict(Metadata or {}), self._numbers, self._now())
        versions.append(version)
        self.created(Bucket, Key, version)
        return {"VersionId": f"v{version.number}"}

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:
        versions = self.buckets.get(Bucket, {}).get(Key, [])
        wanted = [one for one in versions if f"v{one.number}" == VersionId] if VersionId else versions[-1:]
        if not wanted:
            raise errors.client_error(errors.NoSuchKey, "NoSuchKey", 404, "GetObject")
        (found,) = wanted
        return {
            "Body": io.BytesIO(found.body),
            "Metadata": dict(found.metadata),
            "VersionId": f"v{found.number}",
            "LastModified": found.modified,
            "ContentLength": len(found.body),
        }

    def generate_presigned_url(self, operation: str, *, Params: dict[str, Any], ExpiresIn: int) -> str:
        assert ExpiresIn > 0
        return f"https://{Params['Bucket']}/{Params['Key']}?{operation}"

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(paginate=self.list_pages)

    def list_pages(self, *, Bucket: str, Prefix: str = "") -> Iterator[dict[str, Any]]:
        keys = sorted(
            key for key, versions in self.buckets.get(Bucket, {}).items() if versions and key.startswith(Prefix)
        )
        for start in range(0, len(keys), KEYS_A_PAGE):
            yield {"Contents": [{"Key": key} for key in keys[start : start + KEYS_A_PAGE]]}
        if not keys:
            yield {}
