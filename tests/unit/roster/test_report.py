"""The report back: a workbook to open beside the roster; the command that makes it on the clerk's own machine."""

import io
import json
import zipfile
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import polars as pl
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.roster import app
from tests.unit.roster.conftest import HEADER, JUNE_10, csv_of, rows_of
from tests.unit.roster.office import xlsx
from yikatong.card_files import read_cards
from yikatong.cards import CardState
from yikatong.roster import advice
from yikatong.roster.advice import ROWS_SHEET
from yikatong.roster.context import RosterContext
from yikatong.roster.departed import DEPARTED
from yikatong.roster.findings import RULES
from yikatong.roster.people import Person
from yikatong.roster.report import to_xlsx
from yikatong.roster.report_text import to_text
from yikatong.roster.sample import cards_csv
from yikatong.roster.validation import Tally, Validation, validate
from yikatong.text_workbook import CUT, MAX_CELL_UNITS, workbook_of

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, result.output


def _sample(folder: Path, *more: str) -> None:
    code, _ = _run(
        "sample", "--subsidy", "2", "--region", "230102", "--rows", "300", "--slot", "2023-06", "--out", folder, *more
    )
    assert code == 0


def _report(validation: Validation) -> bytes:
    return to_xlsx(validation, subject="某补贴，230102 哈尔滨市道里区", filename="名册.csv")


def _sheets(workbook: bytes) -> dict[str, list[list[str]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(workbook))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}  # type: ignore[misc]


def _saved(report: bytes, corrections: dict[tuple[int, str], str], without: Collection[int] = ()) -> bytes:
    """The report as the clerk saves it: cells of the rows to be corrected changed (by 原行号 and title), rows deleted."""
    sheets = _sheets(report)
    titles, *rows = sheets[ROWS_SHEET]
    numbers = [int(row[titles.index("原行号")]) for row in rows]
    for (number, title), text in corrections.items():
        rows[numbers.index(number)][titles.index(title)] = text
    kept = [row for number, row in zip(numbers, rows, strict=True) if number not in without]

    def write(book: Any) -> None:
        for name, lines in (sheets | {ROWS_SHEET: [titles, *kept]}).items():
            sheet = book.add_worksheet(name)
            for at, line in enumerate(lines):
                sheet.write_row(at, 0, line)

    return workbook_of(write)


def test_the_workbook_has_a_summary_every_finding_and_the_rows_to_correct_as_text(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[2][0], rows[5][3] = "=1+1", "1,520.00"
    sheets = _sheets(_report(validate(csv_of(rows), "名册.csv", context)))
    assert list(sheets) == ["汇总", "问题", "名册"]
    assert [row[:3] for row in sheets["问题"][1:]] == [["4", "姓名", "剔除"], ["7", "发放金额(元)", "提示"]]
    assert sheets["名册"] == [
        [*HEADER, "原行号", "要改正的问题"],
        [
            *("=1+1", people[2].id_number, "2023-06", "520.00", "4"),
            "姓名：姓名以 = + - @ 开头，会被电子表格当作公式。请改为真实姓名。",
        ],
    ]


def test_no_cell_of_the_report_is_a_number_or_a_formula(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    rows[0][0], rows[1][0], rows[2][3] = "=1+1", "<r>&</r>", "http://x"
    report = _report(validate(csv_of(rows), "=cmd.csv", context))
    archive = zipfile.ZipFile(io.BytesIO(report))
    for name in archive.namelist():
        if name.startswith("xl/worksheets/"):
            cells = [cell for cell in fromstring(archive.read(name)).iter(f"{_MAIN}c") if len(cell)]
            assert {cell.get("t") for cell in cells} == {"s"}, name
            assert not [formula for cell in cells for formula in cell.iter(f"{_MAIN}f")]
    assert archive.read("xl/worksheets/sheet2.xml").count(b"<autoFilter") == 1
    assert b"<autoFilter" not in archive.read("xl/worksheets/sheet3.xml"), "filtered rows would be read as hidden ones"


def test_the_summary_says_what_it_came_to_and_what_to_do_next(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    rows[2][3], rows[4][0], rows[6][3] = "0", f"改{rows[4][0]}", "100000.01"
    summary = {line[0]: line for line in _sheets(_report(validate(csv_of(rows), "六月.csv", context)))["汇总"]}
    assert summary["名册检查报告"][1] == "某补贴，230102 哈尔滨市道里区"
    assert summary["结论"][1] == "可以接收：37 行可发放，3 行现在不能发放"
    assert "剔除的有 1 行要改" in summary["接下来 1"][1]
    assert "待复核的 2 行" in summary["接下来 2"][1]
    assert summary["可发放"][1:3] == ["37", "19,240.00"]
    assert summary["合计"][1:3] == ["40", "119,760.01"]


def test_the_summary_names_the_file_unless_its_name_holds_a_number(
    people: list[Person], context: RosterContext
) -> None:
    validation = validate(csv_of(rows_of(people)), "名册.csv", context)
    for name, shown in (
        ("低保_20230601-20230630.csv", "低保_20230601-20230630.csv"),
        ("张三丰 230102199001011234", "张*"),
    ):
        assert _sheets(to_xlsx(validation, subject="某补贴", filename=name))["汇总"][1][:2] == ["文件", shown]


def test_a_roster_without_faults_has_nothing_to_correct(people: list[Person], context: RosterContext) -> None:
    sheets = _sheets(_report(validate(csv_of(rows_of(people)), "名册.csv", context)))
    assert list(sheets) == ["汇总", "问题"]
    assert sheets["汇总"][3][1] == "可以接收，40 行全部可发放"
    assert "没有要改的" in sheets["汇总"][4][1]


@pytest.mark.parametrize("make", [csv_of, lambda rows, header: xlsx([header, *rows])])
def test_the_report_once_corrected_is_a_roster_that_pays_exactly_the_rows_that_were_excluded(
    people: list[Person], context: RosterContext, make: Callable[..., bytes]
) -> None:
    header = ("序号", *HEADER, "民族", "备注")
    rows = [[str(at), *row, "汉", "note"] for at, row in enumerate(rows_of(people), start=1)]
    rows[2][4], rows[5][2], rows[8][1] = "12.345", people[5].id_number[:-1], f"改{people[8].name}"
    first = validate(make(rows, header), "名册", context)
    assert {status: first.tallies[status].rows for status in first.tallies} == {
        "payable": 37, "held": 0, "review": 1, "excluded": 2,
    }  # fmt: skip
    sent = _saved(_report(first), {(4, "发放金额(元)"): "12.34", (7, "身份证号"): people[5].id_number})
    second = validate(sent, "报告.xlsx", context)
    assert [finding.code for finding in second.findings] == ["column_ignored"], "民族, as in the file itself"
    assert second.payable == Tally(2, 12_34 + 520_00)
    assert second.rows == 2
    assert sorted(second.frame["beneficiary_id"]) == sorted([people[2].id_number, people[5].id_number])


def test_a_report_sent_back_with_a_row_still_wrong_comes_back_as_a_roster_again(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[2][3], rows[5][3] = "", "0"
    once = _saved(_report(validate(csv_of(rows), "名册.csv", context)), {(4, "发放金额(元)"): "520.00"})
    refused = validate(once, "报告.xlsx", context)
    assert not refused.accepted, "one of two rows is more than a tenth"
    again = _report(refused)
    assert _sheets(again)["名册"][0] == [*HEADER, "原行号", "要改正的问题"], "its own two columns, once"
    cured = validate(_saved(again, {(3, "发放金额(元)"): "500.00"}), "报告2.xlsx", context)
    assert (cured.findings, cured.payable) == ((), Tally(2, 1020_00))


def test_a_roster_refused_for_its_many_mistakes_comes_back_whole_the_mistakes_first(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    for at in range(10, 15):
        rows[at][3] = "待定"
    refused = validate(csv_of([*rows, rows[0]]), "名册.csv", context)
    assert not refused.accepted
    report = _report(refused)
    numbers = [int(row[4]) for row in _sheets(report)["名册"][1:]]
    assert numbers == [*range(12, 17), *range(2, 12), *range(17, 42)], "all but the row that was pasted twice"
    cured = validate(_saved(report, {(at, "发放金额(元)"): "520.00" for at in range(12, 17)}), "报告.xlsx", context)
    assert (cured.findings, cured.payable.rows) == ((), 40)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (3, "剔除的有 3 行要改，内容太多，报告里一行也没有抄出"),
        (5, "要改的连同无误的共 40 行，内容太多，报告里一行也没有抄出"),
    ],
)
def test_more_than_a_report_can_hold_is_not_handed_back_in_part_but_said(
    people: list[Person], context: RosterContext, monkeypatch: pytest.MonkeyPatch, wrong: int, told: str
) -> None:
    """As many rows as its columns leave room for: a part of them, sent again, would pass for all."""
    rows = [[*row, "汉"] for row in rows_of(people)]
    for row in rows[:wrong]:
        row[3] = "0"
    validation = validate(csv_of(rows, (*HEADER, "民族")), "名册.csv", context)
    for cells, sheets in ((40 * 5, ["汇总", "问题", "名册"]), (3 * 5 - 1, ["汇总", "问题"])):
        monkeypatch.setattr(advice, "MAX_CORRECTABLE_CELLS", cells)
        report = _sheets(_report(validation))
        assert list(report) == sheets
        assert (told in report["汇总"][4][1]) is ("名册" not in sheets)


def test_rows_that_no_correction_makes_payable_are_not_offered_for_sending_again(
    people: list[Person], context_for: Callable[..., RosterContext]
) -> None:
    rows = rows_of(people)
    dead = pl.DataFrame(
        [(people[3].id_number, people[3].name, "deceased", date(2023, 1, 5))], schema=DEPARTED, orient="row"
    )
    validation = validate(csv_of([*rows, rows[0]]), "名册.csv", context_for(departed=dead))
    assert validation.excluded.rows == 2
    sheets = _sheets(_report(validation))
    assert "名册" not in sheets
    assert "剔除的有 2 行不用改" in sheets["汇总"][4][1]


def test_held_rows_stay_in_their_batch(people: list[Person], context_for: Callable[..., RosterContext]) -> None:
    lost = [replace(people[0], card_state=CardState.LOST), *people[1:]]
    registry = read_cards(cards_csv(lost), JUNE_10).frame
    rows = rows_of(people)
    rows[1][3] = "0"
    validation = validate(csv_of(rows), "名册.csv", context_for(registry_for=lambda _: registry))
    assert (validation.held.rows, validation.excluded.rows) == (1, 1)
    sheets = _sheets(_report(validation))
    assert [row[4] for row in sheets["名册"][1:]] == ["3"]
    assert "暂缓的 1 行不用改" in str(sheets["汇总"])


def test_a_total_that_does_not_add_up_cannot_be_got_round_by_the_report(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    rows[2][1] = "1"
    validation = validate(csv_of([*rows, ["合计", "", "", "1.00"]]), "名册.csv", context)
    assert not validation.accepted
    sheets = _sheets(_report(validation))
    assert list(sheets) == ["汇总", "问题"]
    assert "在原名册里" in sheets["汇总"][4][1]


def test_a_number_that_lost_its_digits_is_not_handed_back_as_text(people: list[Person], context: RosterContext) -> None:
    rows: list[list[Any]] = list(rows_of(people))
    lost = int(people[4].id_number[:15] + "000")
    rows[4][1] = lost
    validation = validate(xlsx([HEADER, *rows]), "名册.xlsx", context)
    report = _report(validation)
    (row,) = _sheets(report)["名册"][1:]
    assert row[:5] == [people[4].name, "", "2023-06", "520.00", "6"]
    assert str(lost) not in str(_sheets(report))


def test_a_cell_longer_than_a_spreadsheets_is_cut_with_a_mark(people: list[Person], context: RosterContext) -> None:
    rows = rows_of(people)
    rows[2][0] = "㛃𬎆" * 20_000
    cell = _sheets(_report(validate(csv_of(rows), "名册.csv", context)))["名册"][1][0]
    assert len(cell.encode("utf-16-le")) <= MAX_CELL_UNITS * 2
    assert cell.startswith("㛃𬎆")
    assert cell.endswith(CUT)


def test_what_a_bureau_wrote_comes_back_letter_by_letter(people: list[Person], context: RosterContext) -> None:
    odd = ["<r>&</r>", " 张 ", "a_x0041_b", "行\n行", "\ufffe", "\U00020000𣲘"]
    rows = rows_of(people)[:20]
    for row, text in zip(rows, odd, strict=False):
        row[0], row[3] = text, "0"
    report = _report(validate(csv_of(rows), "名册.csv", context))
    back = [row[0] for row in _sheets(report)["名册"][1 : len(odd) + 1]]
    assert back[0].strip() == odd[0], "no markup of its own; a blank after it"
    assert back[1:4] + back[5:] == odd[1:4] + odd[5:]


def test_a_report_of_a_file_that_cannot_be_read_still_opens(context: RosterContext) -> None:
    validation = validate(b"%PDF-1.7", "名册.xlsx", context)
    summary = str(_sheets(to_xlsx(validation, subject="某补贴", filename="名册.xlsx"))["汇总"])
    assert "整份退回" in summary
    assert "PDF" in summary
    assert "PDF" in to_text(validation)


def test_on_the_terminal_each_kind_of_problem_is_said_once_the_gravest_first(
    people: list[Person], context: RosterContext
) -> None:
    rows = rows_of(people)
    for row in rows[10:18]:
        row[0] = f" {row[0]}"
    rows[3][3], rows[30][0] = "0", f"改{people[30].name}"
    text = to_text(validate(csv_of(rows), "名册.csv", context))
    kinds = [line for line in text.splitlines() if line.startswith("【")]
    assert [line[1:].partition("】")[0] for line in kinds] == ["剔除", "待复核", "提示"]
    assert kinds[2] == "【提示】姓名中的空格或间隔号已统一。已按规范写法处理，无需处理。（8 处） [name_normalised]"
    assert "    ……还有 2 处" in text.splitlines()
    assert "--format xlsx --out 报告.xlsx" in text
    assert text.startswith("结论：可以接收：38 行可发放，2 行现在不能发放")
    assert all(person.name not in text and person.id_number not in text for person in people)


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


ASK = ("--subsidy", "2", "--region", "230102", "--as-of", "2023-06-10")


def test_check_writes_the_workbook_it_is_asked_for_and_says_so(tmp_path: Path) -> None:
    _sample(tmp_path)
    out = tmp_path / "report.xlsx"
    code, text = _run("check", tmp_path / "roster.csv", *ASK, "--format", "xlsx", "--out", out)
    assert (code, text) == (0, f"可以接收，300 行全部可发放。报告已写入 {out}\n")
    assert CalamineWorkbook.from_path(out).sheet_names[0] == "汇总"


def test_what_could_not_be_checked_never_ends_as_a_refused_roster_does(tmp_path: Path) -> None:
    _sample(tmp_path)
    roster = tmp_path / "roster.csv"
    (tmp_path / "list.pdf").write_bytes(b"%PDF-1.7")
    for arguments in (
        (roster,),
        (roster, *ASK, "--format", "pdf"),
        (roster, *ASK, "--format", "xlsx"),
        (roster, *ASK, "--as-of", "2023-6-1x"),
        (roster, *ASK, "--region", "230199"),
        (roster, *ASK, "--subsidy", "99"),
        (roster, *ASK, "--cards", tmp_path / "nowhere.csv"),
        (roster, *ASK, "--deceased", tmp_path / "list.pdf"),
        (tmp_path / "nowhere.csv", *ASK),
        (tmp_path, *ASK),
        (roster, *ASK, "--out", tmp_path / "no" / "folder.json", "--format", "json"),
    ):
        assert _run("check", *arguments)[0] == 3, arguments
    assert _run("check", "--help")[0] == 0
    assert _run("check", tmp_path / "list.pdf", *ASK)[0] == 2


def test_the_report_is_never_written_over_what_is_checked(tmp_path: Path) -> None:
    _sample(tmp_path)
    roster = tmp_path / "roster.csv"
    before = roster.read_bytes()
    code, text = _run("check", roster, *ASK, "--format", "xlsx", "--out", tmp_path / "." / "roster.csv")
    assert (code, roster.read_bytes()) == (3, before)
    assert "请换一个文件名" in text


def test_a_sample_for_a_region_outside_the_province_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["sample", "--subsidy", "2", "--region", "110101", "--rows", "3", "--slot", "2023-06", "--out", str(tmp_path)],
    )
    assert "行政区划" in str(result.exception)
