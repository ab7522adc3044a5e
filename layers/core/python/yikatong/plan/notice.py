"""The notice's text to the plan's eight columns, and the plan's CSV to rows.

The notice prints its table in several pieces, each with its own header, cells parted by tabs, with blanks where a line
was wrapped. The CSV holds the same words with those blanks taken out and departments parted by 、.
"""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from yikatong.errors import Refusal
from yikatong.plan import phrases

COLUMNS = (
    "序号",
    "补贴项目名称",
    "省级牵头组织实施单位",
    "发放频次",
    "发放属期",
    "跨属期发放规则",
    "模拟测试时间",
    "正式发放时间",
)


@dataclass(frozen=True)
class RawRow:
    """One row as words; `line` is its line in the file it came from, for messages."""

    line: int
    cells: tuple[str, ...]

    @property
    def place(self) -> str:
        number = next(iter(self.cells[0].split()), "")
        return f"第{self.line}行（序号{number}）" if number else f"第{self.line}行"


def read_text(path: Path) -> str:
    """The file's text, strictly UTF-8 (a byte order mark is allowed)."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError:
        raise Refusal(f"打不开文件 {path}", "no_file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Refusal(f"文件 {path} 第{line}行不是 UTF-8 编码，请另存为 UTF-8", "not_utf8") from None


def read_notice(text: str) -> list[RawRow]:
    """The rows of every table in the notice, cells as printed.

    Refused: no table; a header that is not the eight columns; a numbered line inside a table that has lost its tabs; a
    count of rows other than the one the notice states (共45项).
    """
    rows: list[RawRow] = []
    faults: list[str] = []
    in_table = found_table = False
    for line, content in enumerate(text.splitlines(), start=1):
        cells = tuple(content.split("\t"))
        if phrases.without_blanks(content).startswith(COLUMNS[0]):
            in_table = found_table = True
            faults += _header_faults(line, cells)
        elif len(cells) > 1:
            if not in_table:
                faults.append(f"第{line}行：表格没有表头")
            rows.append(RawRow(line, cells))
        elif in_table and re.match(r"\s*[0-9]+(\s|$)", content):
            rows.append(RawRow(line, cells))
        elif content.strip():
            in_table = False
    if not found_table:
        faults.append(f"找不到表头为“{'、'.join(COLUMNS)}”的表格")
    stated = set(re.findall(r"补贴项目共([0-9]+)项", phrases.without_blanks(text)))
    if len(stated) == 1 and (count := int(stated.pop())) != len(rows):
        faults.append(f"通知正文写明共{count}项，表格里有{len(rows)}行，“序号”列有缺失或重复")
    if faults:
        # A wrong count usually has its cause in some row: name that too, in the same breath.
        raise Refusal("\n".join(faults + row_faults(rows)), "bad_notice")
    return rows


def _header_faults(line: int, cells: tuple[str, ...]) -> list[str]:
    found = tuple(phrases.without_blanks(cell) for cell in cells)
    if found == COLUMNS:
        return []
    if len(found) != len(COLUMNS):
        return [f"第{line}行（表头）：应有{len(COLUMNS)}列，实有{len(found)}列"]
    return [
        f"第{line}行（表头）第{index}列：应为“{want}”，读到“{got}”"
        for index, (want, got) in enumerate(zip(COLUMNS, found, strict=True), start=1)
        if want != got
    ]


# What a cell of each column looks like: only to say where a row with a wrong number of cells goes out of step.
_LOOKS = (
    r"[0-9]+",
    r".+",
    r"省.+",
    r".次/[年月]",
    r"[0-9]{4}年([0-9-]+月)?",
    r"无|可按照.+",
    r"[0-9]{4}年[0-9]+月(下旬)?|.*上线发放",
    r"[0-9]{4}年.+",
)


def _first_odd_column(cells: tuple[str, ...]) -> str:
    for column, look, cell in zip(COLUMNS, _LOOKS, cells, strict=False):
        if not re.fullmatch(look, phrases.without_blanks(cell)):
            return column
    return COLUMNS[min(len(cells), len(COLUMNS) - 1)]


def row_faults(rows: list[RawRow]) -> list[str]:
    """Faults of shape: a wrong number of cells; a 序号 that is missing, repeated or out of order."""
    faults: list[str] = []
    seen: set[int] = set()
    expected = 1
    for row in rows:
        if len(row.cells) != len(COLUMNS):
            where = _first_odd_column(row.cells)
            faults.append(f"{row.place}“{where}”列：应有{len(COLUMNS)}列，实有{len(row.cells)}列，从这一列起对不上")
        number = row.cells[0].strip()
        if not re.fullmatch(r"[1-9][0-9]{0,3}", number):
            faults.append(f"{row.place}“序号”列：应为{expected}，读到“{number}”")
            expected += 1
            continue
        if int(number) in seen:
            faults.append(f"{row.place}“序号”列：{number}重复，应为{expected}")
            continue
        if int(number) != expected:
            faults.append(f"{row.place}“序号”列：应为{expected}，读到{number}（缺失或次序不对）")
        seen.add(int(number))
        expected = int(number) + 1
    return faults


def read_csv(text: str) -> list[RawRow]:
    """The rows of a plan's CSV. Refused: a header that is not the eight columns."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        lines = [(reader.line_num, tuple(cells)) for cells in reader if cells]
    except csv.Error as error:
        raise Refusal(f"第{reader.line_num}行：不是合法的 CSV（{error}）", "bad_csv") from None
    if not lines:
        raise Refusal("计划文件是空的", "bad_csv")
    if faults := _header_faults(*lines[0]):
        raise Refusal("\n".join(faults), "bad_csv")
    return [RawRow(line, cells) for line, cells in lines[1:]]


def write_csv(rows: list[RawRow]) -> str:
    """The committed form: UTF-8, LF, header first, wrap blanks taken out, departments parted by 、."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        number, name, leads, *rest = row.cells
        joined = phrases.DEPARTMENT_SEPARATOR.join(phrases.departments(leads))
        writer.writerow([number.strip(), phrases.without_blanks(name), joined, *map(phrases.without_blanks, rest)])
    return out.getvalue()
