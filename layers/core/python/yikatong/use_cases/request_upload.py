"""A clerk asks for the upload of a roster or a list.

An S3 event names the account, not the person, so the person is noted here (issue 2).
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, StringConstraints

from yikatong.departures import Departure, object_key
from yikatong.errors import Refusal
from yikatong.file_names import require_safe_name
from yikatong.plan import Mode, PlanBook
from yikatong.ports import Control
from yikatong.principals import Action, Principal, authorize
from yikatong.regions import Region, require_known
from yikatong.roster_arrivals import reissued_batch
from yikatong.uploads import Upload, upload_key

# As long as spreadsheet programs let a sheet's name be.
SheetName = Annotated[str, StringConstraints(max_length=31)]


class UploadRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    plan_year: int
    number: int
    region: Region
    file_name: str
    mode: Mode = Mode.FORMAL
    sheet: SheetName = ""
    """The workbook's sheet to read; empty where only one looks like a roster."""
    reissues: Annotated[str, StringConstraints(max_length=200)] = ""
    """The batch whose rejected and returned payments this roster pays again (PROTOCOL B5); empty for an ordinary one."""


@dataclass(frozen=True)
class UploadGrant:
    """Where the file may be put, with exactly this metadata: to be signed by whoever holds the permission to put."""

    object_key: str
    metadata: dict[str, str]


def request_upload(
    control: Control, book: PlanBook, principal: Principal, request: UploadRequest, upload_id: str
) -> UploadGrant:
    """Note who uploads what, and grant it. Whoever knows `upload_id` speaks in that person's name: unguessable.

    The same file name again is a correction of the batch that stands for that key; `validate_roster` decides on it.
    """
    subsidy = book.subsidy(request.plan_year, request.number)
    require_known(request.region)
    authorize(principal, Action.UPLOAD_ROSTER, request.region, subsidy)
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能受理名册。", "unregistered")
    if request.mode is Mode.TRIAL and not subsidy.trial.required:
        raise Refusal(f"{subsidy}不需要模拟测试，请按正式发放上传。", "no_trial")
    require_safe_name(request.file_name)
    if request.reissues:
        _require_failed(control, request)
    key = f"{request.plan_year}/{request.region}/{request.number}/{request.file_name}"
    pk, sk = upload_key(upload_id)
    control.save(
        Upload(
            pk=pk,
            sk=sk,
            upload_id=upload_id,
            principal=principal.name,
            object_key=key,
            mode=request.mode,
            reissues=request.reissues,
        )
    )
    # Metadata travels in headers, which hold ASCII only.
    sheet = {"sheet": quote(request.sheet)} if request.sheet else {}
    reissues = {"reissues": request.reissues} if request.reissues else {}
    return UploadGrant(key, {"mode": request.mode.value, "upload": upload_id, **sheet, **reissues})


def _require_failed(control: Control, request: UploadRequest) -> None:
    """A reissue pays again what failed: raises Refusal where nothing did. Which rows those are `validate_roster` looks up."""
    batch = reissued_batch(request.reissues, request.plan_year, request.region, request.number, request.mode, control)
    if batch.settlement is None or not (batch.settlement.rejected + batch.settlement.returned).count:
        raise Refusal("原批次没有拒付或退票的支付，没有可以补发的。", "no_reissue")


class ListRequest(BaseModel):
    """A list of the deceased or of those who moved away, to replace the region's list of that kind."""

    model_config = ConfigDict(extra="forbid")

    region: Region
    kind: Departure
    file_name: str
    replace: bool = False
    """However much shorter than the one before it is."""


def request_list_upload(control: Control, principal: Principal, request: ListRequest, upload_id: str) -> UploadGrant:
    """Note who supplies a list, and grant it. It speaks of people, whatever subsidies they are on a roster of."""
    require_known(request.region)
    authorize(principal, Action.UPLOAD_ROSTER, request.region)
    require_safe_name(request.file_name)
    key = object_key(request.region, request.kind, request.file_name, replace=request.replace)
    pk, sk = upload_key(upload_id)
    control.save(Upload(pk=pk, sk=sk, upload_id=upload_id, principal=principal.name, object_key=key, mode=request.kind))
    return UploadGrant(key, {"upload": upload_id})
