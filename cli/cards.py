"""`yikatong cards`: send the registry of social security cards, and stay until it is taken or refused."""

import hashlib
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli.api import Endpoint
from cli.invoke import describe
from yikatong.errors import Refusal

app = typer.Typer(no_args_is_help=True, help="社会保障卡持卡信息：报送。")

WAIT_S, PAUSE_S = 60, 0.5
MOST_REASONS = 5


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
    """报送持卡信息快照并等待导入结果。注意：快照整份替换全省的持卡信息，不在其中的人从此没有卡；请勿只报一个地区或新增的人。"""
    from infra.local.clients import Clients

    if not file.is_file():
        raise Refusal(f"没有 {file} 这个文件。")
    content = file.read_bytes()
    about = describe(endpoint)
    buckets = about["resources"]["buckets"]
    outcome = _Outcome(Clients(about["endpoints"]["aws"], about["region"])("s3"), buckets["reports"], file.name)
    outcome.s3.put_object(Bucket=buckets["card_drop"], Key=file.name, Body=content)
    typer.echo(f"已报送 {file.name}，正在导入……")
    _print_outcome(outcome.of(hashlib.sha256(content).hexdigest()), file.name)


class _Outcome:
    """What the platform writes about a snapshot of this name; one of an earlier sending is told apart by its version."""

    def __init__(self, s3: Any, bucket: str, file_name: str) -> None:
        self.s3 = s3
        self._where = {"Bucket": bucket, "Key": f"cards/{file_name}.json"}
        self._earlier = self._read()[0]

    def _read(self) -> tuple[str, dict[str, Any]]:
        try:
            found = self.s3.get_object(**self._where)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
                raise
            return "", {}
        return str(found.get("VersionId", "")), json.load(found["Body"])

    def of(self, sha256: str) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            version, document = self._read()
            if version != self._earlier and document.get("sha256") == sha256:
                return document
            time.sleep(PAUSE_S)
        raise Refusal(f"已报送，{WAIT_S} 秒内还没有导入完；结果会写在报告存储桶的 {self._where['Key']}。")


def _print_outcome(outcome: dict[str, Any], file_name: str) -> None:
    if not outcome["accepted"]:
        typer.echo(f"{file_name} 没有导入，原有的持卡信息不变：{outcome['refusal']}")
        raise typer.Exit(1)
    left_out = outcome["left_out"]
    typer.echo(f"导入 {outcome['rows']} 行，剔除 {outcome['faults']} 行。")
    for each in left_out[:MOST_REASONS]:
        typer.echo(f"  第{each['row']}行：{each['message']}")
    if len(left_out) > MOST_REASONS:
        typer.echo(f"  还有 {len(left_out) - MOST_REASONS} 行。")
    typer.echo(
        f"全省持卡信息：原有 {outcome['previous_rows']} 人 → 现有 {outcome['rows']} 人。此后校验和发放都按它核对。"
    )
    if outcome["rows"] < outcome["previous_rows"]:
        typer.echo(
            "注意：人数比原来少。快照整份替换，不在其中的人从此按没有卡处理；如只报了一部分，请把全省的再报一次。"
        )
