"""Settle a batch from its receipts: its payments' states, and its money in the funds, in one transaction each time."""

from contextlib import suppress

from yikatong.batches import Batch, Settlement, batch_key
from yikatong.errors import Conflict
from yikatong.funds import funds_after
from yikatong.plan import Mode
from yikatong.ports import Control, Lake
from yikatong.settlement import settle
from yikatong.states import SETTLEABLE, BatchState


def settle_batch(batch_id: str, *, control: Control, lake: Lake) -> Batch:
    """Commit the settlement of everything the bank has said so far, and return the batch as it then stands.

    Rejection gives reserved money back, settlement spends it, a return gives it back, each once: the change is what this
    settlement says less what the last one said, saved with the batch on condition that both are as they were read.
    Having committed, it looks for answers once more: one kept meanwhile found the batch INSTRUCTED and was left to us.
    """
    while True:
        batch = control.read(Batch, *batch_key(batch_id))
        if batch is None:
            raise LookupError(batch_id)
        if batch.state not in SETTLEABLE:
            return batch
        settlement = settle(batch, lake)
        if batch.settlement is not None and settlement.seq == batch.settlement.seq:
            return batch
        # A Conflict is another settlement, with a receipt we had not seen or had: fold again on top of it.
        with suppress(Conflict):
            _commit(batch, settlement, control)


def _commit(batch: Batch, settlement: Settlement, control: Control) -> None:
    to = BatchState.PUBLISHED if batch.state is BatchState.PUBLISHED else BatchState.SETTLED
    if batch.mode == Mode.TRIAL:
        control.save(batch.moved(to, settlement=settlement))
    else:
        holds_fen = settlement.in_doubt.fen
        assert batch.reserved_fen is not None, "an instructed batch has reserved what it sends"
        reserved_fen = holds_fen - batch.reserved_fen
        settled = batch.moved(to, settlement=settlement, reserved_fen=holds_fen)
        spent_fen = settled.spent_fen - batch.spent_fen
        changed = funds_after(
            batch,
            lambda funds: funds.settle(reserved_change_fen=reserved_fen, spent_change_fen=spent_fen),
            control,
        )
        control.save(settled, changed)
