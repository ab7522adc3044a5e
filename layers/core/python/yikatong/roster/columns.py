"""The columns of a roster, their names and the other names bureaus give them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Column(StrEnum):
    """A roster's column; its value is its name in our frames."""

    NAME = "beneficiary_name"
    ID = "beneficiary_id"
    PAYEE_NAME = "payee_name"
    PAYEE_ID = "payee_id"
    HEAD_NAME = "head_name"
    HEAD_ID = "head_id"
    BANK = "bank"
    ACCOUNT = "account"
    TOWNSHIP = "township"
    VILLAGE = "village"
    SLOT = "slot"
    STANDARD = "standard"
    QUANTITY = "quantity"
    AMOUNT = "amount"
    TELEPHONE = "telephone"
    REMARK = "remark"

    @property
    def label(self) -> str:
        """The name on our template, in Chinese."""
        return TITLES[self][0]


REQUIRED = (Column.NAME, Column.ID, Column.SLOT, Column.AMOUNT)
ID_COLUMNS = (Column.ID, Column.PAYEE_ID, Column.HEAD_ID)
NAME_COLUMNS = (Column.NAME, Column.PAYEE_NAME, Column.HEAD_NAME)
# Cells of these must be text: a spreadsheet keeps 15 digits of a number and drops the rest (FACTS).
TEXT_ONLY = (*ID_COLUMNS, Column.ACCOUNT)

# Our own name first. Compared after `_plain`: no blanks, full-width folded, unit in brackets kept.
TITLES: dict[Column, tuple[str, ...]] = {
    Column.NAME: ("姓名", "享受人姓名", "补贴对象姓名", "享受人", "补贴对象"),
    Column.ID: (
        "身份证号", "身份证号码", "公民身份号码", "身份证", "享受人身份证号", "享受人身份证号码", "补贴对象身份证号",
        "证件号码", "证件号",
    ),
    Column.PAYEE_NAME: ("收款人姓名", "收款人", "领款人姓名", "监护人姓名"),
    Column.PAYEE_ID: ("收款人身份证号", "收款人身份证号码", "领款人身份证号", "监护人身份证号"),
    Column.HEAD_NAME: ("户主姓名", "户主"),
    Column.HEAD_ID: ("户主身份证号", "户主身份证号码"),
    Column.BANK: ("开户银行", "银行", "开户行", "银行名称"),
    Column.ACCOUNT: ("银行账号", "银行帐号", "账号", "帐号", "银行卡号", "社保卡账号"),
    Column.TOWNSHIP: ("乡镇", "乡镇(街道)", "街道", "乡(镇)"),
    Column.VILLAGE: ("村", "村(居)委会", "村(社区)", "村屯", "社区"),
    Column.SLOT: ("属期", "发放属期", "补贴属期", "所属期"),
    Column.STANDARD: ("补贴标准", "标准", "补贴标准(元)"),
    Column.QUANTITY: ("补贴数量", "数量", "面积", "补贴面积", "面积(亩)", "补贴面积(亩)"),
    Column.AMOUNT: ("发放金额(元)", "发放金额", "补贴金额", "补贴金额(元)", "金额", "金额(元)", "应发金额(元)"),
    Column.TELEPHONE: ("联系电话", "电话", "手机号", "手机号码"),
    Column.REMARK: ("备注",),
}  # fmt: skip
_BY_TITLE = {title: column for column, titles in TITLES.items() for title in titles}
# Filled in by hand in most rosters and of no use to a payment: not worth telling the bureau that we ignore it.
_NUMBERING = {"序号", "编号"}


def _plain(cell: str) -> str:
    return re.sub(r"[\s*]", "", unicodedata.normalize("NFKC", cell).removeprefix("\ufeff"))


@dataclass(frozen=True)
class Header:
    """A row of cells read as a header: where each column stands (0-based), and what did not fit."""

    cells: tuple[str, ...]
    places: dict[Column, int]
    doubled: dict[Column, tuple[int, ...]]
    unknown: tuple[str, ...]

    @property
    def missing(self) -> tuple[Column, ...]:
        return tuple(column for column in REQUIRED if column not in self.places)


def match_header(cells: Sequence[str]) -> Header:
    """Read cells as column names, in any order, by any alias; the first of a doubled column keeps its place."""
    seen: dict[Column, list[int]] = {}
    unknown: list[str] = []
    for place, cell in enumerate(cells):
        title = _plain(cell)
        column = _BY_TITLE.get(title)
        if column is not None:
            seen.setdefault(column, []).append(place)
        elif title and title not in _NUMBERING:
            unknown.append(title)
    return Header(
        cells=tuple(cells),
        places={column: places[0] for column, places in seen.items()},
        doubled={column: tuple(places) for column, places in seen.items() if len(places) > 1},
        unknown=tuple(unknown),
    )


def find_header(rows: Sequence[Sequence[str]]) -> tuple[int, Header] | None:
    """The header among a file's first rows (titles may stand above it): the row naming most columns, at least two."""
    matched = [(len(header.places), -index, header) for index, header in enumerate(map(match_header, rows))]
    known, index, header = max(matched, key=lambda found: found[:2], default=(0, 0, None))
    return (-index, header) if header is not None and known >= 2 else None
