"""The result report: every row of the roster once, with what became of it and why."""

import io

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from yikatong.result_report import outcomes, to_xlsx
from yikatong.roster.columns import Column
from yikatong.roster.findings import RULES, Unreadable, in_words
from yikatong.roster.reading import read_table
from yikatong.selection import SELECTION_COLUMNS

ROWS = {
    # row: (frozen status, reasons, selection outcome, selection reason, payment state, bank reason)
    2: ("payable", "", "sent", "", "SETTLED", None),
    3: ("payable", "", "sent", "card_financial_inactive", "SETTLED", None),
    4: ("payable", "", "sent", "", "REJECTED", "account_closed"),
    5: ("payable", "", "sent", "", "RETURNED", "account_frozen"),
    6: ("payable", "", "sent", "", "IN_DOUBT", None),
    7: ("payable", "", "sent", "", "FROZEN", None),
    8: ("payable", "", "not_sent", "claimed_elsewhere", None, None),
    9: ("held", "card_lost", "held", "card_lost", None, None),
    10: ("excluded", "id_check_digit", None, None, None, None),
    11: ("review", "card_name_differs", None, None, None, None),
}
PERSON = {
    "beneficiary_id": "230102199402164027",
    "beneficiary_name": "杨兰雪",
    "payee_id": "230102199402164027",
    "payee_name": "杨兰雪",
}
AGAIN = "--number 2 --region 230102 --reissue A"
EXPECTED = {
    2: ("入账", ""),
    3: ("入账", "收款人社会保障卡的金融账户未激活，可以入账但不能支取"),
    4: ("拒付", "账户已注销"),
    5: ("退票", "账户冻结或状态异常"),
    6: ("在途", "银行尚未答复，正在查询"),
    7: ("在途", "银行答复前后矛盾，已冻结，待人工核实"),
    8: ("未发", "同一人（户）同一属期已由另一批次发放"),
    9: ("暂缓", "收款人的社会保障卡已挂失"),
    10: ("剔除", "身份证号末位校验不符，至少有一位录错"),
    11: ("剔除", "审批人未确认：收款人姓名与社会保障卡登记的姓名不一致"),
}


def frames() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    frozen = pl.DataFrame(
        [
            {
                "row": row,
                **PERSON,
                "slot": "2023-06",
                "amount_fen": 62450,
                "account": None,
                "status": status,
                "reasons": reasons,
            }
            for row, (status, reasons, *_) in ROWS.items()
        ],
        schema_overrides={"row": pl.Int32},
    )
    chosen = [
        {
            "row": row,
            **PERSON,
            "key": PERSON["beneficiary_id"],
            "slot": "2023-06",
            "amount_fen": 62450,
            "pay_account": "6231000000003931",
            "outcome": outcome,
            "reason": reason,
        }
        for row, (_, _, outcome, reason, _, _) in ROWS.items()
        if outcome
    ]
    selection = pl.DataFrame(chosen, schema={name: SELECTION_COLUMNS[name] for name in chosen[0]})
    states = [
        {
            "row": row,
            "state": state,
            "reason": reason,
            "settled_on": None,
            "returned_on": None,
            "failed_by": {"REJECTED": "enquired", "RETURNED": "delivered"}.get(state),
        }
        for row, (*_, state, reason) in ROWS.items()
        if state
    ]
    kinds = {"row": pl.Int32, "state": pl.String, "reason": pl.String, "settled_on": pl.Date, "returned_on": pl.Date}
    kinds |= {"failed_by": pl.String}
    return frozen, selection, pl.DataFrame(states, schema=kinds)


def test_every_row_is_told_once_with_what_became_of_it_and_why() -> None:
    sheet = (
        CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx("低保", *frames(), AGAIN))).get_sheet_by_index(0).to_python()
    )
    told = {int(str(line[0])): (line[5], line[6]) for line in sheet[2:]}
    assert told == EXPECTED


def test_the_report_masks_ids_and_accounts() -> None:
    data = to_xlsx("低保", *frames(), AGAIN)
    cells = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    text = "|".join(str(cell) for line in cells for cell in line)
    assert "230102199402164027" not in text
    assert "6231000000003931" not in text
    assert "3931" in text


def test_a_number_in_the_place_of_a_name_is_masked() -> None:
    frozen, selection, settled = frames()
    swapped = frozen.with_columns(beneficiary_name=pl.lit("230102199402164027"), payee_name=pl.lit("6231000000003931"))
    data = to_xlsx("低保", swapped, selection, settled, AGAIN)
    cells = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    text = "|".join(str(cell) for line in cells for cell in line)
    assert "230102199402164027" not in text
    assert "6231000000003931" not in text


def test_the_workbook_read_as_a_roster_is_exactly_the_failed_payments_and_nothing_is_said_of_the_other_sheet() -> None:
    table = read_table(to_xlsx("低保", *frames(), AGAIN))
    cells = pl.concat(read().frame for read in table.lines)
    wanted = (Column.NAME, Column.ID, Column.PAYEE_NAME, Column.SLOT, Column.AMOUNT)
    shown = cells.select(f"c{table.header.places[column]}" for column in wanted).rows()
    assert shown == [("杨兰雪", "230102199402164027", None, "2023-06", "624.50")] * 2
    assert table.remarks == ()
    assert table.header.unknown == ()


def test_the_sheet_to_send_says_how_it_is_sent_why_each_failed_and_what_is_not_final_yet() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx("低保", *frames(), AGAIN)))
    how, header, rejected, returned = book.get_sheet_by_name("名册").to_python()
    assert str(how[0]).endswith(f"yikatong send 本文件 {AGAIN}")
    why = header.index("要改正的问题")
    assert str(rejected[why]).startswith("账户已注销（查询得知")
    assert (returned[why], returned[header.index("原行号")]) == ("账户冻结或状态异常", "5")


def test_a_household_and_a_payee_are_named_where_they_are_somebody_else() -> None:
    frozen, selection, settled = frames()
    household = selection.with_columns(
        key=pl.lit("230102196001010013"), payee_id=pl.lit("230102196001010013"), payee_name=pl.lit("杨父")
    )
    table = read_table(to_xlsx("低保", frozen, household, settled, AGAIN))
    assert {Column.HEAD_ID, Column.PAYEE_ID} <= table.header.places.keys()
    assert Column.HEAD_ID not in read_table(to_xlsx("低保", *frames(), AGAIN)).header.places


def test_too_many_to_be_copied_out_are_said_to_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of them, sent again, would pass for all."""
    monkeypatch.setattr("yikatong.result_report.MAX_CORRECTABLE_CELLS", 19)
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx("低保", *frames(), AGAIN)))
    assert book.sheet_names == ["发放结果"]
    assert "拒付和退票的 2 行太多" in str(book.get_sheet_by_index(0).to_python()[0][0])


def test_where_nothing_failed_there_is_no_sheet_to_send() -> None:
    frozen, selection, settled = frames()
    paid = settled.with_columns(state=pl.lit("SETTLED"))
    data = to_xlsx("低保", frozen, selection, paid, AGAIN)
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).sheet_names == ["发放结果"]
    with pytest.raises(Unreadable):
        read_table(data)


def test_no_row_is_lost_or_told_twice() -> None:
    assert outcomes(*frames())["row"].to_list() == list(ROWS)


@pytest.mark.parametrize("code", list(RULES))
def test_every_finding_has_words_of_its_own_without_what_a_check_would_fill_in(code: str) -> None:
    words = in_words(code)
    assert words
    assert "{" not in words
    assert "}" not in words
