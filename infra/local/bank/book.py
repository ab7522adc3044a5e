"""The bank's own book: money per end-to-end id, counted here and nowhere else."""

from dataclasses import asdict, dataclass, field
from typing import Any

from infra.local.bank.instruction import Line


@dataclass
class Entry:
    """One end-to-end id: how often and how much was credited, how much came back. Sums in fen.

    `orders` counts the lines received under this id, paid or not. `amount_fen` is that of the first.
    """

    account: str
    name: str
    amount_fen: int
    orders: int = 0
    credited_times: int = 0
    credited_fen: int = 0
    returned_times: int = 0
    returned_fen: int = 0
    rejected_times: int = 0
    code: str = ""
    credited_on: list[str] = field(default_factory=list)
    returned_on: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.returned_times:
            return "returned"
        if self.credited_times:
            return "settled"
        return "rejected" if self.rejected_times else "pending"


class Book:
    """One channel's ledger. Not thread-safe: the bank's lock guards it."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def order(self, line: Line) -> None:
        """A line was received."""
        entry = self._entries.setdefault(line.end_to_end_id, Entry(line.account, line.name, line.amount_fen))
        entry.orders += 1

    def credit(self, line: Line, on: str) -> None:
        """The money moved, once more."""
        entry = self._entries[line.end_to_end_id]
        entry.credited_times += 1
        entry.credited_fen += line.amount_fen
        entry.credited_on.append(on)

    def reject(self, line: Line, code: str) -> None:
        """The money did not move, for this reason."""
        entry = self._entries[line.end_to_end_id]
        entry.rejected_times += 1
        entry.code = code

    def give_back(self, line: Line, on: str, code: str) -> None:
        """Credited money came back to the treasury."""
        entry = self._entries[line.end_to_end_id]
        entry.returned_times += 1
        entry.returned_fen += line.amount_fen
        entry.returned_on.append(on)
        entry.code = code

    def as_json(self) -> dict[str, Any]:
        """The whole ledger: `payments` by end-to-end id, totals in fen, and the ids credited more than once."""
        entries = self._entries
        return {
            "payments": {key: {**asdict(entry), "status": entry.status} for key, entry in entries.items()},
            "moved_fen": sum(entry.credited_fen for entry in entries.values()),
            "returned_fen": sum(entry.returned_fen for entry in entries.values()),
            "duplicates": sorted(key for key, entry in entries.items() if entry.credited_times > 1),
        }
