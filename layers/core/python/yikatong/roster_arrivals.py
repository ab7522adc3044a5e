"""A roster object that arrived: where it belongs, who sent it, and which batch it is (DESIGN §2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from yikatong.batches import Batch, batch_key
from yikatong.errors import Conflict, Refusal
from yikatong.file_names import require_safe_name
from yikatong.payments import batch_id as identify
from yikatong.plan import Mode, PlanBook, Subsidy
from yikatong.ports import Control
from yikatong.regions import require_known
from yikatong.sequencers import is_older
from yikatong.states import BATCH, SETTLEABLE, BatchState

_KEY = re.compile(r"([0-9]{4})/(23[0-9]{4})/([0-9]{1,2})/([^/]+)")


@dataclass(frozen=True)
class Arrival:
    """One roster object as it arrived. `sequencer` orders the versions of one key, as S3 numbers them.

    `size` in bytes; `read` fetches the content, or says where it lies until this roster is done; `sheet` names the workbook's
    sheet to read if the bureau named one; `reissues` the batch whose failed payments it pays again, if it is a reissue."""

    object_key: str
    object_version: str
    sequencer: str
    mode: str
    upload_id: str
    size: int
    read: Callable[[], bytes | Path]
    sheet: str = ""
    reissues: str = ""


@dataclass(frozen=True)
class Place:
    """What a roster's key says of it."""

    plan_year: int
    region: str
    subsidy: Subsidy
    file_name: str


def place_of(arrival: Arrival, book: PlanBook) -> Place:
    """Read `{plan_year}/{region}/{number}/{file}`; raises Refusal telling where a roster belongs."""
    found = _KEY.fullmatch(arrival.object_key)
    if found is None:
        raise Refusal(
            "名册应放在 计划年度/地区代码/补贴序号/文件名 之下，例如 2023/230102/2/低保名册.csv。", "misplaced"
        )
    year, region, number, file_name = found.groups()
    # Whoever drops files without asking for the upload first was told by nobody.
    require_safe_name(file_name)
    require_known(region)
    subsidy = book.subsidy(int(year), int(number))
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能受理名册。", "unregistered")
    if arrival.mode not in (Mode.FORMAL, Mode.TRIAL):
        raise Refusal("名册的发放方式（元数据 mode）只能是 formal 或 trial。", "bad_mode")
    return Place(int(year), region, subsidy, file_name)


def reissued_batch(reissues: str, plan_year: int, region: str, number: int, mode: str, control: Control) -> Batch:
    """The batch a roster of that place may pay again (PROTOCOL B5), as it stands; raises Refusal where it may not.

    Only what can never become untrue again is asked, so that a roster once received is never turned away by a retry.
    """
    try:
        batch = control.read(Batch, *batch_key(reissues))
    except ValueError:
        batch = None
    if batch is None or (batch.plan_year, batch.region, batch.number) != (plan_year, region, number):
        raise Refusal(
            "没有这个可以补发的批次：补发的名册应与原批次同一计划年度、同一地区、同一补贴；请核对批次。", "no_reissue"
        )
    if batch.mode != Mode.FORMAL or mode != Mode.FORMAL:
        raise Refusal("模拟测试没有发钱，不能补发。", "no_reissue")
    if batch.state not in SETTLEABLE:
        raise Refusal(f"原批次{BATCH[batch.state].bureau}，还没有向银行发出，没有可以补发的支付。", "no_reissue")
    return batch


def receive(arrival: Arrival, sha256: str, place: Place, uploader: str, control: Control, now: datetime) -> Batch:
    """The batch that these bytes are under this key: noted as RECEIVED, or as it stands if they came before."""
    assert place.subsidy.code is not None
    code = place.subsidy.code
    identity = identify(place.plan_year, code, place.region, arrival.mode, arrival.object_key, sha256, arrival.reissues)
    standing = control.read(Batch, *batch_key(identity))
    if standing is not None:
        return standing
    pk, sk = batch_key(identity)
    received_at = now.isoformat(timespec="seconds")
    batch = Batch(
        pk=pk,
        sk=sk,
        batch_id=identity,
        plan_year=place.plan_year,
        number=place.subsidy.number,
        code=code,
        region=place.region,
        mode=arrival.mode,
        state=BatchState.RECEIVED,
        object_key=arrival.object_key,
        object_version=arrival.object_version,
        sequencer=arrival.sequencer,
        sha256=sha256,
        uploader=uploader,
        received_at=received_at,
        sheet=arrival.sheet,
        reissue_of=arrival.reissues,
        province=f"{place.region[:2]}0000",
        region_received=f"{place.region}#{received_at}",
    )
    try:
        control.save(batch)
    except Conflict:
        standing = control.read(Batch, pk, sk)
        assert standing is not None, "batches are never deleted"
        return standing
    return batch.changed(version=1)


def is_sent_again(batch: Batch, arrival: Arrival) -> bool:
    """Whether somebody sent the same bytes once more while nobody has approved them yet, refused ones included."""
    judged = (BatchState.REFUSED, BatchState.VALIDATED)
    return batch.state in judged and batch.object_version != arrival.object_version and _newer(arrival, batch.sequencer)


def received_again(batch: Batch, arrival: Arrival, uploader: str, now: datetime) -> Batch:
    """The batch as it is to be judged again: by what holds today, with nobody's approval yet."""
    received_at = now.isoformat(timespec="seconds")
    return batch.changed(
        object_version=arrival.object_version,
        sequencer=arrival.sequencer,
        uploader=uploader,
        received_at=received_at,
        region_received=f"{batch.region}#{received_at}",
        sheet=arrival.sheet,
        fingerprint="",
        refusal="",
        first_approval=None,
    )


def _newer(arrival: Arrival, sequencer: str) -> bool:
    return not is_older(arrival.sequencer, sequencer) and arrival.sequencer != sequencer
