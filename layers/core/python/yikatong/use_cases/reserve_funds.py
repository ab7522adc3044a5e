"""The gate before the bank is told of a batch: its run is not stopped, its subsidy not paused, and its money reserved,
whole or not at all (PROTOCOL W3)."""

from contextlib import suppress
from typing import Literal

from yikatong.batches import Batch, batch_key
from yikatong.errors import Conflict
from yikatong.funds import Funds, ShortOfFunds, funds_key, no_funds_yet
from yikatong.money import in_yuan
from yikatong.pauses import PAUSED, is_paused
from yikatong.plan import Mode
from yikatong.ports import Control
from yikatong.runs import Run, run_key
from yikatong.states import BatchState, RunState

Outcome = Literal["reserved", "short", "paused", "stopped", "not_ours"]


def reserve_funds(batch_id: str, run_id: str, *, control: Control) -> Outcome:
    """Reserve what the batch will send, in one transaction conditional on the batch being CLAIMED by this run.

    `short`: the limit does not cover it, nothing of the batch is paid, and it is carried to the next run, saying what is
    missing. A batch further on (a retry after INSTRUCTED) is `reserved` already. A trial reserves nothing.

    `stopped`: a person stopped the run, and the batch stays as it is until the run goes on. `paused`: the subsidy is, and
    the batch is carried to the run that its resumption orders, with what it may already have reserved.
    """
    while True:
        batch = control.read(Batch, *batch_key(batch_id))
        if batch is None or batch.run_id != run_id:
            return "not_ours"
        if batch.state in (BatchState.INSTRUCTED, BatchState.SETTLED, BatchState.PUBLISHED):
            return "reserved"
        if batch.state is not BatchState.CLAIMED or batch.selection is None:
            return "not_ours"
        run = control.read(Run, *run_key(batch.code, run_id))
        if run is not None and run.state is RunState.STOPPED:
            return "stopped"
        if is_paused(control, batch.code, batch.mode):
            if batch.carried == PAUSED:
                return "paused"
            # A Conflict: a withdrawal came first, or this very write did and its answer was lost.
            with suppress(Conflict):
                control.save(batch.changed(carried=PAUSED))
            continue
        if batch.reserved_fen is not None or batch.mode == Mode.TRIAL:
            _paying(batch, control)
            return "reserved"
        funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
        funds = funds or no_funds_yet(batch.code, batch.region, batch.funds_year)
        try:
            _reserve_or_carry(batch, funds, control)
        except Conflict:
            # Another batch of these funds, a raise, or a withdrawal came first: read again and decide again.
            continue
        except ShortOfFunds:
            return "short"


def _reserve_or_carry(batch: Batch, funds: Funds, control: Control) -> None:
    assert batch.selection is not None
    amount_fen = batch.selection.sent.fen
    try:
        reserved = funds.reserve(amount_fen)
    except ShortOfFunds as short:
        carried = f"资金额度不足，还差 {in_yuan(short.missing_fen)} 元"
        control.save(batch.changed(carried=carried))
        raise
    control.save(batch.changed(reserved_fen=amount_fen, carried=""), reserved)


def _paying(batch: Batch, control: Control) -> None:
    run = control.read(Run, *run_key(batch.code, batch.run_id))
    if run is not None and run.state is RunState.CLAIMED:
        try:
            control.save(run.moved(RunState.PAYING))
        except Conflict:
            # Another batch of the run said so first.
            return
