"""`yikatong query`: a person's own payments, as the public service area shows them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.api import Endpoint, call_public
from cli.asking import secret
from cli.tables import print_table
from yikatong.errors import Refusal
from yikatong.money import in_yuan

ROLES = {"beneficiary": "享受人", "payee": "收款人"}
QUESTIONS = 3
"""So many questions in a row a person may get wrong."""


def query(
    name: Annotated[str, typer.Option("--name", metavar="姓名", help="本人姓名。")],
    id_number: Annotated[
        str, typer.Option("--id", metavar="身份证号", help="本人身份证号；不给则另行询问，输入时不显示。")
    ] = "",
    endpoint: Endpoint = "",
) -> None:
    """查询本人的补贴发放记录；姓名与身份证号须同时正确。"""
    number = id_number or secret("身份证号", "--id")
    answer = ask(endpoint, {"name": name, "id_number": number})
    records = answer["records"]
    if not records:
        typer.echo("没有查到发放记录，请核对姓名和身份证号。")
        return
    print_table(records_table(records))
    for total in answer["totals"]:
        typer.echo(total_words(total))
    for advice in dict.fromkeys(each["card_advice"] for each in records if each["card_advice"]):
        typer.echo(f"怎么办：{advice}")


def total_words(total: dict[str, Any]) -> str:
    """One year's sums: what the person has themselves, and apart from it what they receive for others."""
    parts = []
    if total["count"]:
        parts.append(f"本人共到账 {in_yuan(total['amount_fen'])} 元（{total['count']}笔）")
    if total["collected_count"]:
        parts.append(f"另替别人代收 {in_yuan(total['collected_fen'])} 元（{total['collected_count']}笔）")
    return f"{total['year']}年{'，'.join(parts)}"


def ask(endpoint: str, question: dict[str, str]) -> Any:
    """The API's answer; where it asks a question of its own first, that is put to the person."""
    for _ in range(QUESTIONS):
        try:
            return call_public(endpoint, "POST", "/v1/query", question)
        except Refusal as refusal:
            if refusal.code != "challenge_required":
                raise
            typer.echo(refusal.message)
        asked = call_public(endpoint, "GET", "/v1/challenge")
        question |= {"challenge": asked["challenge"], "answer": typer.prompt(asked["question"])}
    return call_public(endpoint, "POST", "/v1/query", question)


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
