"""`yikatong api-docs`: the public API's OpenAPI, written from the code, or compared with what is committed."""

from pathlib import Path
from typing import Annotated

import typer

from yikatong.errors import Refusal

DOCUMENT = Path(__file__).parents[1] / "docs/openapi.json"


def api_docs(
    check: Annotated[bool, typer.Option("--check", help="只比较，不改写；不一致即为错误。")] = False,
    path: Annotated[Path, typer.Option("--path", metavar="文件", help="写到哪个文件。")] = DOCUMENT,
) -> None:
    """由代码生成公共服务接口的 OpenAPI 说明（docs/openapi.json）。"""
    from yikatong.aws.public_api import new_app
    from yikatong.aws.public_api.description import as_text, describe

    text = as_text(describe(new_app()))
    if not check:
        path.write_text(text, encoding="utf-8")
        typer.echo(f"已写入 {path}。")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        raise Refusal(f"{path.name} 与代码不一致，请运行 yikatong api-docs 重新生成并提交。", "stale_api_docs")
    else:
        typer.echo(f"{path.name} 与代码一致。")
