"""`yikatong run …`: order a payout, and see what became of every batch in it."""

from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import MODES, AnyNumber, ModeText, Number, PlanYear, Reason, RunId
from cli.tables import add_row, new_table, print_table, tally_words
from yikatong.closing import OUTCOMES
from yikatong.money import in_yuan

app = typer.Typer(no_args_is_help=True, help="发放：下达、列出、查看、恢复、停止。")


@app.command("order")
def order_run(
    number: Number,
    plan_year: PlanYear,
    mode: ModeText = "formal",
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="日期", help="发放日，须是银行工作日；不给则为今天。")
    ] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """下达一次发放指令；错过的模拟测试也这样补做。"""
    body = {"plan_year": plan_year, "number": number, "mode": mode, "as_of": as_of}
    typer.echo(f"已下达：{api.call_bureau(endpoint, name, 'POST', '/v1/runs', body)['run_id']}")


@app.command("list")
def list_runs(plan_year: PlanYear, number: AnyNumber = None, endpoint: Endpoint = "", name: As = "") -> None:
    """列出一个年度的各次发放，发放日近的在前，同一天的按编号。"""
    query = {"plan_year": str(plan_year), "number": None if number is None else str(number)}
    runs = api.call_bureau(endpoint, name, "GET", "/v1/runs", query=query)["runs"]
    table = new_table(f"发放（{len(runs)}次）", ("发放", "补贴项目", "发放日", "方式", "状态", "说明"), ("批次数",))
    for run in runs:
        words = (
            run["run_id"],
            run["subsidy"],
            run["as_of"],
            MODES[run["mode"]],
            run["state_words"],
            run["note"] or "—",
        )
        add_row(table, *words, run["batch_count"])
    print_table(table)


@app.command("show")
def show_run(run: RunId, endpoint: Endpoint = "", name: As = "") -> None:
    """查看一次发放：本人管辖地区内每个批次每一行的去向，和它们的合计。"""
    shown = api.call_bureau(endpoint, name, "GET", f"/v1/runs/{run}")
    note = f"，{shown['note']}" if shown["note"] else ""
    typer.echo(f"{run}：{shown['state_words']}，第{shown['attempt']}次执行{note}")
    _print_lines(shown["batches"])
    for each in shown["passed_on"]:
        typer.echo(f"  {each['batch_id']} 转由 {each['run_id']} 发放")
    for batch_id in shown["withdrawn"]:
        typer.echo(f"  {batch_id} 已撤回")
    for each in shown["batches"]:
        if left := _what_is_open(each):
            typer.echo(f"  待结 {each['batch_id']}：{left}")


@app.command("resume")
def resume_run(run: RunId, endpoint: Endpoint = "", name: As = "") -> None:
    """恢复一次停止或中断的发放：只做没有做完的。"""
    api.call_bureau(endpoint, name, "POST", f"/v1/runs/{run}/resume")
    typer.echo(f"{run}：已要求恢复")


@app.command("stop")
def stop_run(run: RunId, reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """停止一次发放；已发给银行的不受影响。"""
    answer = api.call_bureau(endpoint, name, "POST", f"/v1/runs/{run}/stop", {"reason": reason})
    typer.echo(f"{run}：{answer['state_words']}")


def _print_lines(batches: list[dict[str, Any]]) -> None:
    """A line per batch, and under them the sum of these very lines."""
    if not batches:
        typer.echo("  没有本人管辖地区内的批次由这次发放办理。")
        return
    table = new_table("", ("批次", "地区", "状态"), ("行数", *OUTCOMES.values(), "入账（元）"))
    for each in batches:
        words = (each["batch_id"], each["region_name"], each["state_words"], each["rows"])
        if line := each["line"]:
            counts = (line[part]["count"] for part in OUTCOMES)
            add_row(table, *words, *counts, in_yuan(line["settled"]["fen"]))
        else:
            add_row(table, *words, *("?" for _ in OUTCOMES), "?")
    lines = [each["line"] for each in batches]
    if all(lines):
        sums = (sum(line[part]["count"] for line in lines) for part in OUTCOMES)
        rows = sum(each["rows"] for each in batches)
        table.add_section()
        add_row(table, "以上合计", "", "", rows, *sums, in_yuan(sum(line["settled"]["fen"] for line in lines)))
    print_table(table)
    typer.echo("  入账含退票：退票是入账后又退回的，不另计入行数。")
    if not all(lines):
        typer.echo("  标“?”的批次各项相加与名册不符，不能合计，请联系运行人员。")


def _what_is_open(batch: dict[str, Any]) -> str:
    line = batch["line"]
    if line is None:
        return ""
    told = []
    if line["in_doubt"]["count"]:
        told.append(f"在途 {tally_words(line['in_doubt'])}，等银行答复")
    if line["waiting"]["count"]:
        told.append(f"待发 {tally_words(line['waiting'])}{'，' + batch['carried'] if batch['carried'] else ''}")
    return "；".join(told)
