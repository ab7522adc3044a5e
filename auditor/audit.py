"""The audit: every check over one source, and the balance sheet of what it found."""

from dataclasses import dataclass

from auditor.balance import Line, balance_sheet
from auditor.check_bank import check_bank
from auditor.check_batches import check_batches
from auditor.check_chain import check_chain
from auditor.check_claims import check_claims
from auditor.check_followups import check_followups
from auditor.check_funds import check_funds
from auditor.check_instructions import check_instructions
from auditor.check_records import check_records
from auditor.check_runs import check_runs
from auditor.check_settlements import check_settlements
from auditor.differences import Difference
from auditor.scope import look_at
from auditor.source import NoEvidence, Source

CHECKS = (
    check_batches,
    check_claims,
    check_instructions,
    check_settlements,
    check_funds,
    check_followups,
    check_runs,
    check_records,
    check_bank,
    check_chain,
)


@dataclass(frozen=True)
class Report:
    """What an audit found. `payments` and `batches` say how much was looked at."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    sheet: tuple[Line, ...]
    batches: int
    payments: int
    with_bank: bool

    @property
    def clean(self) -> bool:
        return not self.differences


def audit(source: Source, *, run_id: str = "", record_key: bytes | None = None) -> Report:
    """Audit everything, or one run. Without `record_key` public records are compared by payment, not by person.

    Raises `NoEvidence` when there is nothing to look at.
    """
    scope = look_at(source, run_id, record_key)
    if not scope.books.batches and not scope.books.runs:
        raise NoEvidence("数据表里没有批次，也没有发放，没有什么可核对。")
    for check in CHECKS:
        check(scope)
    return Report(
        differences=tuple(scope.findings.differences),
        notes=tuple(scope.findings.notes),
        sheet=tuple(balance_sheet(scope)),
        batches=len(scope.stories),
        payments=sum(story.payments.height for story in scope.stories.values() if story.payments is not None),
        with_bank=scope.bank_books is not None,
    )
