"""What of a person may be shown: one module, so that no log line, finding, record, list or page decides for itself (DESIGN §7).

The tail of a number lets its owner recognise it; the middle, which holds the birth date, is never shown. Columns get shifted
and cells hold whatever somebody typed: ends are shown only of what is a number and nothing else.
"""

import re
import unicodedata

# Characters a 属期 or an amount is written with; any other Chinese text might be somebody's name.
_HARMLESS = re.compile(r"[0-9A-Za-z#年月日季度上下半第一二三四期元至¥,.\-/+=()~' ]*")
_NUMBER = re.compile(r"[0-9]{11,}[0-9Xx]")
_DIGIT = re.compile("[0-9]")
# Categories of characters: dashes, and what nobody sees.
_BETWEEN = ("Pd", "Cc", "Cf")
# A slot's Q2 and H1 are letters by themselves.
_LETTERS = re.compile(r"[A-Za-z](?:[^0-9A-Za-z]*[A-Za-z])+")
# A telephone number has eleven digits, however it is grouped; accounts and id numbers have more.
_MOST_DIGITS_SHOWN = 10
_HEAD, _TAIL = 3, 4
SHOWN_CHARACTERS = 24
# What the columns are called that bureaus keep for themselves, and those of our other files: whoever sends a card file as a
# roster should know it again. Anything else in a title might be somebody's name.
_TITLE = re.compile(
    r"(?:姓名|身份证|证件|银行|账号|卡号|社保卡|属期|季度|金额|资金|标准|面积|数量|电话|手机|备注|万元|民族|性别|年龄|出生|日期|时间|学校|班级|年级|专业|学历|家庭|住址|地址|详细|户籍|户口|户主|人口|本人|成员|关系|类别|类型|种类"
    r"|等级|级别|情况|状态|状况|原因|说明|内容|名称|编码|代码|编号|号码|残疾|低保|特困|贫困|脱贫|救助|补贴|补助|保障|发放|申请|审批"
    r"|卡状态|服务|社保账户|金融账户|变动|死亡|去世|迁出|注销|原行号|要改正的问题"
    r"|审核|填表|制表|经办|单位|部门|盖章|签字|作物|土地|地块|承包|玉米|大豆|水稻|小麦|收入|合计|小计|批次|项目|是否|享受|领取|方式"
    r"|[与的人户家数次年月号证元亩]|[0-9()/:、\s])*"
)


def mask_id(id_number: str | None) -> str:
    """An id number with its first three and last four characters; of anything shorter or else only the length.

    >>> mask_id("230102199001011234"), mask_id("张三丰")
    ('230***********1234', '***')
    """
    text = _joined(id_number)
    if not _NUMBER.fullmatch(text):
        return "*" * min(len(text), SHOWN_CHARACTERS)
    hidden = min(len(text), SHOWN_CHARACTERS) - _HEAD - _TAIL
    return f"{text[:_HEAD]}{'*' * hidden}{text[-_TAIL:]}"


def mask_name(name: str | None) -> str:
    """A name's first character and one star, however long it is.

    >>> mask_name("张三丰"), mask_name("")
    ('张*', '')
    """
    text = (name or "").strip()
    return f"{text[0]}*" if text else ""


def mask_account(account: str | None) -> str:
    """An account's last four digits; of anything shorter or else only the length.

    >>> mask_account("6217 0012 3456 7890 123"), mask_account("欧阳张三")
    ('****0123', '****')
    """
    text = _joined(account)
    return f"****{text[-_TAIL:]}" if _NUMBER.fullmatch(text) else "*" * min(len(text), SHOWN_CHARACTERS)


def account_tail(account: str | None) -> str:
    """By which its owner knows an account: its last four digits, and nothing of what is shorter or no number.

    >>> account_tail("6217 0012 3456 7890 123"), account_tail("1234567"), account_tail("欧阳张三")
    ('0123', '', '')
    """
    text = _joined(account)
    return text[-_TAIL:] if _NUMBER.fullmatch(text) else ""


def mask_text(text: str | None) -> str:
    """A cell that should hold no personal data, but might. A 属期 or an amount is shown as it was written.

    A number as long as a telephone's is masked however its digits are grouped, and so are words.

    >>> mask_text("2023年6月"), mask_text("张三"), mask_text("Zhang San"), mask_text("6217 0000 1111 2222")
    ('2023年6月', '张*', 'Z*', '621*********2222')
    """
    written = (text or "").strip()
    plain = unicodedata.normalize("NFKC", written)
    if _NUMBER.fullmatch(_joined(plain)):
        return mask_id(plain)
    if not _HARMLESS.fullmatch(plain):
        return mask_name(written)
    shown = _LETTERS.sub(lambda letters: f"{letters[0][0]}*", plain)
    if _may_hold_a_number(plain):
        head = [digit.end() for digit in _DIGIT.finditer(shown)][_HEAD - 1]
        shown = shown[:head] + _DIGIT.sub("*", shown[head:])
    elif shown == plain:
        shown = written
    return shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "…"


def mask_title(title: str) -> str:
    """A column's title that is none of a roster's: its first two characters, unless it is made of common words.

    >>> mask_title("残疾等级"), mask_title("填表人张三丰"), mask_title("张三丰")
    ('残疾等级', '填表*', '张*')
    """
    plain = unicodedata.normalize("NFKC", title).strip()
    if len(plain) <= SHOWN_CHARACTERS and _TITLE.fullmatch(plain) and not _may_hold_a_number(plain):
        return title
    # Two characters may be all of somebody's name but one.
    return f"{plain[:2]}*" if len(plain) > 3 else mask_name(plain)


def mask_label(label: str) -> str:
    """The name somebody gave a sheet or a file: whole, unless it may hold a number.

    >>> mask_label("6月名册"), mask_label("张三丰230102199001011234")
    ('6月名册', '张*')
    """
    return mask_name(label) if _may_hold_a_number(unicodedata.normalize("NFKC", label)) else label


def _joined(text: str | None) -> str:
    """Without what people put between the digits of a number: blanks, dashes, and what nobody sees."""
    characters = unicodedata.normalize("NFKC", text or "")
    return "".join(each for each in characters if not each.isspace() and unicodedata.category(each) not in _BETWEEN)


def _may_hold_a_number(text: str) -> bool:
    return len(_DIGIT.findall(text)) > _MOST_DIGITS_SHOWN
