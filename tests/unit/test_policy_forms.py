"""The form of the policy list: what it asks, and that nothing else is taken."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from tests.policies import duty_of, filled_form, filled_rows
from yikatong.policy_forms import FILLED_IN, SHEET, Column, Duty, Fault, Faulty, form_xlsx, list_xlsx, read_form
from yikatong.policy_lists import REGIONS_PART, collect, departments_of, fills_in

EDUCATION = "省教育厅"
DUTY = duty_of("省乡村振兴局")
"""A department of one subsidy, number 42."""
LABELS = [column.label for column in Column]
ROW: dict[Column, Any] = {
    Column.NUMBER: "42",
    Column.NAME: "雨露计划",
    Column.DEPARTMENT: "省乡村振兴局",
    **{Column(name): text for name, text in filled_rows(1)[0].items()},
}


def workbook(
    *rows: dict[Column, Any], header: list[str] = LABELS, name: str = SHEET, then: Callable[[Any], None] | None = None
) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(Column):
                cell = row.get(column, "")
                if isinstance(cell, str):
                    sheet.write_string(number, place, cell)
                else:
                    sheet.write(number, place, cell)
        if then is not None:
            then(sheet)
    return out.getvalue()


def faults(data: bytes, duty: Duty = DUTY) -> list[Fault]:
    with pytest.raises(Faulty) as faulty:
        read_form(data, duty)
    return list(faulty.value.faults)


@pytest.mark.parametrize("department", departments_of(DUTY.plan))
def test_a_filled_in_form_is_read_back_as_it_was_written(department: str) -> None:
    duty = duty_of(department)
    entries = read_form(filled_form(department), duty)
    assert [entry["number"] for entry in entries] == [each.number for each in duty.subsidies]
    assert [entry["code"] for entry in entries] == [each.code for each in duty.subsidies]
    for entry, row in zip(entries, filled_rows(len(entries)), strict=True):
        assert {column.value: entry[column] for column in FILLED_IN} == {
            column.value: row[column] for column in FILLED_IN
        }


def test_every_subsidy_is_filled_in_by_one_department_the_first_that_leads_it() -> None:
    numbers = [each.number for department in departments_of(DUTY.plan) for each in duty_of(department).subsidies]
    assert sorted(numbers) == list(range(1, 46))
    assert {each.number for each in duty_of(EDUCATION).subsidies} == set(range(27, 38))


def test_an_empty_form_is_told_every_blank_by_row_and_column() -> None:
    found = faults(form_xlsx(duty_of(EDUCATION)), duty_of(EDUCATION))
    assert len(found) == 11 * len(FILLED_IN)
    assert {fault.row for fault in found} == set(range(2, 13))
    assert found[0] == Fault(2, "补贴对象", "没有填。哪些人可以享受，用老百姓看得懂的话写。")


@pytest.mark.parametrize(
    ("changed", "column", "words"),
    [
        ({Column.STANDARD: 650}, "补贴标准", "应是文本"),
        ({Column.TELEPHONE: 45182620000}, "咨询电话", "应是文本"),
        ({Column.STANDARD: "=1+1"}, "补贴标准", "开头"),
        ({Column.REMARK: "＝HYPERLINK"}, "备注", "开头"),
        ({Column.BASIS: "a\u202eb"}, "政策依据", "控制字符"),
        ({Column.BASIS: "a\tb"}, "政策依据", "控制字符"),
        ({Column.REMARK: "联系张三 13912345678"}, "备注", "个人的手机号"),
        ({Column.TELEPHONE: "13912345678"}, "咨询电话", "个人的手机号"),
        ({Column.REMARK: "230102199001011234"}, "备注", "证件号"),
        ({Column.TELEPHONE: "见官网"}, "咨询电话", "不像电话号码"),
        ({Column.STANDARD: "元" * 1001}, "补贴标准", "超过 1000 个字"),
        ({Column.NUMBER: "四十二"}, "序号", "应是 1 至 45"),
        ({Column.NUMBER: 42.5}, "序号", "应是 1 至 45"),
        ({Column.NUMBER: ""}, "序号", "没有序号"),
        ({Column.NUMBER: "41"}, "序号", "不由省乡村振兴局填报"),
        ({Column.NAME: "雨露"}, "补贴项目", "应是“雨露计划”"),
        ({Column.DEPARTMENT: "省财政厅"}, "牵头单位", "应是省乡村振兴局"),
    ],
)
def test_a_wrong_cell_is_refused_by_row_and_column(changed: dict[Column, Any], column: str, words: str) -> None:
    found = [fault for fault in faults(workbook(ROW | changed)) if fault.row == 2]
    assert any(fault.column == column and words in fault.message for fault in found), found
    for fault in found:
        assert "张三" not in fault.message
        assert "1990" not in fault.message


def test_the_number_may_be_typed_as_a_number_and_a_text_may_have_lines() -> None:
    (entry,) = read_form(workbook(ROW | {Column.NUMBER: 42, Column.PROCEDURE: "第一步\r\n第二步"}), DUTY)
    assert (entry["number"], entry["procedure"]) == (42, "第一步\n第二步")


def test_a_subsidy_is_listed_once_and_none_is_left_out() -> None:
    assert any("与第 2 行是同一项" in fault.message for fault in faults(workbook(ROW, ROW)))
    assert [fault.message for fault in faults(workbook())] == ["缺第 42 项“雨露计划”。"]


def test_formulas_are_refused_though_their_values_would_read_like_text() -> None:
    data = workbook(ROW, then=lambda sheet: sheet.write_formula(1, 8, '="备"&"注"', None, "备注"))
    assert Fault(2, "", "有公式，请改为文字（选“只粘贴数值”）。") in faults(data)


def test_hidden_rows_are_refused() -> None:
    assert any(
        "隐藏" in fault.message
        for fault in faults(workbook(ROW, then=lambda s: s.set_row(1, options={"hidden": True})))
    )


@pytest.mark.parametrize(
    "header",
    [LABELS[:-1], [*LABELS, "其他"], LABELS[::-1], ["补贴项目", *LABELS[1:]]],
    ids=["less", "more", "order", "name"],
)
def test_another_header_is_refused(header: list[str]) -> None:
    assert "表头与模板不同" in faults(workbook(ROW, header=header))[0].message


def test_what_is_written_beside_the_table_is_refused() -> None:
    data = workbook(ROW, then=lambda sheet: sheet.write_string(1, 11, "x"))
    assert faults(data)[0] == Fault(2, "", "模板以外的列里有内容。")


def test_another_sheet_another_file_and_a_bomb_are_refused() -> None:
    assert "没有名为“政策清单”的工作表" in faults(workbook(ROW, name="Sheet1"))[0].message
    assert faults(b"PK\x03\x04")[0].row is None
    assert faults("序号,补贴项目\n".encode())[0].row is None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 20_000_000)
    assert faults(packed.getvalue())[0].row is None


def test_a_workbook_whose_bytes_were_damaged_on_the_way_is_refused() -> None:
    data = bytearray(filled_form(EDUCATION))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        directory = archive.start_dir
        name = archive.infolist()[0].filename.encode()
    at = data.index(name, directory) - 30  # where the directory keeps the first part's CRC
    data[at] ^= 0xFF
    sheet = data.index(b"xl/worksheets/sheet1.xml", directory) - 30
    data[sheet] ^= 0xFF
    assert faults(bytes(data), duty_of(EDUCATION))[0].row is None


def test_a_county_fills_in_what_is_its_own_and_leaves_the_rest_blank() -> None:
    duty = duty_of(REGIONS_PART, "230102")
    own: dict[str, str] = filled_rows(1)[0] | {Column.NAME: "高龄津贴", Column.DEPARTMENT: "区民政局"}
    blank: list[dict[str, str]] = [{}] * 45
    rows = [*blank[:1], filled_rows(1)[0], *blank[2:], own]
    first, second = read_form(form_xlsx(duty, rows), duty)
    assert (first["number"], first["code"], first["name"]) == (2, "urban-minimum-living", "城市最低生活保障金")
    assert (second["number"], second["code"], second["name"], second["department"]) == (
        None,
        None,
        "高龄津贴",
        "区民政局",
    )


def test_a_countys_own_subsidy_has_a_name_and_a_department_and_is_none_of_the_plans() -> None:
    duty = duty_of(REGIONS_PART, "230102")
    row = ROW | {Column.NUMBER: "", Column.NAME: "雨露计划"}
    assert "请写明序号" in faults(workbook(row), duty)[0].message
    found = faults(workbook(row | {Column.NAME: "高龄津贴", Column.DEPARTMENT: ""}), duty)
    assert (found[0].column, found[0].row) == ("牵头单位", 2)
    assert "一项也没有填" in faults(form_xlsx(duty), duty)[0].message


def test_the_collected_list_is_a_workbook_of_text_with_who_is_missing() -> None:
    collected = collect(DUTY.plan, "230000", [], "2023-01-09T09:00:00+08:00")
    collected["entries"] = read_form(filled_form(EDUCATION), duty_of(EDUCATION))
    book = CalamineWorkbook.from_filelike(io.BytesIO(list_xlsx(collected)))
    header, *rows = book.get_sheet_by_name(SHEET).to_python()
    assert header == LABELS
    assert [row[0] for row in rows] == [str(number) for number in range(27, 38)]
    assert {type(cell) for row in rows for cell in row} == {str}
    missing = dict(book.get_sheet_by_name("尚未报送").to_python()[1:])
    assert missing["省乡村振兴局"] == "42"
    assert set(missing) == {fills_in(each) for each in DUTY.plan.subsidies}
