"""What became of every row of a roster, as a workbook for the bureau: paid, or not, and why.

Written when a batch has been settled, and again when a late answer or a return changes it. It holds the bureau's own
people; id numbers and accounts are masked, since the row number leads back to the roster.
"""

import re
from typing import Any

import polars as pl

from yikatong.bank.codes import reason as bank_reason
from yikatong.closing import OUTCOMES
from yikatong.masking import mask_account, mask_id, mask_text
from yikatong.money import yuan
from yikatong.roster.findings import RULES, in_words
from yikatong.selection import ACCOUNT_OF_ANOTHER, CLAIMED_ELSEWHERE, SLOT_OUTSIDE_WINDOW
from yikatong.states import PaymentState
from yikatong.text_workbook import add_sheet, workbook_of, write_text

HEADINGS = (
    ("行", 8),
    ("享受人姓名", 14),
    ("身份证号（隐去）", 22),
    ("属期", 12),
    ("金额（元）", 14),
    ("去向", 10),
    ("原因", 60),
    ("入账日期", 12),
    ("收款人姓名", 14),
    ("账号尾号", 10),
)
MAX_ROWS = 1_000_000
"""A worksheet ends at 1,048,576 rows; the whole is in the lake."""
NOT_SENT = {
    SLOT_OUTSIDE_WINDOW: "发放时属期已不在可发放的范围内",
    CLAIMED_ELSEWHERE: "同一人（户）同一属期已由另一批次发放",
    ACCOUNT_OF_ANOTHER: "同一银行账号本属期已发给另一人，请核对身份证号和账号",
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


def to_xlsx(title: str, frozen: pl.DataFrame, selection: pl.DataFrame, settled: pl.DataFrame) -> bytes:
    """The workbook: one sheet, text cells, a filter over the headings; `title` names subsidy, region and batch."""

    def write(book: Any) -> None:
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

    return workbook_of(write)


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
        mask_account(row["pay_account"])[-4:] if row["pay_account"] else "",
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
