"""`yikatong invoke`: call one function of the local cloud with an event, to see what it does with it."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from cli.api import Endpoint, local_address
from yikatong.errors import Refusal

EVENTS = Path(__file__).parents[1] / "events"


def invoke(
    event: Annotated[
        str, typer.Argument(metavar="事件", help="events/ 里的文件名（不带 .json），或自己的 JSON 文件。")
    ],
    function: Annotated[str, typer.Option("--function", metavar="函数", help="函数名；省略时由文件名得出。")] = "",
    endpoint: Endpoint = "",
) -> None:
    """（供开发者）用一个事件调用本机云上的一个函数，打印它的答复。"""
    from infra.local.clients import Clients

    path = Path(event) if event.endswith(".json") else EVENTS / f"{event}.json"
    if not path.is_file():
        raise Refusal(f"没有 {path} 这个文件；events/ 里有：{'、'.join(sorted(p.stem for p in EVENTS.glob('*.json')))}")
    verb = function or path.stem.split(".")[0]
    about = describe(endpoint)
    names: dict[str, str] = about["resources"]["functions"]
    if verb not in names:
        raise Refusal(f"没有函数 {verb}；有：{'、'.join(sorted(names))}")
    client = Clients(about["endpoints"]["aws"], about["region"])("lambda")
    answer = client.invoke(FunctionName=names[verb], Payload=path.read_bytes())
    typer.echo(json.dumps(json.load(answer["Payload"]), ensure_ascii=False, indent=1))
    if "FunctionError" in answer:
        raise typer.Exit(1)


def describe(endpoint: str) -> dict[str, Any]:
    """What a running local cloud tells about itself: endpoints, resource names, region."""
    if not endpoint:
        raise Refusal("请用 --endpoint 或 YIKATONG_ENDPOINT 给出本机云的地址（由 yikatong local up 打印）。")
    address = local_address(endpoint)
    try:
        about: dict[str, Any] = httpx.get(f"{address}/_local", timeout=30).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        raise Refusal(f"{endpoint} 没有本机云在运行。") from None
    return about
