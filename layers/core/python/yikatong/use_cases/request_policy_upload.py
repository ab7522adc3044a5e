"""A department or a region asks to publish a policy, or to send its part of the policy list: who asked is noted, then granted.

A policy is two uploads, the document and its metadata, each noted under its own key (`publish_policy` asks for both). A part of
a list is noted with the department it speaks for, so that whoever sends it cannot say otherwise (`collect_policy_list`).
"""

from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, StringConstraints

from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.policy_drops import METADATA_SUFFIX, UPLOAD_KIND, place_of, require_spokesman
from yikatong.policy_lists import departments_of, list_place_of, upload_kind
from yikatong.ports import Control
from yikatong.principals import PROVINCE, Action, Principal
from yikatong.regions import Region, require_known
from yikatong.uploads import Upload, upload_key
from yikatong.use_cases.request_upload import UploadGrant

FileName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class PolicyRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan_year: int
    number: int
    region: Region
    file_name: FileName
    """The document's; its metadata is called the same, with `.json` added."""


class PartRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan_year: int
    region: Region
    file_name: FileName
    department: Annotated[str, StringConstraints(max_length=40)] = ""
    """Whose part it is; empty for the only department of whoever asks, or for a region's own people."""


def request_policy_upload(
    control: Control, book: PlanBook, principal: Principal, request: PolicyRequest, upload_ids: tuple[str, str]
) -> tuple[UploadGrant, UploadGrant]:
    """Grant the document and its metadata; `upload_ids` are unguessable. The same name again makes a new version."""
    subsidy = book.subsidy(request.plan_year, request.number)
    require_known(request.region)
    require_spokesman(principal, Action.PUBLISH_POLICY, request.region, subsidy)
    place = place_of(f"{request.region}/{subsidy.code}/{request.file_name}", book)
    if place.file != request.file_name:
        raise Refusal(f"请给出政策文件的名称，说明文件的名称由平台另加 {METADATA_SUFFIX}。", "bad_file_name")
    keys = (place.document_key, place.metadata_key)
    for upload_id, key in zip(upload_ids, keys, strict=True):
        _note(control, principal, upload_id, key, UPLOAD_KIND)
    document, metadata = (UploadGrant(key, {"upload": each}) for each, key in zip(upload_ids, keys, strict=True))
    return document, metadata


def request_part_upload(
    control: Control, book: PlanBook, principal: Principal, request: PartRequest, upload_id: str
) -> UploadGrant:
    """Grant a part of a policy list. The same department's later part replaces its earlier one."""
    plan = book.plan(request.plan_year)
    place = list_place_of(f"lists/{request.plan_year}/{request.region}/{request.file_name}")
    require_spokesman(principal, Action.FILL_POLICY_LIST, request.region)
    known = departments_of(plan) if request.region == PROVINCE else tuple(_lead_departments(book, request.plan_year))
    department = _department(principal, request, known)
    _note(control, principal, upload_id, place.key, upload_kind(department))
    # Metadata travels in headers, which hold ASCII only.
    whose = {"department": quote(department)} if department else {}
    return UploadGrant(place.key, {"upload": upload_id, **whose})


def _department(principal: Principal, request: PartRequest, known: tuple[str, ...]) -> str:
    """Whose part it is: one of the principal's departments, any where they have all; empty for a region's own people."""
    mine = tuple(each for each in known if not principal.departments or each in principal.departments)
    if request.department in mine:
        return request.department
    if request.department:
        raise Refusal(f"您不能替{request.department}填报，或它没有要填报的项目；可选：{'、'.join(mine)}。", "forbidden")
    if principal.departments and len(mine) == 1:
        return mine[0]
    if request.region == PROVINCE or principal.departments:
        raise Refusal(f"请说明是哪个部门的清单（--department）；可选：{'、'.join(mine) or '无'}。", "no_department")
    return ""


def _lead_departments(book: PlanBook, plan_year: int) -> dict[str, None]:
    """Every department that leads a subsidy, in the plan's order."""
    return dict.fromkeys(each for subsidy in book.plan(plan_year).subsidies for each in subsidy.lead_departments)


def require_reader(principal: Principal, action: Action, region: str) -> None:
    """What became of a file is told to those who may send one there."""
    require_known(region)
    require_spokesman(principal, action, region)


def _note(control: Control, principal: Principal, upload_id: str, key: str, kind: str) -> None:
    pk, sk = upload_key(upload_id)
    control.save(Upload(pk=pk, sk=sk, upload_id=upload_id, principal=principal.name, object_key=key, mode=kind))
