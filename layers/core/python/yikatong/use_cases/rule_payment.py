"""A person says which of the bank's contradictory words about a frozen payment is true (PROTOCOL B6)."""

from datetime import datetime
from typing import Any

import polars as pl

from yikatong.batches import Batch
from yikatong.errors import Refusal
from yikatong.payments import digest_of
from yikatong.ports import DigestMismatch, Workflow
from yikatong.principals import PROVINCE, Action, Principal, authorize, find_principal
from yikatong.receipts import receipts_prefix, source_of
from yikatong.rulings import Ruling, RulingRequest, numbered_key, rulings_on, rulings_prefix
from yikatong.settlement import fold, payments_of, statements_of
from yikatong.states import SETTLEABLE, PaymentState
from yikatong.use_cases.list_batches import find_batch
from yikatong.use_cases.publish_records import Reach
from yikatong.use_cases.receive_receipt import take_effect


def rule_payment(
    batch_id: str,
    end_to_end_id: str,
    request: RulingRequest,
    *,
    principal: Principal,
    reach: Reach,
    workflow: Workflow,
    now: datetime,
) -> Batch:
    """Keep the ruling, then let it take effect: settle the batch, publish it and amend its run.

    Only of a payment about which the bank's own words contradict each other, whatever was ruled on it before: a later
    ruling corrects an earlier one, and is needed again when the bank contradicts it once more.
    Saying the same again is harmless, and finishes what an earlier try left undone.
    """
    batch = find_batch(reach.control, batch_id)
    authorize(principal, Action.RULE_PAYMENT, PROVINCE, reach.book.by_code(batch.plan_year, batch.code))
    _require_contradiction(batch, end_to_end_id, reach)
    ruling = Ruling(
        end_to_end_id=end_to_end_id,
        ruled=request.ruled,
        by=principal.name,
        at=now.isoformat(timespec="seconds"),
        reason=request.reason,
        heard=tuple(map(source_of, reach.lake.keys(receipts_prefix(batch_id)))),
    )
    standing = rulings_on(batch_id, end_to_end_id, reach.lake)
    if not standing or standing[-1].model_copy(update={"at": ruling.at}) != ruling:
        key = numbered_key(rulings_prefix(batch_id), end_to_end_id, len(standing) + 1)
        _keep(key, ruling, reach)
    take_effect(batch_id, reach, workflow)
    return find_batch(reach.control, batch_id)


def rule_or_say_why(order: dict[str, Any], *, reach: Reach, workflow: Workflow, now: datetime) -> dict[str, str]:
    """As `rule_payment`, for a caller in another process: {"outcome"}, or {"outcome": "refused", "code", "detail"}."""
    try:
        rule_payment(
            order["batch_id"],
            order["end_to_end_id"],
            RulingRequest.model_validate(order["request"]),
            principal=find_principal(reach.control, order["ordered_by"]),
            reach=reach,
            workflow=workflow,
            now=now,
        )
    except Refusal as refusal:
        return {"outcome": "refused", "code": refusal.code, "detail": refusal.message}
    return {"outcome": "ruled"}


def _keep(key: str, ruling: Ruling, reach: Reach) -> None:
    body = ruling.model_dump_json().encode()
    try:
        reach.lake.put_once(key, body, digest_of("rule_payment", key, ruling.model_dump_json(exclude={"at"})))
    except DigestMismatch:
        raise Refusal("另一个人刚刚对这笔支付作了裁定，请重新查看。", "conflict") from None


def _require_contradiction(batch: Batch, end_to_end_id: str, reach: Reach) -> None:
    if batch.instruction is None or batch.state not in SETTLEABLE:
        raise Refusal("批次还没有向银行发出指令，没有可裁定的支付。", "conflict")
    payments = payments_of(batch, reach.lake)
    one = payments.filter(pl.col("end_to_end_id") == end_to_end_id)
    if one.is_empty():
        raise Refusal("这个批次没有这笔支付。", "not_found")
    statements = statements_of(reach.lake.keys(receipts_prefix(batch.batch_id)), payments, reach.lake)
    if fold(one, statements)["state"].item() != PaymentState.FROZEN.value:
        raise Refusal("银行对这笔支付的答复没有前后矛盾，不用裁定。", "conflict")
