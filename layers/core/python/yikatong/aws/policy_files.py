"""The policy drop on S3, as it stands."""

from typing import TYPE_CHECKING

from yikatong.policy_drops import Half

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class PolicyDrop:
    """Implements `yikatong.policy_drops.Drop`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def half(self, key: str, most_bytes: int) -> Half | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        size = found["ContentLength"]
        return Half(
            # Two versions may hold the same bytes, so the version's id and not the ETag, which is their digest.
            tag=found.get("VersionId", found["ETag"]),
            size=size,
            sent_at=found["LastModified"],
            upload_id=found["Metadata"].get("upload", ""),
            data=found["Body"].read() if size <= most_bytes else None,
        )
