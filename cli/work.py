"""`yikatong work`: what waits for a person, in one's own region."""

import typer

from cli import api
from cli.api import As, Endpoint
from cli.tables import add_row, new_table, print_table


def work(endpoint: Endpoint = "", name: As = "") -> None:
    """列出待办：等人审批、裁定、重发、恢复的，本人管辖地区内的。"""
    found = api.call_bureau(endpoint, name, "GET", "/v1/work-items")["work"]
    if not found:
        typer.echo("没有待办。")
        return
    table = new_table(f"待办（{len(found)}项）", ("事项", "批次、发放、队列或文件", "地区"), remarks=("说明",))
    for each in found:
        add_row(table, each["words"], each["about"], each["region"] or "—", each["detail"])
    print_table(table)
