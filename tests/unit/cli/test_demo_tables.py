"""What the demo prints adds up: the reasons of the rows not paid, and the table of batches."""

import io

from rich.console import Console

from cli.demo.show import reasons_table


def finding(row: int | None, level: str, message: str) -> dict[str, object]:
    return {"row": row, "level": level, "message": message}


def test_every_row_stands_under_one_reason_and_one_that_nobody_confirmed_is_among_the_excluded() -> None:
    first = [
        finding(5, "review", "金额超过上限。请核对"),
        finding(5, "exclude", "属期不在可发放的范围内。"),
        finding(6, "exclude", "属期不在可发放的范围内。"),
        finding(7, "review", "金额超过上限。"),
        finding(8, "hold", "收款人的社会保障卡已挂失"),
        finding(9, "remark", "姓名已统一写法"),
        finding(None, "remark", "不认识的列"),
    ]
    second = [finding(5, "review", "金额超过上限。")]
    printed = io.StringIO()
    Console(file=printed, width=140).print(reasons_table([{"findings": first}, {"findings": second}]))
    cells = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in printed.getvalue().splitlines() if "│" in line
    ]
    assert cells == [
        ["剔除", "2", "属期不在可发放的范围内"],
        ["剔除", "2", "审批人未确认：金额超过上限"],
        ["暂缓", "1", "收款人的社会保障卡已挂失"],
        ["剔除", "4", "合计，与下表 #2 各批次之和相同"],
        ["暂缓", "1", "合计（发放日卡已办好的照发）"],
    ]
