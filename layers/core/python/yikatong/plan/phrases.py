"""Every phrase the notice uses in columns 3 to 8, and nothing else: one function a column.

Source: 黑财监〔2023〕1号, the plan's table; readings in DESIGN §4. A phrase that is not listed here is refused, because
a payment rule must never be guessed. Blanks are what the notice's line wraps left behind and are taken out first.
"""

import re

from yikatong.errors import Refusal
from yikatong.plan.model import CrossPeriodRule, Entitlement, Formal, Frequency, Trial
from yikatong.plan.periods import Month, Window

DEPARTMENT_SEPARATOR = "、"
_YEAR = r"([0-9]{4})年"
_MONTH = r"([1-9]|1[0-2])"
_DEPARTMENT = re.compile(r"省[\u4e00-\u9fff]+(?:厅|局|委员会)")
# Any other frequency in a single month: the notice has no such row, and DESIGN §4 gives no reading.
_MONTH_STARTS, _MONTH_BOUNDS = {Frequency.MONTHLY}, {Frequency.YEARLY}


def without_blanks(text: str) -> str:
    """The text with every kind of blank taken out: in the notice they are line wraps, never part of a word."""
    return "".join(text.split())


def _unknown(text: str) -> Refusal:
    return Refusal(f"读不懂“{text}”" if text.strip() else "不能为空", "unknown_phrase")


def name(text: str) -> str:
    """补贴项目名称: any words, wraps taken out; only an empty cell is refused."""
    phrase = without_blanks(text)
    if not phrase:
        raise _unknown(text)
    return phrase


def departments(text: str) -> tuple[str, ...]:
    """省级牵头组织实施单位: one or more departments, separated by a blank (the notice) or 、 (our CSV).

    A blank may also be a wrap inside a name (省人力资源和 社会保障厅), so it separates only where a whole name ends
    before it and the next begins with 省.
    """
    found: list[str] = []
    for part in re.split(rf"[\s{DEPARTMENT_SEPARATOR}]+", text.strip()):
        if found and not (part.startswith("省") and _DEPARTMENT.fullmatch(found[-1])):
            found[-1] += part
        else:
            found.append(part)
    readable = all(_DEPARTMENT.fullmatch(department) and department.count("省") == 1 for department in found)
    if not readable or len(set(found)) != len(found):
        raise _unknown(text)
    return tuple(found)


def frequency(text: str) -> Frequency:
    """发放频次: 1次/年, 2次/年, 4次/年, 1次/月, 多次/年."""
    try:
        return Frequency(without_blanks(text))
    except ValueError:
        raise _unknown(text) from None


def _months(year: str, first: str, last: str, text: str) -> tuple[int, int, int]:
    if int(first) > int(last):
        raise _unknown(text)
    return int(year), int(first), int(last)


def year_of(text: str) -> int:
    """The year a 发放属期 is in: the plan's own, since every row of a plan is of one year."""
    match = re.match(_YEAR, without_blanks(text))
    if not match:
        raise _unknown(text)
    return int(match[1])


def entitlement(text: str, plan_year: int) -> Entitlement:
    """发放属期: 2023年 (all twelve months) or 2023年6-12月, in months."""
    phrase = without_blanks(text)
    if match := re.fullmatch(_YEAR, phrase):
        year, first, last = int(match[1]), 1, 12
    elif match := re.fullmatch(rf"{_YEAR}{_MONTH}-{_MONTH}月", phrase):
        year, first, last = _months(match[1], match[2], match[3], text)
    else:
        raise _unknown(text)
    _same_year(year, plan_year, text)
    return Entitlement(str(Month(year, first)), str(Month(year, last)))


def cross_period(text: str, how_often: Frequency | None) -> CrossPeriodRule | None:
    """跨属期发放规则: 无, 可按照当前月向前/后追溯2个月, 可按照当前季向前/后追溯1个季度.

    A rule in months on a quarterly row, and the like, is refused: nothing says how to count it. `how_often` is None
    where that column could not be read.
    """
    phrase = without_blanks(text)
    if phrase == "无":
        return None
    if match := re.fullmatch(r"可按照当前月向前/后追溯([1-9]|1[0-2])个月", phrase):
        rule = CrossPeriodRule(int(match[1]), int(match[1]), "month")
    elif match := re.fullmatch(r"可按照当前季向前/后追溯([1-4])个季度", phrase):
        rule = CrossPeriodRule(int(match[1]), int(match[1]), "quarter")
    else:
        raise _unknown(text)
    if how_often is not None and not rule.fits(how_often):
        raise Refusal(f"“{text}”不适用于发放频次“{how_often}”", "rule_unfit")
    return rule


def trial(text: str, plan_year: int) -> Trial:
    """模拟测试时间: 2023年1月, 2023年6月下旬 (21st to the month's end), 2022年已上线发放, 直接上线发放."""
    phrase = without_blanks(text)
    if phrase == "直接上线发放":
        return Trial(None)
    if match := re.fullmatch(rf"{_YEAR}已上线发放", phrase):
        if int(match[1]) > plan_year:
            raise Refusal(f"“{text}”晚于计划年度{plan_year}年", "wrong_year")
        return Trial(None)
    match = re.fullmatch(rf"{_YEAR}{_MONTH}月(下旬)?", phrase)
    if not match:
        raise _unknown(text)
    _same_year(int(match[1]), plan_year, text)
    month = Window.of_months(plan_year, int(match[2]), int(match[2]))
    return Trial(Window(month.first.replace(day=21), month.last) if match[3] else month)


def formal(text: str, plan_year: int, how_often: Frequency | None) -> Formal:
    """正式发放时间. A single month (2023年6月) opens the window of a monthly subsidy, and is that of a yearly one."""
    phrase = without_blanks(text)
    match = re.fullmatch(rf"{_YEAR}(.+)", phrase)
    if not match:
        raise _unknown(text)
    rest = match[2]
    if rest in ("持续发放", "实际发放日"):
        result = Formal(Window.of_year(int(match[1])), on_demand=rest == "实际发放日")
    elif rest == "上半年":
        result = Formal(Window.of_months(int(match[1]), 1, 6))
    elif months := re.fullmatch(rf"{_MONTH}-{_MONTH}月", rest):
        result = Formal(Window.of_months(*_months(match[1], months[1], months[2], text)))
    elif months := re.fullmatch(rf"{_MONTH}月", rest):
        result = Formal(_single_month(int(match[1]), int(months[1]), how_often, text))
    else:
        raise _unknown(text)
    _same_year(result.window.first.year, plan_year, text)
    return result


def _single_month(year: int, month: int, how_often: Frequency | None, text: str) -> Window:
    if how_often is None or how_often in _MONTH_STARTS:  # None: that column is at fault, and says so itself
        return Window.of_months(year, month, 12)
    if how_often in _MONTH_BOUNDS:
        return Window.of_months(year, month, month)
    raise Refusal(f"单独一个月“{text}”只对 1次/月 和 1次/年 有规则，不能用于“{how_often}”", "unknown_phrase")


def _same_year(year: int, plan_year: int, text: str) -> None:
    if year != plan_year:
        raise Refusal(f"“{text}”不在计划年度{plan_year}年", "wrong_year")
