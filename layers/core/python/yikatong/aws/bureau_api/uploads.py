"""Uploads of rosters: who asked, for which key."""

import secrets
from typing import Any

from yikatong.aws.bureau_api.common import caller, new_router, signed_upload
from yikatong.aws.wiring import wiring
from yikatong.use_cases.request_upload import UploadRequest, request_upload

router = new_router()


@router.post("/v1/uploads")
def post_upload(body: UploadRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_upload(made.control, made.book, caller(router), body, secrets.token_hex(16))
    return signed_upload(made.environment["ROSTER_BUCKET"], grant)
