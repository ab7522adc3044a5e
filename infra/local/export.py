"""Everything the local cloud holds, as files: so that anyone can check the books with tools of their own."""

import base64
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from boto3.dynamodb.types import Binary, TypeDeserializer

from infra.local.clients import Clients


def export(folder: Path, clients: Clients, bank_endpoint: str | None) -> dict[str, int]:
    """Write `buckets/{bucket}/{key}`, `tables/{table}.jsonl` and `bank/book.json`; return how many of each kind.

    Older versions of an object lie beside, under `versions/{bucket}/{key}/{version}`: what was approved and paid may
    have been overwritten since. Items are plain JSON, sorted by key so that two exports can be compared.
    """
    counts = {"objects": 0, "items": 0, "books": 0}
    s3 = clients("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        target = folder / "buckets" / bucket["Name"]
        target.mkdir(parents=True, exist_ok=True)
        for key, version, latest in _versions(s3, bucket["Name"]):
            body = s3.get_object(Bucket=bucket["Name"], Key=key, VersionId=version)["Body"].read()
            if latest:
                _write(target, key, body)
            else:
                _write(folder / "versions" / bucket["Name"], f"{key}/{version}", body)
            counts["objects"] += 1
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for table in clients("dynamodb").list_tables()["TableNames"]:
        lines = sorted(
            json.dumps(item, ensure_ascii=False, sort_keys=True, default=_plain) for item in _items(clients, table)
        )
        (folder / "tables" / f"{table}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        counts["items"] += len(lines)
    if bank_endpoint:
        book = httpx.get(f"{bank_endpoint}/book", timeout=60).raise_for_status().json()
        _write(folder / "bank", "book.json", json.dumps(book, ensure_ascii=False, indent=1).encode())
        counts["books"] = 1
    return counts


def _versions(s3: Any, bucket: str) -> Iterator[tuple[str, str, bool]]:
    """(key, version, whether it is the current one) of every version kept."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for found in page.get("Versions", []):
            yield found["Key"], found["VersionId"], found["IsLatest"]


def _items(clients: Clients, table: str) -> Iterator[dict[str, Any]]:
    read = TypeDeserializer().deserialize
    for page in clients("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield {name: read(value) for name, value in item.items()}


def _write(folder: Path, key: str, body: bytes) -> None:
    """Write one object; a key that would leave the folder is an error, not a surprise."""
    path = (folder / key).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"the key {key!r} does not stay inside {folder}")
    if key.endswith("/"):
        path = path / "_"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, Binary):
        raw: Any = value
        return base64.b64encode(raw.value).decode()
    if isinstance(value, set):
        return sorted(value, key=str)
    raise TypeError(f"{type(value).__name__} has no place in a table")
