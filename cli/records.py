"""`yikatong records …`: exchanging the key of the public records, step by step."""

from typing import Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.options import Reason

app = typer.Typer(no_args_is_help=True, help="公开记录：更换密钥，查看进度。")


@app.command("rekey")
def rekey(reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """登记密钥的更换；各函数都已知道之后，在新键下补写以前公开的记录。可以重复下令。"""
    _order("rekey", reason, endpoint, name)


@app.command("remove-old")
def remove_old(reason: Reason, endpoint: Endpoint = "", name: As = "") -> None:
    """只剩新键、各函数都已知道之后，清除旧键的记录。可以重复下令。"""
    _order("remove", reason, endpoint, name)


@app.command("status")
def status(endpoint: Endpoint = "", name: As = "") -> None:
    """看密钥更换到哪一步，下一步做什么。"""
    _show(api.call_bureau(endpoint, name, "GET", "/v1/records/rekeying"))


def _order(step: str, reason: str, endpoint: str, name: str) -> None:
    api.call_bureau(endpoint, name, "POST", "/v1/records/rekeying", {"step": step, "reason": reason})
    typer.echo("已下令。过一会儿用 yikatong records status 看进度。")


def _show(state: dict[str, Any]) -> None:
    if "read_mark" in state:
        typer.echo(f"读取的密钥（记号）：{state['read_mark']}")
        typer.echo(f"同时写入的密钥（记号）：{state['also_mark'] or '无'}")
        typer.echo(f"记录齐全的密钥：{'、'.join(state['whole']) or '无'}")
        typer.echo(f"登记时间：{state['since'][:16].replace('T', ' ')}")
        typer.echo(f"已补写 {state['batches']} 个批次、{state['written']} 条记录，已清除 {state['removed']} 条")
    typer.echo(f"下一步：{state['advice']}")
