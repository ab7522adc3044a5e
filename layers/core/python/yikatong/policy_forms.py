"""政策清单表: the one workbook a department fills in, the reading of it, and the region's whole list as a workbook.

The form is ours, so it is read strictly: its sheet, its header, text in every cell, each subsidy where it belongs, nothing
blank that the public needs. All faults are told at once, by row; nothing is mended, and a part with a fault is not taken.
What is written goes to the government's website, so every cell is text, and no cell holds what a spreadsheet would act on,
nor a number by which somebody could be known or called.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from yikatong.errors import Refusal
from yikatong.file_names import LONG_NUMBER
from yikatong.plan import Plan, Subsidy
from yikatong.policy_lists import MAX_FORM_BYTES, MAX_ROWS, REGIONS_PART, fills_in
from yikatong.principals import PROVINCE
from yikatong.regions import name_of
from yikatong.roster.findings import Unreadable
from yikatong.roster.workbook_guard import check_workbook
from yikatong.roster.workbook_limits import Seen
from yikatong.text_workbook import TEXT_FORMAT, add_sheet, workbook_of, write_text

SHEET, NOTES_SHEET, MISSING_SHEET = "政策清单", "填写说明", "尚未报送"
MAX_INFLATED_BYTES = 64 * 2**20


class Column(StrEnum):
    """The columns, in the form's order, by their names in the public JSON."""

    NUMBER = "number"
    NAME = "name"
    DEPARTMENT = "department"
    BENEFICIARIES = "beneficiaries"
    STANDARD = "standard"
    BASIS = "basis"
    PROCEDURE = "procedure"
    TELEPHONE = "telephone"
    REMARK = "remark"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Column.NUMBER: "序号",
    Column.NAME: "补贴项目",
    Column.DEPARTMENT: "牵头单位",
    Column.BENEFICIARIES: "补贴对象",
    Column.STANDARD: "补贴标准",
    Column.BASIS: "政策依据",
    Column.PROCEDURE: "申请流程",
    Column.TELEPHONE: "咨询电话",
    Column.REMARK: "备注",
}
FILLED_IN = (Column.BENEFICIARIES, Column.STANDARD, Column.BASIS, Column.PROCEDURE, Column.TELEPHONE)
"""Blank in none of a part's rows."""
_MOST_CHARACTERS = {Column.NAME: 100, Column.DEPARTMENT: 100, Column.TELEPHONE: 100}
_MOST = 1_000
_WIDTHS = {Column.NUMBER: 6, Column.NAME: 28, Column.DEPARTMENT: 22, Column.TELEPHONE: 18}
_MEANINGS = {
    Column.NUMBER: "该年度计划中的序号，已填好，请勿改动；地方自己的补贴不填",
    Column.NAME: "已填好，请勿改动；地方自己的补贴填名称",
    Column.DEPARTMENT: "已填好，请勿改动；地方自己的补贴填主管单位",
    Column.BENEFICIARIES: "哪些人可以享受，用老百姓看得懂的话写",
    Column.STANDARD: "发多少，写明数额和单位，例如“每人每月 650 元”",
    Column.BASIS: "文件名称和文号",
    Column.PROCEDURE: "到哪里、带什么、怎么申请；不用申请的写“无需申请”",
    Column.TELEPHONE: "办公电话或热线，写明区号；不写个人手机",
    Column.REMARK: "可以不填",
}
_STARTS_A_FORMULA = re.compile(r"[=+\-@＝＋－＠]")
_NUMBER = re.compile("[1-9][0-9]{0,2}")
_TELEPHONE = re.compile(r"[0-9（）()\-－—转、,，;；/ \n一-鿿]{3,100}")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_FORMULA = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["'][A-Z]+([0-9]+)["'][^>]*>\s*<(?:\w+:)?f[\s/>]""")
_ANY_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")


@dataclass(frozen=True)
class Fault:
    """`row` as the program shows it, None for the whole form."""

    row: int | None
    column: str
    message: str


class Faulty(Exception):
    """The form is not taken; carries every fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Duty:
    """What a part must hold: `department` is the one whose part it is, or `REGIONS_PART`."""

    plan: Plan
    region: str
    department: str

    @property
    def subsidies(self) -> tuple[Subsidy, ...]:
        """Those that may be listed; at the province those that must be."""
        if self.region == PROVINCE:
            return tuple(each for each in self.plan.subsidies if fills_in(each) == self.department)
        if self.department == REGIONS_PART:
            return self.plan.subsidies
        return tuple(each for each in self.plan.subsidies if self.department in each.lead_departments)


def form_xlsx(duty: Duty, filled: Sequence[dict[str, str]] = ()) -> bytes:
    """The form with the plan's columns filled in, one row for each subsidy; `filled` gives the other columns, row by row, and
    after the plan's rows rows of their own."""
    rows: list[dict[str, str]] = [
        {Column.NUMBER: str(each.number), Column.NAME: each.name, Column.DEPARTMENT: "、".join(each.lead_departments)}
        for each in duty.subsidies
    ]
    for index, more in enumerate(filled):
        rows[index : index + 1] = [(rows[index] if index < len(rows) else {}) | more]

    def write(book: Any) -> None:
        text = book.add_format({"num_format": TEXT_FORMAT, "text_wrap": True, "valign": "top"})
        sheet = _sheet_of(book, SHEET, text)
        for row, cells in enumerate(rows, start=1):
            for place, column in enumerate(Column):
                write_text(sheet, row, place, cells.get(column, ""), text)
        notes = add_sheet(book, NOTES_SHEET)
        notes.set_column(0, 0, 14, text)
        notes.set_column(1, 1, 90, text)
        for row, (name, words) in enumerate(_notes(duty)):
            write_text(notes, row, 0, name, text)
            write_text(notes, row, 1, words, text)

    return workbook_of(write)


def _sheet_of(book: Any, name: str, text: Any) -> Any:
    """A sheet with the form's header; every column is text before anything is typed."""
    sheet = add_sheet(book, name)
    bold = book.add_format({"bold": True, "bg_color": "#FFE699", "border": 1, "num_format": TEXT_FORMAT})
    for place, column in enumerate(Column):
        sheet.set_column(place, place, _WIDTHS.get(column, 36), text)
        write_text(sheet, 0, place, column.label, bold)
    sheet.freeze_panes(1, 2)
    return sheet


def _notes(duty: Duty) -> list[tuple[str, str]]:
    province = duty.region == PROVINCE
    who = duty.department if province else f"{name_of(duty.region)}（{duty.department}）"
    rows = (
        "列出的每一项都要填，一项不能少，也不能多。"
        if province
        else "只填本地有自己标准的项目，其余的行留空即可（执行省定标准）；本地自己的补贴写在最后，序号不填。"
    )
    return [
        ("计划年度", f"{duty.plan.year}"),
        ("填报单位", who),
        ("填哪些行", rows),
        *((column.label, f"{_MEANINGS[column]}。") for column in Column),
        (
            "请注意",
            "不要改动表头、列的顺序和工作表名称；不要写公式；不要写个人的姓名、证件号、手机号。本表内容会公开。",
        ),
        ("报送", f"yikatong policy list-send 清单.xlsx --plan-year {duty.plan.year} --region {duty.region}"),
    ]


def read_form(data: bytes, duty: Duty) -> list[dict[str, Any]]:
    """The part's entries as the public JSON has them. Raises Faulty with every fault."""
    rows = _cells_of(data)
    faults: list[Fault] = []
    entries: list[dict[str, Any]] = []
    for row, cells in rows:
        if duty.region != PROVINCE and _lists_nothing(cells):
            continue
        found = [*_faults_of_cells(row, cells), *_faults_of_place(row, cells, duty)]
        faults += found
        if not found:
            entries.append(_entry(cells, duty.plan))
    faults += _faults_of_all(rows, entries, duty)
    if faults:
        raise Faulty(faults)
    return entries


Cells = dict[Column, Any]


def _cells_of(data: bytes) -> list[tuple[int, Cells]]:
    """The rows under the header that are not wholly blank, each with its number."""
    if len(data) > MAX_FORM_BYTES:
        raise Faulty([Fault(None, "", f"清单超过 {MAX_FORM_BYTES // 2**20} MB。")])
    try:
        seen = check_workbook(data)
        formulas = list(_formulas(data))
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        kinds = {sheet.name: sheet.typ for sheet in book.sheets_metadata}
        if kinds.get(SHEET) != SheetTypeEnum.WorkSheet:
            raise Faulty([Fault(None, "", f"没有名为“{SHEET}”的工作表，请用 yikatong policy template 的模板填写。")])
        table = book.get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    except Unreadable as error:
        raise Faulty([Fault(None, "", finding.message) for finding in error.findings]) from None
    except (CalamineError, zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError):
        raise Faulty([Fault(None, "", "工作簿读不出来，请重新保存后再报送。")]) from None
    faults = [*formulas, *_unseen(seen.get(SHEET, Seen()))]
    labels = [str(cell).strip() for cell in table[0]] if table else []
    while labels and not labels[-1]:
        labels.pop()
    if labels != [column.label for column in Column]:
        expected = "、".join(column.label for column in Column)
        faults.append(Fault(1, "", f"表头与模板不同，应依次为：{expected}。"))
    elif len(table) - 1 > MAX_ROWS:
        faults.append(Fault(None, "", f"超过 {MAX_ROWS} 行。"))
    if faults:
        raise Faulty(faults)
    rows = [
        (number, cells) for number, cells in enumerate(table[1:], start=2) if any(_is_written(one) for one in cells)
    ]
    beyond = [number for number, cells in rows if any(_is_written(one) for one in cells[len(Column) :])]
    if beyond:
        raise Faulty([Fault(number, "", "模板以外的列里有内容。") for number in beyond])
    return [(number, dict(zip(Column, [*cells, *[""] * len(Column)], strict=False))) for number, cells in rows]


def _is_written(cell: Any) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def _formulas(data: bytes) -> Iterator[Fault]:
    """A formula's value is read like any text, so formulas are looked for in the XML; its bounds were checked before."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [part for part in archive.infolist() if part.filename.lower().startswith("xl/worksheets/")]
        if sum(part.file_size for part in parts) > MAX_INFLATED_BYTES:
            raise Faulty([Fault(None, "", "展开后过大。")])
        for part in parts:
            text = archive.read(part)
            rows = sorted({int(row) for row in _FORMULA.findall(text)})
            yield from (Fault(row, "", "有公式，请改为文字（选“只粘贴数值”）。") for row in rows)
            if not rows and _ANY_FORMULA.search(text):
                yield Fault(None, "", "有公式，请改为文字（选“只粘贴数值”）。")


def _unseen(seen: Seen) -> Iterator[Fault]:
    for row in sorted(set(seen.hidden)):
        yield Fault(row, "", "这一行是隐藏的，请取消隐藏后核对。")
    for row in sorted({row for row, _, _ in seen.errors}):
        yield Fault(row, "", "有单元格显示错误值。")


def _lists_nothing(cells: Cells) -> bool:
    """A county leaves the rows blank of which it has nothing of its own to say."""
    return _is_written(cells[Column.NUMBER]) and not any(
        _is_written(cells[each]) for each in (*FILLED_IN, Column.REMARK)
    )


def _faults_of_cells(row: int, cells: Cells) -> Iterator[Fault]:
    for column, cell in cells.items():
        if column is Column.NUMBER:
            continue
        if not isinstance(cell, str):
            yield Fault(row, column.label, "应是文本；数字、日期请写成文字，例如“每人每月 650 元”。")
            continue
        text = _tidy(cell)
        if not text:
            if column in FILLED_IN or column is Column.NAME:
                yield Fault(row, column.label, f"没有填。{_MEANINGS[column]}。")
            continue
        message = _fault_of_text(column, text)
        if message is not None:
            yield Fault(row, column.label, message)


def _fault_of_text(column: Column, text: str) -> str | None:
    most = _MOST_CHARACTERS.get(column, _MOST)
    if len(text) > most:
        return f"超过 {most} 个字。"
    if not text.replace("\n", "").isprintable():
        return "有控制字符或看不见的字符，请重新录入。"
    if _STARTS_A_FORMULA.match(text):
        return "不能以 = + - @ 开头。"
    if _MOBILE.search(text) or LONG_NUMBER.search(text):
        return "像是个人的手机号、证件号或账号，本表会公开，请改为办公电话或热线，或去掉。"
    if column is Column.TELEPHONE and not (_TELEPHONE.fullmatch(text) and re.search("[0-9]{3}", text)):
        return "不像电话号码，例如 0451-82620000、12333。"
    return None


def _faults_of_place(row: int, cells: Cells, duty: Duty) -> Iterator[Fault]:
    """Whether the row's subsidy is one of this part's, under the plan's own name."""
    number = _number_of(cells[Column.NUMBER])
    if number == 0:
        yield Fault(row, Column.NUMBER.label, f"应是 1 至 {len(duty.plan.subsidies)} 的序号。")
        return
    if number is None:
        if duty.region == PROVINCE:
            yield Fault(row, Column.NUMBER.label, "没有序号；省级清单只列计划中的项目。")
        elif not _is_written(cells[Column.DEPARTMENT]):
            yield Fault(row, Column.DEPARTMENT.label, f"没有填。{_MEANINGS[Column.DEPARTMENT]}。")
        elif any(_text(cells[Column.NAME]) == each.name for each in duty.plan.subsidies):
            yield Fault(row, Column.NUMBER.label, "这是计划中的项目，请写明序号。")
        return
    subsidy = next((each for each in duty.subsidies if each.number == number), None)
    if subsidy is None:
        yield Fault(
            row, Column.NUMBER.label, f"{duty.plan.year}年第 {number} 项不由{duty.department}填报，或计划中没有。"
        )
        return
    if _text(cells[Column.NAME]) != subsidy.name:
        yield Fault(row, Column.NAME.label, f"与计划不同，第 {number} 项应是“{subsidy.name}”。")
    if _text(cells[Column.DEPARTMENT]) not in ("", "、".join(subsidy.lead_departments)):
        yield Fault(row, Column.DEPARTMENT.label, f"与计划不同，应是{'、'.join(subsidy.lead_departments)}。")


def _faults_of_all(rows: Sequence[tuple[int, Cells]], entries: Sequence[dict[str, Any]], duty: Duty) -> Iterator[Fault]:
    seen: dict[object, int] = {}
    for row, cells in rows:
        what = _number_of(cells[Column.NUMBER]) or _text(cells[Column.NAME])
        if what and what in seen:
            yield Fault(row, Column.NUMBER.label, f"与第 {seen[what]} 行是同一项，只能列一次。")
        seen.setdefault(what, row)
    if duty.region == PROVINCE:
        for subsidy in duty.subsidies:
            if subsidy.number not in seen:
                yield Fault(None, Column.NUMBER.label, f"缺第 {subsidy.number} 项“{subsidy.name}”。")
    elif not entries:
        yield Fault(None, "", "一项也没有填。本地没有自己的标准和补贴的，不必报送。")


def _number_of(cell: Any) -> int | None:
    """The 序号, None where none is written, 0 where it is none. Typed as a number or as text, it is the same."""
    if not _is_written(cell):
        return None
    if isinstance(cell, bool):
        return 0
    if isinstance(cell, int | float):
        return int(cell) if 1 <= cell <= 999 and cell == int(cell) else 0
    return int(cell) if isinstance(cell, str) and _NUMBER.fullmatch(cell.strip()) else 0


def _tidy(cell: str) -> str:
    return cell.replace("\r\n", "\n").replace("_x000D_\n", "\n").strip()


def _text(cell: Any) -> str:
    return _tidy(cell) if isinstance(cell, str) else ""


def _entry(cells: Cells, plan: Plan) -> dict[str, Any]:
    number = _number_of(cells[Column.NUMBER])
    entry: dict[str, Any] = {column.value: _text(cells[column]) for column in Column}
    entry |= {"number": number, "code": None}
    if number is not None:
        subsidy = plan.subsidy(number)
        entry |= {"code": subsidy.code, "department": "、".join(subsidy.lead_departments)}
    return entry


def list_xlsx(collected: dict[str, Any]) -> bytes:
    """A region's collected list for the government's website, and on a second sheet who has not filled in theirs."""

    def write(book: Any) -> None:
        text = book.add_format({"num_format": TEXT_FORMAT, "text_wrap": True, "valign": "top", "border": 1})
        sheet = _sheet_of(book, SHEET, text)
        for row, entry in enumerate(collected["entries"], start=1):
            for place, column in enumerate(Column):
                cell = entry[column]
                write_text(sheet, row, place, "" if cell is None else str(cell), text)
        if collected["missing"]:
            missing = add_sheet(book, MISSING_SHEET)
            missing.set_column(0, 1, 40, text)
            for place, label in enumerate(("牵头单位", "序号")):
                write_text(missing, 0, place, label, text)
            for row, each in enumerate(collected["missing"], start=1):
                write_text(missing, row, 0, each["department"], text)
                write_text(missing, row, 1, "、".join(map(str, each["subsidies"])), text)

    return workbook_of(write)


def require_part(duty: Duty) -> None:
    """Refuse whoever has nothing to fill in."""
    if not duty.subsidies:
        raise Refusal(f"{duty.plan.year}年的计划没有由{duty.department}填报的项目。", "no_subsidy")
