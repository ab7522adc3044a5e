"""The balance sheet: per subsidy and region what became of every row, and three sums of money side by side."""

from dataclasses import dataclass, field

import polars as pl

from auditor.books import is_formal, stands
from auditor.scope import Scope
from auditor.stories import platform_line
from auditor.tallies import ZERO, Sum, sum_of

COLUMNS = {
    "excluded": "剔除",
    "held": "暂缓",
    "not_sent": "未发",
    "passed_on": "转补发",
    "waiting": "待发",
    "rejected": "拒付",
    "in_doubt": "在途",
    "settled": "入账",
    "returned": "其中退票",
}
"""Rows of a child batch are counted there: in its parent they are `passed_on`, neither held nor not sent."""


@dataclass
class Line:
    """One subsidy in one region, one mode. `persons` are different beneficiaries; net is credited less returned, recovered."""

    code: str
    region: str
    formal: bool
    batches: int = 0
    rows: Sum = ZERO
    columns: dict[str, Sum] = field(default_factory=lambda: dict.fromkeys(COLUMNS, ZERO))
    people: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in COLUMNS})
    recovered: Sum = ZERO
    net_platform_fen: int = 0
    net_rebuilt_fen: int = 0
    net_bank_fen: int | None = None

    @property
    def persons(self) -> dict[str, int]:
        return {name: len(people) for name, people in self.people.items()}


def balance_sheet(scope: Scope) -> list[Line]:
    """A line per mode, subsidy and region, of every batch that is paid or to be paid; withdrawn ones pay nobody."""
    lines: dict[tuple[bool, str, str], Line] = {}
    bank = _bank(scope)
    for story in scope.stories.values():
        item = story.item
        rebuilt = story.line()
        if not stands(item) or rebuilt is None or story.roster is None:
            continue
        key = (not is_formal(item), item["code"], item["region"])
        line = lines.setdefault(key, Line(item["code"], item["region"], is_formal(item)))
        line.batches += 1
        line.rows += sum_of(story.roster)
        passed = _passed_on(story.batch_id, scope)
        for name, frame in story.frames().items():
            assert frame is not None
            if name in ("held", "not_sent") and passed is not None:
                _add(line, "passed_on", frame.join(passed, on="row", how="semi"))
                frame = frame.join(passed, on="row", how="anti")
            _add(line, name, frame)
        line.recovered += story.recovered
        line.net_rebuilt_fen += (rebuilt["settled"] - rebuilt["returned"]).fen - story.recovered.fen
        told = platform_line(item)
        line.net_platform_fen += (told["settled"] - told["returned"]).fen - int(item.get("recovered", {}).get("fen", 0))
        if bank is not None and story.payments is not None:
            own = sum(bank.get(one, 0) for one in story.payments["end_to_end_id"]) - story.recovered.fen
            line.net_bank_fen = (line.net_bank_fen or 0) + own
    return [lines[key] for key in sorted(lines)]


def _add(line: Line, name: str, frame: pl.DataFrame) -> None:
    line.columns[name] += sum_of(frame)
    if "beneficiary_id" in frame.columns:
        line.people[name] |= set(frame["beneficiary_id"].drop_nulls())


def _passed_on(batch_id: str, scope: Scope) -> pl.DataFrame | None:
    rows = [
        child.roster.select("row")
        for child in scope.stories.values()
        if child.item.get("parent") == batch_id and child.roster is not None and stands(child.item)
    ]
    return pl.concat(rows) if rows else None


def _bank(scope: Scope) -> dict[str, int] | None:
    """Net fen per end-to-end id in the bank's books, both channels; None without a book."""
    if scope.bank_books is None:
        return None
    return {
        one: int(entry["credited_fen"]) - int(entry["returned_fen"])
        for book in scope.bank_books
        for ledger in (book, book.get("trial") or {})
        for one, entry in ledger.get("payments", {}).items()
    }


def total(lines: list[Line]) -> Line:
    """All formal lines together: a trial moves no money."""
    whole = Line("", "", True)
    for line in lines:
        if not line.formal:
            continue
        whole.batches += line.batches
        whole.rows += line.rows
        whole.recovered += line.recovered
        whole.net_platform_fen += line.net_platform_fen
        whole.net_rebuilt_fen += line.net_rebuilt_fen
        if line.net_bank_fen is not None:
            whole.net_bank_fen = (whole.net_bank_fen or 0) + line.net_bank_fen
        for name in COLUMNS:
            whole.columns[name] += line.columns[name]
            whole.people[name] |= line.people[name]
    return whole
