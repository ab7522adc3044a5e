"""`yikatong queue …`: messages that failed too often, and putting them back after a fix."""

from typing import Annotated

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import Reason
from cli.tables import add_row, new_table, print_table

app = typer.Typer(no_args_is_help=True, help="死信队列：列出、重投。")


@app.command("list")
def list_queues(endpoint: Endpoint = "", name: As = "") -> None:
    """列出各死信队列里等着的消息数，和上一次是谁为什么重投的。"""
    found = api.call_bureau(endpoint, name, "GET", "/v1/queues")["queues"]
    table = new_table("死信队列", ("队列", "上次重投"), ("等待",))
    for each in found:
        last = each["drained"]
        words = f"{last['by']}，{last['at'][:16].replace('T', ' ')}：{last['reason']}" if last else "—"
        add_row(table, each["verb"], words, each["dead"])
    print_table(table)


@app.command("drain")
def drain_queue(
    queue: Annotated[str, typer.Argument(metavar="队列", help="如 receive_receipt；送不到的定时任务是 schedules。")],
    reason: Reason,
    most: Annotated[int, typer.Option("--most", metavar="条数", help="至多重投多少条，1至100。")] = 100,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """故障排除之后，把死信放回去重新处理；再失败的还会回到死信队列。"""
    body = {"reason": reason, "most": most}
    answer = api.call_bureau(endpoint, name, "POST", f"/v1/queues/{queue}/drain", body)
    typer.echo(f"{queue}：已重投 {answer['moved']} 条")
