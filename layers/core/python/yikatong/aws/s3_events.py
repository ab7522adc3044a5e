"""What arrives through a drop bucket: S3's "Object Created" event, inside EventBridge's envelope, inside an SQS message."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from types_boto3_s3 import S3Client

_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Dropped:
    """One version of one dropped object, with its user metadata; `size` in bytes. It is fetched once, by `read` or by `save`.

    `sent_at` is S3's own word, in whole seconds, and the same for every event that tells of this version.
    """

    bucket: str
    key: str
    version: str
    sequencer: str
    sent_at: datetime
    size: int
    metadata: dict[str, str]
    body: "StreamingBody"

    def read(self) -> bytes:
        return self.body.read()

    def save(self, path: Path) -> Path:
        """Write it to a file, a piece at a time: it is never held whole."""
        with path.open("wb") as file:
            shutil.copyfileobj(self.body, file, _PIECE_BYTES)
        return path


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
        sent_at=found["LastModified"],
        size=found["ContentLength"],
        metadata=found["Metadata"],
        body=found["Body"],
    )
