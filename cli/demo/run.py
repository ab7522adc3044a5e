"""Run the demo: start the local cloud, play the story, check the books, have them audited, show them."""

import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from yikatong.errors import Refusal
from yikatong.masking import mask_name
from yikatong.records import RecordKeys

FIRST_DAY = date(2023, 1, 8)


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="目录", help="把全部对象、数据、日志和银行账簿导出到这里。")
    ] = None,
) -> None:
    """演示：在本机云上发放四个补贴项目，从名册到公开查询；账不平、核对不符时以非零结束。"""
    from auditor.audit import audit
    from auditor.source import ExportFolder
    from cli.audit import result_line
    from cli.demo.books import faults
    from cli.demo.office import OPERATOR, Office
    from cli.demo.show import print_all, reasons_table
    from cli.demo.story import Story, steps
    from cli.query import records_table, total_words
    from infra.local.cloud import LocalCloud
    from yikatong.plan import PlanBook, Settings

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise Refusal(f"{keep} 不是空目录，请换一个目录。")
    console = Console(width=None if Console().is_terminal else 140)
    began = time.monotonic()
    todo = list(steps())
    with _progress(console) as progress, ExitStack() as aside:
        bar = progress.add_task("启动本机云（每个函数一个进程，模拟银行一个进程）", total=len(todo) + 1)
        with LocalCloud(FIRST_DAY) as cloud:
            cloud.warm()
            story = Story(Office(cloud), PlanBook.committed(), Settings.committed())
            progress.advance(bar)
            for words, deed in todo:
                progress.update(bar, description=words)
                started = time.monotonic()
                deed(story)
                progress.console.print(f"✓ {words}　[dim]{time.monotonic() - started:.1f} 秒[/]")
                progress.advance(bar)
            batches = story.office.batches()
            lines = _lines(story.office, OPERATOR, batches)
            bank: dict[str, Any] = cloud.bank.call("GET", "/book")
            assert story.asker is not None, "the first step chooses who asks"
            answer = story.office.query(story.asker.name, story.asker.id_number)
            reports = [story.office.report(batch["batch_id"]) for batch in batches if batch["number"] == 2]
            folder = keep or Path(aside.enter_context(tempfile.TemporaryDirectory(prefix="yikatong-audit-")))
            progress.update(bar, description="导出全部证据，由不与平台共用代码的核对程序重新计算")
            cloud.export(folder)
            if keep is not None:
                shutil.copytree(cloud.log_folder, keep / "logs")
            record_key = _record_key(cloud)
        report = audit(ExportFolder(folder), record_key=record_key)
    wrong = faults(batches, lines, bank)
    if not story.refusals:
        wrong.append("#39 在 6 月的正式发放指令没有被拒绝")
    console.print()
    for refusal in story.refusals:
        console.print(f"6月21日提前下达的 #39 正式发放指令被拒绝，与计划相符：{refusal}")
    console.print(reasons_table(reports))
    print_all(console, batches, lines, bank, wrong)
    console.print(f"[bold {'green' if report.clean else 'red'}]独立核对：{result_line(report)}[/]")
    for difference in report.differences:
        console.print(f"不符 {difference.name} {difference.where}：应为 {difference.expected}，实为 {difference.found}")
    console.print(f"一位享受人（{mask_name(story.asker.name)}，虚构）用本人姓名和身份证号查询：")
    console.print(records_table(answer["records"]))
    for total in answer["totals"]:
        console.print(total_words(total))
    console.print(f"用时 {time.monotonic() - began:.0f} 秒。" + (f"已导出到 {keep}。" if keep else ""))
    if wrong or not answer["records"] or not report.clean:
        raise typer.Exit(1)


def _record_key(cloud: Any) -> bytes:
    """The key of the public records, as the stack keeps it: the auditor looks for everybody's records under it."""
    secret: str = cloud.client("secretsmanager").get_secret_value(SecretId=cloud.resources["secrets"]["record_key"])[
        "SecretString"
    ]
    return RecordKeys.of_secret(secret).read


def _lines(office: Any, operator: str, batches: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The line of every batch, as its run shows it."""
    lines: dict[str, dict[str, Any]] = {}
    for run_id in sorted({batch["run_id"] for batch in batches if batch["run_id"]}):
        shown = office.call(operator, "GET", f"/v1/runs/{run_id}")
        lines |= {batch["batch_id"]: batch["line"] for batch in shown["batches"] if batch["line"]}
    return lines


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
