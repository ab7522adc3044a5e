"""The report back to the bureau: a workbook to open beside the roster, and the same as JSON.

Three sheets: the summary, every finding with a filter, and the rows that are not paid, as the bureau wrote them, ready to be
corrected and sent again. Every cell is text: no digit is eaten and no formula runs.
"""

import io
import json
from typing import Any

import polars as pl
import xlsxwriter

from yikatong.money import yuan
from yikatong.roster.findings import RULES, Level
from yikatong.roster.hits import STATUSES
from yikatong.roster.table import Table
from yikatong.roster.validation import Validation

CHINESE_STATUSES = {"payable": "可发放", "held": "暂缓（等卡）", "review": "待审批人确认", "excluded": "剔除"}
# A worksheet ends at 1,048,576 rows; a clerk's patience much sooner.
MAX_CORRECTABLE_ROWS = 100_000
_FINDING_COLUMNS = (("行", 8), ("列", 16), ("处理", 12), ("问题与办法", 80), ("原内容（隐去）", 24), ("代码", 24))


def to_json_bytes(validation: Validation) -> bytes:
    """`Validation.to_json()` as UTF-8 JSON."""
    return json.dumps(validation.to_json(), ensure_ascii=False, indent=1).encode()


def to_xlsx(validation: Validation, *, subject: str, filename: str) -> bytes:
    """The report as a workbook. `subject` is the subsidy and region in Chinese, `filename` the roster's own.

    Only the sheet of rows to be corrected holds personal data in clear: it is the bureau's own file come back.
    """
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        _summary(book, validation, subject, filename)
        _findings(book, validation)
        if validation.table is not None:
            _correctable(book, validation, validation.table)
    return buffer.getvalue()


def _summary(book: Any, validation: Validation, subject: str, filename: str) -> None:
    sheet = book.add_worksheet("汇总")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 3, 18)
    lines: list[tuple[str, ...]] = [
        ("名册检查报告", subject),
        ("文件", filename),
        ("结论", "接收" if validation.accepted else "整份退回，不发放"),
        ("数据行数", str(validation.rows)),
        ("属期", "、".join(validation.slots)),
        (),
        ("处理", "行数", "金额（元）"),
    ]
    for status in STATUSES:
        tally = validation.tallies[status]
        lines.append((CHINESE_STATUSES[status], str(tally.rows), yuan(tally.fen)))
    lines += [(), ("问题", "处理", "次数", "未逐条列出")]
    for code, count in validation.counts_by_code().items():
        rule = RULES[code]
        lines.append((_short(rule.wrong), rule.level.chinese, str(count), str(validation.more.get(code, ""))))
    for index, line in enumerate(lines):
        for place, cell in enumerate(line):
            sheet.write_string(index, place, cell, bold if line[0] in ("名册检查报告", "处理", "问题") else None)


def _short(wrong: str) -> str:
    """A rule's wrong without the parts each finding fills in."""
    return wrong.split("{")[0].rstrip("：（，第 ") or "见“问题”表"


def _findings(book: Any, validation: Validation) -> None:
    sheet = book.add_worksheet("问题")
    _header(book, sheet, _FINDING_COLUMNS)
    for index, finding in enumerate(validation.findings, start=1):
        row = str(finding.row) if finding.row is not None else "整份"
        cells = (row, finding.column or "", finding.level.chinese, finding.message, finding.found_masked, finding.code)
        for place, cell in enumerate(cells):
            sheet.write_string(index, place, cell)
    last = len(validation.findings)
    if validation.more:
        left = sum(validation.more.values())
        sheet.write_string(last + 1, 3, f"同类问题过多，另有 {left} 条没有逐条列出，各类次数见“汇总”。")
    sheet.autofilter(0, 0, max(last, 1), len(_FINDING_COLUMNS) - 1)
    sheet.freeze_panes(1, 0)


def _header(book: Any, sheet: Any, columns: tuple[tuple[str, int], ...]) -> None:
    bold = book.add_format({"bold": True, "bottom": 1})
    for place, (title, width) in enumerate(columns):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, title, bold)


def _correctable(book: Any, validation: Validation, table: Table) -> None:
    """The rows not payable as they stand, in the file's own columns; two columns in front say where and why."""
    sheet = book.add_worksheet("待改正的行")
    titles = [title.strip() or f"第{place + 1}列" for place, title in enumerate(table.header.cells)]
    _header(book, sheet, (("原行号", 8), ("问题", 40), *((title, 20) for title in titles)))
    text = book.add_format({"num_format": "@"})
    wanted = validation.frame.lazy().filter(pl.col("status") != "payable").select("row", "reasons").sort("row")
    rows = wanted.collect()
    shown = rows.head(MAX_CORRECTABLE_ROWS)
    shown = shown.join(table.rows_as_written(shown["row"]), on="row", how="left", maintain_order="left")
    for index, cells in enumerate(shown.iter_rows(), start=1):
        row, reasons, *written = cells
        sheet.write_string(index, 0, str(row))
        sheet.write_string(
            index, 1, "；".join(_short(RULES[code].wrong) for code in reasons.split(",") if _grave(code))
        )
        for place, cell in enumerate(written[: len(titles)], start=2):
            if cell is not None:
                sheet.write_string(index, place, cell[:32_000], text)
    if rows.height > MAX_CORRECTABLE_ROWS:
        sheet.write_string(MAX_CORRECTABLE_ROWS + 1, 1, f"另有 {rows.height - MAX_CORRECTABLE_ROWS} 行没有列出")
    sheet.freeze_panes(1, 0)


def _grave(code: str) -> bool:
    return code in RULES and RULES[code].level is not Level.REMARK


def to_text(validation: Validation, *, limit: int = 50) -> str:
    """The report for a terminal: the verdict, a line per status, a line per finding (at most `limit`, then how many more)."""
    lines = [
        f"{'接收' if validation.accepted else '整份退回'}：{validation.rows} 行，属期 {'、'.join(validation.slots) or '无'}"
    ]
    for status in STATUSES:
        tally = validation.tallies[status]
        lines.append(f"  {CHINESE_STATUSES[status]}\t{tally.rows} 行\t{yuan(tally.fen)} 元")
    for finding in validation.findings[:limit]:
        place = f"第{finding.row}行" if finding.row is not None else "整份"
        column = f"“{finding.column}”" if finding.column else ""
        found = f"（{finding.found_masked}）" if finding.found_masked else ""
        lines.append(f"{finding.level.chinese}\t{place}{column}{found}：{finding.message} [{finding.code}]")
    left = len(validation.findings) - limit + sum(validation.more.values())
    if left > 0:
        lines.append(f"……另有 {left} 条，用 --format json 或 xlsx 查看")
    return "\n".join(lines)
