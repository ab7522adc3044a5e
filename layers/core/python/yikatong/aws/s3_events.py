"""What arrives through a drop bucket: S3's "Object Created" event, inside EventBridge's envelope, inside an SQS message."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yikatong.errors import Refusal

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

MAX_OBJECT_BYTES = 512 * 1024 * 1024
"""More than ten million roster rows: a function holds the object in memory, so there is an end."""


@dataclass(frozen=True)
class Dropped:
    """One version of one dropped object, with its bytes and user metadata."""

    bucket: str
    key: str
    version: str
    sequencer: str
    metadata: dict[str, str]
    data: bytes


def fetch_dropped(event: dict[str, Any], client: "S3Client") -> Dropped:
    """Read exactly the version the EventBridge event tells of; the key comes unquoted in EventBridge's events."""
    bucket, item = event["detail"]["bucket"]["name"], event["detail"]["object"]
    if item.get("size", 0) > MAX_OBJECT_BYTES:
        raise Refusal(f"文件超过 {MAX_OBJECT_BYTES // 1024 // 1024} MB，请拆分后再上传。", "too_large")
    version = item.get("version-id", "")
    wanted: dict[str, Any] = {"Bucket": bucket, "Key": item["key"]} | ({"VersionId": version} if version else {})
    found = client.get_object(**wanted)
    return Dropped(
        bucket=bucket,
        key=item["key"],
        version=found.get("VersionId", version),
        sequencer=item.get("sequencer", ""),
        metadata=found["Metadata"],
        data=found["Body"].read(),
    )
