"""Money of a wrongly paid amount came back outside the bank's returns (追回): recorded against the payment, once."""

from datetime import datetime
from functools import partial
from typing import Any

import polars as pl

from yikatong import parquet
from yikatong.batches import Batch
from yikatong.carried import order_carried
from yikatong.errors import Conflict, Refusal
from yikatong.funds import Funds, funds_after, funds_key
from yikatong.money import yuan
from yikatong.payments import digest_of
from yikatong.plan import Mode, PlanBook
from yikatong.ports import Control, DigestMismatch, Lake, Orders
from yikatong.principals import Action, Principal, authorize, find_principal
from yikatong.rulings import (
    Recovery,
    RecoveryRequest,
    numbered_key,
    recovered_of_batch,
    recoveries_of,
    recoveries_prefix,
)
from yikatong.states import PaymentState
from yikatong.use_cases.list_batches import find_batch

MOST_RECOVERIES = 100
"""Of one payment: whoever pays back in more instalments than that is a mistake in a loop."""


def record_recovery(
    batch_id: str,
    end_to_end_id: str,
    request: RecoveryRequest,
    *,
    principal: Principal,
    control: Control,
    lake: Lake,
    orders: Orders,
    book: PlanBook,
    now: datetime,
) -> Batch:
    """Keep the recovery, then count it: `Batch.recovered` rises and what the funds spent falls, in one transaction; then
    order the runs of what waits for these funds (PROTOCOL R3).

    Never more than was credited, not returned and not recovered before. A repetition of the same request records nothing
    more, and finishes what an earlier try left undone.
    """
    batch = find_batch(control, batch_id)
    authorize(principal, Action.RECORD_RECOVERY, batch.region, book.by_code(batch.plan_year, batch.code))
    if batch.mode == Mode.TRIAL:
        raise Refusal("模拟测试没有发放资金，没有可追回的。", "conflict")
    if request.on > now.date():
        raise Refusal(f"追回日期 {request.on} 还没有到。", "invalid")
    _keep(batch, end_to_end_id, request, principal, lake, now)
    counted = _count(batch_id, control, lake)
    funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
    assert funds is not None, "funds are counted from the reservation on"
    cause = f"g{batch.digest}r{counted.recovered.count}"
    order_carried(funds, cause, control=control, orders=orders, book=book, today=now.date())
    return counted


def record_or_say_why(
    order: dict[str, Any], *, control: Control, lake: Lake, orders: Orders, book: PlanBook, now: datetime
) -> dict[str, Any]:
    """As `record_recovery`, for a caller in another process: {"outcome", "recovered"}, or {"outcome": "refused", …}."""
    try:
        batch = record_recovery(
            order["batch_id"],
            order["end_to_end_id"],
            RecoveryRequest.model_validate(order["request"]),
            principal=find_principal(control, order["ordered_by"]),
            control=control,
            lake=lake,
            orders=orders,
            book=book,
            now=now,
        )
    except Refusal as refusal:
        return {"outcome": "refused", "code": refusal.code, "detail": refusal.message}
    return {"outcome": "recorded", "recovered": batch.recovered.model_dump()}


def _keep(
    batch: Batch, end_to_end_id: str, request: RecoveryRequest, principal: Principal, lake: Lake, now: datetime
) -> None:
    credited_fen = _credited_fen(batch, end_to_end_id, lake)
    at = now.isoformat(timespec="seconds")
    recovery = Recovery(end_to_end_id=end_to_end_id, by=principal.name, at=at, **request.model_dump())
    for _ in range(MOST_RECOVERIES):
        before = recoveries_of(batch.batch_id, end_to_end_id, lake)
        if same := [each for each in before if each.reference == request.reference]:
            if (same[0].amount_fen, same[0].on) != (request.amount_fen, request.on):
                raise Refusal(f"凭证 {request.reference} 已登记过，金额或日期与本次不同。", "conflict")
            return
        left_fen = credited_fen - sum(each.amount_fen for each in before)
        if request.amount_fen > left_fen:
            raise Refusal(f"这笔支付还可追回 {yuan(left_fen)} 元，不能登记 {yuan(request.amount_fen)} 元。", "conflict")
        key = numbered_key(recoveries_prefix(batch.batch_id), end_to_end_id, len(before) + 1)
        digest = digest_of("record_recovery", key, recovery.model_dump_json(exclude={"at"}))
        try:
            lake.put_once(key, recovery.model_dump_json().encode(), digest)
        except DigestMismatch:
            # Another recovery of this payment came first: what is left is less now.
            continue
        return
    raise Refusal("这笔支付的追回登记太多，请核对。", "conflict")


def _credited_fen(batch: Batch, end_to_end_id: str, lake: Lake) -> int:
    """What is with the payee by the bank's word: the amount of a settled payment. A frozen one is ruled on first."""
    data = lake.get(batch.settlement.key) if batch.settlement is not None else None
    settled = parquet.decode(data).filter(pl.col("end_to_end_id") == end_to_end_id) if data is not None else None
    if settled is None or settled.is_empty():
        raise Refusal("这个批次没有这笔支付，或银行还没有答复。", "not_found")
    state = settled["state"].item()
    if state == PaymentState.FROZEN.value:
        raise Refusal("这笔支付因银行答复前后矛盾而冻结，请先裁定。", "conflict")
    if state != PaymentState.SETTLED.value:
        raise Refusal("这笔支付没有入账，或已退回，没有可追回的。", "conflict")
    return int(settled["amount_fen"].item())


def _count(batch_id: str, control: Control, lake: Lake) -> Batch:
    """Bring batch and funds to the sum of all that is kept; what another try counted already is counted no second time."""
    while True:
        batch = find_batch(control, batch_id)
        recovered = recovered_of_batch(batch_id, lake)
        if recovered.fen <= batch.recovered.fen:
            return batch
        counted = batch.changed(recovered=recovered)
        less = partial(Funds.settle, reserved_change_fen=0, spent_change_fen=counted.spent_fen - batch.spent_fen)
        try:
            control.save(counted, funds_after(batch, less, control))
        except Conflict:
            continue
        return counted.changed(version=batch.version + 1)
