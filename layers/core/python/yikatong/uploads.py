"""Who sent a file: an S3 event names the account only, so an upload asked for through the bureau API is noted first."""

from yikatong.errors import Refusal
from yikatong.ports import Control, Stored


class Upload(Stored):
    """An upload of a roster or a list, and the person who asked for it."""

    upload_id: str
    principal: str
    object_key: str
    mode: str
    """A roster's mode, a list's kind: what cannot be said otherwise than it was asked for."""


def upload_key(upload_id: str) -> tuple[str, str]:
    return f"UPLOAD#{upload_id}", "UPLOAD"


def sender_of(upload_id: str, object_key: str, mode: str, region: str, control: Control) -> str:
    """The person who asked for the upload, or the one role that may write this region's prefix without asking."""
    if not upload_id:
        return f"drop:{region}"
    upload = control.read(Upload, *upload_key(upload_id))
    if upload is None or (upload.object_key, upload.mode) != (object_key, mode):
        raise Refusal("这次上传与申请的不一致（文件位置、发放方式或名单种类不同），请重新申请上传。", "misplaced")
    return upload.principal
