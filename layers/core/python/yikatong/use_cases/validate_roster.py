"""Take in a roster: find its batch, judge every row, freeze what was accepted, and write the report back (DESIGN §2, §4)."""

import json
from dataclasses import replace
from datetime import datetime

import polars as pl

from yikatong import batches, parquet
from yikatong.bank.settings import Banks
from yikatong.batches import Batch
from yikatong.errors import Conflict, Refusal
from yikatong.file_names import misplaced_key
from yikatong.payments import content_sha256, sha256_hex
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Control, Lake, Orders, Reports
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.roster.findings import Level
from yikatong.roster.fingerprint import fingerprint
from yikatong.roster.reading import MAX_FILE_BYTES
from yikatong.roster.report import to_xlsx
from yikatong.roster.validation import Tally, Validation, validate
from yikatong.roster_arrivals import (
    Arrival,
    Place,
    is_sent_again,
    place_of,
    receive,
    received_again,
    reissued_batch,
)
from yikatong.roster_grounds import gather_context
from yikatong.states import BatchState
from yikatong.uploads import sender_of
from yikatong.use_cases.correct_roster import recognise_replay, replaceable, rows_known, succeed_predecessor


def validate_roster(
    arrival: Arrival,
    *,
    control: Control,
    lake: Lake,
    reports: Reports,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    banks: Banks,
    now: datetime,
) -> str:
    """Returns the batch's state, `replayed` for a file seen before, or `misplaced` for one that belongs nowhere.

    A misplaced file has no batch to report on; why stands under `misplaced/` in the reports bucket. Safe to repeat.
    The same bytes sent again before anybody approved them are judged again, by what holds then.
    """
    try:
        place = place_of(arrival, book)
        uploader = sender_of(
            arrival.upload_id, arrival.object_key, arrival.mode, place.region, control, reissues=arrival.reissues
        )
        if arrival.reissues:
            where = (place.plan_year, place.region, place.subsidy.number)
            reissued_batch(arrival.reissues, *where, arrival.mode, control)
        if arrival.size > MAX_FILE_BYTES:
            raise Refusal(f"名册超过 {MAX_FILE_BYTES // 2**20} MB，请按乡镇拆分后再上传。", "too_large")
    except Refusal as refusal:
        reports.put(misplaced_key(arrival.object_key), refusal.message.encode())
        return "misplaced"
    content = arrival.read()
    batch = receive(arrival, content_sha256(content), place, uploader, control, now)
    if batch.state is not BatchState.RECEIVED:
        if not is_sent_again(batch, arrival):
            return recognise_replay(
                batch,
                arrival,
                control=control,
                reports=reports,
                orders=orders,
                book=book,
                settings=settings,
                today=now.date(),
            )
        batch = received_again(batch, arrival, uploader, now)
    registry = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    # What this roster is to replace will be withdrawn, and pay nobody.
    leave_out = replaceable(batch, control)
    context = gather_context(
        batch, registry, leave_out, control=control, lake=lake, book=book, settings=settings, banks=banks
    )
    validation = validate(content, place.file_name, context)
    if validation.accepted:
        batch = batch.changed(fingerprint=fingerprint(validation.frame))
    validation = replace(validation, findings=(*rows_known(batch, control), *validation.findings))
    # A file that is refused replaces nothing: what stood before it stands.
    why_not = ""
    if validation.accepted:
        why_not = succeed_predecessor(
            batch, validation, control=control, orders=orders, book=book, settings=settings, today=now.date()
        )
    judged = _judged(batch, validation, why_not, lake, cards_checked=registry is not None)
    _report(judged, validation, place, reports)
    try:
        control.save(judged)
    except Conflict:
        # Another delivery of the same event finished first; what it saved came from the same bytes.
        return "replayed"
    return judged.state


def _judged(batch: Batch, validation: Validation, refusal: str, lake: Lake, *, cards_checked: bool) -> Batch:
    """The batch with its counts; accepted rows frozen in the lake under the name of what they are.

    Not of what they were judged by: between two tries claims, cards and lists may change, and the counts must be the rows'.
    """
    changes: dict[str, object] = {
        "rows": validation.rows,
        "payable": _tally(validation.payable),
        "held": _tally(validation.held),
        "review": _tally(validation.review),
        "excluded": _tally(validation.excluded),
        "slots": tuple(validation.slots),
        "findings": sum(validation.counts_by_code().values()),
        "report_key": f"{batch.batch_id}/findings.xlsx",
        "cards_checked": cards_checked,
    }
    if refusal or not validation.accepted:
        first = next((finding.message for finding in validation.findings if finding.level is Level.REFUSE), "")
        return batch.moved(BatchState.REFUSED, refusal=refusal or first, **changes)
    frozen = parquet.encode(validation.frozen())
    digest = sha256_hex(frozen)
    key = batches.rows_key(batch.batch_id, digest)
    lake.put_once(key, frozen, digest)
    lake.put_once(batches.review_key(key), _review_list(validation.frame), digest)
    return batch.moved(BatchState.VALIDATED, rows_key=key, rows_sha256=digest, **changes)


def _tally(tally: Tally) -> batches.Tally:
    return batches.Tally(count=tally.rows, fen=tally.fen)


def _review_list(frame: pl.DataFrame) -> bytes:
    """Row number, sum and finding of each row under review: what an approver accepts by name, without anybody's name."""
    rows = frame.filter(pl.col("status") == "review").select("row", pl.col("amount_fen").alias("fen"), code="reasons")
    return json.dumps(rows.sort("row").to_dicts()).encode()


def _report(batch: Batch, validation: Validation, place: Place, reports: Reports) -> None:
    document = validation.to_json() | {"batch_id": batch.batch_id, "state": batch.state.value, "refusal": batch.refusal}
    reports.put(f"{batch.batch_id}/findings.json", json.dumps(document, ensure_ascii=False, indent=1).encode())
    reports.put(
        batch.report_key, to_xlsx(validation, subject=f"{place.subsidy} {place.region}", filename=place.file_name)
    )
