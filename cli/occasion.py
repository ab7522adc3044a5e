"""`yikatong occasion …`: the occasions of 多次/年 subsidies, opened by the lead department."""

from typing import Annotated

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import Number, PlanYear, Region
from cli.tables import add_row, new_table, print_table

app = typer.Typer(no_args_is_help=True, help="发放事项：登记、列出（多次/年的项目）。")


@app.command("open")
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
    answer = api.call_bureau(endpoint, name, "POST", "/v1/occasions", body | {"first": first, "last": last})
    typer.echo(f"已登记，属期写作 {answer['slot']}")


@app.command("list")
def list_occasions(number: Number, plan_year: PlanYear, endpoint: Endpoint = "", name: As = "") -> None:
    """列出一个项目已登记的发放事项，按起始日期。"""
    query = {"plan_year": str(plan_year), "number": str(number)}
    found = api.call_bureau(endpoint, name, "GET", "/v1/occasions", query=query)["occasions"]
    table = new_table(f"发放事项（{len(found)}个）", ("属期", "标题", "地区", "起", "止", "登记"))
    for each in found:
        keys = ("slot", "title", "region_name", "first", "last", "opened_by")
        add_row(table, *(each[key] for key in keys))
    print_table(table)
