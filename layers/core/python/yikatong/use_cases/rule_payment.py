"""A person says what became of a payment that the bank's words leave open (PROTOCOL B3, B6).

Either they contradict each other, and one is ruled true; or there are none though nothing can be under way any more.
"""

import json
from datetime import datetime
from typing import Any

import polars as pl

from yikatong.bank.settings import Banks
from yikatong.batches import Batch, batches_pk
from yikatong.errors import Refusal
from yikatong.payments import digest_of
from yikatong.ports import AGAIN, DigestMismatch, RunOrder, Workflow
from yikatong.principals import PROVINCE, Action, Principal, authorize, find_principal
from yikatong.receipts import receipts_prefix, source_of
from yikatong.rulings import Ruling, RulingRequest, numbered_key, rulings_on, rulings_prefix
from yikatong.sent_messages import is_closed, never_left, note_resend, put_mark, seconds_under_way
from yikatong.settlement import evidence_digest, fold, payments_of, statements_of
from yikatong.states import SETTLEABLE, BatchState, PaymentState
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
    banks: Banks,
    now: datetime,
) -> Batch:
    """Keep the ruling, then let it take effect: settle the batch, publish it and amend its run.

    Only of a payment about which the bank's own words contradict each other, or about which it says nothing though the
    message's deadline has passed; whatever was ruled on it before: a later ruling corrects an earlier one, and is needed
    again when the bank contradicts it once more. A message of which a payment was ruled on never leaves again.
    Saying the same again is harmless, and finishes what an earlier try left undone.
    """
    batch = find_batch(reach.control, batch_id)
    authorize(principal, Action.RULE_PAYMENT, PROVINCE, reach.book.by_code(batch.plan_year, batch.code))
    message = _require_open(batch, end_to_end_id, reach)
    receipts = reach.lake.keys(receipts_prefix(batch_id))
    ruling = Ruling(
        end_to_end_id=end_to_end_id,
        ruled=request.ruled,
        by=principal.name,
        at=now.isoformat(timespec="seconds"),
        reason=request.reason,
        heard=tuple(map(source_of, receipts)),
    )
    standing = rulings_on(batch_id, end_to_end_id, reach.lake)
    if not standing or standing[-1].model_copy(update={"at": ruling.at}) != ruling:
        _require_as_seen(batch, request, receipts, reach)
        if message:
            _close(message, batch, request, principal, reach, banks, now)
        key = numbered_key(rulings_prefix(batch_id), end_to_end_id, len(standing) + 1)
        _keep(key, ruling, reach)
    take_effect(batch_id, reach, workflow)
    _order_stopped_reissues(batch, len(standing), reach)
    return find_batch(reach.control, batch_id)


def _require_as_seen(batch: Batch, request: RulingRequest, receipts: list[str], reach: Reach) -> None:
    """What the ruling hears is what the settlement says that the person had before them, and no file that came since."""
    if batch.settlement is None:
        if receipts:
            raise Refusal("银行的答复还没有结算，请稍后再裁定。", "conflict")
        return
    keys = [*receipts, *reach.lake.keys(rulings_prefix(batch.batch_id))]
    seen = request.settlement_seq in (None, batch.settlement.seq)
    if not seen or evidence_digest(batch, keys) != batch.settlement.digest:
        raise Refusal("银行又有新的答复，请重新查看后再裁定。", "conflict")


def _order_stopped_reissues(batch: Batch, n: int, reach: Reach) -> None:
    """Reissues that the contradiction had stopped look again whether they may go, those of reissues too (PROTOCOL B6)."""
    others = [other for other in reach.control.query(Batch, batches_pk(batch.code, batch.mode)) if other.reissue_of]
    concerned = {batch.batch_id}
    while more := {each.batch_id for each in others if each.reissue_of in concerned} - concerned:
        concerned |= more
    for other in others:
        if other.batch_id in concerned and other.state is BatchState.CLAIMED and other.carried:
            cause = f"{AGAIN}r{other.digest}n{n}"
            reach.orders.order_run(RunOrder(other.plan_year, other.code, other.mode, reach.today, cause))


def rule_or_say_why(
    order: dict[str, Any], *, reach: Reach, workflow: Workflow, banks: Banks, now: datetime
) -> dict[str, str]:
    """As `rule_payment`, for a caller in another process: {"outcome"}, or {"outcome": "refused", "code", "detail"}."""
    try:
        rule_payment(
            order["batch_id"],
            order["end_to_end_id"],
            RulingRequest.model_validate(order["request"]),
            principal=find_principal(reach.control, order["ordered_by"]),
            reach=reach,
            workflow=workflow,
            banks=banks,
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


def _require_open(batch: Batch, end_to_end_id: str, reach: Reach) -> str:
    """The message of a payment that nobody has spoken of, empty for one of which the bank contradicts itself; else refused."""
    if batch.instruction is None or batch.state not in SETTLEABLE:
        raise Refusal("批次还没有向银行发出指令，没有可裁定的支付。", "conflict")
    payments = payments_of(batch, reach.lake)
    one = payments.filter(pl.col("end_to_end_id") == end_to_end_id)
    if one.is_empty():
        raise Refusal("这个批次没有这笔支付。", "not_found")
    statements = statements_of(reach.lake.keys(receipts_prefix(batch.batch_id)), payments, reach.lake)
    state = fold(one, statements)["state"].item()
    if state == PaymentState.IN_DOUBT.value:
        return str(one["message_id"].item())
    if state != PaymentState.FROZEN.value:
        raise Refusal("银行对这笔支付的答复没有前后矛盾，不用裁定。", "conflict")
    return ""


def _close(
    message: str,
    batch: Batch,
    request: RulingRequest,
    principal: Principal,
    reach: Reach,
    banks: Banks,
    now: datetime,
) -> None:
    """See to it that the message never leaves again; refuse while it may still be under way.

    Its sent mark, or else the number of its next sending, is taken: whoever wants to send needs the same name.
    """
    assert batch.instruction is not None, "asked for before"
    words = {
        "batch_id": batch.batch_id,
        "bank_id": batch.instruction.bank_id,
        "mode": batch.mode,
        "at": now.isoformat(),
        "never": principal.name,
    }
    note, lake = json.dumps(words).encode(), reach.lake
    if request.ruled == "settled" and never_left(message, lake):
        # Asked before its mark is put: a slip must not keep the message from leaving.
        raise Refusal("这份报文从未交给银行，不可能已入账，只能裁定为没有入账。", "conflict")
    if put_mark(message, note, lake) or never_left(message, lake):
        return
    if is_closed(message, lake):
        return
    deadline_s = banks.bank(batch.instruction.bank_id).message_deadline_s
    order = digest_of("rule", principal.name, now.isoformat())[:16]
    left_s, resent = seconds_under_way(message, order, deadline_s, lake)
    if left_s > 0:
        raise Refusal(f"报文可能仍在途中，请 {left_s} 秒后再裁定。", "too_early")
    if not note_resend(message, resent + 1, note, lake):
        raise Refusal("另一个人刚刚下令重发这份报文，请稍后再裁定。", "conflict")
