"""Rosters with planted faults, drawn by hypothesis: kinds × places × encodings × formats, and exactly what must be found.

A fault is planted in a cell, in a row's card, or as a second row; every row may hold several, one per column. What must be
found follows from the rules alone: nothing here asks the checks. A row's other faults change what its card is said to be
(an id that is wrong has no card), so a row is worked out as a whole, in `_of_row`.
"""

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import polars as pl
import xlsxwriter
from hypothesis import strategies as st

from tests.corpus.registry import registry_of
from yikatong.cards import CardState
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import RULES, Level
from yikatong.roster.people import Person, invent_people

ON = date(2023, 6, 10)
# (row, column as the file names it, code); None for what is said of the file.
Found = tuple[int | None, str | None, str]

ALIASES: Mapping[Column, tuple[str, ...]] = {
    Column.NAME: ("姓名", "享受人姓名", " 姓 名 ", "*补贴对象"),
    Column.ID: ("身份证号", "公民身份号码", "身份证号码", "证件号码"),
    Column.SLOT: ("属期", "发放属期", "所属期"),
    Column.AMOUNT: ("发放金额(元)", "发放金额（元）", "补贴金额", "金额"),
    Column.PAYEE_NAME: ("收款人姓名", "监护人姓名"),
    Column.PAYEE_ID: ("收款人身份证号", "监护人身份证号"),
    Column.ACCOUNT: ("银行账号", "账号"),
    Column.REMARK: ("备注",),
}
_STATES: Mapping[str, tuple[CardState, bool, bool]] = {
    "card_none": (CardState.NONE, False, False),
    "card_inactive": (CardState.INACTIVE, False, False),
    "card_social_off": (CardState.NORMAL, False, True),
    "card_lost": (CardState.LOST, True, True),
    "card_frozen": (CardState.FROZEN, True, True),
    "card_cancelled": (CardState.CANCELLED, True, True),
    "card_financial_inactive": (CardState.NORMAL, True, False),
}
_ROWS = 30
_PER_STATE = 4


@cache
def people() -> Sequence[Person]:
    """Born before 2000, so that every one of them once had an id number of 15 digits."""
    return invent_people(_ROWS, region="230102", seed=41, on=ON, youngest=30)


@cache
def in_state(code: str) -> Sequence[Person]:
    """People of whose card this must be said; those without a card are in no registry, or there as having none."""
    made = invent_people(_PER_STATE, region="230102", seed=100 + list(_STATES).index(code), on=ON, youngest=30)
    state, social, financial = _STATES[code]
    return [person.with_card(state, social=social, financial=financial) for person in made]


@cache
def guardians() -> Sequence[Person]:
    return invent_people(_ROWS, region="230102", seed=42, on=ON, youngest=30)


@cache
def registry() -> pl.DataFrame:
    known = [*people(), *guardians(), *(person for code in _STATES for person in in_state(code)[code == "card_none" :])]
    return registry_of(known)


@cache
def context(number: int) -> RosterContext:
    """A monthly subsidy, payable for May to July at least: 25 pays to a roster's account as well, 6 does not."""
    book = PlanBook.committed()
    subsidy = book.subsidy(2023, number)
    return RosterContext(
        book=book,
        subsidy=subsidy,
        region="230102",
        mode=Mode.FORMAL,
        as_of=ON,
        settings=Settings.committed().for_subsidy(subsidy.code),
        registry_for=lambda _: registry(),
    )


@dataclass(frozen=True)
class Cell:
    """What is written, and what must be found there; `fen` is what an amount comes to, `right` whether it can be used."""

    written: object
    code: str | None = None
    fen: int | None = None

    @property
    def usable(self) -> bool:
        return self.code is None or RULES[self.code].level is Level.REMARK


def _wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def _other_digit(text: str) -> str:
    return text[:-1] + ("1" if text[-1] != "1" else "2")


def id_cells(right: str, *, workbook: bool) -> Sequence[Cell]:
    wrong = [
        ("id_empty", ""),
        ("id_empty", " 　"),
        ("id_length", right[:-1]),
        ("id_length", right + "0"),
        ("id_length", "'" + right),
        ("id_length", "无"),
        ("id_characters", right[:9] + "l" + right[10:]),
        ("id_characters", "0" + right[1:]),
        ("id_date", right[:10] + "13" + right[12:]),
        ("id_date", right[:6] + "20230611" + right[14:]),
        ("id_check_digit", _other_digit(right)),
        ("id_upgraded", right[:6] + right[8:17]),
        ("id_normalised", _wide(right)),
        ("id_normalised", f"\t{right[:6]} {right[6:14]} {right[14:]}"),
    ]
    cells = [Cell(text, code) for code, text in wrong]
    return [*cells, Cell(float(right[:15] + "000"), "id_numeric")] if workbook else cells


def name_cells(right: str, newline: str) -> Sequence[Cell]:
    first, rest = right[0], right[1:]
    wrong = [
        ("name_empty", ""),
        ("name_empty", "　 "),
        ("name_control", first + "\t" + rest),
        ("name_control", first + newline + rest),
        ("name_control", "\u200b" + right),
        ("name_formula", "=" + right),
        ("name_formula", "＠" + right),
        ("name_damaged", first + "?"),
        ("name_damaged", first + "\ufffd"),
        ("name_too_long", right * 26),
        ("name_normalised", first + " " + rest),
        ("name_normalised", right + "\u00a0"),
        # Rare characters are kept as they are, so this is another name.
        ("card_name_differs", first + "𬎆"),
        ("card_name_differs", f'"{right}",甲'),
        ("card_name_differs", f'{first}"{rest}'),
    ]
    return [Cell(text, code) for code, text in wrong]


def amount_cells(*, workbook: bool) -> Sequence[Cell]:
    texts: list[tuple[str | None, object, int | None]] = [
        ("amount_empty", "", None),
        ("amount_empty", " ", None),
        ("amount_unreadable", "五百元", None),
        ("amount_unreadable", "1,23.00", None),
        ("amount_unreadable", "1e3", None),
        ("amount_unreadable", "1_000", None),
        ("amount_decimals", "520.125", None),
        ("amount_not_positive", "0.00", 0),
        ("amount_not_positive", "-1.00", None),
        ("amount_over_limit", "100000.01", 10_000_001),
        ("amount_normalised", "1,520.50", 152_050),
        ("amount_normalised", "￥520", 52_000),
        ("amount_normalised", _wide("520.5"), 52_050),
        ("amount_normalised", "520.000", 52_000),
        (None, "0.01", 1),
        (None, "100000", 10_000_000),
    ]
    numbers: list[tuple[str | None, object, int | None]] = [
        ("amount_decimals", 8.115, None),
        ("amount_not_positive", 0, 0),
        ("amount_not_positive", -3.5, None),
        ("amount_unreadable", True, None),
        (None, 0.1 + 0.2, 30),
        (None, 1234, 123_400),
    ]
    return [Cell(text, code, fen) for code, text, fen in texts + (numbers if workbook else [])]


def slot_cells(*, workbook: bool) -> Sequence[Cell]:
    texts: list[tuple[str | None, object]] = [
        ("slot_empty", ""),
        ("slot_empty", "　"),
        ("slot_unreadable", "六月"),
        ("slot_unreadable", "2023Q2"),
        ("slot_unreadable", "2023-13"),
        ("slot_not_payable", "2023-01"),
        ("slot_not_payable", "2022-06"),
        ("slot_normalised", "2023年6月"),
        ("slot_normalised", "2023/06"),
        ("slot_normalised", _wide("2023-06")),
        (None, "2023-05"),
        (None, "2023-07"),
    ]
    typed: list[tuple[str | None, object]] = [(None, date(2023, 6, 1)), ("slot_unreadable", date(2023, 6, 15))]
    return [Cell(text, code) for code, text in texts + (typed if workbook else [])]


def account_cells(right: str, *, workbook: bool) -> Sequence[Cell]:
    texts: list[tuple[str | None, object]] = [
        (None, right),
        ("account_normalised", f"{right[:4]} {right[4:9]}-{right[9:]}"),
        ("account_normalised", _wide(right)),
        ("account_unreadable", right[:8] + "X"),
        ("account_unreadable", "123456789"),
    ]
    typed: list[tuple[str | None, object]] = [("account_numeric", float(right))]
    return [Cell(text, code) for code, text in texts + (typed if workbook else [])]


@dataclass
class Line:
    """One data row: its cells and every code to be found in it, by column."""

    cells: dict[Column, Cell]
    codes: list[tuple[Column, str]]
    # What makes it another row than its copy.
    keyed: bool

    @property
    def levels(self) -> set[Level]:
        return {RULES[code].level for _, code in self.codes}


@dataclass
class Planted:
    """A roster file and what must be found in it."""

    data: bytes
    context: RosterContext = field(repr=False)
    expected: Counter[Found]
    rows: int
    payable_rows: int
    payable_fen: int
    description: str


@dataclass
class _Sheet:
    """The layout: what stands where."""

    titles: list[list[object]] = field(default_factory=list)
    order: list[Column | str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    # Before which data rows a blank one stands.
    blanks: set[int] = field(default_factory=set)
    newline: str = "\n"


FORMATS = ("csv", "tsv", "xlsx", "xls")


@st.composite
def planted_rosters(draw: st.DrawFn, formats: Sequence[str] = FORMATS) -> Planted:
    """A roster in one of `formats` with faults planted in it."""
    file_format = draw(st.sampled_from(formats))
    workbook = file_format.startswith("xls")
    number = draw(st.sampled_from((25, 6)))
    sheet = _layout(draw, workbook=workbook)
    lines = _lines(draw, sheet, number, workbook=workbook)
    lines += _copies(draw, lines)
    expected: Counter[Found] = Counter()
    names = {column: header.strip() for column, header in zip(sheet.order, sheet.headers, strict=True)}
    grid: list[list[object]] = [*sheet.titles, list(sheet.headers)]
    for index, line in enumerate(lines):
        if index in sheet.blanks:
            grid.append([""] * len(sheet.order) if draw(st.booleans()) else [])
        grid.append([_cell_of(line, column, index, sheet) for column in sheet.order])
        for column, code in line.codes:
            expected[(len(grid), names.get(column, column.label), code)] += 1
    _file_findings(expected, lines, sheet)
    _totals(draw, expected, lines, sheet, grid)
    data, how = _written(draw, grid, file_format, sheet)
    payable = [line for line in lines if line.levels <= {Level.REMARK}]
    return Planted(
        data=data,
        context=context(number),
        expected=expected,
        rows=len(lines),
        payable_rows=len(payable),
        payable_fen=sum(line.cells[Column.AMOUNT].fen or 0 for line in payable),
        description=how,
    )


def _layout(draw: st.DrawFn, *, workbook: bool) -> _Sheet:
    sheet = _Sheet(newline=draw(st.sampled_from(("\r\n", "\n", "\r"))))
    optional = [Column.PAYEE_NAME, Column.PAYEE_ID] if draw(st.booleans()) else []
    optional += draw(st.lists(st.sampled_from((Column.ACCOUNT, Column.REMARK)), unique=True))
    others = draw(st.lists(st.sampled_from(("序号", "民族")), unique=True))
    sheet.order = draw(st.permutations([Column.NAME, Column.ID, Column.SLOT, Column.AMOUNT, *optional, *others]))
    sheet.headers = [
        draw(st.sampled_from(ALIASES[column])) if isinstance(column, Column) else column for column in sheet.order
    ]
    title = "2023年6月\n发放名册" if workbook else f"2023年6月{sheet.newline}发放名册"
    titles: list[list[object]] = [["发放名册"], ["", "单位：元"], [title], []]
    sheet.titles = draw(st.lists(st.sampled_from(titles), max_size=3))
    sheet.blanks = draw(st.sets(st.integers(0, _ROWS - 1), max_size=3))
    return sheet


def _lines(draw: st.DrawFn, sheet: _Sheet, number: int, *, workbook: bool) -> list[Line]:
    count = draw(st.sampled_from((_ROWS, 12, 3)))
    places = st.sampled_from((0, count - 1, count // 2)) | st.integers(0, count - 1)
    spoiled = draw(st.sets(places, max_size=6))
    free = {code: list(in_state(code)) for code in _STATES}
    return [
        _of_row(draw, index, sheet, free, number, workbook=workbook) if index in spoiled else _good(index)
        for index in range(count)
    ]


def _good(index: int) -> Line:
    person = people()[index]
    fen = 52_000 + index
    cells = {
        Column.NAME: Cell(person.name),
        Column.ID: Cell(person.id_number),
        Column.SLOT: Cell("2023-06"),
        Column.AMOUNT: Cell(f"{fen // 100}.{fen % 100:02d}", fen=fen),
    }
    return Line(cells, [], keyed=True)


def _of_row(
    draw: st.DrawFn, index: int, sheet: _Sheet, free: dict[str, list[Person]], number: int, *, workbook: bool
) -> Line:
    """A row with at most one fault per column, and what then must be said of its payee's card."""
    line = _good(index)
    person = people()[index]
    state = draw(st.none() | st.sampled_from(list(_STATES)))
    stranger = free[state].pop() if state is not None and free[state] else None
    guardian = guardians()[index] if Column.PAYEE_ID in sheet.order and draw(st.booleans()) else None
    if stranger is not None and guardian is not None:
        guardian = stranger
    elif stranger is not None:
        person = stranger
    line.cells[Column.NAME], line.cells[Column.ID] = Cell(person.name), Cell(person.id_number)
    line.cells |= _spoiled_cells(draw, sheet, person, guardian, workbook=workbook)
    line.codes = [
        (column, cell.code)
        for column, cell in line.cells.items()
        if cell.code is not None and cell.code != "card_name_differs"
    ]
    payee = Column.PAYEE_ID if guardian is not None else Column.ID
    payee_name = Column.PAYEE_NAME if guardian is not None else Column.NAME
    line.keyed = line.cells[Column.ID].usable
    if line.cells[payee].usable:
        said = _of_card(line, state if stranger is not None else None, payee_name, number)
        line.codes += [(payee_name if said == "card_name_differs" else payee, said)] if said else []
    return line


def _spoiled_cells(
    draw: st.DrawFn, sheet: _Sheet, person: Person, guardian: Person | None, *, workbook: bool
) -> dict[Column, Cell]:
    kinds: dict[Column, Sequence[Cell]] = {
        Column.ID: id_cells(person.id_number, workbook=workbook),
        Column.NAME: name_cells(person.name, "\n" if workbook else sheet.newline),
        Column.AMOUNT: amount_cells(workbook=workbook),
        Column.SLOT: slot_cells(workbook=workbook),
    }
    if Column.ACCOUNT in sheet.order:
        kinds[Column.ACCOUNT] = account_cells(person.account, workbook=workbook)
    cells: dict[Column, Cell] = {}
    if guardian is not None:
        cells = {Column.PAYEE_NAME: Cell(guardian.name), Column.PAYEE_ID: Cell(guardian.id_number)}
        # An empty cell of the two is a fault of the pair, and of the file's own rows below.
        kinds[Column.PAYEE_ID] = [c for c in id_cells(guardian.id_number, workbook=workbook) if c.code != "id_empty"]
        kinds[Column.PAYEE_NAME] = [
            c for c in name_cells(guardian.name, "\n" if workbook else sheet.newline) if c.code != "name_empty"
        ]
    chosen = draw(st.sets(st.sampled_from(sorted(kinds)), max_size=3))
    return cells | {column: draw(st.sampled_from(kinds[column])) for column in sorted(chosen)}


def _of_card(line: Line, state: str | None, payee_name: Column, number: int) -> str | None:
    """What must be said of the payee's card, the roster's account considered where the subsidy allows it."""
    account = line.cells.get(Column.ACCOUNT)
    account_pays = number == 25 and account is not None and account.usable and account.code != "account_unreadable"
    name = line.cells[payee_name]
    holds = state is not None and RULES[state].level is Level.HOLD
    differs = name.code == "card_name_differs" and state != "card_none"
    if holds and not account_pays:
        return state
    if state != "card_none" and not name.usable and not differs:
        # A name at fault is no name to compare: it has been said what is wrong with it, and the rest waits for its cure.
        return None
    if differs:
        return "card_name_differs"
    return "account_used" if holds else state


def _copies(draw: st.DrawFn, lines: Sequence[Line]) -> list[Line]:
    """Rows once more, the same or with another amount."""
    good = [index for index, line in enumerate(lines) if not line.codes]
    if not good or not draw(st.booleans()):
        return []
    index = draw(st.sampled_from((good[0], good[-1])))
    first = lines[index]
    amount = first.cells[Column.AMOUNT]
    if draw(st.booleans()):
        return [Line(dict(first.cells), [(Column.ID, "repeated_identical")], keyed=True)]
    fen = (amount.fen or 0) + 100
    other = {**first.cells, Column.AMOUNT: Cell(f"{fen // 100}.{fen % 100:02d}", fen=fen)}
    code = "amount_over_limit" if fen > 10_000_000 else None
    first.codes.append((Column.ID, "repeated_different"))
    return [
        Line(other, [(Column.ID, "repeated_different"), *([(Column.AMOUNT, code)] if code else [])], keyed=True),
    ]


def _cell_of(line: Line, column: Column | str, index: int, sheet: _Sheet) -> object:
    if column == "序号":
        return str(index + 1)
    if column == "民族":
        return "汉"
    if column is Column.REMARK:
        # Line ends, separators and quotes that belong to the cell.
        return ("", f'他说"好"{sheet.newline}行', "甲,乙\t丙", "")[index % 4]
    assert isinstance(column, Column)
    return line.cells[column].written if column in line.cells else ""


def _file_findings(expected: Counter[Found], lines: Sequence[Line], sheet: _Sheet) -> None:
    if "民族" in sheet.order:
        expected[(None, None, "column_ignored")] += 1
    wrong = 0
    for line in lines:
        pasted_only = {code for _, code in line.codes} == {"repeated_identical"}
        wrong += Level.EXCLUDE in line.levels and not pasted_only
    if wrong * 10 > len(lines):
        expected[(None, None, "excluded_too_many")] += 1


def _totals(
    draw: st.DrawFn, expected: Counter[Found], lines: Sequence[Line], sheet: _Sheet, grid: list[list[object]]
) -> None:
    kind = draw(st.sampled_from(("none", "none", "right", "wrong", "words")))
    if kind == "none":
        return
    amounts = [line.cells[Column.AMOUNT].fen for line in lines]
    added = sum(fen or 0 for fen in amounts) + (kind == "wrong")
    written = {"words": "见附件"}.get(kind, f"{added // 100:,}.{added % 100:02d}")
    cells: dict[Column | str, object] = {Column.AMOUNT: written}
    row = [cells.get(column, "") for column in sheet.order]
    row[next(at for at, column in enumerate(sheet.order) if column != Column.AMOUNT)] = draw(
        st.sampled_from(("合计", "合 计", "总计"))
    )
    grid.append(row)
    unchecked = kind == "words" or None in amounts
    code = "totals_unchecked" if unchecked else "totals_wrong" if kind == "wrong" else "totals_dropped"
    expected[(len(grid), None, code)] += 1
    if draw(st.booleans()):
        # Not in the id column, where whatever stands is taken for somebody's id.
        grid += [[], ["制表人：" if column is Column.NAME else "" for column in sheet.order]]
        expected[(len(grid), None, "note_dropped")] += 1


def _written(draw: st.DrawFn, grid: Sequence[Sequence[object]], file_format: str, sheet: _Sheet) -> tuple[bytes, str]:
    if file_format == "xlsx":
        return _xlsx(grid), "xlsx"
    if file_format == "xls":
        return _xls(grid), "xls"
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "gb18030", "utf-16")))
    separator, everything = "\t" if file_format == "tsv" else ",", draw(st.booleans())
    text = "".join(
        separator.join(_quoted(str(cell), separator, everything=everything) for cell in row) + sheet.newline
        for row in grid
    )
    if draw(st.booleans()):
        text = text.removesuffix(sheet.newline)
    return text.encode(encoding), f"{file_format} {encoding} {sheet.newline!r}"


def _quoted(cell: str, separator: str, *, everything: bool) -> str:
    """In quotes where it must be. A quote inside a cell needs none, and many programs write none."""
    if everything or cell.startswith('"') or any(character in cell for character in (separator, "\r", "\n")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _xlsx(grid: Sequence[Sequence[object]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        written = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for index, row in enumerate(grid):
            for place, cell in enumerate(row):
                _write_cell(written, index, place, cell, day)
    return buffer.getvalue()


def _write_cell(written: Any, index: int, place: int, cell: object, day: Any) -> None:
    match cell:
        case "":
            pass
        case bool():
            written.write_boolean(index, place, cell)
        case str():
            written.write_string(index, place, cell)
        case date():
            written.write_datetime(index, place, cell, day)
        case _:
            written.write_number(index, place, cell)


def _xls(grid: Sequence[Sequence[object]]) -> bytes:
    import xlwt

    book = xlwt.Workbook(encoding="utf-8")
    written = book.add_sheet("名册")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for index, row in enumerate(grid):
        for place, cell in enumerate(row):
            if isinstance(cell, date):
                written.write(index, place, cell, day)
            elif cell != "":
                written.write(index, place, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def workbook_seeds() -> Sequence[bytes]:
    """A small good workbook of each kind, compressed as office programs do, to be spoiled."""
    names = [ALIASES[column][0] for column in (Column.NAME, Column.ID, Column.SLOT, Column.AMOUNT)]
    grid: list[list[object]] = [["2023年6月名册"], list(names)]
    grid += [[person.name, person.id_number, date(2023, 6, 1), 520.5] for person in people()[:12]]
    return [_xlsx(grid), _xls(grid)]
