"""Workbooks as bureaus keep them: every cell read as the clerk sees it, and what they cannot see told."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.roster import app
from tests.unit.roster.conftest import rows_of
from tests.unit.roster.office import HEADER, ROWS, STRICT, by_hand, inline, package, parts_of, xls, xlsx
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import Unreadable
from yikatong.roster.people import Person
from yikatong.roster.validation import validate
from yikatong.roster.workbook_reading import Sheet, read_workbook

MADE_BY = [xlsx, xls]


def _cells(sheet: Sheet, column: Column) -> list[str | None]:
    return sheet.rows[f"c{sheet.header.places[column]}"].to_list()


def _refused(data: bytes, sheet: str = "") -> tuple[str, str]:
    with pytest.raises(Unreadable) as error:
        read_workbook(data, sheet)
    return error.value.findings[0].code, error.value.findings[0].message


@pytest.mark.parametrize("make", MADE_BY)
def test_the_same_roster_reads_the_same_from_both_kinds_of_workbook(make: Any) -> None:
    sheet = read_workbook(make())
    assert sheet.rows.rows() == [
        (at, *row[:3], text) for at, (row, text) in enumerate(zip(ROWS, ("520", "520.5", "521"), strict=True), start=2)
    ]
    assert (sheet.numeric, sheet.hidden.to_list(), sheet.remarks) == ({}, [], ())


@pytest.mark.parametrize("make", MADE_BY)
def test_an_id_or_account_kept_as_a_number_is_named_by_its_row(make: Any) -> None:
    rows = [
        (*HEADER, "银行账号"),
        (*ROWS[0], "6217001234567890123"),
        ("乙二", 230102199001021200, "2023-06", 1, 6.2e18),
    ]
    sheet = read_workbook(make(rows))
    assert {column: rows.to_list() for column, rows in sheet.numeric.items()} == {Column.ID: [3], Column.ACCOUNT: [3]}


@pytest.mark.parametrize("make", MADE_BY)
def test_truths_and_errors_stay_visible_so_that_no_check_takes_them_for_nothing(make: Any) -> None:
    def spoil(_: Any, sheet: Any) -> None:
        sheet.write(1, 3, True)
        if make is xlsx:
            sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
            sheet.write_formula(3, 3, "=NA()", None, "#N/A")
        else:
            sheet.row(2).set_cell_error(3, "#DIV/0!")
            sheet.row(3).set_cell_error(3, "#N/A!")

    rows = [HEADER, *(row[:3] for row in ROWS)]
    assert _cells(read_workbook(make(rows, change=spoil)), Column.AMOUNT) == ["TRUE", "#DIV/0!", "#N/A"]


def test_a_month_typed_into_a_slot_is_a_slot_and_another_day_is_seen() -> None:
    def type_dates(book: Any, sheet: Any) -> None:
        months = book.add_format({"num_format": "yyyy-mm"})
        sheet.write_datetime(1, 2, date(2023, 6, 1), months)
        sheet.write_datetime(2, 2, date(2023, 6, 15), months)

    assert _cells(read_workbook(xlsx(change=type_dates)), Column.SLOT) == ["2023-06", "2023-06-15", "2023-06"]


def test_numbers_are_the_fifteen_digits_the_clerk_sees() -> None:
    amounts = (0.1 + 0.2, 1234567.5, 8.115, 1e15, 123456789012345678.0, 1e-7, -3.0)
    rows = [HEADER, *[("甲一", "x", "2023-06", amount) for amount in amounts]]
    expected = ["0.3", "1234567.5", "8.115", "1000000000000000", "123456789012346000", "0.0000001", "-3"]
    assert _cells(read_workbook(xlsx(rows)), Column.AMOUNT) == expected


@pytest.mark.parametrize("make", MADE_BY)
def test_rows_the_clerk_hid_or_filtered_away_are_told_by_number(make: Any) -> None:
    def hide(_: Any, sheet: Any) -> None:
        for index in (2, 4, 20):
            if make is xlsx:
                sheet.set_row(index, None, None, {"hidden": True})
            else:
                sheet.row(index).hidden = True

    # The fifth row is blank, and nothing stands in the twenty-first: nobody is paid by them.
    sheet = read_workbook(make([HEADER, *ROWS, ("", "", "", "")], change=hide))
    assert sheet.hidden.to_list() == [3]
    assert sheet.rows.height == 3


def test_a_formula_never_calculated_is_told_instead_of_being_an_empty_cell() -> None:
    head = inline(HEADER, 1)
    row = '<row r="2"><c r="A2" t="inlineStr"><is><t>甲一</t></is></c><c r="D2"><f>1+1</f></c></row>'
    sheet = read_workbook(by_hand(head + row + row.replace("2", "3").replace("<f>1+1</f>", "<f>1+1</f><v>2</v>")))
    assert _cells(sheet, Column.AMOUNT) == [None, "2"]
    assert [(finding.code, "第2行" in finding.message) for finding in sheet.remarks] == [("formula_unvalued", True)]


def test_texts_in_the_sheet_shared_rich_and_with_readings_are_all_read() -> None:
    shared = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="9" uniqueCount="2">'
        '<si><r><t>甲</t></r><r><rPr><b/></rPr><t xml:space="preserve">一</t></r><rPh sb="0" eb="1"><t>jia</t></rPh></si>'
        "<si><t>2023-06</t></si></sst>"
    )
    row = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="str"><v>5&amp;6</v></c></row>'
    )
    sheet = read_workbook(by_hand(inline(HEADER, 1) + row, shared=shared))
    assert sheet.rows.rows() == [(2, "甲一", None, "2023-06", "5&6")]


@pytest.mark.parametrize(
    ("before", "main", "places", "prefix"),
    [
        ('<dimension ref="A1:B1"/>', None, True, ""),
        ('<dimension ref="A1:XFD1048576"/>', None, True, ""),
        ("", STRICT, True, ""),
        ("", None, False, ""),
        ("", None, True, "x"),
        ("", None, False, "x"),
    ],
    ids=["size told too small", "size told too large", "strict", "no places", "prefix", "prefix and no places"],
)
def test_sheets_of_programs_that_write_otherwise_are_read_alike(
    before: str, main: str | None, places: bool, prefix: str
) -> None:
    mark = f"{prefix}:" if prefix else ""
    rows = [HEADER, *[(*row[:3], "520") for row in ROWS]]
    body = "".join(inline(row, at, places=places, mark=mark) for at, row in enumerate(rows, start=1))
    data = by_hand(body, before=before, prefix=prefix, **({"main": main} if main else {}))
    assert read_workbook(data).rows.rows() == [(at, *row) for at, row in enumerate(rows[1:], start=2)]


@pytest.mark.parametrize("make", MADE_BY)
def test_a_table_that_begins_in_another_corner_keeps_its_rows_and_columns(make: Any) -> None:
    rows = [(), ("", "", "2023年6月名册"), (), *[("", "", *row) for row in (HEADER, *ROWS)]]
    sheet = read_workbook(make(rows))
    assert sheet.header.places[Column.NAME] == 2
    assert sheet.rows["row"].to_list() == [5, 6, 7]
    assert _cells(sheet, Column.NAME) == ["甲一", "乙二", "丙三"]


def test_a_header_of_two_merged_rows_is_read_as_one() -> None:
    def two_rows(_: Any, sheet: Any) -> None:
        for place, title in enumerate(("姓名", "身份证号", "属期")):
            sheet.merge_range(1, place, 2, place, title)
        sheet.merge_range(1, 3, 1, 4, "收款人")
        sheet.merge_range(1, 5, 1, 7, "补贴")
        for place, title in enumerate(("姓名", "身份证号", "标准", "数量", "金额"), start=3):
            sheet.write(2, place, title)

    rows = [("2023年6月名册",), (), (), ("甲一", "1", "2023-06", "乙二", "2", "52", "10", "520")]
    sheet = read_workbook(xlsx(rows, change=two_rows))
    wanted = (Column.NAME, Column.ID, Column.SLOT, Column.PAYEE_NAME, Column.PAYEE_ID, Column.AMOUNT)
    assert [_cells(sheet, column)[0] for column in wanted] == ["甲一", "1", "2023-06", "乙二", "2", "520"]
    assert sheet.rows["row"].to_list() == [4]


def test_of_several_sheets_the_one_called_roster_is_read_and_the_others_are_named() -> None:
    sheet = read_workbook(xlsx(sheets=("补发", "名册")))
    assert [(finding.code, "补发" in finding.message) for finding in sheet.remarks] == [("sheet_not_read", True)]


@pytest.mark.parametrize("make", MADE_BY)
def test_several_rosters_are_refused_by_name_and_the_clerk_chooses(make: Any) -> None:
    data = make(sheets=("6月", "补发", "230102199001011234"))
    code, message = _refused(data)
    assert code == "sheets_ambiguous"
    assert "补发" in message
    assert "230102199001011234" not in message
    assert read_workbook(data, "补发").rows.height == 3
    code, message = _refused(data, "七月")
    assert (code, "补发" in message) == ("sheet_missing", True)


def test_a_hidden_sheet_is_never_read_and_an_empty_one_chosen_is_refused() -> None:
    assert read_workbook(xlsx(sheets=("本月", "上月"), hidden_sheets=("上月",))).remarks == ()
    only = xlsx(sheets=("说明", "上月"), hidden_sheets=("上月",), rows=[("填表说明",)])
    assert _refused(only)[0] == "header_missing"
    assert _refused(only, "上月")[0] == "sheet_missing"
    assert _refused(only, "说明")[0] == "sheet_without_header"


def test_rows_formatted_down_to_the_last_are_no_rows() -> None:
    empty = "".join(f'<row r="{row}" s="1" customFormat="1"><c r="A{row}" s="1"/></row>' for row in range(5, 60_000))
    rows = "".join(inline([str(cell) for cell in row], at) for at, row in enumerate((HEADER, *ROWS), start=1))
    assert read_workbook(by_hand(rows + empty)).rows["row"].to_list() == [2, 3, 4]


def test_part_names_in_other_letters_and_slashes_are_the_same_parts() -> None:
    parts = {name.replace("xl/worksheets", "xl\\Worksheets"): data for name, data in parts_of(xlsx()).items()}
    assert read_workbook(package(parts)).rows.height == 3


@pytest.mark.parametrize("make", MADE_BY)
def test_a_hidden_row_waits_for_the_approver_and_the_others_are_paid(
    make: Any, people: list[Person], context: RosterContext
) -> None:
    def hide(_: Any, sheet: Any) -> None:
        if make is xlsx:
            sheet.set_row(2, None, None, {"hidden": True})
        else:
            sheet.row(2).hidden = True

    validation = validate(make([HEADER, *rows_of(people)], change=hide), "名册.xlsx", context)
    assert [(finding.code, finding.row) for finding in validation.findings] == [("row_hidden", 3)]
    assert (validation.accepted, validation.payable.rows, validation.review.rows) == (True, 39, 1)


def test_the_sheet_the_clerk_names_is_the_one_judged(
    people: list[Person], context_for: Callable[..., RosterContext]
) -> None:
    data = xlsx([HEADER, *rows_of(people)], sheets=("6月", "补发"))
    assert not validate(data, "名册.xlsx", context_for()).accepted
    assert validate(data, "名册.xlsx", context_for(sheet="补发")).payable.rows == 40


def test_the_clerks_own_check_takes_the_sheets_name(people: list[Person], tmp_path: Path) -> None:
    file = tmp_path / "名册.xlsx"
    file.write_bytes(xlsx([HEADER, *rows_of(people)], sheets=("6月", "补发")))
    words = ["check", str(file), "--subsidy", "6", "--region", "230102", "--as-of", "2023-06-10"]
    assert [CliRunner().invoke(app, [*words, *more]).exit_code for more in ([], ["--sheet", "补发"])] == [2, 0]
