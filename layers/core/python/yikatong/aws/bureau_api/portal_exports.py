"""Exports for the official portal: ordered, listed, and fetched by short-lived addresses."""

from typing import Any

from yikatong.aws.bureau_api.common import REPORT_EXPIRES_S, caller, new_router
from yikatong.aws.bureau_api.disclosure import set_off
from yikatong.aws.site import S3Site
from yikatong.aws.wiring import wiring
from yikatong.use_cases.order_export import ExportRequest, list_exports, order_export, show_export

router = new_router()


def _portal() -> S3Site:
    made = wiring()
    return S3Site(made.client("s3"), made.environment["PORTAL_BUCKET"])


@router.post("/v1/portal-exports")
def post_export(body: ExportRequest) -> dict[str, Any]:
    """`after` is the last export that stands; the ordered one is listed after it when it is done."""
    order, after = order_export(caller(router), _portal(), body)
    set_off("export_portal", order)
    return {"ordered": True, "after": after}


@router.get("/v1/portal-exports")
def get_exports() -> dict[str, Any]:
    return {"exports": list_exports(caller(router), _portal())}


@router.get("/v1/portal-exports/<export>")
def get_export(export: str) -> dict[str, Any]:
    keys = show_export(caller(router), _portal(), export)
    made = wiring()
    bucket = made.environment["PORTAL_BUCKET"]
    files = [
        {
            "name": key.rsplit("/", 1)[1],
            "url": made.client("s3").generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=REPORT_EXPIRES_S
            ),
        }
        for key in keys
    ]
    return {"export": export, "files": files, "expires_s": REPORT_EXPIRES_S}
