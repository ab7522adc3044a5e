"""A batch is withdrawn, until INSTRUCTED: the state first, then a release in every slot's manifest (PROTOCOL W1).

Every step may be the last before a crash. The state says WITHDRAWN and `released` is still False: repeating the
withdrawal goes on from there, and so does the next run's claim step (PROTOCOL C2).

Rows that others lost to the withdrawn batch come free: a run is ordered that takes them up (C4, R3).
"""

from datetime import date
from functools import partial

from yikatong.amendments import strike_line
from yikatong.batches import Batch
from yikatong.carried import order_carried
from yikatong.errors import Conflict, Refusal
from yikatong.follow_ups import codes_sharing, formal_batches, order_follow_ups
from yikatong.funds import Funds, funds_after, funds_key
from yikatong.manifest import Manifest, empty_manifest, manifest_key, with_release
from yikatong.payments import split_batch_id
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Orders, Stored
from yikatong.principals import Action, Principal, authorize
from yikatong.states import BATCH, WITHDRAWABLE, BatchState
from yikatong.use_cases.list_batches import find_batch

MAX_RACES = 20
"""A write may lose this often to others before the caller is told to try later."""


def withdraw_batch(
    control: Control,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    principal: Principal,
    batch_id: str,
    reason: str,
    today: date,
) -> Batch:
    """Withdraw on a person's word. Repeating it is harmless and finishes what an earlier try left undone."""
    batch = find_batch(control, batch_id)
    authorize(principal, Action.WITHDRAW_BATCH, batch.region, book.by_code(batch.plan_year, batch.code))
    if not reason.strip():
        raise Refusal("请写明撤回的原因。", "invalid")
    because = f"{principal.name}：{reason.strip()}"
    return withdraw(batch_id, because, control=control, orders=orders, book=book, settings=settings, today=today)


def withdraw(
    batch_id: str,
    because: str,
    *,
    control: Control,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    today: date,
) -> Batch:
    """Withdraw, whoever wants it: a person, or a correction of the roster (DESIGN §2)."""
    group = settings.for_subsidy(split_batch_id(batch_id)[0]).claim_group
    batch = _mark(control, batch_id, because)
    strike_line(batch, control=control)
    write_releases(batch, group, control=control)
    # Before a run bound it the batch could claim nothing. Before it says that all is done: no order is lost.
    if batch.mode == Mode.FORMAL and batch.run_id:
        others = formal_batches(codes_sharing(group, book, settings), control)
        freed = (other for other in others if not set(other.slots).isdisjoint(batch.slots))
        order_follow_ups(freed, batch.digest, orders=orders, settings=settings, today=today)
        funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
        if funds is not None:
            # What it had reserved may be enough for another that was carried for lack of it.
            order_carried(funds, f"g{batch.digest}w", control=control, orders=orders, book=book, today=today)
    return _mark_released(control, batch.batch_id)


def write_releases(batch: Batch, claim_group: str, *, control: Control) -> None:
    """Void the withdrawn batch's claims in every slot's manifest. Safe to repeat.

    That all is done only the withdrawal itself says, once it has ordered the runs of those who came free.
    """
    assert batch.state is BatchState.WITHDRAWN, "only a withdrawn batch's claims are released"
    if batch.released:
        return
    # A trial writes no claims, so it has none to release.
    for slot in batch.slots if batch.mode == Mode.FORMAL else ():
        _release_claims(control, claim_group, slot, batch.batch_id)


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
        reserved_fen = batch.reserved_fen
        try:
            if reserved_fen:
                items.append(funds_after(batch, partial(Funds.release, amount_fen=reserved_fen), control))
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
