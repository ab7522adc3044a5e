"""A batch is withdrawn, until INSTRUCTED: the state first, then a release in every slot's manifest (PROTOCOL W1).

Every step may be the last before a crash. The state says WITHDRAWN and `released` is still False: repeating the
withdrawal goes on from there, and so does the next run's claim step (PROTOCOL C2).
"""

from yikatong.batches import Batch
from yikatong.errors import Conflict, Refusal
from yikatong.funds import Funds, funds_key
from yikatong.manifest import Manifest, empty_manifest, manifest_key, with_release
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Stored
from yikatong.principals import Action, Principal, authorize
from yikatong.states import BATCH, WITHDRAWABLE, BatchState
from yikatong.use_cases.close_run import strike_line
from yikatong.use_cases.list_batches import find_batch

MAX_RACES = 20
"""A write may lose this often to others before the caller is told to try later."""


def withdraw_batch(
    control: Control, book: PlanBook, settings: Settings, principal: Principal, batch_id: str, reason: str
) -> Batch:
    """Withdraw on a person's word. Repeating it is harmless and finishes what an earlier try left undone."""
    batch = find_batch(control, batch_id)
    authorize(principal, Action.WITHDRAW_BATCH, batch.region, book.by_code(batch.plan_year, batch.code))
    if not reason.strip():
        raise Refusal("请写明撤回的原因。", "invalid")
    return withdraw(control, settings, batch_id, f"{principal.name}：{reason.strip()}")


def withdraw(control: Control, settings: Settings, batch_id: str, because: str) -> Batch:
    """Withdraw, whoever wants it: a person, or a correction of the roster (DESIGN §2)."""
    batch = _mark(control, batch_id, because)
    strike_line(batch, control=control)
    return write_releases(batch, settings.for_subsidy(batch.code).claim_group, control=control)


def write_releases(batch: Batch, claim_group: str, *, control: Control) -> Batch:
    """Void the withdrawn batch's claims in every slot's manifest, then note that it is done. Safe to repeat."""
    assert batch.state is BatchState.WITHDRAWN, "only a withdrawn batch's claims are released"
    if batch.released:
        return batch
    # A trial writes no claims, so it has none to release.
    for slot in batch.slots if batch.mode == Mode.FORMAL else ():
        _release_claims(control, claim_group, slot, batch.batch_id)
    return _mark_released(control, batch.batch_id)


def _mark(control: Control, batch_id: str, because: str) -> Batch:
    """The state, and in the same transaction what the batch holds reserved: given back once (PROTOCOL W3)."""
    for _ in range(MAX_RACES):
        batch = find_batch(control, batch_id)
        if batch.state is BatchState.WITHDRAWN:
            return batch
        if batch.state not in WITHDRAWABLE:
            raise Refusal(f"批次{BATCH[batch.state].bureau}，不能撤回。", "conflict")
        withdrawn = batch.moved(BatchState.WITHDRAWN, withdrawn_because=because, reserved_fen=None)
        items: list[Stored] = [withdrawn]
        if batch.reserved_fen:
            funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
            assert funds is not None, f"{batch_id} reserved funds that do not exist"
            items.append(funds.release(batch.reserved_fen))
        try:
            control.save(*items)
        except Conflict:
            continue
        return withdrawn.changed(version=batch.version + 1)
    raise _busy()


def _release_claims(control: Control, group: str, slot: str, batch_id: str) -> None:
    """The entry voids this batch's claims whether they stand before or after it, so it is written in any case."""
    for _ in range(MAX_RACES):
        manifest = control.read(Manifest, *manifest_key(group, slot)) or empty_manifest(group, slot)
        released = with_release(manifest, [batch_id])
        if released is None:
            return
        try:
            control.save(released)
        except Conflict:
            continue
        return
    raise _busy()


def _mark_released(control: Control, batch_id: str) -> Batch:
    for _ in range(MAX_RACES):
        batch = find_batch(control, batch_id)
        if batch.released:
            return batch
        assert batch.state is BatchState.WITHDRAWN, "WITHDRAWN is final"
        released = batch.changed(released=True)
        try:
            control.save(released)
        except Conflict:
            continue
        return released.changed(version=batch.version + 1)
    raise _busy()


def _busy() -> Refusal:
    return Refusal("同时有太多操作在改动这个批次，请稍后再试。", "conflict")
