"""Take in a roster: find its batch, judge every row, freeze what was accepted, and write the report back (DESIGN §2, §4)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from yikatong import batches, parquet
from yikatong.batches import Batch, Occasion, RosterObject, Upload, batch_key, roster_object_key, upload_key
from yikatong.claimed_elsewhere import ClaimedElsewhere
from yikatong.departures import CurrentDepartures, Departure, current_key, regions_above
from yikatong.errors import Conflict, Refusal
from yikatong.payments import batch_id as identify
from yikatong.payments import content_sha256, digest_of, sha256_hex
from yikatong.plan import Mode, PlanBook, Settings, Subsidy
from yikatong.ports import Control, Lake, Reports
from yikatong.regions import require_known
from yikatong.registry import RegistryReader
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.roster.context import RosterContext
from yikatong.roster.departed import DEPARTED
from yikatong.roster.findings import Finding, Level, file_finding
from yikatong.roster.fingerprint import fingerprint
from yikatong.roster.reading import MAX_FILE_BYTES
from yikatong.roster.report import to_xlsx
from yikatong.roster.validation import Tally, Validation, validate
from yikatong.sequencers import is_older
from yikatong.states import BATCH, BatchState
from yikatong.use_cases.withdraw_batch import withdraw

_KEY = re.compile(r"([0-9]{4})/(23[0-9]{4})/([0-9]{1,2})/([^/]+)")
# Batches named in one finding; whoever has sent the same rows more often knows it by then.
_BATCHES_NAMED = 3
NOT_CLAIMED_YET = (BatchState.RECEIVED, BatchState.VALIDATED, BatchState.APPROVED, BatchState.BOUND)


@dataclass(frozen=True)
class Arrival:
    """One roster object as it arrived. `sequencer` orders the versions of one key, as S3 numbers them.

    `size` in bytes; `read` fetches the content, or says where it lies until this roster is done; `sheet` names the workbook's
    sheet to read if the bureau named one."""

    object_key: str
    object_version: str
    sequencer: str
    mode: str
    upload_id: str
    size: int
    read: Callable[[], bytes | Path]
    sheet: str = ""


@dataclass(frozen=True)
class _Place:
    plan_year: int
    region: str
    subsidy: Subsidy
    file_name: str


def validate_roster(
    arrival: Arrival,
    *,
    control: Control,
    lake: Lake,
    reports: Reports,
    book: PlanBook,
    settings: Settings,
    now: datetime,
) -> str:
    """Returns the batch's state, `replayed` for a file seen before, or `misplaced` for one that belongs nowhere.

    A misplaced file has no batch to report on; why stands under `misplaced/` in the reports bucket. Safe to repeat.
    The same bytes sent again before anybody approved them are judged again, by what holds then.
    """
    try:
        place = _place(arrival, book)
        uploader = _uploader(arrival, place, control)
        if arrival.size > MAX_FILE_BYTES:
            raise Refusal(f"名册超过 {MAX_FILE_BYTES // 2**20} MB，请按乡镇拆分后再上传。", "too_large")
    except Refusal as refusal:
        reports.put(f"misplaced/{arrival.object_key}.txt", refusal.message.encode())
        return "misplaced"
    content = arrival.read()
    batch = _receive(arrival, content_sha256(content), place, uploader, control, now)
    if batch.state is not BatchState.RECEIVED:
        if not _is_sent_again(batch, arrival):
            return _replayed(batch, arrival, control, reports, settings)
        batch = _received_again(batch, arrival, uploader, now)
    registry = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    context = replace(
        _context(place, batch, control, settings, book),
        registry_for=None if registry is None else RegistryReader(lake, registry.registry_version).rows_for,
        claimed=_claimed(batch, control, lake, settings).of_slot,
        departed=_departed(place.region, control, lake),
    )
    validation = validate(content, place.file_name, context)
    if validation.accepted:
        batch = batch.changed(fingerprint=fingerprint(validation.frame))
    validation = replace(validation, findings=(*_rows_known(batch, control), *validation.findings))
    # A file that is refused replaces nothing: what stood before it stands.
    why_not = _succeed_predecessor(batch, validation, control, settings) if validation.accepted else ""
    judged = _judged(batch, validation, registry, why_not, lake)
    _report(judged, validation, place, reports)
    try:
        control.save(judged)
    except Conflict:
        # Another delivery of the same event finished first; what it saved came from the same bytes.
        return "replayed"
    return judged.state


def _is_sent_again(batch: Batch, arrival: Arrival) -> bool:
    """Whether somebody sent the same bytes once more while nobody has approved them yet, refused ones included."""
    judged = (BatchState.REFUSED, BatchState.VALIDATED)
    return batch.state in judged and batch.object_version != arrival.object_version and _newer(arrival, batch.sequencer)


def _received_again(batch: Batch, arrival: Arrival, uploader: str, now: datetime) -> Batch:
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


def _replayed(batch: Batch, arrival: Arrival, control: Control, reports: Reports, settings: Settings) -> str:
    """The same content under the same key is the same batch. Once withdrawn it stays so: the bureau is told how to go on.

    What replaced it meanwhile is not what they want any more: it is withdrawn as well, unless it is claimed already.
    """
    standing = _seen_again(batch, arrival, control)
    if batch.state is BatchState.WITHDRAWN and batch.object_version != arrival.object_version:
        if standing is not None and standing.state in NOT_CLAIMED_YET:
            withdraw(control, settings, standing.batch_id, f"之后又上传了已撤回的 {batch.batch_id} 的内容")
        words = f"这份名册的内容与已撤回的批次 {batch.batch_id} 完全相同，不会重新受理；请另存为新文件名后上传。"
        reports.put(f"misplaced/{arrival.object_key}.txt", words.encode())
    elif arrival.sheet != batch.sheet:
        words = f"这个工作簿的另一张工作表已是批次 {batch.batch_id}；要发放“{arrival.sheet}”，请另存为新文件名后上传。"
        reports.put(f"misplaced/{arrival.object_key}.txt", words.encode())
    return "replayed"


def _seen_again(batch: Batch, arrival: Arrival, control: Control) -> Batch | None:
    """Note the newest arrival under the key, so that an older one that comes later is known as older.

    Returns the batch that stands for the key, if this arrival is newer than it.
    """
    pk, sk = roster_object_key(batch.object_key, batch.mode)
    while True:
        pointer = control.read(RosterObject, pk, sk)
        if pointer is None or not is_older(pointer.sequencer, arrival.sequencer):
            return None
        try:
            control.save(pointer.model_copy(update={"sequencer": arrival.sequencer}))
        except Conflict:
            continue
        return control.read(Batch, *batch_key(pointer.batch_id))


def _place(arrival: Arrival, book: PlanBook) -> _Place:
    """Read `{plan_year}/{region}/{number}/{file}`; raises Refusal telling where a roster belongs."""
    found = _KEY.fullmatch(arrival.object_key)
    if found is None:
        raise Refusal(
            "名册应放在 计划年度/地区代码/补贴序号/文件名 之下，例如 2023/230102/2/低保名册.csv。", "misplaced"
        )
    year, region, number, file_name = found.groups()
    require_known(region)
    subsidy = book.subsidy(int(year), int(number))
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能受理名册。", "unregistered")
    if arrival.mode not in (Mode.FORMAL, Mode.TRIAL):
        raise Refusal("名册的发放方式（元数据 mode）只能是 formal 或 trial。", "bad_mode")
    return _Place(int(year), region, subsidy, file_name)


def _uploader(arrival: Arrival, place: _Place, control: Control) -> str:
    """Who sent it: the person who asked for the upload, or the one role that may write this region's prefix."""
    if not arrival.upload_id:
        return f"drop:{place.region}"
    upload = control.read(Upload, *upload_key(arrival.upload_id))
    if upload is None or (upload.object_key, upload.mode) != (arrival.object_key, arrival.mode):
        raise Refusal("这次上传与申请的不一致（文件位置或发放方式不同），请重新申请上传。", "misplaced")
    return upload.principal


def _receive(arrival: Arrival, sha256: str, place: _Place, uploader: str, control: Control, now: datetime) -> Batch:
    assert place.subsidy.code is not None
    code = place.subsidy.code
    identity = identify(place.plan_year, code, place.region, arrival.mode, arrival.object_key, sha256)
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


def _succeed_predecessor(batch: Batch, validation: Validation, control: Control, settings: Settings) -> str:
    """Make this batch the one that stands for its key and mode, withdrawing the one before; why it may not, else empty.

    The same object key again is a correction (DESIGN §2), unless no slot is common to both: then it is another
    month's roster under an old name, and nobody's payment may be withdrawn for it. S3 events come unordered, so the
    sequencer decides which version is the newer one.
    """
    pk, sk = roster_object_key(batch.object_key, batch.mode)
    while True:
        pointer = control.read(RosterObject, pk, sk)
        if pointer is not None and pointer.batch_id != batch.batch_id:
            if is_older(batch.sequencer, pointer.sequencer):
                return "同名文件已有更新的版本，本版本不再受理。"
            before = control.read(Batch, *batch_key(pointer.batch_id))
            if before is not None and before.state not in (BatchState.REFUSED, BatchState.WITHDRAWN):
                if reason := _why_not_replace(before, validation):
                    return reason
                withdraw(control, settings, before.batch_id, f"已由更正后的名册 {batch.batch_id} 取代")
        version = pointer.version if pointer else 0
        moved = RosterObject(pk=pk, sk=sk, version=version, batch_id=batch.batch_id, sequencer=batch.sequencer)
        try:
            control.save(moved)
        except Conflict:
            continue
        return ""


def _why_not_replace(before: Batch, validation: Validation) -> str:
    # A roster of which nothing is left to pay has no slots, and is no other month's for that.
    if before.slots and validation.slots and not set(before.slots) & set(validation.slots):
        old, new = "、".join(before.slots), "、".join(validation.slots)
        return f"同名的前一份名册是 {old} 的，这一份是 {new} 的，不是更正；请另存为新文件名上传。"
    if before.state not in NOT_CLAIMED_YET:
        return f"同名的前一份名册{BATCH[before.state].bureau}，不能再更正；其余人员或别的属期请另存为新文件名上传。"
    return ""


def _newer(arrival: Arrival, sequencer: str) -> bool:
    return not is_older(arrival.sequencer, sequencer) and arrival.sequencer != sequencer


def _context(place: _Place, batch: Batch, control: Control, settings: Settings, book: PlanBook) -> RosterContext:
    """Judged for the day it was received, however late a retry comes: the same bytes get the same answer."""
    received_on = datetime.fromisoformat(batch.received_at).date()
    occasions = control.query(Occasion, f"OCCASIONS#{batch.code}")
    return RosterContext(
        book=book,
        subsidy=place.subsidy,
        region=place.region,
        mode=Mode(batch.mode),
        as_of=received_on,
        settings=settings.for_subsidy(batch.code),
        # A roster may come before its occasion begins, as before any payday.
        occasions=[
            occasion.slot
            for occasion in occasions
            if occasion.covers(batch.region, max(received_on, date.fromisoformat(occasion.first)))
        ],
        sheet=batch.sheet,
    )


def _claimed(batch: Batch, control: Control, lake: Lake, settings: Settings) -> ClaimedElsewhere:
    """Who was claimed already. What this roster is to replace does not count: it will be withdrawn, and pay nobody.

    A predecessor that may not be replaced any more does count: the bureau is told whom it pays.
    """
    pointer = control.read(RosterObject, *roster_object_key(batch.object_key, batch.mode))
    before = control.read(Batch, *batch_key(pointer.batch_id)) if pointer else None
    replaced = [before.batch_id] if before is not None and before.state in NOT_CLAIMED_YET else []
    return ClaimedElsewhere(control, lake, settings, settings.for_subsidy(batch.code), replaced)


def _departed(region: str, control: Control, lake: Lake) -> pl.DataFrame | None:
    """Everybody on a list of this region or of one that it lies in; None where nobody supplied one."""
    frames = []
    for place in regions_above(region):
        for kind in Departure:
            current = control.read(CurrentDepartures, *current_key(place, kind))
            if current is not None:
                stored = lake.get(current.list_key)
                if stored is None:
                    raise LookupError(current.list_key)
                frames.append(parquet.decode(stored).with_columns(pl.lit(kind.value).alias("kind")).select(*DEPARTED))
    return pl.concat(frames) if frames else None


def _rows_known(batch: Batch, control: Control) -> list[Finding]:
    """`rows_known` where other standing batches of the region hold the very same rows, whatever file said them."""
    if not batch.fingerprint:
        return []
    of_the_region = control.query(Batch, batch.pk, batch.batch_id.removesuffix(batch.digest))
    same = [
        other
        for other in of_the_region
        if other.fingerprint == batch.fingerprint
        and other.batch_id != batch.batch_id
        and other.state not in (BatchState.REFUSED, BatchState.WITHDRAWN)
    ]
    named = [
        f"{other.object_key.rsplit('/', 1)[-1]}（批次 {other.batch_id}，{BATCH[other.state].bureau}）"
        for other in same[:_BATCHES_NAMED]
    ]
    return [file_finding("rows_known", other="、".join(named))] if named else []


def _judged(batch: Batch, validation: Validation, registry: CurrentRegistry | None, refusal: str, lake: Lake) -> Batch:
    """The batch with its counts; accepted rows frozen in the lake under a key that names what they were judged by."""
    changes: dict[str, object] = {
        "rows": validation.rows,
        "payable": _tally(validation.payable),
        "held": _tally(validation.held),
        "review": _tally(validation.review),
        "excluded": _tally(validation.excluded),
        "slots": tuple(validation.slots),
        "findings": sum(validation.counts_by_code().values()),
        "report_key": f"{batch.batch_id}/findings.xlsx",
        "cards_checked": registry is not None,
    }
    if refusal or not validation.accepted:
        first = next((finding.message for finding in validation.findings if finding.level is Level.REFUSE), "")
        return batch.moved(BatchState.REFUSED, refusal=refusal or first, **changes)
    digest = digest_of(
        "validate_roster", batch.batch_id, batch.received_at, registry.registry_version if registry else ""
    )
    key = batches.rows_key(batch.batch_id, digest)
    stored = lake.put_once(key, parquet.encode(validation.frozen()), digest).data
    lake.put_once(batches.review_key(key), _review_list(validation.frame), digest)
    return batch.moved(BatchState.VALIDATED, rows_key=key, rows_sha256=sha256_hex(stored), **changes)


def _tally(tally: Tally) -> batches.Tally:
    return batches.Tally(count=tally.rows, fen=tally.fen)


def _review_list(frame: pl.DataFrame) -> bytes:
    """Row number, sum and finding of each row under review: what an approver accepts by name, without anybody's name."""
    rows = frame.filter(pl.col("status") == "review").select("row", pl.col("amount_fen").alias("fen"), code="reasons")
    return json.dumps(rows.sort("row").to_dicts()).encode()


def _report(batch: Batch, validation: Validation, place: _Place, reports: Reports) -> None:
    document = validation.to_json() | {"batch_id": batch.batch_id, "state": batch.state.value, "refusal": batch.refusal}
    reports.put(f"{batch.batch_id}/findings.json", json.dumps(document, ensure_ascii=False, indent=1).encode())
    reports.put(
        batch.report_key, to_xlsx(validation, subject=f"{place.subsidy} {place.region}", filename=place.file_name)
    )
