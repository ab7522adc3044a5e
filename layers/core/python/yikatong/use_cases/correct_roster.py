"""The same object key, the same bytes or the same rows again: a correction, a replay, or another month's roster (DESIGN §2)."""

from datetime import date

from yikatong.batches import Batch, RosterObject, batch_key, roster_object_key
from yikatong.errors import Conflict
from yikatong.file_names import misplaced_key
from yikatong.masking import mask_label
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Control, Orders, Reports
from yikatong.roster.findings import Finding, file_finding
from yikatong.roster.validation import Validation
from yikatong.roster_arrivals import Arrival
from yikatong.sequencers import is_older
from yikatong.states import BATCH, BatchState
from yikatong.use_cases.withdraw_batch import withdraw

# Batches named in one finding; whoever has sent the same rows more often knows it by then.
_BATCHES_NAMED = 3
_NOT_CLAIMED_YET = (BatchState.RECEIVED, BatchState.VALIDATED, BatchState.APPROVED, BatchState.BOUND)


def replaceable(batch: Batch, control: Control) -> list[str]:
    """The batch that this one would replace, if any and if that may still be replaced. One that may not pays its people."""
    pointer = control.read(RosterObject, *roster_object_key(batch.object_key, batch.mode, batch.reissue_of))
    before = control.read(Batch, *batch_key(pointer.batch_id)) if pointer else None
    return [before.batch_id] if before is not None and before.state in _NOT_CLAIMED_YET else []


def succeed_predecessor(
    batch: Batch,
    validation: Validation,
    *,
    control: Control,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    today: date,
) -> str:
    """Make this batch the one that stands for its key, mode and reissue, withdrawing the one before; why it may not, else empty.

    The same object key again is a correction (DESIGN §2), unless no slot is common to both: then it is another
    month's roster under an old name, and nobody's payment may be withdrawn for it. S3 events come unordered, so the
    sequencer decides which version is the newer one.
    """
    pk, sk = roster_object_key(batch.object_key, batch.mode, batch.reissue_of)
    while True:
        pointer = control.read(RosterObject, pk, sk)
        if pointer is not None and pointer.batch_id != batch.batch_id:
            if is_older(batch.sequencer, pointer.sequencer):
                return "同名文件已有更新的版本，本版本不再受理。"
            before = control.read(Batch, *batch_key(pointer.batch_id))
            if before is not None and before.state is not BatchState.REFUSED:
                # One withdrawn already, perhaps by a try of this very correction that died, is withdrawn to the end.
                if before.state is not BatchState.WITHDRAWN and (reason := _why_not_replace(before, validation)):
                    return reason
                because = f"已由更正后的名册 {batch.batch_id} 取代"
                withdraw(
                    before.batch_id,
                    because,
                    control=control,
                    orders=orders,
                    book=book,
                    settings=settings,
                    today=today,
                )
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
    if before.state not in _NOT_CLAIMED_YET:
        return f"同名的前一份名册{BATCH[before.state].bureau}，不能再更正；其余人员或别的属期请另存为新文件名上传。"
    return ""


def recognise_replay(
    batch: Batch,
    arrival: Arrival,
    *,
    control: Control,
    reports: Reports,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    today: date,
) -> str:
    """The same content under the same key is the same batch. Once withdrawn it stays so: the bureau is told how to go on.

    What replaced it meanwhile is not what they want any more: it is withdrawn as well, unless it is claimed already.
    """
    standing = _seen_again(batch, arrival, control)
    if batch.state is BatchState.WITHDRAWN and batch.object_version != arrival.object_version:
        if standing is not None and standing.state in _NOT_CLAIMED_YET:
            because = f"之后又上传了已撤回的 {batch.batch_id} 的内容"
            withdraw(
                standing.batch_id,
                because,
                control=control,
                orders=orders,
                book=book,
                settings=settings,
                today=today,
            )
        words = f"这份名册的内容与已撤回的批次 {batch.batch_id} 完全相同，不会重新受理；请另存为新文件名后上传。"
        reports.put(misplaced_key(arrival.object_key), words.encode())
    elif arrival.sheet != batch.sheet:
        sheet = mask_label(arrival.sheet)
        words = f"这个工作簿的另一张工作表已是批次 {batch.batch_id}；要发放“{sheet}”，请另存为新文件名后上传。"
        reports.put(misplaced_key(arrival.object_key), words.encode())
    return "replayed"


def _seen_again(batch: Batch, arrival: Arrival, control: Control) -> Batch | None:
    """Note the newest arrival under the key, so that an older one that comes later is known as older.

    Returns the batch that stands for the key, if this arrival is newer than it.
    """
    pk, sk = roster_object_key(batch.object_key, batch.mode, batch.reissue_of)
    while True:
        pointer = control.read(RosterObject, pk, sk)
        if pointer is None or not is_older(pointer.sequencer, arrival.sequencer):
            return None
        try:
            control.save(pointer.model_copy(update={"sequencer": arrival.sequencer}))
        except Conflict:
            continue
        return control.read(Batch, *batch_key(pointer.batch_id))


def rows_known(batch: Batch, control: Control) -> list[Finding]:
    """`rows_known` where other standing batches of the region hold the very same rows, whatever file said them."""
    if not batch.fingerprint:
        return []
    of_the_region = control.query(Batch, batch.pk, batch.batch_id.removesuffix(batch.digest))
    same = [
        other
        for other in of_the_region
        if other.fingerprint == batch.fingerprint
        and other.batch_id != batch.batch_id
        # A reissue of everybody holds the rows of the batch it pays again: that is what it is for.
        and other.reissue_of == batch.reissue_of
        and other.state not in (BatchState.REFUSED, BatchState.WITHDRAWN)
    ]
    # Not by its file's name, which may be somebody's.
    named = [
        f"批次 {other.batch_id}（{other.received_at[:10]} 收到，{BATCH[other.state].bureau}）"
        for other in same[:_BATCHES_NAMED]
    ]
    return [file_finding("rows_known", other="、".join(named))] if named else []
