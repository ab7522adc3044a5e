"""What a clerk is told to do next, in plain Chinese: the same words on the report's first page and on the terminal.

Which rows the clerk corrects is decided here. Only excluded rows that a correction can make payable: a row held for its card
and one for review stand in their batch and are paid out of it, and sent again they would be there twice. Nor those that
must not be paid however they are written: the second of two that are alike, those paid already, those who died.
"""

from collections.abc import Iterable

import polars as pl

from yikatong.roster.findings import Level
from yikatong.roster.validation import Validation

CHINESE_STATUSES = {"payable": "可发放", "held": "暂缓", "review": "待复核", "excluded": "剔除"}
FATES = {
    "payable": "审批后按计划发放。",
    "held": "等社会保障卡：审批后，发放那天卡已正常的照发，以后办好的自动补发，不必另报。",
    "review": "审批人逐行确认后才发，没有确认的不发。",
    "excluded": "不发放，其他行照发。",
}
ROWS_SHEET = "名册"
"""The sheet of rows to be corrected is named so that the reader chooses it: the report itself can be sent."""
NOTHING_TO_CORRECT = (
    "repeated_identical",
    "already_claimed",
    "reissued_already",
    "exclusive_claimed",
    "deceased_before_slot",
)
MAX_CORRECTABLE_CELLS = 1_000_000
"""Rows by columns: a workbook is made in memory, at some 200 bytes a cell, and a clerk's patience ends much sooner."""


def rows_to_correct(validation: Validation) -> pl.Series:
    """The rows (as the clerk counts, in the order to be shown) that, once corrected, can be sent by themselves.

    Of an accepted roster its excluded rows. A roster refused for its many mistakes is sent again whole, so all its rows are
    wanted, those with mistakes first. Empty where the file itself must be put right, or where they are too many to be shown:
    some of them, sent again, would pass for all.
    """
    rows = _correctable(validation)
    return rows.clear() if _too_many(rows, validation) else rows


def _too_many(rows: pl.Series, validation: Validation) -> bool:
    return validation.table is not None and len(rows) * len(validation.table.header.cells) > MAX_CORRECTABLE_CELLS


def _correctable(validation: Validation) -> pl.Series:
    refusals = [finding.code for finding in validation.findings if finding.level is Level.REFUSE]
    # A total that does not add up would not be looked at any more in a sheet without it.
    if validation.table is None or any(code != "excluded_too_many" for code in refusals):
        return pl.Series("row", [], pl.Int32)
    excluded = pl.col("status") == "excluded"
    wanted = excluded if validation.accepted else pl.lit(True)
    never = pl.col("reasons").cast(pl.String).str.contains_any(list(NOTHING_TO_CORRECT))
    rows = validation.frame.lazy().filter(wanted & ~never).select("row", fine=~excluded)
    return rows.sort("fine", "row").collect()["row"]


_NOT_COPIED = "内容太多，报告里一行也没有抄出：请对照“问题”在原名册里"


def verdict(validation: Validation) -> str:
    """What the roster came to, in one sentence."""
    if not validation.accepted:
        return "整份退回，一行也不发放"
    rest = validation.rows - validation.payable.rows
    if not rest:
        return f"可以接收，{validation.rows} 行全部可发放"
    return f"可以接收：{validation.payable.rows} 行可发放，{rest} 行现在不能发放"


def next_steps(validation: Validation) -> list[str]:
    """What to do about it, the most pressing first."""
    if not validation.accepted:
        return list(_after_refusal(validation))
    steps = list(_after_acceptance(validation))
    return steps or ["没有要改的：还没有报送的可以报送，已经报送的等审批。"]


def _after_refusal(validation: Validation) -> Iterable[str]:
    rows = _correctable(validation)
    if _too_many(rows, validation):
        yield f"要改的连同无误的共 {len(rows)} 行，{_NOT_COPIED}改好，再检查一遍，然后整份重新报送。"
    elif len(rows):
        yield (
            "请改好后整份重新报送。可以在原名册里改；也可以在 XLSX 报告的“名册”表里改（全部的行都在，有问题的排在最前，要改的格子"
            "是黄色），改好保存，直接报送报告这个文件。"
        )
    elif validation.table is None:
        yield "请按下列“整份退回”的办法把文件改好，再检查一遍，然后重新报送。文件没有读完，改好后可能还会查出别的问题。"
    else:
        yield "请在原名册里把“整份退回”的各条和其他问题一并改好，再检查一遍，然后整份重新报送。"


def _after_acceptance(validation: Validation) -> Iterable[str]:
    rows = _correctable(validation)
    correctable = len(rows)
    if _too_many(rows, validation):
        yield f"剔除的有 {correctable} 行要改，{_NOT_COPIED}改，只留这几行，另存为新文件名报送；还没有报送的，改好整份报送。"
    elif correctable:
        yield (
            f"剔除的有 {correctable} 行要改。还没有报送的，在原名册里改好再报送。已经报送的，在 XLSX 报告的“名册”表里改好"
            "（只有这几行，要改的格子是黄色；不再报送的请删除整行），保存后直接报送报告这个文件，文件名不要与原名册相同。"
        )
    if left := validation.excluded.rows - correctable:
        yield f"剔除的{'另' if correctable else ''}有 {left} 行不用改，也不发放：完全重复、已经发放、已领互斥补贴或已去世。"
    if validation.held.rows:
        yield (
            f"暂缓的 {validation.held.rows} 行不用改，也不必另报：请通知本人办好社会保障卡。名册审批后，发放那天卡已正常的照发，"
            "以后办好的在审批有效期内自动补发；过了有效期才要列入新的名册。"
        )
    if validation.review.rows:
        yield (
            f"待复核的 {validation.review.rows} 行请核实：没有错的，由审批人逐行确认；写错了的，在原名册里改正，"
            "用原来的文件名再报一次（更正）。"
        )
