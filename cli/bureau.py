"""`yikatong send|batch|occasion|funds|run …`: what bureaus and operators do, through the bureau API alone."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.api import As, Endpoint, call_bureau, fen_of, get_file, put_file, yuan
from yikatong.closing import OUTCOMES
from yikatong.errors import Refusal
from yikatong.plan import PlanBook

batch_app = typer.Typer(no_args_is_help=True, help="批次：列出、查看、审批、撤回、下载校验报告。")
occasion_app = typer.Typer(no_args_is_help=True, help="发放事项：登记（多次/年的项目）。")
funds_app = typer.Typer(no_args_is_help=True, help="资金额度：设定。")
run_app = typer.Typer(no_args_is_help=True, help="发放：下达、列出、查看、恢复、停止。")

MODES = {"formal": "正式", "trial": "模拟"}
WORDS = OUTCOMES | {"payable": "可发放", "review": "待复核"}
LINE = tuple(OUTCOMES)
"""A run's line: the rows by what became of them; those returned are among the settled."""


def _latest_plan_year() -> int:
    return PlanBook.committed().years[-1]


PlanYear = Annotated[
    int,
    typer.Option(
        "--plan-year",
        metavar="年度",
        help="计划年度，不给则为最新的计划。",
        default_factory=_latest_plan_year,
        show_default=False,
    ),
]
Number = Annotated[int, typer.Option("--number", metavar="序号", help="补贴项目在该年度计划中的序号。")]
Region = Annotated[str, typer.Option("--region", metavar="地区", help="六位地区代码。")]
ModeText = Annotated[str, typer.Option("--mode", metavar="formal|trial", help="正式发放或模拟测试。")]
BatchId = Annotated[str, typer.Argument(metavar="批次")]
RunId = Annotated[str, typer.Argument(metavar="发放")]
Reason = Annotated[str, typer.Option("--reason", metavar="原因", help="写明原因，会留存。")]


def send(
    file: Annotated[Path, typer.Argument(metavar="名册文件", help="CSV 或 XLSX。", exists=True, dir_okay=False)],
    number: Number,
    plan_year: PlanYear,
    region: Region,
    mode: ModeText = "formal",
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """报送名册：以本人名义申请上传，再上传文件；校验结果见 yikatong batch list。"""
    body = {"plan_year": plan_year, "number": number, "region": region, "file_name": file.name, "mode": mode}
    grant = call_bureau(endpoint, name, "POST", "/v1/uploads", body)
    put_file(grant["url"], grant["headers"], file.read_bytes())
    typer.echo(f"已报送 {grant['key']}")


@batch_app.command("list")
def list_batches(
    region: Annotated[str | None, typer.Option("--region", metavar="地区", help="不给则为本人管辖的地区。")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="状态", help="如 VALIDATED。")] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """列出批次，最新的在前。"""
    found = call_bureau(endpoint, name, "GET", "/v1/batches", query={"region": region, "state": state})["batches"]
    table = _table(
        f"批次（{len(found)}个）",
        ("批次", "序号", "方式", "状态"),
        ("行数", "可发放", "金额（元）", "暂缓", "待复核", "剔除"),
    )
    for each in found:
        counts = (each[part]["count"] for part in ("held", "review", "excluded"))
        _add(
            table,
            *(each["batch_id"], each["number"], MODES[each["mode"]], each["state_words"]),
            *(each["rows"], each["payable"]["count"], yuan(each["payable"]["fen"]), *counts),
        )
    _print(table)


@batch_app.command("show")
def show_batch(batch: BatchId, endpoint: Endpoint = "", name: As = "") -> None:
    """查看一个批次：审批时要核对的内容，和每一行的去向。"""
    _print_batch(call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}"))


@batch_app.command("approve")
def approve(
    batch: BatchId,
    accept_review: Annotated[
        str, typer.Option("--accept-review", metavar="行号,…", help="逐项确认的待复核行，以逗号分隔。")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="不再询问。")] = False,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """审批一个批次：恰是所显示的文件和行数、金额，一分不差。"""
    shown = call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}")
    _print_batch(shown)
    if not yes and not typer.confirm("审批以上内容？"):
        raise Refusal("没有审批。")
    body = {key: shown[key] for key in ("sha256", "object_version", "payable", "held")}
    accepted = {"accepted_reviews": _row_numbers(accept_review)}
    answer = call_bureau(endpoint, name, "POST", f"/v1/batches/{batch}/approval", body | accepted)
    typer.echo(f"{batch}：{answer['state_words']}")


@batch_app.command("withdraw")
def withdraw(batch: BatchId, reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """撤回一个批次；向银行发出指令之后不能撤回。"""
    answer = call_bureau(endpoint, name, "POST", f"/v1/batches/{batch}/withdrawal", {"reason": reason})
    typer.echo(f"{batch}：{answer['state_words']}")


@batch_app.command("report")
def report(
    batch: BatchId,
    out: Annotated[Path | None, typer.Option("--out", metavar="文件", help="默认写到当前目录。")] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """下载校验报告（XLSX）。"""
    target = out or Path(f"{batch}.xlsx")
    target.write_bytes(get_file(call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}/report")["url"]))
    typer.echo(f"已写入 {target}")


@occasion_app.command("open")
def open_occasion(
    occasion: Annotated[str, typer.Argument(metavar="名称", help="大写字母、数字、连字符，1至20个。")],
    number: Number,
    plan_year: PlanYear,
    title: Annotated[str, typer.Option("--title", metavar="标题")],
    region: Region,
    first: Annotated[str, typer.Option("--first", metavar="日期", help="起，如 2023-06-01。")],
    last: Annotated[str, typer.Option("--last", metavar="日期", help="止。")],
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """登记一个发放事项，之后名册才能以它为属期。"""
    body = {"plan_year": plan_year, "number": number, "name": occasion, "title": title, "region": region}
    answer = call_bureau(endpoint, name, "POST", "/v1/occasions", body | {"first": first, "last": last})
    typer.echo(f"已登记，属期写作 {answer['slot']}")


@funds_app.command("set")
def set_funds(
    number: Number,
    plan_year: PlanYear,
    region: Region,
    year: Annotated[int, typer.Option("--year", metavar="年度", help="资金年度，即发放日所在的年。")],
    amount: Annotated[str, typer.Option("--yuan", metavar="元", help="额度，如 1200000.00。")],
    reason: Reason,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """设定一个项目、地区、年度的资金额度；调增后，因资金不足而结转的批次自动发放。"""
    path = f"/v1/funds/{plan_year}/{number}/{region}/{year}"
    answer = call_bureau(endpoint, name, "PUT", path, {"allocated_fen": fen_of(amount), "reason": reason})
    parts = {"额度": "allocated_fen", "已占用": "reserved_fen", "已支出": "spent_fen", "可用": "available_fen"}
    typer.echo("，".join(f"{words} {yuan(answer[key])} 元" for words, key in parts.items()))


@run_app.command("order")
def order_run(
    number: Number,
    plan_year: PlanYear,
    mode: ModeText = "formal",
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="日期", help="发放日，不给则为今天。")] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """下达一次发放指令；错过的模拟测试也这样补做。"""
    body = {"plan_year": plan_year, "number": number, "mode": mode, "as_of": as_of}
    typer.echo(f"已下达：{call_bureau(endpoint, name, 'POST', '/v1/runs', body)['run_id']}")


@run_app.command("list")
def list_runs(number: Number, plan_year: PlanYear, endpoint: Endpoint = "", name: As = "") -> None:
    """列出一个项目的各次发放，最近的在前。"""
    query = {"plan_year": str(plan_year), "number": str(number)}
    runs = call_bureau(endpoint, name, "GET", "/v1/runs", query=query)["runs"]
    table = _table(f"发放（{len(runs)}次）", ("发放", "发放日", "方式", "状态", "说明"), ("批次数",))
    for run in runs:
        _add(
            table, run["run_id"], run["as_of"], MODES[run["mode"]], run["state_words"], run["note"], run["batch_count"]
        )
    _print(table)


@run_app.command("show")
def show_run(run: RunId, endpoint: Endpoint = "", name: As = "") -> None:
    """查看一次发放：每个批次每一行的去向，和结清的合计。"""
    shown = call_bureau(endpoint, name, "GET", f"/v1/runs/{run}")
    typer.echo(
        f"{run}：{shown['state_words']}，第{shown['attempt']}次执行{'，' + shown['note'] if shown['note'] else ''}"
    )
    table = _table("", ("批次", "状态"), ("行数", *(WORDS[part] for part in LINE), "入账（元）"))
    for each in shown["batches"]:
        line = each["line"]
        counts = [line[part]["count"] for part in LINE] if line else ["?"] * len(LINE)
        settled = yuan(line["settled"]["fen"]) if line else "?"
        _add(table, each["batch_id"], each["state_words"], each["rows"], *counts, settled)
    if totals := shown["totals"]:
        table.add_section()
        counts = [totals[f"{part}_count"] for part in LINE]
        _add(table, "结清合计", "", "", *counts, yuan(totals["settled_fen"]))
    _print(table)
    for line in shown["open_lines"]:
        typer.echo(f"  待结：{line}")


@run_app.command("resume")
def resume_run(run: RunId, endpoint: Endpoint = "", name: As = "") -> None:
    """恢复一次停止或中断的发放：只做没有做完的。"""
    call_bureau(endpoint, name, "POST", f"/v1/runs/{run}/resume")
    typer.echo(f"{run}：已要求恢复")


@run_app.command("stop")
def stop_run(run: RunId, reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """停止一次发放；已发给银行的不受影响。"""
    answer = call_bureau(endpoint, name, "POST", f"/v1/runs/{run}/stop", {"reason": reason})
    typer.echo(f"{run}：{answer['state_words']}")


def _print_batch(batch: dict[str, Any]) -> None:
    typer.echo(f"{batch['batch_id']}：{batch['subsidy']}，{MODES[batch['mode']]}，{batch['state_words']}")
    for words, key in {"文件": "object_key", "版本": "object_version", "SHA-256": "sha256", "经办": "uploader"}.items():
        typer.echo(f"  {words}：{batch[key]}")
    typer.echo(f"  属期：{'、'.join(batch['slots']) or '—'}　名册 {batch['rows']} 行，校验意见 {batch['findings']} 条")
    if batch["first_approver"] and batch["state"] == "VALIDATED":
        typer.echo(f"  {batch['first_approver']} 已审批；金额达到二次审批的标准，须由另一位审批人再审批")
    for words, key in {"不予受理": "refusal", "结转": "carried", "撤回": "withdrawn_because"}.items():
        if batch[key]:
            typer.echo(f"  {words}：{batch[key]}")
    # Before the approval: what is to be approved. After it: what became of every row.
    line = batch["line"]
    table = _table("", ("去向",), ("行数", "金额（元）"))
    for part in LINE if line else ("payable", "held", "review", "excluded"):
        tally = (line or batch)[part]
        _add(table, WORDS[part], tally["count"], yuan(tally["fen"]))
    _print(table)


def _row_numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise Refusal("行号应写作 12,15 的样子。")
    return [int(part) for part in parts]


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    table = Table(title=title or None, title_justify="left")
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(str(cell) for cell in cells))


def _print(table: Table) -> None:
    # A pipe has no width of its own, and ids must not be cut short there.
    Console(width=None if Console().is_terminal else 200, highlight=False).print(table)
