"""Columns are known by whatever a bureau calls them, never in another's role; a subsidy's own are asked for."""

from collections.abc import Callable

import pytest

from tests.unit.roster.conftest import FARM_HEADER, HEADER, HOUSEHOLD_HEADER, csv_of, farm_rows_of, rows_of
from yikatong.roster.columns import TITLES, Column, find_header, match_header
from yikatong.roster.context import RosterContext
from yikatong.roster.people import Person
from yikatong.roster.validation import validate

ContextFor = Callable[..., RosterContext]
# The columns of a real roster of a neighbouring system.
PEER = (
    "户主姓名", "户主身份证号", "收款人姓名", "收款人身份证号", "银行账号", "开户银行", "村（居）委会", "小组", "享受人姓名",
    "享受人身份证号", "联系电话", "补贴标准", "补贴金额", "备注",
)  # fmt: skip


def _column(title: str) -> Column | None:
    (column,) = [*match_header([title]).places, None][:1]
    return column


def test_a_peer_systems_roster_is_known_wholly() -> None:
    header = match_header(PEER)
    assert header.unknown == ()
    assert header.doubled == {}
    assert [header.places[column] for column in (Column.HEAD_NAME, Column.PAYEE_ID, Column.NAME, Column.AMOUNT)] == [
        0, 3, 8, 12,
    ]  # fmt: skip
    assert len(header.places) == len(PEER)


@pytest.mark.parametrize(
    ("column", "titles"),
    [
        (
            Column.ID,
            "身份证号 身份证号码 公民身份号码 居民身份证号码 证件号码 享受人身份证号 补贴对象身份证号码 农户身份证号",
        ),
        (Column.NAME, "姓名 享受人 补贴对象姓名 农户姓名 救助对象 护林员姓名 残疾人姓名"),
        (Column.HEAD_NAME, "户主姓名 户主 姓名(户主) 户主（姓名） 家庭户主姓名"),
        (Column.HEAD_ID, "户主身份证号 户主公民身份号码 身份证号码（户主）"),
        (Column.PAYEE_NAME, "收款人 领取人姓名 代领人 监护人姓名"),
        (Column.PAYEE_ID, "收款人身份证号码 领取人证件号码 监护人身份证号"),
        (Column.ACCOUNT, "银行账号 银行卡号 社保卡号 社会保障卡号 一卡通账号 “一卡通”账号 银行账（卡）号 收款人账号"),
        (Column.GROUP, "小组 村民小组 自然屯"),
        (Column.VILLAGE, "村 村组 村（居）委会 行政村 社区"),
        (Column.TELEPHONE, "联系电话 手机 手机号码 联系方式"),
        (Column.QUANTITY, "亩数 补贴面积（亩） 种植面积(亩) 面积"),
        (Column.STANDARD, "补贴标准(元/亩) 标准 每亩补贴标准（元） 补贴标准（元/人·月）"),
        (Column.AMOUNT, "应发金额 实发 补助金额（元） 补贴资金(单位：元) 发放金额/元 实发金额(人民币元)"),
        (Column.SLOT, "属期 年月 月份 发放月份 补贴年度 所属期"),
    ],
)
def test_what_bureaus_write_is_known_in_its_role(column: Column, titles: str) -> None:
    assert {title: _column(title) for title in titles.split(" ")} == dict.fromkeys(titles.split(" "), column)


@pytest.mark.parametrize(
    "title",
    [
        "姓 名",
        "*姓名",
        "姓\r\n名",
        "＊姓名（必填）",
        "【必填】姓名",
        "\ufeff姓名",
        "姓名：",
        "姓名\u200b",
        " 姓名(文本格式) ",
    ],
)
def test_blanks_breaks_asterisks_and_notes_on_the_form_mean_nothing(title: str) -> None:
    assert _column(title) is Column.NAME


@pytest.mark.parametrize(
    "title", ["金额(万元)", "补贴面积（公顷）", "户名", "家庭人口", "与户主关系", "发放日期", "领取人签字"]
)
def test_a_column_in_another_unit_or_that_may_mean_something_else_is_not_guessed_at(title: str) -> None:
    assert _column(title) is None
    assert match_header([title]).unknown


def test_every_name_we_give_a_column_is_known_as_that_column() -> None:
    assert {column: _column(column.label) for column in Column} == {column: column for column in Column}
    assert all(_column(title) is column for column, titles in TITLES.items() for title in titles)


def test_numbering_is_ignored_and_the_rest_is_named_as_it_was_written() -> None:
    assert match_header(["序号", "NO.", "No", "民族ABc"]).unknown == ("民族ABc",)


def test_the_header_is_the_row_that_names_most_columns() -> None:
    rows = [["2023年城市低保发放名册"], ["单位：", "说明"], ["姓名", "身份证号", "金额"], ["王一", "", "1"]]
    found = find_header(rows)
    assert found is not None
    assert (found[0], set(found[1].places)) == (2, {Column.NAME, Column.ID, Column.AMOUNT})


def test_two_telephones_are_no_confusion_but_two_areas_are_where_the_area_is_paid() -> None:
    header = match_header(["联系电话", "手机", "面积", "亩数", "金额", "应发金额"])
    assert set(header.confusing([])) == {Column.AMOUNT}
    assert header.confusing([Column.QUANTITY]) == {Column.QUANTITY: (2, 3), Column.AMOUNT: (4, 5)}


@pytest.mark.parametrize(("number", "lacking"), [(2, ["户主身份证号"]), (39, ["户主身份证号", "补贴标准", "补贴数量"])])
def test_a_roster_without_a_column_its_subsidy_asks_for_is_refused(
    number: int, lacking: list[str], people: list[Person], context_for: ContextFor
) -> None:
    validation = validate(csv_of(rows_of(people)), "名册.csv", context_for(number))
    assert not validation.accepted
    assert [(finding.code, finding.column) for finding in validation.findings] == [
        ("column_missing", column) for column in lacking
    ]


def test_a_blank_an_unreadable_area_and_a_wrong_product_exclude_their_rows_only(
    people: list[Person], context_for: ContextFor
) -> None:
    rows = farm_rows_of(people, slot="2023")
    area, amount, head = len(FARM_HEADER) - 1, HEADER.index("发放金额(元)"), HOUSEHOLD_HEADER.index("户主身份证号")
    rows[0][area], rows[1][area], rows[2][amount], rows[3][head] = "", "十亩", "520.02", ""
    validation = validate(csv_of(rows, FARM_HEADER), "名册.csv", context_for(39))
    assert validation.accepted
    assert [(finding.row, finding.column, finding.code) for finding in validation.findings] == [
        (2, "补贴面积(亩)", "value_missing"),
        (3, "补贴面积(亩)", "quantity_unreadable"),
        (4, "发放金额(元)", "amount_mismatch"),
        (5, "户主身份证号", "id_empty"),
    ]
    assert validation.payable.rows == 36


def test_where_nobody_multiplies_area_and_standard_are_notes(people: list[Person], context: RosterContext) -> None:
    rows = [[*row, "每人", "三口"] for row in rows_of(people)]
    assert validate(csv_of(rows, (*HEADER, "补贴标准", "面积")), "名册.csv", context).payable.rows == 40
