"""`yikatong plan …`: the plan as data, for whoever checks it, prints it or prepares next year's."""

import json
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.files import require_free
from cli.options import Number, Overwrite
from yikatong.errors import Refusal
from yikatong.plan import (
    Frequency,
    Mode,
    Plan,
    PlanBook,
    Register,
    Settings,
    Subsidy,
    WorkingDays,
    derive_schedules,
    is_late_trial,
    payable_slots,
)
from yikatong.plan.notice import COLUMNS, read_notice, read_text, write_csv
from yikatong.plan.register import REGISTER_PATH
from yikatong.plan.slots import OCCASION_EXAMPLE
from yikatong.plan.working_days import Unpublished
from yikatong.plan.year_view import month_marks

app = typer.Typer(no_args_is_help=True, help="发放工作计划：导入、查看、可发放属期、定时、永久代码、年历。")

# Wide enough for every table here; a pipe has no width of its own, and names must not be cut short there.
TABLE_WIDTH = 138


class Format(StrEnum):
    JSON = "json"
    TABLE = "table"


PlanFiles = Annotated[
    list[Path] | None, typer.Option("--plan", metavar="文件", help="计划 CSV，可重复给出；不给则用随版本发布的计划。")
]
OutputFormat = Annotated[Format, typer.Option("--format", metavar="json|table", help="输出格式。")]


def _book(files: list[Path] | None) -> PlanBook:
    return PlanBook.load(files) if files else PlanBook.committed()


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _print_table(table: Table) -> None:
    Console(width=TABLE_WIDTH, highlight=False).print(table)


def _write(path: Path, text: str) -> None:
    """Write whole or not at all: a neighbour file is renamed over the target."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise Refusal(f"无法写入 {path}", "cannot_write") from None


@app.command("import")
def import_notice(
    notice: Annotated[Path, typer.Argument(metavar="通知文本", help="通知的文本（UTF-8，表格以制表符分列）。")],
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="写到这个计划 CSV。")],
    overwrite: Overwrite = False,
) -> None:
    """把通知里的计划表导入为计划 CSV；有任何一处读不懂就不写。"""
    require_free(out, overwrite=overwrite)
    rows = read_notice(read_text(notice))
    plan = Plan.from_rows(rows, Register.committed())
    _write(out, write_csv(rows))
    typer.echo(f"已写入 {out}：{plan.year}年，{len(plan.subsidies)}项")


@app.command()
def show(plan: PlanFiles = None, format: OutputFormat = Format.TABLE) -> None:
    """按序号列出计划的每一项。"""
    book = _book(plan)
    if format is Format.JSON:
        _print_json([subsidy.as_record() for each in book.plans for subsidy in each.subsidies])
        return
    for each in book.plans:
        table = Table(title=f"{each.year}年发放工作计划（{len(each.subsidies)}项）", show_lines=True)
        widths = (4, 28, 18, 8, 10, 13, 13, 13)
        for heading, width in zip(COLUMNS, widths, strict=True):
            table.add_column(heading, width=width, overflow="fold")
        for subsidy in each.subsidies:
            table.add_row(*_cells(subsidy))
        _print_table(table)


def _cells(subsidy: Subsidy) -> list[str]:
    trial, formal = subsidy.trial.window, subsidy.formal.window
    ordered = "\n按实际发放日" if subsidy.formal.on_demand else ""
    return [
        str(subsidy.number),
        subsidy.name,
        "\n".join(subsidy.lead_departments),
        subsidy.frequency.value,
        f"{subsidy.entitlement.first} 至\n{subsidy.entitlement.last}",
        str(subsidy.cross_period or "无"),
        f"{trial.first} 至\n{trial.last}" if trial else "不需要",
        f"{formal.first} 至\n{formal.last}{ordered}",
    ]


@app.command()
def payable(
    subsidy: Number,
    as_of: Annotated[str, typer.Option("--as-of", metavar="日期", help="发放日，如 2023-07-10；按它的年份读计划。")],
    mode: Annotated[Mode, typer.Option("--mode", metavar="trial|formal", help="模拟测试或正式发放。")] = Mode.FORMAL,
    plan: PlanFiles = None,
) -> None:
    """列出这一天可以发放的属期，一行一个；需要审批人确认的标 review。"""
    book = _book(plan)
    day = _day(as_of)
    chosen = book.subsidy(day.year, subsidy)
    slots = payable_slots(book, chosen, day, mode)
    if chosen.frequency is Frequency.PER_OCCASION:
        typer.echo(
            f"{_named(chosen)}一年多次发放：属期写作 {OCCASION_EXAMPLE.replace('2023', str(day.year))}，须先登记后使用"
        )
    for each in slots:
        typer.echo(f"{each.slot}\treview" if each.review else str(each.slot))
    if any(each.review for each in slots):
        typer.echo("review＝须审批人逐项确认", err=True)
    if mode is Mode.TRIAL and is_late_trial(chosen, day):
        typer.echo("提示：模拟测试时间已过，不会自动运行，须下达指令补做。", err=True)


def _named(subsidy: Subsidy) -> str:
    """The subsidy in a sentence: quotes inside its own name become the inner ones."""
    inner = subsidy.name.translate(str.maketrans("“”", "‘’"))
    return f"{subsidy.plan_year}年第{subsidy.number}项“{inner}”"


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refusal(f"日期应写作 2023-07-10 的样子，读到“{text}”", "bad_date") from None
    if day.isoformat() != text:
        raise Refusal(f"日期应写作 2023-07-10 的样子，读到“{text}”", "bad_date")
    return day


@app.command()
def schedules(plan: PlanFiles = None, format: OutputFormat = Format.TABLE) -> None:
    """列出由计划推导出的全部定时，与部署的完全一样。"""
    book = _book(plan)
    derived = derive_schedules(book, Settings.committed())
    if format is Format.JSON:
        _print_json([schedule.as_record() for schedule in derived])
        return
    table = Table(title=f"定时（{len(derived)}条，时区 Asia/Shanghai）")
    for heading in ("年度", "序号", "补贴项目名称", "方式", "表达式", "名称"):
        table.add_column(heading, overflow="fold")
    for each in derived:
        named = book.subsidy(each.plan_year, each.subsidy).name
        row = (str(each.plan_year), str(each.subsidy), named, each.mode.chinese, each.expression, each.name)
        table.add_row(*row)
    _print_table(table)


@app.command()
def register(
    plan: PlanFiles = None,
    assign: Annotated[
        list[str] | None,
        typer.Option("--assign", metavar="序号=代码", help="答复一项：已有代码（改名）或 new:代码（新项目）。可重复。"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="文件", help="登记簿写到这里；不给则更新现有登记簿。")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """给计划的每一项配上永久代码：名称相同的自动配上，其余须明确答复。"""
    if out is not None:
        require_free(out, overwrite=overwrite)
    book = _book(plan)
    answers = _answers(assign or [], book)
    current = updated = book.register
    for each in book.plans:
        given = answers if len(book.plans) == 1 else {}
        if sys.stdin.isatty():
            given = given | _ask(current, each, given)
        updated = updated.with_plan(each.year, each.names, given)
    target = out or REGISTER_PATH
    if out is not None or updated != current:
        _write(target, updated.to_csv())
    added = len(updated.entries) - len(current.entries)
    for entry in updated.entries[len(current.entries) :]:
        origin = "新代码" if entry.code not in current.codes else "沿用"
        typer.echo(f"{entry.plan_year}\t{entry.number}\t{entry.code}\t{entry.name}\t{origin}")
    typer.echo(f"新登记{added}项，登记簿：{target}" if added else "全部项目均已登记，没有变化")


def _answers(texts: list[str], book: PlanBook) -> dict[int, str]:
    if texts and len(book.plans) > 1:
        raise Refusal("--assign 的序号只在一份计划里有意义，请一次只给一份计划", "bad_assign")
    answers: dict[int, str] = {}
    for text in texts:
        number, mark, answer = text.partition("=")
        if not mark or not answer or not (number.isascii() and number.isdigit()):
            raise Refusal(f"--assign 应写作 17=代码 或 17=new:代码，读到“{text}”", "bad_assign")
        if int(number) in answers:
            raise Refusal(f"--assign 对第{int(number)}项给了两个答复", "bad_assign")
        answers[int(number)] = answer
    return answers


def _ask(current: Register, plan: Plan, given: dict[int, str]) -> dict[int, str]:
    """Ask a person at a terminal about each row that neither its name nor `--assign` settles."""
    asked: dict[int, str] = {}
    for subsidy in plan.subsidies:
        if subsidy.code is None and subsidy.number not in given and current.entry(plan.year, subsidy.number) is None:
            typer.echo(f"{subsidy}的名称不在登记簿里。改名的填原代码，新项目填 new:代码。已有代码：")
            typer.echo("  " + " ".join(sorted(current.codes)))
            asked[subsidy.number] = typer.prompt("代码").strip()
    return asked


@app.command()
def calendar(plan: PlanFiles = None) -> None:
    """一年一览：横排月份，竖排项目，可打印。"""
    settings, working_days = Settings.committed(), WorkingDays.committed()
    for each in _book(plan).plans:
        table = Table(title=f"{each.year}年惠民惠农补贴“一卡通”发放年历")
        table.add_column("序号", justify="right", no_wrap=True)
        table.add_column("补贴项目名称", overflow="fold", max_width=44)
        for month in range(1, 13):
            table.add_column(f"{month}月", justify="center", no_wrap=True, width=4)
        for subsidy in each.subsidies:
            marks = [month_marks(subsidy, month, settings, working_days) for month in range(1, 13)]
            table.add_row(str(subsidy.number), subsidy.name, *marks)
        _print_table(table)
        typer.echo(_legend(each, settings, working_days))


def _legend(plan: Plan, settings: Settings, working_days: WorkingDays) -> str:
    weekday = dict(zip(("MON", "TUE", "WED", "THU", "FRI"), "一二三四五", strict=True))[settings.schedule.weekday]
    try:
        working_days.is_working_day(date(plan.year, 1, 1))
        moved = "遇非银行工作日已顺延"
    except Unpublished:
        moved = f"{plan.year}年放假安排尚未公布，未作顺延"
    return (
        f"图例：试＝模拟测试当月　数字＝正式发放日（{moved}）　周＝每周{weekday}正式发放\n"
        "　　　日＝期间内每个工作日正式发放　批＝审批后随时正式发放　空白＝不发放"
    )
