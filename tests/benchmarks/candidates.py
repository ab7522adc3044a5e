"""What is measured: each candidate does the whole of its work from its file. Ours reads it from disk, as the function does;
the others, and the raw read, have its bytes in memory.

A candidate comes with the raw read it is compared with, and with the answer it must give: whoever is fast and finds
something else than what was planted is not measured but stopped.
"""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tests.benchmarks.files import AS_OF, REGION, REGISTRY_VERSION, FolderLake, Planted
from yikatong import cards
from yikatong.card_files import CardFile, read_cards
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.registry import RegistryReader
from yikatong.roster.columns import required_columns_of
from yikatong.roster.context import RegistryFor, RosterContext
from yikatong.roster.judging import judge_table
from yikatong.roster.reading import read_table
from yikatong.roster.validation import Validation, validate


@dataclass(frozen=True)
class Candidate:
    """`run` is timed against `read`; `found` says what a run found, to be held against `planted`."""

    run: Callable[[], Any]
    read: Callable[[], Any]
    found: Callable[[Any], Any]
    planted: Any


def candidate(name: str, folder: Path) -> Candidate:
    """The candidate of this name for the files of this folder."""
    return _CANDIDATES[name](folder)


def _context(registry_for: RegistryFor | None = None) -> RosterContext:
    book = PlanBook.committed()
    subsidy = book.subsidy(2023, 8)
    settings = Settings.committed().for_subsidy(subsidy.code)
    return RosterContext(book, subsidy, REGION, Mode.FORMAL, AS_OF, settings, registry_for=registry_for)


def _csv_read(roster: bytes | Path) -> Callable[[], pl.DataFrame]:
    # Loaded when first asked for: the bytes are not to be counted among what a candidate holds that needs none.
    @cache
    def data() -> bytes:
        return roster if isinstance(roster, bytes) else roster.read_bytes()

    # As text: ids read as numbers lose their X, or their digits.
    return lambda: pl.read_csv(data(), infer_schema=False)


def _raw_csv(folder: Path) -> Candidate:
    data = (folder / "roster.csv").read_bytes()
    planted = Planted.read(folder)
    return Candidate(_csv_read(data), _csv_read(data), lambda frame: frame.height, planted.rows)


def _raw_xlsx(folder: Path) -> Candidate:
    data = (folder / "roster.xlsx").read_bytes()
    read = _xlsx_read(data)
    return Candidate(read, read, lambda frame: frame.height, Planted.read(folder).rows)


def _field_checks(folder: Path) -> Candidate:
    roster = folder / "roster.csv"
    context = _context()

    def run() -> Counter[str]:
        table = read_table(roster, required=required_columns_of(context.settings))
        found: Counter[str] = Counter()
        for hit in judge_table(table, context).hits:
            found[hit.code] += len(hit.at)
        return found

    return Candidate(run, _csv_read(roster), lambda found: dict(+found), Planted.read(folder).fields)


def _validated(
    roster: bytes | Path, folder: Path, read: Callable[[], Any], registry_for: Callable[[], RegistryFor] | None
) -> Candidate:
    context = _context(None if registry_for is None else registry_for())
    planted = Planted.read(folder)
    expected = {**planted.fields, **planted.repetitions, **({} if registry_for is None else planted.cards)}

    def found(validation: Validation) -> dict[str, int]:
        assert validation.accepted, "the benchmark's roster is one a bureau would be paid by"
        # A finding about the file (a column nobody knows, no card registry) is about no row.
        of_the_file = {finding.code for finding in validation.findings if finding.row is None}
        return {code: count for code, count in validation.counts_by_code().items() if code not in of_the_file}

    return Candidate(lambda: validate(roster, "roster", context), read, found, expected)


def _checks(folder: Path) -> Candidate:
    roster = folder / "roster.csv"
    return _validated(roster, folder, _csv_read(roster), None)


def _with_cards(folder: Path) -> Candidate:
    """The registry's rows are in memory already."""
    roster = folder / "roster.csv"
    partitions = [pl.read_parquet(path) for path in sorted((folder / "cards" / "partitions").glob("*/*"))]
    # By city, then by number within it: ascending as a whole.
    registry = pl.concat(partitions).select(*cards.SCHEMA)
    return _validated(roster, folder, _csv_read(roster), lambda: lambda _: registry)


def _with_stored_cards(folder: Path) -> Candidate:
    """The registry is read for every validation, as a function does: its Parquet partitions, from local files."""
    roster = folder / "roster.csv"

    version = (folder / REGISTRY_VERSION).read_text()

    def registry_for(ids: pl.Series) -> pl.DataFrame:
        return RegistryReader(FolderLake(folder), version).rows_for(ids)

    return _validated(roster, folder, _csv_read(roster), lambda: registry_for)


def _gb18030(folder: Path) -> Candidate:
    return _validated(
        (folder / "roster-gb18030.csv").read_bytes(), folder, _csv_read((folder / "roster.csv").read_bytes()), None
    )


def _xlsx_read(data: bytes) -> Callable[[], pl.DataFrame]:
    return lambda: pl.read_excel(io.BytesIO(data), engine="calamine")


def _xlsx(folder: Path) -> Candidate:
    data = (folder / "roster.xlsx").read_bytes()
    return _validated(data, folder, _xlsx_read(data), None)


def _snapshot(folder: Path) -> Candidate:
    data = (folder / "cards.csv").read_bytes()

    def found(snapshot: CardFile) -> tuple[int, int]:
        return snapshot.frame.height, snapshot.faults.height

    read = _csv_read(data)
    return Candidate(lambda: read_cards(data, AS_OF), read, found, (read().height, 0))


def _pandera(folder: Path) -> Candidate:
    # Imported by its own process only: its modules are part of its memory, and of nobody else's.
    from tests.benchmarks.with_pandera import faulty_rows

    data = (folder / "roster.csv").read_bytes()
    return Candidate(lambda: faulty_rows(data), _csv_read(data), int, Planted.read(folder).cells)


def _pydantic(folder: Path) -> Candidate:
    from tests.benchmarks.with_pydantic import faulty_rows

    data = (folder / "roster.csv").read_bytes()
    return Candidate(lambda: faulty_rows(data), _csv_read(data), int, Planted.read(folder).cells)


_CANDIDATES: dict[str, Callable[[Path], Candidate]] = {
    "read_csv": _raw_csv,
    "read_excel": _raw_xlsx,
    "fields": _field_checks,
    "checks": _checks,
    "cards": _with_cards,
    "stored cards": _with_stored_cards,
    "gb18030": _gb18030,
    "xlsx": _xlsx,
    "snapshot": _snapshot,
    "pandera": _pandera,
    "pydantic": _pydantic,
}
