"""What EventBridge Scheduler accepts, checked by ourselves: a local stand-in accepts nonsense that AWS refuses (FACTS).

Source: the EventBridge Scheduler user guide, "Schedule types": six cron fields; `?` in exactly one of day-of-month and
day-of-week; years 1970-2199; `at(yyyy-mm-ddThh:mm:ss)`. `rate()` is left out: no rule of the plan is a rate.
"""

import calendar
import re
from datetime import datetime

from yikatong.errors import Refusal

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTH_NAMES = {name: number for number, name in enumerate(_MONTHS, start=1)}
_DAY_NAMES = {name: number for number, name in enumerate(_WEEKDAYS, start=1)}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("分", 0, 59, {}),
    ("时", 0, 23, {}),
    ("日", 1, 31, {}),
    ("月", 1, 12, _MONTH_NAMES),
    ("星期", 1, 7, _DAY_NAMES),
    ("年", 1970, 2199, {}),
)


def validate_expression(expression: str) -> str:
    """Return the expression if AWS would take it; refuse it otherwise, naming the field."""
    if match := re.fullmatch(r"cron\((.*)\)", expression):
        _check_cron(match[1].split(" "), expression)
    elif match := re.fullmatch(r"at\((.*)\)", expression):
        _check_at(match[1], expression)
    else:
        raise _bad(expression, "应为 cron(…) 或 at(…)")
    return expression


def _bad(expression: str, why: str) -> Refusal:
    return Refusal(f"定时表达式 {expression} 不合规：{why}", "bad_expression")


def _check_at(text: str, expression: str) -> None:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        raise _bad(expression, "at 里应为 年-月-日T时:分:秒")
    try:
        moment = datetime.fromisoformat(text)  # the zone is the schedule's own field, so this is local wall time
    except ValueError:
        raise _bad(expression, "没有这个日期或时刻") from None
    if not 1970 <= moment.year <= 2199:
        raise _bad(expression, "年份应在 1970 至 2199 之间")


def _check_cron(fields: list[str], expression: str) -> None:
    if len(fields) != len(_FIELDS):
        raise _bad(expression, f"应有{len(_FIELDS)}个字段，实有{len(fields)}个")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise _bad(expression, "“日”和“星期”必须恰有一个是 ?")
    values: list[set[int] | None] = []
    for (label, low, high, names), field in zip(_FIELDS, fields, strict=True):
        if field == "?" and label in ("日", "星期"):
            values.append(None)
            continue
        values.append(_field_values(label, low, high, names, field, expression))
    days, months, years = values[2], values[3], values[5]
    if days and months and years and not _some_day_exists(days, months, years):
        raise _bad(expression, "没有这样的日子，永远不会触发")


def _field_values(
    label: str, low: int, high: int, names: dict[str, int], field: str, expression: str
) -> set[int] | None:
    """The values a field names; None for the special day forms, whose days depend on the month."""
    if label == "日" and re.fullmatch(r"L|LW|(?:[1-9]|[12][0-9]|3[01])W", field):
        return None
    if label == "星期" and re.fullmatch(r"L|(?:[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(?:L|#[1-5])", field):
        return None
    values: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(?P<from>\*|[0-9]+|[A-Z]+)(?:-(?P<to>[0-9]+|[A-Z]+))?(?:/(?P<step>[0-9]+))?", part)
        if not match or (match["from"] == "*" and match["to"]):
            raise _bad(expression, f"“{label}”字段读不懂“{part}”")
        first = low if match["from"] == "*" else _number(label, names, match["from"], expression)
        open_ended = match["from"] == "*" or (match["step"] and not match["to"])
        last = _number(label, names, match["to"], expression) if match["to"] else (high if open_ended else first)
        step = int(match["step"] or 1)
        if not low <= first <= last <= high:
            raise _bad(expression, f"“{label}”字段的“{part}”应在 {low} 至 {high} 之间，且从小到大")
        if not 1 <= step <= high:
            raise _bad(expression, f"“{label}”字段的步长“{part}”不对")
        values.update(range(first, last + 1, step))
    return values


def _number(label: str, names: dict[str, int], text: str, expression: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text):
        return int(text)
    if text in names:
        return names[text]
    raise _bad(expression, f"“{label}”字段读不懂“{text}”")


def _some_day_exists(days: set[int], months: set[int], years: set[int]) -> bool:
    longest = max(calendar.monthrange(year, month)[1] for year in years for month in months)
    return min(days) <= longest
