"""`yikatong portal …`: the export for the province's official portal (docs/portal-export.md)."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from yikatong.errors import Refusal
from yikatong.money import in_yuan
from yikatong.portal_export import FULL, INCREMENTAL, MANIFEST, check, in_order, kind_of

app = typer.Typer(no_args_is_help=True, help="政务服务网专区：导出、核对。")
PAUSE_S = 2.0


@app.command("export")
def export(
    out: Annotated[Path, typer.Option("--out", metavar="目录", help="存放的目录，应为空或不存在。")],
    full: Annotated[bool, typer.Option("--full/--incremental", help="全量，或相对最近一次全量的增量。")] = False,
    wait_s: Annotated[int, typer.Option("--wait", metavar="秒", help="最多等多久。", min=1)] = 900,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """导出已公开的政策和公示，取回到一个目录并核对；还没有全量导出时，增量即为全量。"""
    if out.exists() and any(out.iterdir()):
        raise Refusal(f"{out} 不是空目录，请换一个目录，以免新旧文件混在一起。")
    kind = FULL if full else INCREMENTAL
    after = api.call_bureau(endpoint, name, "POST", "/v1/portal-exports", {"kind": kind})["after"]
    made = _wait_for(kind, after, wait_s, endpoint, name)
    files = api.call_bureau(endpoint, name, "GET", f"/v1/portal-exports/{made}")["files"]
    out.mkdir(parents=True, exist_ok=True)
    # In the order they are listed, the manifest last: a folder that was not fetched whole has none.
    for file in files:
        (out / Path(file["name"]).name).write_bytes(api.get_file(file["url"]))
    typer.echo(f"导出 {made} 已取回到 {out}。")
    check_folder(out)


def _wait_for(kind: str, after: str, wait_s: int, endpoint: str, name: str) -> str:
    """The first export after `after` that is of the kind, or full."""
    deadline = time.monotonic() + wait_s
    while True:
        exports: list[str] = api.call_bureau(endpoint, name, "GET", "/v1/portal-exports")["exports"]
        newer = exports[exports.index(after) + 1 :] if after in exports else in_order(exports)
        for each in newer:
            if kind_of(each) in (kind, FULL):
                return each
        if time.monotonic() > deadline:
            raise Refusal("导出还没有完成，请稍后再试；已完成的导出不会丢失。")
        time.sleep(PAUSE_S)


@app.command("check")
def check_folder(folder: Annotated[Path, typer.Argument(metavar="目录", help="取回的导出所在的目录。")]) -> None:
    """核对一份导出：文件齐全，哈希、条数、金额都与清单相符。"""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def read(file: str) -> bytes | None:
        return (folder / file).read_bytes() if file in names else None

    if wrong := check(read, names):
        raise Refusal("\n".join(["这份导出不能使用：", *wrong]))
    typer.echo(_told(read(MANIFEST) or b""))


def _told(manifest: bytes) -> str:
    said: dict[str, Any] = json.loads(manifest)
    totals = said["totals"]
    base = f"，依据 {said['follows']['export']}" if said["follows"] else ""
    return (
        f"核对无误：{said['export']}{base}；{len(said['files'])} 个文件，公示 {totals['cells']} 项、"
        f"{totals['people']} 人、{in_yuan(totals['amount_fen'])} 元，其中逐人列出 {totals['payments']} 行；"
        f"撤下 {len(said['withdrawn'])} 项。"
    )
