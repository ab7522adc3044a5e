"""`yikatong departed`: supply a list of the deceased or of those who moved away, and stay until it is taken or refused."""

import hashlib
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.files import content_of
from cli.options import Region
from yikatong.departures import Departure
from yikatong.errors import Refusal

app = typer.Typer(no_args_is_help=True, help="去世、迁出名单：报送。")

WAIT_S, PAUSE_S = 60, 0.5
MOST_REASONS = 5


@app.callback()
def departed() -> None:
    """去世、迁出名单：报送后，本地区和下级地区此后报送的名册都按它核对。"""


@app.command("send")
def send(
    file: Annotated[Path, typer.Argument(metavar="文件", help="CSV 或 XLSX：姓名、身份证号、日期。")],
    region: Region,
    kind: Annotated[Departure, typer.Option("--kind", help="deceased 去世，moved 迁出。")],
    replace: Annotated[bool, typer.Option("--replace", help="比原来少一半以上也采用。")] = False,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """报送名单并等待结果。名单整份替换本地区的同类名单，请报送全部人员，不要只报新增的人。"""
    content = content_of(file)
    body = {"region": region, "kind": kind, "file_name": file.name, "replace": replace}
    grant = api.call_bureau(endpoint, name, "POST", "/v1/departures", body)
    earlier = _outcome(endpoint, name, grant["key"])
    api.put_file(grant["url"], grant["headers"], content)
    typer.echo(f"已报送 {grant['key']}，正在导入……")
    _print(_wait(endpoint, name, grant["key"], hashlib.sha256(content).hexdigest(), earlier), kind)


def _outcome(endpoint: str, name: str, key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = api.call_bureau(endpoint, name, "GET", "/v1/departures", query={"key": key})
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        return None
    return found


def _wait(endpoint: str, name: str, key: str, sha256: str, earlier: dict[str, Any] | None) -> dict[str, Any]:
    """Until the outcome is that of this sending; the same content again comes to the same, so its own may be the earlier."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = _outcome(endpoint, name, key)
        if found is not None and (found.get("sha256") == sha256 or found != earlier):
            return found
        time.sleep(PAUSE_S)
    raise Refusal(f"名单已报送，{WAIT_S} 秒内还没有导入完，请稍后再报送一次查看结果。")


def _print(outcome: dict[str, Any], kind: Departure) -> None:
    if not outcome["accepted"]:
        typer.echo(f"没有采用，原有的{kind.chinese}名单不变：{outcome['refusal']}")
        raise typer.Exit(1)
    if not outcome["current"]:
        typer.echo(f"没有采用：这一份之后又报送过{kind.chinese}名单，已采用那一份（{outcome['previous_rows']} 人）。")
        raise typer.Exit(1)
    typer.echo(f"{kind.chinese}名单：原有 {outcome['previous_rows']} 人 → 现有 {outcome['rows']} 人。")
    for each in outcome["left_out"][:MOST_REASONS]:
        typer.echo(f"  第{each['row']}行：{each['message']}")
    if outcome["faults"] > MOST_REASONS:
        typer.echo(f"  有问题的共 {outcome['faults']} 行。")
    typer.echo("此后报送的名册按它核对；已经校验过的名册不再重新校验。")
