"""What the local clock tells of the days it has played."""

from datetime import timedelta, timezone
from typing import Any

import pytest

from cli.ticks import told

SHANGHAI = timezone(timedelta(hours=8))


def tick(schedule: str, answer: str = "null", *, failed: bool = False) -> dict[str, Any]:
    return {"schedule": schedule, "at": "2023-06-10T01:00:00+00:00", "failed": failed, "answer": answer}


@pytest.mark.parametrize(
    ("schedule", "answer", "line"),
    [
        (
            "2023-02-urban-minimum-living-formal",
            '{"outcome": "postponed"}',
            "#2 城市最低生活保障金（正式发放）：不是银行工作日，改在下一个工作日发放",
        ),
        (
            "2023-17-disabled-hardship-living-trial",
            '{"outcome": "dropped"}',
            "#17 困难残疾人生活补贴（模拟测试）：不是发放的日子（休息日），略过",
        ),
        (
            "2023-17-disabled-hardship-living-trial",
            '{"outcome": "not_a_day"}',
            "#17 困难残疾人生活补贴（模拟测试）：不在计划规定的时间内，略过",
        ),
        (
            "urban-minimum-living-formal-20230612-once",
            '{"outcome": "started"}',
            "城市最低生活保障金（正式，顺延到这一天）：开始发放",
        ),
        ("of-another-plan-formal-20230612-once", "", "of-another-plan-formal-20230612-once：已执行"),
    ],
)
def test_a_payday_is_told_by_the_subsidys_name_with_what_was_made_of_it(schedule: str, answer: str, line: str) -> None:
    assert told([tick(schedule, answer)], SHANGHAI) == [f"2023-06-10 09:00  {line}"]


def test_what_happens_every_night_is_one_line_and_a_failure_its_own() -> None:
    nights = [tick("anchor_books"), tick("export_portal"), tick("anchor_books"), tick("export_portal", failed=True)]
    assert told(nights, SHANGHAI) == [
        "2023-06-10 09:00  导出到政务服务网：失败",
        "另有每夜的定时：审计链存根 2 次，导出到政务服务网 1 次。",
    ]
