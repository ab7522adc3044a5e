"""`yikatong query`: a person's own payments, as the public service area shows them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.api import Endpoint, call_public
from cli.tables import print_table
from yikatong.money import in_yuan

ROLES = {"beneficiary": "享受人", "payee": "收款人"}


def query(
    name: Annotated[str, typer.Option("--name", metavar="姓名", help="本人姓名。")],
    id_number: Annotated[
        str, typer.Option("--id", metavar="身份证号", help="本人身份证号；不给则另行询问，输入时不显示。")
    ] = "",
    endpoint: Endpoint = "",
) -> None:
    """查询本人的补贴发放记录；姓名与身份证号须同时正确。"""
    number = id_number or typer.prompt("身份证号", hide_input=True)
    records = call_public(endpoint, "POST", "/v1/query", {"name": name, "id_number": number})["records"]
    if not records:
        typer.echo("没有查到发放记录，请核对姓名和身份证号。")
        return
    print_table(records_table(records))


def records_table(records: list[dict[str, Any]]) -> Table:
    """One line per record, as the person may read it."""
    table = Table(title=f"发放记录（{len(records)}条）", title_justify="left")
    for heading in ("补贴项目", "属期"):
        table.add_column(heading)
    table.add_column("金额（元）", justify="right")
    for heading in ("发放日期", "状态", "身份"):
        table.add_column(heading)
    for each in records:
        paid_on = each["paid_on"] or "—"
        role = ROLES[each["role"]]
        table.add_row(each["subsidy"], each["slot"], in_yuan(each["amount_fen"]), paid_on, each["status"], role)
    return table
