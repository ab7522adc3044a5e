"""`yikatong funds …`: what a subsidy may spend in a region and year."""

from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint, fen_of
from cli.options import Number, PlanYear, Reason, Region
from yikatong.money import in_yuan

app = typer.Typer(no_args_is_help=True, help="资金额度：设定、查看。")

Year = Annotated[
    int | None,
    typer.Option("--year", metavar="年度", help="资金年度，即发放日所在的年；不给则同计划年度，也可以是其后一年。"),
]


@app.command("set")
def set_funds(
    number: Number,
    plan_year: PlanYear,
    region: Region,
    amount: Annotated[str, typer.Option("--yuan", metavar="元", help="额度，如 1200000.00。")],
    reason: Reason,
    year: Year = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """设定一个项目、地区、年度的资金额度；调增后，因资金不足而结转的批次自动发放。"""
    body = {"allocated_fen": fen_of(amount), "reason": reason}
    _print(api.call_bureau(endpoint, name, "PUT", _path(plan_year, number, region, year), body))


@app.command("show")
def show_funds(
    number: Number, plan_year: PlanYear, region: Region, year: Year = None, endpoint: Endpoint = "", name: As = ""
) -> None:
    """查看一个项目、地区、年度的资金额度。"""
    shown = api.call_bureau(endpoint, name, "GET", _path(plan_year, number, region, year))
    _print(shown)
    if shown["set_by"]:
        typer.echo(f"由 {shown['set_by']} 设定，原因：{shown['reason']}")


def _path(plan_year: int, number: int, region: str, year: int | None) -> str:
    return f"/v1/funds/{plan_year}/{number}/{region}/{year or plan_year}"


def _print(funds: dict[str, Any]) -> None:
    parts = {"额度": "allocated_fen", "已占用": "reserved_fen", "已支出": "spent_fen", "可用": "available_fen"}
    told = (
        f"{words} {in_yuan(funds[key])} 元" if funds[key] is not None else f"{words}不限"
        for words, key in parts.items()
    )
    typer.echo(f"{funds['region_name']} {funds['year']}年：{'，'.join(told)}")
