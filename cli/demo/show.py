"""What the demo prints at the end: a line per batch, the balance, and one payee's own query."""

from collections import Counter
from typing import Any

from rich.console import Console
from rich.table import Table

from yikatong.closing import OUTCOMES
from yikatong.money import in_yuan

# By gravity. Nobody in the demo confirms a row for review, and one that is not confirmed counts as excluded.
LEVELS = {"exclude": "剔除", "hold": "暂缓", "review": "剔除"}
# Nothing waits to be sent when the demo is over.
COLUMNS = tuple((name, words) for name, words in OUTCOMES.items() if name != "waiting")


def batches_table(batches: list[dict[str, Any]], lines: dict[str, dict[str, Any]]) -> Table:
    """One row per batch; counts of rows, and yuan that stayed with the payees."""
    table = Table(title="各批次去向（人次）", title_justify="left")
    table.add_column("补贴项目")
    table.add_column("地区")
    table.add_column("方式")
    table.add_column("行数", justify="right")
    for _, heading in COLUMNS:
        table.add_column(heading, justify="right")
    table.add_column("实发（元）", justify="right")
    for batch in batches:
        line = lines.get(batch["batch_id"])
        counts = [str(batch["rows"])]
        counts += [str(line[name]["count"]) if line else "—" for name, _ in COLUMNS]
        paid = in_yuan(line["settled"]["fen"] - line["returned"]["fen"]) if line else "—"
        trial = batch["mode"] == "trial"
        table.add_row(
            f"#{batch['number']} {batch['subsidy']}",
            batch["region"],
            "模拟" if trial else "正式",
            *counts,
            f"（{paid}）" if trial else paid,
        )
    return table


def reasons_table(reports: list[dict[str, Any]]) -> Table:
    """Why rows of these batches were excluded or held, most frequent first: each row once, by its gravest finding, so that
    the rows add up to those in the table of batches."""
    counted = Counter(reason for report in reports for reason in _reasons_of_rows(report))
    table = Table(title="#2 名册校验：剔除和暂缓的原因", title_justify="left")
    table.add_column("处理")
    table.add_column("行数", justify="right")
    table.add_column("原因")
    for (level, reason), count in counted.most_common():
        table.add_row(LEVELS[level], str(count), reason)
    table.add_section()
    for fate in ("剔除", "暂缓"):
        rows = sum(count for (level, _), count in counted.items() if LEVELS[level] == fate)
        table.add_row(
            fate, str(rows), "合计，与下表 #2 各批次之和相同" if fate == "剔除" else "合计（发放日卡已办好的照发）"
        )
    return table


def _reasons_of_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Of every row that was not payable as it stood the level and the first sentence of its gravest finding."""
    order = list(LEVELS)
    gravest: dict[int, dict[str, Any]] = {}
    for finding in report["findings"]:
        if finding["level"] in LEVELS and finding["row"] is not None:
            known = gravest.setdefault(finding["row"], finding)
            if order.index(finding["level"]) < order.index(known["level"]):
                gravest[finding["row"]] = finding
    unconfirmed = "审批人未确认："
    return [
        (each["level"], (unconfirmed if each["level"] == "review" else "") + each["message"].split("。")[0])
        for each in gravest.values()
    ]


def print_all(
    console: Console,
    batches: list[dict[str, Any]],
    lines: dict[str, dict[str, Any]],
    bank: dict[str, Any],
    faults: list[str],
) -> None:
    """The table of batches and the balance line; money in brackets is a trial's, which never moved."""
    console.print(batches_table(batches, lines))
    console.print("入账含退票，退票不另计；未发：同一人（户）同一属期已由另一批次发放。")
    console.print("方式为“模拟”的批次走银行测试通道，括号内的钱没有动过，也不公开。")
    formal = [lines[batch["batch_id"]] for batch in batches if batch["mode"] == "formal" and batch["batch_id"] in lines]
    settled = sum(line["settled"]["fen"] for line in formal)
    returned = sum(line["returned"]["fen"] for line in formal)
    console.print(
        f"平账：平台入账 {in_yuan(settled)} 元 − 退票 {in_yuan(returned)} 元 ＝ {in_yuan(settled - returned)} 元；"
        f"银行账簿净支出 {in_yuan(bank['moved_fen'] - bank['returned_fen'])} 元。"
    )
    if faults:
        for fault in faults:
            console.print(f"[bold red]不平：{fault}[/]")
    else:
        console.print("[bold green]每个批次逐行逐分相符，与银行账簿一致。[/]")
