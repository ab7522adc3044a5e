"""`yikatong cards`: send the registry of social security cards."""

from pathlib import Path
from typing import Annotated

import typer

from cli.api import Endpoint
from cli.invoke import describe
from yikatong.errors import Refusal

app = typer.Typer(no_args_is_help=True, help="社会保障卡持卡信息：报送。")


@app.command()
def send(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="文件", help="持卡信息 CSV：姓名、身份证号、社保卡账号、服务银行、卡状态、社保账户、金融账户。"
        ),
    ],
    endpoint: Endpoint = "",
) -> None:
    """报送持卡信息快照（整份替换）；导入结果写在报告存储桶的 cards/ 下。"""
    from infra.local.clients import Clients

    if not file.is_file():
        raise Refusal(f"没有 {file} 这个文件。")
    about = describe(endpoint)
    s3 = Clients(about["endpoints"]["aws"], about["region"])("s3")
    s3.put_object(Bucket=about["resources"]["buckets"]["card_drop"], Key=file.name, Body=file.read_bytes())
    typer.echo(f"已报送 {file.name}，此后校验和发放都按它核对账户。")
