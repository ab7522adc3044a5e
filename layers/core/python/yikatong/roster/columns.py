"""The columns of a roster, their names and the other names bureaus give them.

A header is compared without what office programs and forms put around it: blanks, line breaks, full-width characters,
asterisks of compulsory columns, and brackets that hold a unit (元, 亩) or a note on the form (必填, 文本格式). A unit we
do not pay in (万元) is no such note: the column is then not ours, and is named as missing. An alias never crosses roles:
户主 is always the head, 收款人 and 领取人 the payee; where a word could mean either, it is no alias at all.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from yikatong.plan import SubsidySettings


class Column(StrEnum):
    """A roster's column; its value is its name in our frames and in the settings."""

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
    GROUP = "village_group"
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
# Nothing is decided by these unless a subsidy asks for them: a second one (two telephones) is no reason to send a file back.
NOTES = (
    Column.BANK, Column.TOWNSHIP, Column.VILLAGE, Column.GROUP, Column.STANDARD, Column.QUANTITY, Column.TELEPHONE,
    Column.REMARK,
)  # fmt: skip


def required_columns_of(settings: SubsidySettings) -> tuple[Column, ...]:
    """The columns a roster of this subsidy must have: the four every roster has, then the subsidy's own."""
    return REQUIRED + tuple(column for column in Column if column in settings.required_columns)


_IDS = (
    "身份证号", "身份证号码", "公民身份号码", "公民身份证号", "公民身份证号码", "居民身份证号", "居民身份证号码",
    "居民身份号码", "居民身份证", "身份证", "身份证件号", "身份证件号码", "身份证明号码", "身份号码", "证件号码",
    "证件号", "有效证件号码", "有效证件号",
)  # fmt: skip
_BENEFICIARIES = (
    "享受人", "补贴对象", "补助对象", "享受人员", "享受对象", "享受补贴人", "补贴人", "补贴人员", "补助人",
    "补助人员", "救助对象", "救助人员", "保障对象", "保障人员", "低保对象", "低保人员", "特困人员", "发放对象",
    "发放人员", "受益人", "受助人", "农户", "种植户", "种粮农户", "种植农户", "种植者", "生产者", "补贴农户",
    "残疾人", "儿童", "孤儿", "学生", "学员", "受助学生", "护林员", "移民", "移民人员",
)  # fmt: skip
_PAYEES = ("收款人", "领款人", "领取人", "代领人", "代领取人", "代收人", "监护人", "法定监护人")
_HEADS = ("户主", "家庭户主", "承包方代表", "承包户主", "户代表")


def _people(roles: Sequence[str], own: Sequence[str], id_own: Sequence[str] = ()) -> tuple[tuple[str, ...], ...]:
    """The names and the ids of one role, as 户主姓名, 姓名(户主), 户主; 户主身份证号, 身份证号(户主)."""
    names = [name for role in roles for name in (f"{role}姓名", role, f"{role}名称", f"姓名({role})", f"{role}(姓名)")]
    ids = [name for role in roles for word in _IDS for name in (f"{role}{word}", f"{word}({role})")]
    return (*own, *names), (*id_own, *ids)


_NAME, _ID = _people(_BENEFICIARIES, ("姓名", "本人姓名"), (*_IDS, "本人身份证号", "本人身份证号码"))
_PAYEE_NAME, _PAYEE_ID = _people(_PAYEES, ())
_HEAD_NAME, _HEAD_ID = _people(_HEADS, ())

# Our own name first, the commonest after it: a finding names the first few.
TITLES: dict[Column, tuple[str, ...]] = {
    Column.NAME: _NAME,
    Column.ID: _ID,
    Column.PAYEE_NAME: _PAYEE_NAME,
    Column.PAYEE_ID: _PAYEE_ID,
    Column.HEAD_NAME: _HEAD_NAME,
    Column.HEAD_ID: _HEAD_ID,
    Column.BANK: (
        "开户银行", "银行", "开户行", "银行名称", "开户银行名称", "开户行名称", "发卡银行", "发卡行", "所属银行",
        "服务银行", "收款银行", "收款人开户行", "收款人开户银行", "开户网点", "开户机构", "金融机构",
    ),
    Column.ACCOUNT: (
        "银行账号", "银行帐号", "账号", "帐号", "银行卡号", "卡号", "社保卡账号", "社保卡号", "社会保障卡号",
        "社会保障卡卡号", "社保卡卡号", "社保卡银行账号", "社会保障卡账号", "社会保障卡银行账号", "社保卡金融账号",
        "社会保障卡金融账号", "金融账号", "一卡通账号", "一卡通帐号", "一卡通卡号", "一卡通号", "“一卡通”账号",
        "“一卡通”卡号", "惠农卡号", "惠农一卡通账号", "银行账户", "账户", "收款账号", "收款帐号", "收款账户",
        "收款人账号", "收款人帐号", "收款人银行账号", "收款人银行卡号", "享受人账号", "开户账号", "发放账号",
        "存折账号", "存折号", "卡(折)号", "银行卡(折)号", "银行账(卡)号", "银行账号/卡号", "账号/卡号",
        "银行账号(卡号)", "卡号/账号",
    ),
    Column.TOWNSHIP: (
        "乡镇", "乡镇(街道)", "街道", "乡(镇)", "镇", "乡", "乡镇名称", "所属乡镇", "乡镇街道", "乡镇/街道",
        "街道(乡镇)", "乡/镇", "乡(镇)街道", "乡(镇、街道)", "乡镇、街道", "镇(乡)", "镇街", "镇(街)", "街道办",
        "街道办事处", "所属街道", "农场", "林场",
    ),
    Column.VILLAGE: (
        "村", "村(居)委会", "村(社区)", "村屯", "社区", "村组", "村名", "村(居)", "村居", "村委会", "居委会",
        "行政村", "所属村", "村/社区", "村委会(社区)", "社区(村)", "村(居委会)", "村居委会", "村(居)名称", "村名称",
        "行政村名称", "所属社区", "村(组)",
    ),
    Column.GROUP: (
        "村民小组", "小组", "组", "村小组", "组别", "屯", "自然屯", "自然村", "屯(组)", "组(屯)", "村民组",
        "居民小组", "生产队", "小组名称",
    ),
    Column.SLOT: (
        "属期", "发放属期", "补贴属期", "所属期", "所属月份", "所属期间", "所属年月", "发放月份", "补贴月份",
        "补助月份", "月份", "年月", "发放年月", "补贴年月", "年份", "年度", "发放年度", "补贴年度", "补助年度",
        "所属年度", "发放年份", "补贴年份", "季度", "发放季度", "补贴季度", "所属季度", "发放期间", "补贴期间",
        "资金属期", "资金所属期",
    ),
    Column.STANDARD: (
        "补贴标准", "标准", "补助标准", "发放标准", "保障标准", "救助标准", "资助标准", "单价", "补贴单价",
        "每亩标准", "每亩补贴标准", "亩补贴标准", "亩均标准", "亩均补贴标准", "每亩补贴", "补贴标准/亩", "执行标准",
    ),
    Column.QUANTITY: (
        "补贴数量", "数量", "面积", "补贴面积", "亩数", "补贴亩数", "种植面积", "种植亩数", "核定面积",
        "核定补贴面积", "享受补贴面积", "补助面积", "发放面积",
    ),
    Column.AMOUNT: (
        "发放金额(元)", "补贴金额", "金额", "应发金额", "实发金额", "补助金额", "应发", "实发", "发放资金",
        "补贴资金", "补助资金", "应发放金额", "实际发放金额", "实发补贴金额", "应发补贴金额", "实发补助金额",
        "应发补助金额", "实发补贴", "应发补贴", "本次发放金额", "本期发放金额", "本月发放金额", "补贴额", "补助额",
        "补贴款", "补助金", "救助金额", "救助金", "保障金额", "保障金", "资助金额", "助学金金额", "奖学金金额",
        "发放额", "打卡金额", "付款金额",
    ),
    Column.TELEPHONE: (
        "联系电话", "电话", "手机号", "手机号码", "手机", "联系方式", "电话号码", "移动电话", "联系手机", "本人电话",
    ),
    Column.REMARK: ("备注", "备注说明", "附注", "说明"),
}  # fmt: skip
# Filled in by hand in most rosters and of no use to a payment: not worth telling the bureau that we ignore it.
_NUMBERING = {"序号", "编号", "序", "行号", "NO", "NO.", "No", "No."}
REPORT_COLUMNS = ("原行号", "要改正的问题")
"""What our own report puts beside the rows to be corrected; the clerk sends them back with these, and hears nothing of it."""

# What a bracket in a header may hold without meaning anything: units we count in, and notes on how to fill in a form.
_UNITS = r"(?:人民币)?元(?:/(?:亩|月|季|年|人|户|次|人[/.·]?月))?|亩|人"
_FORM_NOTES = r"(?:此项|本列)?(?:必填|选填|必填项|选填项|可不填|可空)|文本|文本格式|文本型|18位|18位数字|与身份证一致"
_MEANINGLESS = rf"(?:单位:?)?(?:{_UNITS}|{_FORM_NOTES})"
_WITHOUT_MEANING = re.compile(rf"\({_MEANINGLESS}(?:[,、;]{_MEANINGLESS})*\)|[,(]?单位:(?:元|亩)\)?$|[/,](?:元|亩)$")
_BRACKETS = str.maketrans("【〔[{〈﹝】〕]}〉﹞", "((((((" + "))))))")


def _plain(cell: str) -> str:
    """A header without what stands around its words. Applied to cells and to our own titles alike."""
    text = unicodedata.normalize("NFKC", cell).translate(_BRACKETS)
    # Zero-width characters and byte order marks are in no title and nobody sees them.
    text = "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cf"))
    return _WITHOUT_MEANING.sub("", re.sub(r"[\s*]", "", text)).rstrip(":")


def _by_title() -> dict[str, Column]:
    found: dict[str, Column] = {}
    for column, titles in TITLES.items():
        for title in map(_plain, titles):
            assert found.setdefault(title, column) is column, f"{title} would name two columns"
    return found


_BY_TITLE = _by_title()


@dataclass(frozen=True)
class Header:
    """A row of cells read as a header: where each column stands (0-based), and what did not fit."""

    cells: tuple[str, ...]
    places: dict[Column, int]
    doubled: dict[Column, tuple[int, ...]]
    unknown: tuple[str, ...]

    def confusing(self, required: Collection[Column]) -> dict[Column, tuple[int, ...]]:
        """The doubled columns that decide something, so that nobody may choose for the bureau which one counts."""
        return {column: at for column, at in self.doubled.items() if column not in NOTES or column in required}


def match_header(cells: Sequence[str]) -> Header:
    """Read cells as column names, in any order, by any alias; the first of a doubled column keeps its place."""
    seen: dict[Column, list[int]] = {}
    unknown: list[str] = []
    for place, cell in enumerate(cells):
        title = _plain(cell)
        column = _BY_TITLE.get(title)
        if column is not None:
            seen.setdefault(column, []).append(place)
        elif title and title not in _NUMBERING and title not in REPORT_COLUMNS:
            unknown.append(title)
    return Header(
        cells=tuple(cells),
        places={column: places[0] for column, places in seen.items()},
        doubled={column: tuple(at) for column, at in seen.items() if len(at) > 1},
        unknown=tuple(unknown),
    )


def find_header(rows: Iterable[Sequence[str]]) -> tuple[int, Header] | None:
    """The header among a file's first rows (titles may stand above it): the row naming most columns, at least two."""
    matched = [(len(header.places), -index, header) for index, header in enumerate(map(match_header, rows))]
    known, index, header = max(matched, key=lambda found: found[:2], default=(0, 0, None))
    return (-index, header) if header is not None and known >= 2 else None
