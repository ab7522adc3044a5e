"""Wait for the bank: store the task's token, then read the receipts again (PROTOCOL B4)."""

from yikatong.batches import Batch, WaitingTask, batch_key, waiting_key
from yikatong.errors import Conflict
from yikatong.ports import Control, Lake, Workflow
from yikatong.settlement import all_answered
from yikatong.states import SETTLEABLE


def await_receipts(batch_id: str, token: str, *, control: Control, lake: Lake, workflow: Workflow) -> bool:
    """Leave the token where a receipt will find it; wake the task at once when nothing is awaited. Returns whether so.

    The order matters: a receipt that arrived before the token was stored is seen by the second look, one that arrives
    after it finds the token.
    """
    _store(batch_id, token, control)
    return wake_if_answered(batch_id, control=control, lake=lake, workflow=workflow)


def wake_if_answered(batch_id: str, *, control: Control, lake: Lake, workflow: Workflow) -> bool:
    """Wake the batch's waiting task when every payment is answered, or nothing was sent; a dead token is ignored."""
    task = control.read(WaitingTask, *waiting_key(batch_id))
    batch = control.read(Batch, *batch_key(batch_id))
    if task is None or batch is None:
        return False
    if batch.state in SETTLEABLE and not all_answered(batch, lake):
        return False
    return workflow.wake(task.token, {"batch_id": batch_id})


def _store(batch_id: str, token: str, control: Control) -> None:
    pk, sk = waiting_key(batch_id)
    while True:
        standing = control.read(WaitingTask, pk, sk)
        if standing is not None and standing.token == token:
            return
        try:
            control.save(WaitingTask(pk=pk, sk=sk, version=standing.version if standing else 0, token=token))
        except Conflict:
            continue
        return
