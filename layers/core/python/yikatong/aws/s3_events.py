"""What arrives through a drop bucket: S3's "Object Created" event, inside EventBridge's envelope, inside an SQS message."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class Dropped:
    """One version of one dropped object, with its user metadata; `size` in bytes, `read` fetches them."""

    bucket: str
    key: str
    version: str
    sequencer: str
    size: int
    metadata: dict[str, str]
    read: Callable[[], bytes]


def fetch_dropped(event: dict[str, Any], client: "S3Client") -> Dropped:
    """Open exactly the version the EventBridge event tells of; the key comes unquoted in EventBridge's events."""
    bucket, item = event["detail"]["bucket"]["name"], event["detail"]["object"]
    version = item.get("version-id", "")
    wanted: dict[str, Any] = {"Bucket": bucket, "Key": item["key"]} | ({"VersionId": version} if version else {})
    found = client.get_object(**wanted)
    return Dropped(
        bucket=bucket,
        key=item["key"],
        version=found.get("VersionId", version),
        sequencer=item.get("sequencer", ""),
        size=found["ContentLength"],
        metadata=found["Metadata"],
        read=found["Body"].read,
    )
