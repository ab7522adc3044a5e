"""docs/名册检查规则.md, written from the closed list of findings, so that it cannot drift (`yikatong roster rules`).

A code whose text is filled in by a check needs something to show there; one without fails here, and in the tests.
"""

import re
from collections.abc import Mapping

from yikatong.roster.columns import Column
from yikatong.roster.findings import RULES, Level, Rule
from yikatong.roster.hits import mask_cell

_MEANS = {
    Level.REFUSE: "名册整份不接收，须修改后重新上传；下列其他问题能一并查出的也会列出。",
    Level.EXCLUDE: "这一行不发放；其余的行照发。剔除的行超过一成时，整份退回（完全相同的重复行不计）。",
    Level.HOLD: "这一行因社会保障卡的状态暂不发放；发放时再查一次，卡已办好的照发；以后在审批有效期内办好的自动补发，不必另报。",
    Level.REVIEW: "这一行由审批人逐人确认后发放；不确认的不发。",
    Level.REMARK: "照发，请留意。名册中的写法凡经统一的，都在这里说明。",
}
_HEAD = """# 名册检查规则

本文由程序按实际使用的规则生成，请勿手工修改：`yikatong roster rules --overwrite --out docs/名册检查规则.md`。

报告中的每一条都有代码、级别、行号、列名、找到的内容（打码）、问题和办法。行号是电子表格软件里看到的行号；没有行号的是针对整份文件。
一行有几个问题时，按最重的级别处理。示例中的人和号码都是虚构的。
"""
# What the checks fill in: by name, and where a name means different things, by code.
_FILLED: Mapping[str, object] = {
    "added": "6240.00",
    "aliases": "身份证号码、公民身份号码",
    "amount": "700.00",
    "batch": "urban-minimum-living…",
    "columns": 16384,
    "count": 2,
    "decimals": 4,
    "detail": "PDF 文件",
    "example": "2023-06",
    "excluded": 40,
    "expected": "身份证号",
    "first": 5,
    "found": "姓名、属期、发放金额(元)",
    "frequency": "1次/月",
    "limit": "100000.00",
    "limit_mb": 256,
    "line": 5,
    "looked": 20,
    "named": "南岗区",
    "names": "“6月”、“补发”",
    "on": "2023-05-02",
    "other": "批次 urban-minimum-living.formal.230102.7c2e8f0a1b3d5e69（2023-06-05 收到，校验完成，待审批）",
    "places": "4、5",
    "product": "714.50",
    "quantity": "10",
    "region": "道里区",
    "rows": "5、26",
    "sheet": "“7月”",
    "slot": "2023-06",
    "standard": "71.45",
    "subsidy": "城市特困人员生活补贴",
    "written": "6240.01",
}
_FILLED_IN: Mapping[str, Mapping[str, object]] = {
    "file_damaged": {"detail": "文件不完整，上传可能中断过"},
    "file_unsafe": {"detail": "含有宏"},
    "header_missing": {"expected": "姓名、身份证号、属期、发放金额(元)"},
    "column_doubled": {"expected": "发放金额(元)"},
    "column_ignored": {"found": "民族"},
    "sheet_missing": {"found": "“6月”、“补发”"},
    "sheet_too_wide": {"rows": 1_048_576},
    "rows_too_many": {"limit": 2_000_000},
    "slots_too_many": {"count": 731},
    "day_not_payable": {"detail": "玉米生产者补贴的正式发放时间是 2023-08-01 至 2023-09-30，2023-10-10 晚于这一时间"},
    "excluded_too_many": {"rows": 300},
    "name_too_long": {"limit": 50},
    "slot_not_payable": {"detail": "属期 2023-01 不在可发放的属期 2023-04 至 2023-08 之内"},
    "slot_unplanned": {"detail": "属期 2024-01 不在任何已发布计划的发放属期之内，须由审批人逐项确认未在别处发放"},
    "age_implausible": {"limit": 120},
    "totals_dropped": {"written": "6240.00"},
}
# What such a cell may hold.
_CELLS: Mapping[str, tuple[Column, str]] = {
    "id_numeric": (Column.ID, "230102199001011000"),
    "id_length": (Column.ID, "2301021990010112"),
    "id_characters": (Column.ID, "23O102199001011234"),
    "id_date": (Column.ID, "230102199002301234"),
    "id_check_digit": (Column.ID, "230102199001011234"),
    "name_formula": (Column.NAME, "=王小二"),
    "name_damaged": (Column.NAME, "王?"),
    "account_numeric": (Column.ACCOUNT, "6231000000000000000"),
    "amount_unreadable": (Column.AMOUNT, "1.2.0"),
    "amount_decimals": (Column.AMOUNT, "520.125"),
    "amount_not_positive": (Column.AMOUNT, "-520.00"),
    "slot_unreadable": (Column.SLOT, "六月份"),
    "slot_not_payable": (Column.SLOT, "2023-01"),
    "slot_unplanned": (Column.SLOT, "2024-01"),
    "amount_over_limit": (Column.AMOUNT, "100000.01"),
    "card_name_differs": (Column.NAME, "王小二"),
    "id_normalised": (Column.ID, "23010219900101002x"),
    "id_upgraded": (Column.ID, "230102900101123"),
    "amount_normalised": (Column.AMOUNT, "1,520.00"),
    "slot_normalised": (Column.SLOT, "2023年6月"),
    "account_normalised": (Column.ACCOUNT, "6231 0000 0000 0000 123"),
}  # fmt: skip


def findings_document() -> str:
    """Every rule by level, the gravest first, as Markdown."""
    parts = [_HEAD]
    for level in Level:
        rules = [rule for rule in RULES.values() if rule.level is level]
        parts.append(f"\n## {level.chinese}（{level}，{len(rules)} 条）\n\n{_MEANS[level]}\n")
        parts.append("\n| 代码 | 问题 | 办法 | 示例 |\n|---|---|---|---|\n")
        parts += [_line(rule) for rule in rules]
    return "".join(parts)


def _line(rule: Rule) -> str:
    cells = (f"`{rule.code}`", _blanked(rule.wrong), _blanked(rule.cure), _example(rule))
    return f"| {' | '.join(cell.replace('|', '｜') for cell in cells)} |\n"


def _blanked(text: str) -> str:
    """The text with an ellipsis where a check fills something in."""
    return re.sub(r"\{[a-z_]+\}", "…", text)


def _example(rule: Rule) -> str:
    """What the bureau would read: the cell as it is shown, and the text filled in where it is."""
    column, cell = _CELLS.get(rule.code, (None, ""))
    # As code: its stars would be emphasis to Markdown.
    found = f"{column.label} `{mask_cell(column, cell)}`" if column is not None else ""
    details = {**_FILLED, **_FILLED_IN.get(rule.code, {})}
    said = rule.wrong.format(**details) if "{" in rule.wrong else ""
    return "：".join(part for part in (found, said) if part)
