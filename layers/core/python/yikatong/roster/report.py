"""The report back to the bureau: a workbook to open beside the roster, and the same as JSON.

Three sheets: the summary with what to do next, every finding with a filter, and the rows to be corrected, as the bureau wrote
them. This last one is a roster itself: corrected and saved, the report is sent as it is, and pays exactly these rows.
"""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from yikatong.file_names import file_name_shown
from yikatong.money import in_yuan
from yikatong.roster.advice import CHINESE_STATUSES, FATES, ROWS_SHEET, next_steps, rows_to_correct, verdict
from yikatong.roster.columns import REPORT_COLUMNS
from yikatong.roster.findings import RULES, WITHOUT_DETAILS, Finding, Level, in_words
from yikatong.roster.hits import STATUSES
from yikatong.roster.table import Table
from yikatong.roster.validation import Tally, Validation
from yikatong.text_workbook import TEXT_FORMAT, add_sheet, workbook_of, write_text

SUMMARY_SHEET, FINDINGS_SHEET = "汇总", "问题"
# The level is told in words as well: colours are not printed, and not everybody sees them.
COLOURS = {
    Level.REFUSE: "#F4B6B6",
    Level.EXCLUDE: "#F8CBAD",
    Level.HOLD: "#BDD7EE",
    Level.REVIEW: "#FFE699",
    Level.REMARK: "#EDEDED",
}
_STATUS_LEVELS = {"held": Level.HOLD, "review": Level.REVIEW, "excluded": Level.EXCLUDE}
_FINDING_COLUMNS = (
    ("行", 8),
    ("列", 16),
    ("处理", 10),
    ("问题", 46),
    ("怎么办", 46),
    ("原内容（隐去）", 24),
    ("代码", 24),
)
_SUMMARY_WIDTHS = (14, 12, 20, 84)
_LINE_HEIGHT = 18
_ACCEPTED, _TO_CORRECT = "#C6E0B4", "#FFFF99"
_LOST_DIGITS = ("id_numeric", "account_numeric")


def to_json_bytes(validation: Validation) -> bytes:
    """`Validation.to_json()` as UTF-8 JSON."""
    return json.dumps(validation.to_json(), ensure_ascii=False, indent=1).encode()


def to_xlsx(validation: Validation, *, subject: str, filename: str) -> bytes:
    """The report as a workbook. `subject` is the subsidy and region in Chinese, `filename` the roster's own.

    Only the sheet of rows to be corrected holds personal data in clear: it is the bureau's own file come back.
    """

    def write(book: Any) -> None:
        _summary(book, validation, subject, filename)
        _findings(book, validation)
        rows = rows_to_correct(validation)
        if validation.table is not None and len(rows):
            _to_correct(book, validation, validation.table, rows)

    return workbook_of(write)


def _summary(book: Any, validation: Validation, subject: str, filename: str) -> None:
    sheet = add_sheet(book, SUMMARY_SHEET)
    for place, width in enumerate(_SUMMARY_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    styles = _Styles(book)
    plain = styles.of(text_wrap=True, valign="top")
    colour = _ACCEPTED if validation.accepted else COLOURS[Level.REFUSE]
    outcome = styles.of(text_wrap=True, valign="top", bold=True, bg_color=colour)
    lines = [
        ("名册检查报告", subject, plain),
        ("文件", file_name_shown(filename), plain),
        ("属期", "、".join(validation.slots) or "—", plain),
        ("结论", verdict(validation), outcome),
        *((f"接下来 {index}", step, plain) for index, step in enumerate(next_steps(validation), start=1)),
    ]
    for row, (title, text, form) in enumerate(lines):
        write_text(sheet, row, 0, title, styles.of(bold=True, valign="top"))
        _across(sheet, row, text, form)
    # No row of these may name two columns of a roster, or the sheet would be taken for one.
    row = _block(sheet, len(lines) + 1, styles, ("处理", "行数", "共多少元", "怎样处理"), list(_tallies(validation)))
    if problems := list(_problems(validation)):
        _block(sheet, row + 1, styles, ("处理", "次数", "其中没有逐条列出", "问题"), problems)


def _across(sheet: Any, row: int, text: str, wrapped: Any) -> None:
    """A text over all columns but the first, in as many lines as it needs."""
    sheet.merge_range(row, 1, row, len(_SUMMARY_WIDTHS) - 1, "", wrapped)
    write_text(sheet, row, 1, text, wrapped)
    # A spreadsheet makes no room by itself for what stands in merged cells; a Chinese character takes two places.
    lines = -(-len(text) * 2 // sum(_SUMMARY_WIDTHS[1:]))
    sheet.set_row(row, _LINE_HEIGHT * max(1, lines))


def _tallies(validation: Validation) -> Iterator[tuple[Level | None, tuple[str, ...]]]:
    """Every status with its rows and sum, and all together."""
    for status in STATUSES:
        tally = validation.tallies[status]
        fate = FATES[status] if validation.accepted else "整份退回，现在不发放。"
        line = (CHINESE_STATUSES[status], str(tally.rows), in_yuan(tally.fen), fate if tally.rows else "")
        yield _STATUS_LEVELS.get(status) if tally.rows else None, line
    every = [validation.tallies[status] for status in STATUSES]
    whole = Tally(sum(tally.rows for tally in every), sum(tally.fen for tally in every))
    yield None, ("合计", str(whole.rows), in_yuan(whole.fen), "看不懂的金额没有计入。")


def _problems(validation: Validation) -> Iterator[tuple[Level | None, tuple[str, ...]]]:
    """What was found of the file, each with its own words; what was found of rows, counted by kind."""
    for finding in validation.findings:
        if finding.row is None:
            yield finding.level, (finding.level.chinese, "1", "", _wrong_and_cure(finding)[0])
    examples = {finding.code: finding for finding in reversed(validation.findings) if finding.row is not None}
    for code, count in validation.counts_by_code().items():
        if code in examples:
            filled = "{" in RULES[code].wrong and code not in WITHOUT_DETAILS
            words = _wrong_and_cure(examples[code])[0] if filled else in_words(code)
            level = RULES[code].level
            yield level, (level.chinese, str(count), str(validation.more.get(code, "")), words)


def _block(
    sheet: Any, row: int, styles: "_Styles", titles: tuple[str, ...], lines: list[tuple[Level | None, tuple[str, ...]]]
) -> int:
    """A small table from `row` on; returns the row below it."""
    for place, title in enumerate(titles):
        write_text(sheet, row, place, title, styles.of(bold=True, bottom=1))
    for level, cells in lines:
        row += 1
        colour = {"bg_color": COLOURS[level]} if level else {}
        for place, cell in enumerate(cells):
            form = colour if place == 0 else {"text_wrap": True} if place == 3 else {"align": "right"}
            write_text(sheet, row, place, cell, styles.of(valign="top", **form))
    return row + 1


class _Styles:
    """A workbook's formats, each made once: it keeps every one it was ever asked for."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **properties: Any) -> Any:
        """Text, with these properties besides."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"num_format": TEXT_FORMAT, **properties})
        return self._made[key]


def _findings(book: Any, validation: Validation) -> None:
    sheet = add_sheet(book, FINDINGS_SHEET)
    styles = _Styles(book)
    _header(sheet, _FINDING_COLUMNS, styles.of(bold=True, bottom=1))
    plain = styles.of(valign="top", text_wrap=True)
    for index, finding in enumerate(validation.findings, start=1):
        row = str(finding.row) if finding.row is not None else "整份"
        wrong, cure = _wrong_and_cure(finding)
        cells = (row, finding.column or "", finding.level.chinese, wrong, cure, finding.found_masked, finding.code)
        coloured = styles.of(valign="top", bg_color=COLOURS[finding.level])
        for place, cell in enumerate(cells):
            write_text(sheet, index, place, cell, coloured if place == 2 else plain)
    last = len(validation.findings)
    if left := sum(validation.more.values()):
        write_text(sheet, last + 1, 3, f"同类问题过多，另有 {left} 条没有逐条列出，各类次数见“汇总”。", plain)
    sheet.autofilter(0, 0, max(last, 1), len(_FINDING_COLUMNS) - 1)
    sheet.freeze_panes(1, 0)


def _wrong_and_cure(finding: Finding) -> tuple[str, str]:
    """A message's two sentences."""
    wrong, _, cure = finding.message.rstrip("。").rpartition("。")
    return (wrong, cure) if wrong else (cure, "")


def _header(sheet: Any, columns: tuple[tuple[str, int], ...], bold: Any) -> None:
    for place, (title, width) in enumerate(columns):
        sheet.set_column(place, place, width)
        write_text(sheet, 0, place, title, bold)


def _to_correct(book: Any, validation: Validation, table: Table, rows: pl.Series) -> None:
    """These rows under the bureau's own header; two columns at the end, which no reading looks at, say whence and why."""
    sheet = add_sheet(book, ROWS_SHEET)
    styles = _Styles(book)
    # In the report of a corrected report these two are there already, and speak of another file.
    places = [place for place, title in enumerate(table.header.cells) if title.strip() not in REPORT_COLUMNS]
    titles = [*(table.header.cells[place].strip() for place in places), *REPORT_COLUMNS]
    text, yellow = styles.of(), styles.of(bg_color=_TO_CORRECT)
    for place, title in enumerate(titles):
        # Text before anything is typed, down to the last row.
        sheet.set_column(place, place, 60 if title == REPORT_COLUMNS[-1] else 20, text)
        write_text(sheet, 0, place, title, styles.of(bold=True, bottom=1))
    reasons = _reasons(validation, rows)
    lost = _lost_digits(validation, table)
    written = table.rows_as_written(rows)
    shown = rows.to_frame().join(written, on="row", how="left", maintain_order="left")
    for index, (row, *cells) in enumerate(shown.iter_rows(), start=1):
        why, columns = reasons.get(row, ("", set()))
        for place, at in enumerate(places):
            # What is left of a number would pass for the number: one in ten still has the right check digit.
            cell = cells[at] if (row, at) not in lost else None
            form = yellow if titles[place] in columns else text
            if cell is not None:
                write_text(sheet, index, place, cell, form)
            elif form is yellow:
                sheet.write_blank(index, place, None, form)
        write_text(sheet, index, len(places), str(row), text)
        write_text(sheet, index, len(places) + 1, why, text)
    sheet.freeze_panes(1, 0)


def _reasons(validation: Validation, rows: pl.Series) -> dict[int, tuple[str, set[str]]]:
    """Why each of these rows is excluded, and in which columns: as the findings say it, or from the codes beyond those."""
    listed: dict[int, tuple[str, set[str]]] = {}
    for finding in validation.findings:
        if finding.row is not None and finding.level is Level.EXCLUDE:
            why, columns = listed.get(finding.row, ("", set()))
            said = f"{finding.column or ''}：{finding.message}"
            listed[finding.row] = (why + said, columns | {finding.column or ""})
    beyond = validation.frame.filter(
        (pl.col("status") == "excluded") & pl.col("row").is_in(rows.implode()) & ~pl.col("row").is_in(list(listed))
    )
    for row, codes in beyond.select("row", pl.col("reasons").cast(pl.String)).iter_rows():
        grave = [in_words(code) for code in codes.split(",") if RULES[code].level is Level.EXCLUDE]
        listed[row] = ("；".join(grave), set())
    return listed


def _lost_digits(validation: Validation, table: Table) -> set[tuple[int, int]]:
    """The cells (row, place) that must be text and were numbers."""
    lost: set[tuple[int, int]] = set()
    if not any(code in validation.counts_by_code() for code in _LOST_DIGITS):
        return lost
    first = table.first_row
    for read in table.lines:
        lines = read()
        for column, at in lines.numeric.items():
            lost.update((row + first, table.header.places[column]) for row in at)
        first += lines.span
    return lost
