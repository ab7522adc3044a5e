"""Files people really send: read whole, or refused with the place and the cure."""

import io
import struct
import zipfile

import pytest
import xlsxwriter

from tests.unit.roster.conftest import HEADER, csv_of, rows_of
from yikatong.roster.context import RosterContext
from yikatong.roster.people import RARE, Person
from yikatong.roster.validation import Validation, validate


def _codes(validation: Validation) -> list[str]:
    return [finding.code for finding in validation.findings]


def _workbook(rows: list[list[object]], sheets: int = 1) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        for _ in range(sheets):
            sheet = book.add_worksheet()
            for index, row in enumerate(rows):
                for place, cell in enumerate(row):
                    sheet.write(index, place, cell)
    return buffer.getvalue()


def _text_rows(people: list[Person]) -> list[list[object]]:
    return [list(HEADER), *[["姓" + p.name, p.id_number, "2023-06", 520] for p in people]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_clean_roster_is_payable_in_every_encoding(
    encoding: str, people: list[Person], context: RosterContext
) -> None:
    validation = validate(csv_of(rows_of(people), encoding=encoding), "名册.csv", context)
    assert (validation.accepted, validation.payable.rows, validation.payable.fen) == (True, 40, 40 * 52_000)
    assert validation.findings == ()


def test_rare_characters_survive_gb18030_exactly(people: list[Person], context: RosterContext) -> None:
    rows = [[f"王{rare}", person.id_number, "2023-06", "520"] for rare, person in zip(RARE, people, strict=False)]
    validation = validate(csv_of(rows, encoding="gb18030"), "名册.csv", context)
    assert sorted(validation.frame["beneficiary_name"]) == sorted(f"王{rare}" for rare in RARE)


def test_a_name_cut_in_half_is_refused_with_its_line(people: list[Person], context: RosterContext) -> None:
    lines = csv_of(rows_of(people), encoding="gb18030").split(b"\r\n")
    lines[3] = b"\xcd\x80\x20\xff" + lines[3]
    validation = validate(b"\r\n".join(lines), "名册.csv", context)
    assert _codes(validation) == ["file_encoding"]
    assert "第4行" in validation.findings[0].message


def test_a_bad_byte_far_below_a_good_beginning_is_refused_with_its_line(
    people: list[Person], context: RosterContext
) -> None:
    lines = csv_of(rows_of(people * 60)).split(b"\r\n")
    lines[2000] = b"\xff" + lines[2000]
    validation = validate(b"\r\n".join(lines), "名册.csv", context)
    assert _codes(validation) == ["file_encoding"]
    assert "第2001行" in validation.findings[0].message


def test_titles_above_blank_lines_between_and_a_right_total_below_are_read_as_a_clerk_would(
    people: list[Person], context: RosterContext
) -> None:
    head, *rows = csv_of(rows_of(people[:12])).decode().splitlines()
    text = "\r\n".join(["2023年6月名册", "", head, *rows[:5], ",,,", *rows[5:], "合计,,,6240.00"])
    validation = validate(text.encode(), "名册.csv", context)
    assert _codes(validation) == ["totals_dropped"]
    assert validation.rows == 12
    assert sorted(validation.frame["row"]) == [4, 5, 6, 7, 8, *range(10, 17)]


def test_a_total_that_does_not_match_refuses_the_file_with_both_sums(
    people: list[Person], context: RosterContext
) -> None:
    rows = [*rows_of(people[:12]), ["合计", "", "", "6240.01"]]
    validation = validate(csv_of(rows), "名册.csv", context)
    assert not validation.accepted
    assert _codes(validation) == ["totals_wrong"]
    assert "6240.01" in validation.findings[0].message
    assert "6240.00" in validation.findings[0].message


def test_a_person_called_total_with_an_id_is_a_person(people: list[Person], context: RosterContext) -> None:
    validation = validate(csv_of([["合计", people[0].id_number, "2023-06", "520"]]), "名册.csv", context)
    assert validation.rows == 1


def test_columns_are_known_by_alias_in_any_order(people: list[Person], context: RosterContext) -> None:
    rows = [["520.00", p.id_number, "2023-06", p.name, "甲"] for p in people]
    header = ("补贴金额（元）", "公民身份 号码", "发放属期", "享受人姓名", "民族")
    validation = validate(csv_of(rows, header), "名册.csv", context)
    assert validation.payable.rows == 40
    assert _codes(validation) == ["column_ignored"]


def test_a_missing_column_says_what_was_expected_and_what_was_found(
    people: list[Person], context: RosterContext
) -> None:
    rows = [[p.name, p.id_number, "520"] for p in people]
    validation = validate(csv_of(rows, ("姓名", "身份证号", "发放金额(元)")), "名册.csv", context)
    assert _codes(validation) == ["column_missing"]
    assert not validation.accepted
    message = validation.findings[0].message
    assert all(word in message for word in ("属期", "姓名、身份证号、发放金额(元)", "发放属期"))


def test_of_columns_it_does_not_know_a_message_shows_the_words_but_nobodys_name(
    people: list[Person], context: RosterContext
) -> None:
    rows = [[p.name, p.id_number, "2023-06", "0.052", "x"] for p in people]
    header = ("姓名", "身份证号", "属期", "发放金额（万元）", "填表人张三丰")
    (missing, *_) = validate(csv_of(rows, header), "名册.csv", context).findings
    assert missing.code == "column_missing"
    assert "姓名、身份证号、属期、发放金额(万元)、填表*" in missing.message


def test_a_doubled_column_names_both_places(people: list[Person], context: RosterContext) -> None:
    rows = [[*row, "520"] for row in rows_of(people)]
    validation = validate(csv_of(rows, (*HEADER, "金额")), "名册.csv", context)
    assert _codes(validation) == ["column_doubled"]
    assert "第4、5列" in validation.findings[0].message


def test_a_file_without_a_header_is_refused_without_showing_whose_rows_they_are(
    people: list[Person], context: RosterContext
) -> None:
    validation = validate(csv_of(rows_of(people[1:]), rows_of(people)[0]), "名册.csv", context)
    assert _codes(validation) == ["header_missing"]
    assert people[0].id_number not in str(validation.to_json())


def test_empty_cells_beyond_the_last_column_do_no_harm_but_a_filled_one_is_refused_by_line(
    people: list[Person], context: RosterContext
) -> None:
    good = csv_of([[*row, "", ""] for row in rows_of(people)])
    assert validate(good, "名册.csv", context).payable.rows == 40
    bad = csv_of([*rows_of(people[:4]), [*rows_of(people)[5], "多"]])
    validation = validate(bad, "名册.csv", context)
    assert _codes(validation) == ["row_ragged"]
    assert "第6行" in validation.findings[0].message


def test_an_id_typed_as_a_number_in_a_workbook_is_excluded_and_its_column_named(
    people: list[Person], context: RosterContext
) -> None:
    rows = _text_rows(people)
    rows[3][1] = float(people[2].id_number[:17] + "0")
    validation = validate(_workbook(rows), "名册.xlsx", context)
    found = [(f.row, f.column, f.code) for f in validation.findings if f.level == "exclude"]
    assert found == [(4, "身份证号", "id_numeric")]


def test_a_workbooks_numeric_amounts_are_exact_to_the_fen(people: list[Person], context: RosterContext) -> None:
    rows = _text_rows(people[:4])
    for row, amount in zip(rows[1:], (0.1 + 0.2, 1234.5, 100, 8.115), strict=True):
        row[3] = amount
    validation = validate(_workbook(rows), "名册.xlsx", context)
    assert sorted(validation.frame["amount_fen"].drop_nulls()) == [30, 10_000, 123_450]
    assert ("amount_decimals", 5) in [(f.code, f.row) for f in validation.findings]


def test_two_sheets_that_look_like_rosters_are_refused_rather_than_chosen_between(
    people: list[Person], context: RosterContext
) -> None:
    assert _codes(validate(_workbook(_text_rows(people), sheets=2), "名册.xlsx", context)) == ["sheets_ambiguous"]


def _tampered(data: bytes, name: str, change: bytes, place: str = "replace") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry == name and place == "replace":
                new.writestr(entry, change + old.read(entry))
            else:
                new.writestr(entry, old.read(entry))
        if place == "add":
            new.writestr(name, change)
    return buffer.getvalue()


def test_a_workbook_with_a_doctype_a_macro_an_outside_link_or_a_bomb_is_refused(
    people: list[Person], context: RosterContext
) -> None:
    good = _workbook(_text_rows(people))
    hostile = [
        _tampered(good, "xl/worksheets/sheet1.xml", b'<!DOCTYPE x [<!ENTITY a "9">]>'),
        _tampered(good, "xl/vbaProject.bin", b"macro", "add"),
        _tampered(good, "xl/externalLinks/externalLink1.xml", b"<a/>", "add"),
        _tampered(good, "xl/media/a.bin", b"\0" * (64 * 2**20), "add"),
    ]
    for data in hostile:
        assert _codes(validate(data, "名册.xlsx", context)) == ["file_unsafe"]


def test_a_workbook_whose_directory_lies_about_its_sizes_is_refused(
    people: list[Person], context: RosterContext
) -> None:
    data = bytearray(_tampered(_workbook(_text_rows(people)), "xl/media/a.bin", b"\0" * (9 * 2**20), "add"))
    entry = data.rindex(b"xl/media/a.bin") - 46
    data[entry + 24 : entry + 28] = struct.pack("<I", 1000)
    assert _codes(validate(bytes(data), "名册.xlsx", context)) == ["file_unsafe"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\xef\xbb\xbf \r\n", "file_empty"),
        (b"%PDF-1.7 ...", "file_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 ...", "file_damaged"),
        (b"PK\x03\x04 cut short", "file_damaged"),
        ("姓名,身份证号,属期,发放金额(元)\r\n".encode(), "rows_none"),
        ("姓名,身份证号,属期,发放金额(元)\r\n王\0,1,2,3\r\n".encode(), "file_format"),
        (b"a" * 2_000_000, "file_damaged"),
    ],
)
def test_what_is_no_roster_is_refused_with_a_reason(data: bytes, code: str, context: RosterContext) -> None:
    validation = validate(data, "名册.xlsx", context)
    assert _codes(validation) == [code]
    assert not validation.accepted
