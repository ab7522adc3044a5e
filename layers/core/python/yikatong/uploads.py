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
    reissues: str = ""
    """The batch whose failed payments the roster is to pay again; as little to be said otherwise."""


def upload_key(upload_id: str) -> tuple[str, str]:
    return f"UPLOAD#{upload_id}", "UPLOAD"


def sender_of(upload_id: str, object_key: str, mode: str, region: str, control: Control, *, reissues: str = "") -> str:
    """The person who asked for the upload, or the one role that may write this region's prefix without asking."""
    if not upload_id:
        return f"drop:{region}"
    upload = control.read(Upload, *upload_key(upload_id))
    if upload is None or (upload.object_key, upload.mode, upload.reissues) != (object_key, mode, reissues):
        raise Refusal(
            "这次上传与申请的不一致（文件位置、发放方式、补发的批次或名单种类不同），请重新申请上传。", "misplaced"
        )
    return upload.principal
