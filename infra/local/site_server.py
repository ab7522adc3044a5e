"""CloudFront's part: the site bucket's public keys, with the headers of `infra.site_headers`, and 404.html for everything else.

What is public is read from where CloudFront would meet it, the bucket's own policy: a key that no Allow names is answered like
one that is not there. Nothing else of any bucket can be reached by this way.
"""

import fnmatch
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from infra.local.gateway import Reply, Request
from infra.site_files import ERROR_PAGE, INDEX_PAGE
from infra.site_headers import SiteHeaders

COMPRESSED_TYPES = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
SMALLEST_COMPRESSED_BYTES = 1000  # as CloudFront


@dataclass(frozen=True)
class SiteObject:
    """An object of the site bucket; `etag` with its quotes."""

    body: bytes
    content_type: str
    etag: str
    cache_control: str | None


class SiteServer:
    """`read(key)` gets an object, or None; `patterns` are the keys anybody may get."""

    def __init__(self, read: Callable[[str], SiteObject | None], patterns: tuple[str, ...]) -> None:
        self._read, self._patterns = read, patterns

    def answer(self, request: Request) -> Reply:
        """Answer a request for a page."""
        if request.method not in ("GET", "HEAD"):
            reply = Reply.of_json(405, {"message": "Method Not Allowed"})
            return Reply(reply.status, reply.body, (*reply.headers, ("Allow", "GET, HEAD"), *_headers("")))
        key = _key_of(request.path)
        if key is not None and (found := self._public(key)):
            return _of_object(request, key, found)
        if page := self._public(ERROR_PAGE):
            return _of_object(request, ERROR_PAGE, page, status=404)
        reply = Reply.of_json(404, {"message": "Not Found"})
        return Reply(reply.status, reply.body, (*reply.headers, *_headers("")))

    def _public(self, key: str) -> SiteObject | None:
        if not any(fnmatch.fnmatchcase(key, pattern) for pattern in self._patterns):
            return None
        return self._read(key)


def public_keys(policy: dict[str, Any], bucket_arn: str) -> tuple[str, ...]:
    """The key patterns that a bucket's policy lets others get."""
    objects = f"{bucket_arn}/"
    return tuple(
        resource.removeprefix(objects)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and "s3:GetObject" in statement["Action"]
        for resource in statement["Resource"]
        if resource.startswith(objects)
    )


def read_object(s3: Any, bucket: str, key: str) -> SiteObject | None:
    """Get one object of a bucket."""
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return None
    return SiteObject(found["Body"].read(), found["ContentType"], found["ETag"], found.get("CacheControl"))


def server_of(s3: Any, bucket: str, bucket_arn: str) -> SiteServer:
    """Serve a deployed site bucket."""
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    return SiteServer(lambda key: read_object(s3, bucket, key), public_keys(policy, bucket_arn))


def _key_of(path: str) -> str | None:
    """The key a path asks for; None for one no page has: with empty, climbing or unreadable parts."""
    if path == "/":
        return INDEX_PAGE
    try:
        key = unquote(path, errors="strict").removeprefix("/")
    except UnicodeDecodeError:
        return None
    if not key.isprintable() or "\\" in key or any(part in ("", ".", "..") for part in key.split("/")):
        return None
    return key


def _of_object(request: Request, key: str, found: SiteObject, status: int = 200) -> Reply:
    body, etag = found.body, found.etag
    headers = [("Content-Type", found.content_type), *_headers(key)]
    if found.content_type.startswith(COMPRESSED_TYPES):
        headers.append(("Vary", "Accept-Encoding"))
        if "gzip" in request.headers.get("accept-encoding", "") and len(body) >= SMALLEST_COMPRESSED_BYTES:
            body, etag = gzip.compress(body, mtime=0), f"W/{etag}"
            headers.append(("Content-Encoding", "gzip"))
    headers.append(("ETag", etag))
    if found.cache_control:
        headers.append(("Cache-Control", found.cache_control))
    if status == 200 and _knows(request, found.etag):
        return Reply(304, b"", tuple(pair for pair in headers if not pair[0].startswith("Content-T")))
    return Reply(status, body, tuple(headers))


def _headers(key: str) -> tuple[tuple[str, str], ...]:
    return SiteHeaders.of(key).as_pairs()


def _knows(request: Request, etag: str) -> bool:
    """Whether the caller holds this very content already (RFC 9110, weak comparison)."""
    held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in held or held == ["*"]
