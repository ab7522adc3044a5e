"""What became of every row of a roster, as a workbook for the bureau: paid, or not, and why.

Written when a batch has been settled, and again when a late answer or a return changes it. It holds the bureau's own
people; id numbers and accounts are masked, since the row number leads back to the roster. Where payments failed, a second
sheet is a roster of exactly these, in clear: corrected and saved, the workbook is sent as it is, as a reissue (PROTOCOL B5).
"""

import re
from typing import Any

import polars as pl

from yikatong.bank.codes import reason as bank_reason
from yikatong.closing import OUTCOMES
from yikatong.masking import account_tail, mask_id, mask_text
from yikatong.money import yuan
from yikatong.roster.advice import MAX_CORRECTABLE_CELLS, ROWS_SHEET
from yikatong.roster.columns import REPORT_COLUMNS, REQUIRED, Column
from yikatong.roster.findings import RULES, in_words
from yikatong.selection import (
    ACCOUNT_OF_ANOTHER,
    CLAIMED_ELSEWHERE,
    MORE_THAN_FAILED,
    NOT_FAILED,
    SLOT_OUTSIDE_WINDOW,
)
from yikatong.states import PaymentState
from yikatong.text_workbook import TEXT_FORMAT, add_sheet, workbook_of, write_text

HEADINGS = (
    ("行", 8),
    ("享受人姓名", 14),
    ("身份证号（隐去）", 22),
    ("哪一期", 12),
    ("多少元", 14),
    ("去向", 10),
    ("原因", 60),
    ("入账日期", 12),
    ("发给谁", 14),
    ("账号尾号", 10),
)
"""No two of them name columns of a roster, or the sheet would be taken for one when the workbook is sent."""
_ALWAYS = (
    *(column.label for column in (*REQUIRED, Column.PAYEE_NAME, Column.PAYEE_ID)),
    *REPORT_COLUMNS,
)
_ROSTER = (
    *(column.label for column in (Column.NAME, Column.ID, Column.PAYEE_NAME, Column.PAYEE_ID, Column.HEAD_ID)),
    *(column.label for column in (Column.ACCOUNT, Column.SLOT, Column.AMOUNT)),
    *REPORT_COLUMNS,
)
_HOW_TO_SEND = (
    "拒付和退票的都在下面：改正收款人或账号，不再发的删去整行；身份证号和属期不要改，金额只能改小。保存后报送补发："
)
_NOT_DELIVERED = "（查询得知，银行还没有送来回执：过了银行的期限才能补发）"
MAX_ROWS = 1_000_000
"""A worksheet ends at 1,048,576 rows; the whole is in the lake."""
NOT_SENT = {
    SLOT_OUTSIDE_WINDOW: "发放时属期已不在可发放的范围内",
    CLAIMED_ELSEWHERE: "同一人（户）同一属期已由另一批次发放",
    ACCOUNT_OF_ANOTHER: "同一银行账号本属期已发给另一人，请核对身份证号和账号",
    NOT_FAILED: "原批次里没有本人这一属期已最终失败的支付",
    MORE_THAN_FAILED: "金额大于失败的那笔支付",
}
_OUTCOME_OF = {
    PaymentState.SETTLED.value: "settled",
    PaymentState.REJECTED.value: "rejected",
    PaymentState.RETURNED.value: "returned",
    PaymentState.IN_DOUBT.value: "in_doubt",
    PaymentState.FROZEN.value: "in_doubt",
}


def outcomes(frozen: pl.DataFrame, selection: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """One line per roster row, in the roster's order: `outcome` (a key of `closing.OUTCOMES`) and `why` (a code or empty).

    `frozen` is the frozen roster, `selection` what the claim step decided, `settled` the settlement.
    """
    chosen = selection.select("row", "pay_account", pl.col("outcome").alias("chosen"), "reason")
    states = settled.select("row", "state", pl.col("reason").alias("bank_reason"), "settled_on", "returned_on")
    joined = frozen.join(chosen, on="row", how="left").join(states, on="row", how="left").sort("row")
    by_state = pl.col("state").replace_strict(_OUTCOME_OF, default=None, return_dtype=pl.String)
    return joined.with_columns(
        outcome=pl.coalesce(by_state, pl.col("chosen"), pl.lit("excluded")),
        why=pl.when(pl.col("state").is_not_null())
        .then(pl.coalesce("bank_reason", "reason"))
        .otherwise(pl.coalesce("reason", "reasons"))
        .fill_null(""),
    )


def to_xlsx(title: str, frozen: pl.DataFrame, selection: pl.DataFrame, settled: pl.DataFrame, again: str) -> bytes:
    """The workbook, all cells text: a sheet for every row, with a filter over the headings, and one of the failed payments.

    `title` names subsidy, region and batch; `again` are the options of `yikatong send` that say what is paid again.
    """

    def write(book: Any) -> None:
        failed = failed_rows(frozen, selection, settled)
        too_many = failed.height * len(_ROSTER) > MAX_CORRECTABLE_CELLS
        left_out = f"；拒付和退票的 {failed.height} 行太多，没有抄成“名册”表，请从原名册中挑出补发" if too_many else ""
        _results(book, title + left_out, frozen, selection, settled)
        if failed.height and not too_many:
            _failed(book, failed, again)

    return workbook_of(write)


def _results(book: Any, title: str, frozen: pl.DataFrame, selection: pl.DataFrame, settled: pl.DataFrame) -> None:
    sheet = add_sheet(book, "发放结果")
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    write_text(sheet, 0, 0, title, bold)
    for column, (heading, width) in enumerate(HEADINGS):
        sheet.set_column(column, column, width)
        write_text(sheet, 1, column, heading, bold)
    lines = outcomes(frozen, selection, settled).head(MAX_ROWS)
    for index, row in enumerate(lines.iter_rows(named=True), start=2):
        for column, cell in enumerate(_cells(row)):
            write_text(sheet, index, column, cell, wrapped)
    if lines.height < frozen.height:
        write_text(sheet, lines.height + 2, 0, f"只列前 {MAX_ROWS} 行，共 {frozen.height} 行", bold)
    sheet.autofilter(1, 0, 1 + lines.height, len(HEADINGS) - 1)
    sheet.freeze_panes(2, 0)


def failed_rows(frozen: pl.DataFrame, selection: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """The rejected and returned payments in the order of the roster: the selection's columns, `account`, `why`, `failed_by`."""
    states = settled.filter(pl.col("state").is_in([PaymentState.REJECTED.value, PaymentState.RETURNED.value]))
    answers = states.select("row", "failed_by", why="reason")
    return (
        selection.drop("reason")
        .join(answers, on="row", how="inner")
        .join(frozen.select("row", "account"), on="row", how="left")
        .sort("row")
    )


def _failed(book: Any, failed: pl.DataFrame, again: str) -> None:
    """In a roster's form, under words that say how to send it. Columns in which nobody has anything are left out."""
    sheet = add_sheet(book, ROWS_SHEET)
    bold, text = (
        book.add_format({"bold": True, "num_format": TEXT_FORMAT}),
        book.add_format({"num_format": TEXT_FORMAT}),
    )
    rows = [_roster_cells(row) for row in failed.iter_rows(named=True)]
    titles = [title for title in _ROSTER if title in _ALWAYS or any(row.get(title) for row in rows)]
    write_text(sheet, 0, 0, f"{_HOW_TO_SEND}yikatong send 本文件 {again}", bold)
    for place, title in enumerate(titles):
        sheet.set_column(place, place, 60 if title == REPORT_COLUMNS[-1] else 20, text)
        write_text(sheet, 1, place, title, bold)
    for index, row in enumerate(rows, start=2):
        for place, title in enumerate(titles):
            if row.get(title):
                write_text(sheet, index, place, row[title], text)
    sheet.freeze_panes(2, 0)


def _roster_cells(row: dict[str, Any]) -> dict[str, str]:
    """A failed payment's cells by their titles. Who is paid is named only where that is somebody else."""
    own = row["payee_id"] == row["beneficiary_id"]
    why = bank_reason(row["why"]).title if row["why"] else ""
    return {
        Column.NAME.label: row["beneficiary_name"],
        Column.ID.label: row["beneficiary_id"],
        Column.PAYEE_NAME.label: "" if own else row["payee_name"],
        Column.PAYEE_ID.label: "" if own else row["payee_id"],
        Column.HEAD_ID.label: "" if row["key"] == row["beneficiary_id"] else row["key"],
        Column.ACCOUNT.label: row["account"] or "",
        Column.SLOT.label: row["slot"],
        Column.AMOUNT.label: yuan(row["amount_fen"]),
        REPORT_COLUMNS[0]: str(row["row"]),
        REPORT_COLUMNS[1]: why + ("" if row["failed_by"] == "delivered" else _NOT_DELIVERED),
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(row["row"]),
        _name(row["beneficiary_name"]),
        mask_id(row["beneficiary_id"]) if row["beneficiary_id"] else "",
        row["slot"] or "",
        yuan(row["amount_fen"]) if row["amount_fen"] is not None else "",
        OUTCOMES[row["outcome"] if row["outcome"] != "sent" else "waiting"],
        why_in_words(row["outcome"], row["why"], frozen=row["state"] == PaymentState.FROZEN.value),
        str(row["settled_on"] or ""),
        _name(row["payee_name"]),
        account_tail(row["pay_account"]),
    )


def _name(written: str | None) -> str:
    """A name as it was written, unless a number stands in its place: columns may have been swapped."""
    return mask_text(written) if written and re.search("[0-9]{6}", written) else written or ""


def why_in_words(outcome: str, code: str, *, frozen: bool = False) -> str:
    """The reason in Chinese; for an excluded row the report of the validation says more."""
    if frozen:
        return "银行答复前后矛盾，已冻结，待人工核实"
    if outcome in ("rejected", "returned"):
        return bank_reason(code).title if code else ""
    if outcome == "in_doubt":
        return "银行尚未答复，正在查询"
    if outcome == "not_sent":
        return NOT_SENT.get(code, code)
    first = code.split(",")[0]
    if first not in RULES:
        return ""
    words = in_words(first)
    return f"审批人未确认：{words}" if outcome == "excluded" and RULES[first].level == "review" else words
