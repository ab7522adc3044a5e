"""What the local clock has played, in Chinese: which subsidy's payday came, and what was made of it."""

import json
from collections import Counter
from datetime import datetime, tzinfo
from typing import Any

from cli.options import MODES
from yikatong.errors import Refusal
from yikatong.plan import PlanBook, Settings, derive_schedules

OUTCOMES = {
    "started": "开始发放",
    "postponed": "不是银行工作日，改在下一个工作日发放",
    "dropped": "不是发放的日子（休息日），略过",
    "not_a_day": "不在计划规定的时间内，略过",
    "empty": "没有可发放的批次",
    "paused": "该补贴已暂停发放",
    "running": "这次发放正在进行",
    "ended": "这次发放已经办完",
    "stopped": "这次发放已停止",
    "given_up": "这次发放多次中断，等人恢复",
}
DAILY = {"anchor_books": "审计链存根", "publish_disclosure": "更新公示", "export_portal": "导出到政务服务网"}
"""What happens every night, whatever the plan says."""


def told(fired: list[dict[str, Any]], zone: tzinfo | None) -> list[str]:
    """A line for each payday in order; what happens every night is counted in one, and shown only where it failed."""
    subsidies = _subsidies()
    lines, nights = [], Counter[str]()
    for tick in fired:
        daily = DAILY.get(tick["schedule"])
        if daily and not tick["failed"]:
            nights[daily] += 1
            continue
        at = datetime.fromisoformat(tick["at"]).astimezone(zone)
        what = daily or subsidies.get(tick["schedule"]) or _once(tick["schedule"]) or tick["schedule"]
        lines.append(f"{at:%Y-%m-%d %H:%M}  {what}：{'失败' if tick['failed'] else _outcome(tick['answer'])}")
    if nights:
        lines.append(f"另有每夜的定时：{'，'.join(f'{words} {count} 次' for words, count in nights.items())}。")
    return lines


def _subsidies() -> dict[str, str]:
    book = PlanBook.committed()
    return {
        each.name: f"#{each.subsidy} {book.subsidy(each.plan_year, each.subsidy).name}（{each.mode.chinese}）"
        for each in derive_schedules(book, Settings.committed())
    }


def _once(schedule: str) -> str:
    """A postponed payday's own schedule, `{code}-{mode}-{day}-once`; "" where it is none of a committed plan."""
    code, mode, day, _ = schedule.rsplit("-", 3) if schedule.count("-") >= 3 else ("", "", "", "")
    if not day.isdecimal():
        return ""
    try:
        return f"{PlanBook.committed().by_code(int(day[:4]), code).name}（{MODES.get(mode, mode)}，顺延到这一天）"
    except Refusal:
        return ""


def _outcome(answer: str) -> str:
    try:
        word = str(json.loads(answer)["outcome"])
    except (ValueError, TypeError, KeyError):
        return "已执行"
    return OUTCOMES.get(word, word)
