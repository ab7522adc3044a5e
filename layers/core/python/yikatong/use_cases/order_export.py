"""Exports for the official portal: one is ordered, the finished ones are listed, and one is fetched file by file."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from yikatong.errors import Refusal
from yikatong.portal_export import EXPORTS, MANIFEST, complete, folder_of, is_export_id
from yikatong.principals import PROVINCE, Action, Principal, authorize
from yikatong.public_site import PublicSite

MOST_LISTED = 60


class ExportRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["full", "incremental"]


def order_export(principal: Principal, portal: PublicSite, request: ExportRequest) -> tuple[dict[str, Any], str]:
    """What `export_portal` is told, and the last export that stands: the ordered one will come after it."""
    standing = list_exports(principal, portal)
    return {"kind": request.kind, "ordered_by": principal.name}, standing[-1] if standing else ""


def list_exports(principal: Principal, portal: PublicSite) -> list[str]:
    """The last exports that have their manifest, the oldest first."""
    authorize(principal, Action.EXPORT_PORTAL, PROVINCE)
    return complete(portal.keys(EXPORTS))[-MOST_LISTED:]


def show_export(principal: Principal, portal: PublicSite, export: str) -> list[str]:
    """The keys of a finished export's files, the manifest last."""
    authorize(principal, Action.EXPORT_PORTAL, PROVINCE)
    keys = portal.keys(folder_of(export)) if is_export_id(export) else []
    own = f"{folder_of(export)}{MANIFEST}"
    if own not in keys:
        raise Refusal("没有这份导出，或者它没有完成。", "not_found")
    return [*(key for key in keys if key != own), own]
