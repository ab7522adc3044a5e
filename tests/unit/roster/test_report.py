"""The report back: a workbook to open beside the roster; the command that makes it on the clerk's own machine."""

import io
import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.roster import app
from tests.unit.roster.conftest import csv_of, rows_of
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import RULES
from yikatong.roster.people import Person
from yikatong.roster.report import to_text, to_xlsx
from yikatong.roster.validation import validate


def _run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, result.output


def _sample(folder: Path, *more: str) -> None:
    code, _ = _run(
        "sample", "--subsidy", "2", "--region", "230102", "--rows", "300", "--slot", "2023-06", "--out", folder, *more
    )
    assert code == 0


def test_the_workbook_has_a_summary_every_finding_and_the_rows_to_correct_as_text(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[2][0], rows[5][3] = "=1+1", "1,520.00"
    validation = validate(csv_of(rows), "名册.csv", context)
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(validation, subject="某补贴", filename="名册.csv")))
    assert book.sheet_names == ["汇总", "问题", "待改正的行"]
    findings = book.get_sheet_by_name("问题").to_python()
    assert [row[0] for row in findings[1:]] == ["4", "7"]
    correct = book.get_sheet_by_name("待改正的行").to_python()
    assert correct[0] == ["原行号", "问题", *("姓名", "身份证号", "属期", "发放金额(元)")]
    assert [row[:1] + row[2:] for row in correct[1:]] == [["4", "=1+1", people[2].id_number, "2023-06", "520.00"]]


def test_a_report_of_a_file_that_cannot_be_read_still_opens(context: RosterContext) -> None:
    validation = validate(b"%PDF-1.7", "名册.xlsx", context)
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(validation, subject="某补贴", filename="名册.xlsx")))
    assert "整份退回" in str(book.get_sheet_by_name("汇总").to_python())
    assert "PDF" in to_text(validation)


def test_every_rule_says_what_is_wrong_and_how_to_cure_it() -> None:
    for code, rule in RULES.items():
        assert rule.code == code
        assert rule.wrong, code
        assert rule.cure, code
        assert not rule.wrong.endswith("。"), code


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_check_says_with_its_exit_code_whether_all_some_or_none_would_be_paid(tmp_path: Path, file_format: str) -> None:
    good, faulty = tmp_path / "good", tmp_path / "faulty"
    _sample(good, "--format", file_format)
    _sample(faulty, "--faults", "--format", file_format)
    ask = ("--subsidy", "2", "--region", "230102", "--as-of", "2023-06-10", "--format", "json")
    code, text = _run("check", good / f"roster.{file_format}", *ask, "--cards", good / "cards.csv")
    assert (code, json.loads(text)["findings"]) == (0, [])
    code, text = _run("check", faulty / f"roster.{file_format}", *ask, "--cards", faulty / "cards.csv")
    found = [{key: finding[key] for key in ("row", "column", "code")} for finding in json.loads(text)["findings"]]
    planted = json.loads((faulty / "faults.json").read_text("utf-8"))
    assert code == 1
    assert sorted(map(str, found)) == sorted(map(str, planted))
    (tmp_path / "empty.csv").write_bytes(b"")
    assert _run("check", tmp_path / "empty.csv", *ask)[0] == 2
    assert _run("check", tmp_path / "no such file.csv", *ask)[0] == 3


def test_check_writes_the_workbook_it_is_asked_for(tmp_path: Path) -> None:
    _sample(tmp_path)
    ask = (
        "--subsidy",
        "2",
        "--region",
        "230102",
        "--as-of",
        "2023-06-10",
        "--format",
        "xlsx",
        "--out",
        tmp_path / "report.xlsx",
    )
    assert _run("check", tmp_path / "roster.csv", *ask)[0] == 0
    assert CalamineWorkbook.from_path(tmp_path / "report.xlsx").sheet_names[0] == "汇总"


def test_a_sample_for_a_region_outside_the_province_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["sample", "--subsidy", "2", "--region", "110101", "--rows", "3", "--slot", "2023-06", "--out", str(tmp_path)],
    )
    assert "行政区划" in str(result.exception)
