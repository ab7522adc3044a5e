"""`yikatong subsidy …`: pause the formal payout of a subsidy, resume it, and see which are paused."""

from typing import Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import Number, PlanYear, Reason
from cli.tables import add_row, new_table, print_table

app = typer.Typer(no_args_is_help=True, help="补贴项目：列出、暂停、恢复。")


@app.command("list")
def list_subsidies(plan_year: PlanYear, endpoint: Endpoint = "", name: As = "") -> None:
    """列出一个年度的补贴项目，和哪些已暂停发放、谁为什么暂停的。"""
    found = api.call_bureau(endpoint, name, "GET", "/v1/subsidies", query={"plan_year": str(plan_year)})["subsidies"]
    paused = sum(each["paused"] for each in found)
    table = new_table(
        f"补贴项目（{len(found)}个，暂停{paused}个）", numbers=("序号",), remarks=("项目", "发放", "说明")
    )
    for each in found:
        add_row(table, each["number"], each["name"], _words(each), _last_word(each))
    print_table(table)


@app.command("pause")
def pause_subsidy(number: Number, plan_year: PlanYear, reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """暂停一个项目的正式发放：不再开始新的发放，进行中的不再向银行发出新的批次；模拟测试不受影响。"""
    _told(api.call_bureau(endpoint, name, "POST", f"/v1/subsidies/{plan_year}/{number}/pause", {"reason": reason}))


@app.command("resume")
def resume_subsidy(number: Number, plan_year: PlanYear, reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """恢复发放：暂停期间没有发的，随即补发。"""
    _told(api.call_bureau(endpoint, name, "POST", f"/v1/subsidies/{plan_year}/{number}/resume", {"reason": reason}))


def _told(subsidy: dict[str, Any]) -> None:
    typer.echo(f"{subsidy['name']}：{_words(subsidy)}（{_last_word(subsidy)}）")


def _words(subsidy: dict[str, Any]) -> str:
    return "已暂停" if subsidy["paused"] else "正常"


def _last_word(subsidy: dict[str, Any]) -> str:
    if not subsidy["by"]:
        return "—"
    return f"{subsidy['by']}，{subsidy['at'][:16].replace('T', ' ')}：{subsidy['reason']}"
