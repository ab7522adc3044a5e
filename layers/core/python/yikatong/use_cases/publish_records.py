"""Publish final outcomes of formal payments; for a trial, record that the region has passed it (DESIGN §2, §4)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import polars as pl

from yikatong import parquet
from yikatong.batch_records import outcomes_of, records_of_batch
from yikatong.batches import Batch, PassedTrial, batch_key, batches_pk, trial_key
from yikatong.carried import order_carried
from yikatong.errors import Conflict
from yikatong.funds import Funds, funds_key
from yikatong.plan import Frequency, Mode, PlanBook
from yikatong.ports import Control, Count, Lake, Orders, Records, Reports, RunOrder, uncounted
from yikatong.records import RecordKeys
from yikatong.result_report import to_xlsx
from yikatong.states import BatchState


@dataclass(frozen=True)
class Reach:
    """What publishing may touch, and so whatever settles a batch late: three use cases hand it on to one another."""

    control: Control
    lake: Lake
    records: Records
    reports: Reports
    orders: Orders
    book: PlanBook
    record_keys: RecordKeys
    today: date
    count: Count = uncounted
    """Where the numbers go that raise an alarm."""


def publish_records(batch_id: str, reach: Reach) -> int:
    """Write one record per final attempt at a payment (and a marked one for a distinct payee), under each key that records are
    written under; returns how many were written.

    Before that the bureau's own report, trials included: what became of every row, and why.

    The last writer looks again: a settlement committed while records were being written is published on top, so that a
    slow worker cannot leave an older outcome standing.
    """
    written = 0
    while True:
        batch = reach.control.read(Batch, *batch_key(batch_id))
        if batch is None or batch.settlement is None:
            return written
        _report_result(batch, reach)
        if batch.mode == Mode.TRIAL:
            _pass_trial(batch, reach)
            return 0
        written = reach.records.put_all(
            records_of_batch(batch, outcomes_of(batch, reach.lake), reach.book, reach.record_keys.written)
        )
        _order_for_money_back(batch, reach)
        try:
            reach.control.save(batch.moved(BatchState.PUBLISHED, published_seq=batch.settlement.seq))
        except Conflict:
            continue
        return written


def _order_for_money_back(batch: Batch, reach: Reach) -> None:
    """What was rejected or returned may be enough for a batch that was carried for lack of it (PROTOCOL R3)."""
    settlement = batch.settlement
    assert settlement is not None, "asked for by the caller"
    if settlement.rejected.count or settlement.returned.count:
        funds = reach.control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
        assert funds is not None, "funds are counted from the reservation on"
        cause = f"g{batch.digest}s{settlement.seq}"
        order_carried(funds, cause, control=reach.control, orders=reach.orders, book=reach.book, today=reach.today)


def _report_result(batch: Batch, reach: Reach) -> None:
    """Tell the bureau what became of every row; the same settlement writes the same report."""
    assert batch.selection is not None, "only what was selected is settled"
    assert batch.settlement is not None, "asked for by the caller"
    frozen, selection, settled = (
        _read(key, reach.lake) for key in (batch.rows_key, batch.selection.key, batch.settlement.key)
    )
    subsidy = reach.book.by_code(batch.plan_year, batch.code)
    title = f"{subsidy.name} {batch.region} {batch.batch_id}"
    again = f"--plan-year {batch.plan_year} --number {batch.number} --region {batch.region} --reissue {batch.batch_id}"
    reach.reports.put(f"{batch.batch_id}/result.xlsx", to_xlsx(title, frozen, selection, settled, again))


def _read(key: str, lake: Lake) -> pl.DataFrame:
    data = lake.get(key)
    assert data is not None, "stored before the batch names it, and never deleted"
    return parquet.decode(data)


def _pass_trial(batch: Batch, reach: Reach) -> None:
    """Passed = every payment of one trial batch of that region answered by the test channel and balanced.

    Formal batches that waited for it, of a subsidy without schedules, get a run of their own: no tick will come for
    them (PROTOCOL R3).
    """
    assert batch.instruction is not None, "only an instructed batch is settled"
    assert batch.settlement is not None, "only a settled trial can have passed"
    # A trial that sent nothing has asked the bank nothing.
    if not batch.settlement.complete or not batch.instruction.messages:
        return
    pk, sk = trial_key(batch.code, batch.plan_year, batch.region)
    passed = PassedTrial(pk=pk, sk=sk, batch_id=batch.batch_id, passed_at=batch.instruction.instructed_at)
    # A Conflict: the region passed before, by another batch or by this one's earlier try. One is enough.
    with suppress(Conflict):
        reach.control.save(passed)
    if reach.book.by_code(batch.plan_year, batch.code).frequency is not Frequency.PER_OCCASION:
        return
    formal = reach.control.query(Batch, batches_pk(batch.code, Mode.FORMAL))
    if any(waiting.state is BatchState.APPROVED and waiting.region == batch.region for waiting in formal):
        reach.orders.order_run(RunOrder(batch.plan_year, batch.code, Mode.FORMAL, reach.today, f"trial{batch.digest}"))
