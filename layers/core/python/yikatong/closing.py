"""The closing totals of a batch and of a run: they balance by rows and to the fen, or the run fails loudly (DESIGN §7)."""

from dataclasses import asdict, dataclass

from yikatong.batches import Batch, Tally
from yikatong.states import BatchState

OUTCOMES = {
    "excluded": "剔除",
    "held": "暂缓",
    "not_sent": "未发",
    "waiting": "待发",
    "rejected": "拒付",
    "in_doubt": "在途",
    "settled": "入账",
    "returned": "退票",
}
"""What can become of a roster's row, in the order of a line, with the one word for it that people read."""


class NotBalanced(Exception):
    """rows ≠ excluded + held + not sent + rejected + in doubt + settled, or the same in fen over the approved rows."""


@dataclass(frozen=True)
class Line:
    """One batch at the end of a run. `settled` includes `returned`; `waiting` are rows of a batch not instructed yet."""

    batch_id: str
    region: str
    state: str
    rows: int
    excluded: Tally
    held: Tally
    not_sent: Tally
    waiting: Tally
    rejected: Tally
    in_doubt: Tally
    settled: Tally
    returned: Tally
    approved: Tally
    note: str = ""

    @property
    def open(self) -> bool:
        """Whether something of this batch is still to come: money in doubt, or a batch carried to the next run."""
        return self.in_doubt.count > 0 or self.waiting.count > 0

    def as_record(self) -> dict[str, object]:
        return {
            name: value.model_dump() if isinstance(value, Tally) else value
            for name, value in ((field, getattr(self, field)) for field in self.__dataclass_fields__)
        }


def line_of(batch: Batch) -> Line:
    """The batch's line, checked: raises `NotBalanced`."""
    approval = batch.approval
    assert approval is not None, "only approved batches are bound by a run"
    approved = approval.payable + approval.held + approval.accepted
    excluded = batch.excluded + (batch.review - approval.accepted)
    zero = Tally()
    selection, settlement = batch.selection, batch.settlement
    instructed = batch.state in (BatchState.INSTRUCTED, BatchState.SETTLED, BatchState.PUBLISHED)
    if selection is None:
        held, not_sent, waiting = zero, zero, approved
    else:
        held, not_sent = selection.held, selection.not_sent
        waiting = zero if instructed else selection.sent
    in_doubt = zero
    if instructed and selection is not None:
        in_doubt = settlement.in_doubt if settlement else selection.sent
    line = Line(
        batch_id=batch.batch_id,
        region=batch.region,
        state=batch.state.value,
        rows=batch.rows,
        excluded=excluded,
        held=held,
        not_sent=not_sent,
        waiting=waiting,
        rejected=settlement.rejected if settlement else zero,
        in_doubt=in_doubt,
        settled=settlement.settled if settlement else zero,
        returned=settlement.returned if settlement else zero,
        approved=approved,
        note=batch.carried,
    )
    check(line)
    return line


def check(line: Line) -> None:
    """Raise `NotBalanced` unless the line's rows and fen add up."""
    parts = (line.held, line.not_sent, line.waiting, line.rejected, line.in_doubt, line.settled)
    whole = sum(parts, Tally())
    if whole != line.approved or line.rows != line.excluded.count + whole.count:
        raise NotBalanced(f"{line.batch_id}: {asdict(line)}")
    if line.returned.count > line.settled.count or line.returned.fen > line.settled.fen:
        raise NotBalanced(f"{line.batch_id}: more returned than settled")


def total(lines: list[Line]) -> dict[str, Tally]:
    """The run's totals, by the columns of its lines."""
    names = (*OUTCOMES, "approved")
    return {name: sum((getattr(line, name) for line in lines), Tally()) for name in names}
