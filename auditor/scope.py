"""What one audit looks at: everything, or one run with the batches it paid and those they follow up."""

from dataclasses import dataclass, field
from typing import Any

from auditor.books import Books, read_books
from auditor.differences import Findings
from auditor.evidence import read_json
from auditor.source import NoEvidence, Source
from auditor.stories import Story, tell


@dataclass
class Scope:
    """`whole`: sums over everything (funds, the bank's totals, unknown records) can be compared as well."""

    source: Source
    books: Books
    stories: dict[str, Story]
    findings: Findings
    run_id: str = ""
    record_key: bytes | None = None
    bank_books: list[dict[str, Any]] | None = field(default=None)

    @property
    def whole(self) -> bool:
        return not self.run_id

    def runs(self) -> list[str]:
        return sorted(self.books.runs) if self.whole else [self.run_id]


def look_at(source: Source, run_id: str, record_key: bytes | None) -> Scope:
    """Read the books and the evidence. Raises `NoEvidence` for a run nobody knows, or where there is nothing at all."""
    books, findings = read_books(source), Findings()
    if run_id and run_id not in books.runs:
        raise NoEvidence(f"没有发放 {run_id}。")
    batches = _of_run(run_id, books, source) if run_id else set(books.batches)
    stories = {one: tell(books.batches[one], source, findings) for one in sorted(batches)}
    return Scope(source, books, stories, findings, run_id, record_key, source.bank_books())


def _of_run(run_id: str, books: Books, source: Source) -> set[str]:
    """The batches a run bound, and those they are tied to: parents, children, and what a reissue pays again."""
    inputs = read_json(source, f"runs/{run_id}/run.json")
    found = {frozen["batch_id"] for frozen in (inputs or {}).get("batches", ())}
    found |= {one for one, item in books.batches.items() if item.get("run_id") == run_id}
    found &= set(books.batches)
    while True:
        tied = {
            other
            for one in found
            for item in [books.batches[one]]
            for other in (item.get("parent"), item.get("reissue_of"), *item.get("children", ()))
            if other in books.batches
        }
        if tied <= found:
            return found
        found |= tied
