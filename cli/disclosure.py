"""`yikatong disclosure …`: the public lists and sums of what was paid."""

from typing import Annotated

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import AnyNumber, latest_plan_year

app = typer.Typer(no_args_is_help=True, help="发放公示：更新。")


@app.callback()
def _group() -> None:
    """A single sub-command would otherwise swallow its own name."""


@app.command("publish")
def publish(
    number: AnyNumber = None,
    plan_year: Annotated[
        int | None, typer.Option("--plan-year", metavar="年度", help="序号所在的计划年度，不给则为最新的计划。")
    ] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """立即更新公示，不等夜间的定时更新；不足 5 人的地区到次月才合并公示。"""
    if number is not None and plan_year is None:
        plan_year = latest_plan_year()
    asked = {"plan_year": plan_year, "number": number}
    api.call_bureau(endpoint, name, "POST", "/v1/disclosure", {key: value for key, value in asked.items() if value})
    typer.echo("已开始更新公示，几分钟后可在公众服务区查看。")
