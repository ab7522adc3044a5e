"""Policies on S3: the drop as it stands; in the site bucket an index by conditional put, a version of a document once."""

import hashlib
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from yikatong.aws.site import PUBLIC_CACHE
from yikatong.policy_drops import Half, Tagged

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

# What S3 answers when the condition of a put does not hold: the object read is gone, another conditional put is under way,
# the object is another one.
_LOST = (404, 409, 412)


class PolicySite:
    """Implements `yikatong.policy_drops.Site`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> Tagged | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=key)
        except self._client.exceptions.NoSuchKey:
            return None
        return Tagged(found["Body"].read(), found["ETag"])

    def put_if(self, key: str, data: bytes, media_type: str, tag: str | None) -> bool:
        condition: Any = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=data,
                ContentType=media_type,
                CacheControl=PUBLIC_CACHE,
                **condition,
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _LOST:
                return False
            raise
        return True

    def put_once(self, key: str, data: bytes, media_type: str) -> bool:
        if self.put_if(key, data, media_type, None):
            return True
        standing = self.get(key)
        return standing is not None and hashlib.sha256(standing.data).digest() == hashlib.sha256(data).digest()


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
