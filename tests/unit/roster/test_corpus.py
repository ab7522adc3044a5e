"""Every trap of the corpus (`tests/corpus`) is found exactly as the rules say, and nothing else is."""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.roster import app
from tests.corpus import make
from tests.corpus.registry import registry_of
from tests.corpus.roster import REGISTERED
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.roster import csv_reading
from yikatong.roster.context import RosterContext
from yikatong.roster.departed import DEPARTED
from yikatong.roster.elsewhere import CLAIMED
from yikatong.roster.findings import RULES, Finding
from yikatong.roster.sample import cards_csv
from yikatong.roster.validation import Validation, validate

_SMALL_BYTES = 20_000
_LIMIT_BYTES = 4 * 2**30
_LIMIT_S = 60
_EXPECTED: dict[str, Any] = tomllib.loads((make.HERE / "expected.toml").read_text("utf-8"))
_ENTRIES: dict[str, dict[str, Any]] = {
    name: _EXPECTED["otherwise"] | entry for name, entry in _EXPECTED["file"].items()
}


@cache
def _book() -> PlanBook:
    return PlanBook.committed()


@cache
def _registry() -> Any:
    return registry_of(REGISTERED)


def _validate(name: str, entry: Mapping[str, Any]) -> Validation:
    subsidy = _book().subsidy(2023, entry["subsidy"])
    context = RosterContext(
        book=_book(),
        subsidy=subsidy,
        region="230102",
        mode=Mode(entry["mode"]),
        as_of=date.fromisoformat(entry["as_of"]),
        settings=Settings.committed().for_subsidy(subsidy.code),
        occasions=entry["occasions"],
        sheet=entry["sheet"],
        claimed=(lambda _: _claimed(entry["claimed"])) if entry["claimed"] else None,
        departed=_departed(entry["departed"]),
        registry_for=(lambda _: _registry()) if entry["cards"] else None,
    )
    return validate((make.FILES / name).read_bytes(), name, context)


def _ids() -> dict[str, str]:
    return {person.name: person.id_number for person in REGISTERED}


def _claimed(by_name: Mapping[str, list[str]]) -> pl.DataFrame:
    rows = [(_ids()[name], _ids()[name], "another batch", code, slot) for name, (code, slot) in by_name.items()]
    return pl.DataFrame(rows, schema=CLAIMED, orient="row")


def _departed(by_name: Mapping[str, list[str]]) -> pl.DataFrame:
    """The list has everybody under the name they have there, which may come third."""
    rows = [
        (_ids()[name], (*otherwise, name)[0], kind, date.fromisoformat(on) if on else None)
        for name, (kind, on, *otherwise) in by_name.items()
    ]
    return pl.DataFrame(rows, schema=DEPARTED, orient="row")


def _line(row: int | None, column: str | None, code: str) -> str:
    return f"{'-' if row is None else row} | {column or '-'} | {code}"


def _lines(findings: tuple[Finding, ...]) -> Counter[str]:
    return Counter(_line(finding.row, finding.column, finding.code) for finding in findings)


# A file that would take the process with it is checked in one of its own.
_APART = [name for name, entry in _ENTRIES.items() if entry.get("apart")]
_TOGETHER = [name for name, entry in _ENTRIES.items() if not entry.get("apart")]


@pytest.mark.parametrize("name", _TOGETHER)
def test_a_file_has_exactly_the_findings_the_rules_give_it(name: str) -> None:
    entry = _ENTRIES[name]
    validation = _validate(name, entry)
    assert _lines(validation.findings) == Counter(entry["findings"])
    assert validation.accepted is (entry["exit"] != 2)
    messages = "\n".join(finding.message for finding in validation.findings)
    assert [piece for piece in entry.get("says", []) if piece not in messages] == []
    named = dict(validation.frame.select("row", "beneficiary_name").iter_rows())
    assert {row: named[int(row)] for row in entry.get("names", {})} == entry.get("names", {})
    assert entry.get("rows", validation.rows) == validation.rows
    assert entry.get("payable_rows", validation.payable.rows) == validation.payable.rows
    assert entry.get("payable_fen", validation.payable.fen) == validation.payable.fen


_TEXTS = [name for name in _ENTRIES if name.endswith((".csv", ".tsv", ".txt"))]


@pytest.mark.parametrize("name", _TEXTS)
def test_a_text_read_in_many_stretches_has_the_same_findings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reading, "STRETCH_BYTES", 100)
    entry = _ENTRIES[name]
    assert _lines(_validate(name, entry).findings) == Counter(entry["findings"])


# A file per ending, format and option; the findings themselves are compared above.
_TOLD_BY_THE_COMMAND = (
    "utf8.csv",
    "utf16-tabs.txt",
    "amount-three-decimals.csv",
    "id-small-x.csv",
    "column-missing.csv",
    "total-right.csv",
    "cards-not-known-yet.csv",
    "slot-occasion-unknown.csv",
    "trial.csv",
    "repeated-with-another-amount.csv",
    "workbook-numeric-id.xlsx",
    "workbook-two-rosters-one-asked-for.xlsx",
    "workbook-macro.xlsx",
    "old-workbook-plain.xls",
    "empty.csv",
)


@pytest.mark.parametrize("name", _TOLD_BY_THE_COMMAND)
def test_the_clerks_own_check_says_the_same_and_ends_with_the_promised_code(name: str) -> None:
    entry = _ENTRIES[name]
    result = CliRunner().invoke(app, _arguments(name, entry))
    assert result.exit_code == entry["exit"]
    _assert_report(result.stdout, entry)


@pytest.mark.parametrize("name", _APART)
def test_a_file_that_asks_for_all_memory_is_refused_within_little(name: str) -> None:
    """In a process that may not have more than LIMIT_BYTES, nor take longer than LIMIT_S."""
    limits = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({_LIMIT_BYTES}, {_LIMIT_BYTES}))"
    program = f"{limits}; from cli.roster import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", program, *_arguments(name, _ENTRIES[name])],
        capture_output=True, text=True, timeout=_LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == _ENTRIES[name]["exit"], done.stderr[-300:]
    _assert_report(done.stdout, _ENTRIES[name])


def _arguments(name: str, entry: Mapping[str, Any]) -> list[str]:
    arguments = ["check", str(make.FILES / name), "--region", "230102", "--format", "json"]
    arguments += ["--subsidy", str(entry["subsidy"]), "--as-of", entry["as_of"], "--mode", entry["mode"]]
    arguments += ["--cards", str(make.CARDS)] if entry["cards"] else []
    arguments += ["--sheet", entry["sheet"]] if entry["sheet"] else []
    arguments += [word for occasion in entry["occasions"] for word in ("--occasion", occasion)]
    return arguments


def _assert_report(text: str, entry: Mapping[str, Any]) -> None:
    report = json.loads(text)
    assert report["accepted"] is (entry["exit"] != 2)
    found = Counter(_line(finding["row"], finding["column"], finding["code"]) for finding in report["findings"])
    assert found == Counter(entry["findings"])


def test_the_script_writes_the_committed_bytes_again() -> None:
    made = make.corpus()
    committed = {path.name: path for path in make.FILES.iterdir()}
    assert sorted(made) == sorted(committed)
    assert [name for name, data in made.items() if committed[name].read_bytes() != data] == []
    assert make.CARDS.read_bytes() == cards_csv(REGISTERED)


def test_every_file_is_small_and_says_what_to_expect() -> None:
    files = {path.name: path for path in Path(make.FILES).iterdir()}
    assert sorted(_ENTRIES) == sorted(files)
    assert [name for name, path in files.items() if path.stat().st_size > _SMALL_BYTES] == []


_NOT_BY_A_SMALL_FILE = {
    "file_too_large": "256 MB (test_weapons)",
    "rows_too_many": "two million rows",
    "rows_known": "said of the batches already there, not by validate",
    "not_failed": "said of a reissue, which only the platform knows the failed payments of (test_failed)",
    "more_than_failed": "likewise",
    "reissued_already": "likewise",
    "region_named": "said of the upload's own name and region, not by validate",
}


def test_every_code_a_small_file_can_provoke_has_one() -> None:
    provoked = {line.split(" | ")[2] for entry in _ENTRIES.values() for line in entry["findings"]}
    assert set(RULES) - provoked == set(_NOT_BY_A_SMALL_FILE)
