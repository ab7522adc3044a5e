"""Take in what a bank delivered: keep it, then wake the waiting task, or settle the batch whose run has ended (B4)."""

import json

from yikatong.amendments import amend_run
from yikatong.bank.camt054 import Returns
from yikatong.bank.inbound import parse_inbound
from yikatong.bank.pain002 import Receipt
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.ports import Workflow
from yikatong.receipts import keep_receipt, read_receipt
from yikatong.sent_messages import sent_key
from yikatong.settlement import all_answered, payments_of
from yikatong.states import BatchState
from yikatong.use_cases.await_receipts import wake_if_answered
from yikatong.use_cases.open_run import is_alive
from yikatong.use_cases.publish_records import Reach, publish_records
from yikatong.use_cases.settle_batch import settle_batch


def receive_receipt(data: bytes, bank_id: str, reach: Reach, workflow: Workflow) -> tuple[str, ...]:
    """Keep the file for each batch it tells of and let the news take effect.

    Returns what must be quarantined, in words without personal data; empty when every line was understood. Known lines
    move, the rest stay where they are. Safe to repeat.
    """
    try:
        message = parse_inbound(data)
    except Refusal as refusal:
        return (refusal.message,)
    poison: list[str] = []
    for message_id in _messages(message, poison):
        batch = _batch_of(message_id, bank_id, reach)
        if batch is None:
            poison.append(f"报文 {message_id} 不是我方发给 {bank_id} 的")
            continue
        poison += read_receipt(data, payments_of(batch, reach.lake)).poison
        keep_receipt(data, batch, reach.lake, "delivered")
        take_effect(batch.batch_id, reach, workflow)
    return tuple(poison)


def _messages(message: Receipt | Returns, poison: list[str]) -> list[str]:
    if isinstance(message, Receipt):
        return [message.message_id]
    if message.other_entries:
        poison.append(f"退票通知里有 {message.other_entries} 笔不是已入账的退票，没有处理")
    if message.lines["message_id"].null_count():
        poison.append("退票明细没有写明原报文号，无法找到批次")
    return message.lines["message_id"].drop_nulls().unique().sort().to_list()


def _batch_of(message_id: str, bank_id: str, reach: Reach) -> Batch | None:
    """The batch whose message this is, if it was sent to this very bank."""
    mark = reach.lake.get(sent_key(message_id))
    if mark is None:
        return None
    sent = json.loads(mark)
    if sent["bank_id"] != bank_id:
        return None
    return reach.control.read(Batch, *batch_key(sent["batch_id"]))


def take_effect(batch_id: str, reach: Reach, workflow: Workflow) -> None:
    """Let the kept answers count: wake the task that waits for them, or settle, publish and amend the run.

    The batch is read after the answer was kept: `settle_batch` looks for answers again after it has committed, so one
    of the two sees the other. A live run whose task no longer waits is past waiting; what is answered is settled here.
    """
    control, lake = reach.control, reach.lake
    batch = control.read(Batch, *batch_key(batch_id))
    assert batch is not None, "batches are never deleted"
    if batch.state is BatchState.INSTRUCTED and is_alive(batch.code, batch.run_id, control, workflow):
        if not all_answered(batch, lake):
            return
        if wake_if_answered(batch_id, control=control, lake=lake, workflow=workflow):
            return
    settlement = settle_batch(batch_id, control=control, lake=lake).settlement
    reach.count("FrozenPayments", settlement.frozen.count if settlement is not None else 0)
    publish_records(batch_id, reach)
    amend_run(batch_id, control=control, lake=lake)
