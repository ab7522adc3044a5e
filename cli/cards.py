"""`yikatong cards`: send the registry of social security cards, whole or what changed, and stay until it is taken or refused."""

import hashlib
import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli.api import Endpoint
from cli.invoke import describe
from yikatong.card_drops import CHANGES_PREFIX, names_day
from yikatong.errors import Refusal

app = typer.Typer(no_args_is_help=True, help="社会保障卡持卡信息：报送。")

WAIT_S, PAUSE_S = 60, 0.5
MOST_REASONS = 5
_KINDS = {"snapshot": "快照", "changes": "变动"}


@app.command()
def send(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="文件", help="持卡信息 CSV：姓名、身份证号、社保卡账号、服务银行、卡状态、社保账户、金融账户。"
        ),
    ],
    changes: Annotated[
        bool,
        typer.Option(
            "--changes", help="这是变动，只改文件里的人；可另有“变动类型”列：新增、变更、移除。不加则是全省的快照。"
        ),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="日期", help="文件说的是哪一天的情况；文件名里有年月日（20230605）的不用给。"),
    ] = None,
    endpoint: Endpoint = "",
) -> None:
    """报送持卡信息，等待导入结果。注意：快照整份替换全省的持卡信息，不在其中的人从此没有卡；只有部分人的，用 --changes。"""
    from infra.local.clients import Clients

    if not file.is_file():
        raise Refusal(f"没有 {file} 这个文件。")
    content = file.read_bytes()
    key = (CHANGES_PREFIX if changes else "") + _dated(file.name, as_of)
    about = describe(endpoint)
    buckets = about["resources"]["buckets"]
    outcome = _Outcome(Clients(about["endpoints"]["aws"], about["region"])("s3"), buckets["reports"], key)
    outcome.s3.put_object(Bucket=buckets["card_drop"], Key=key, Body=content)
    typer.echo(f"已报送 {key}，正在导入……")
    _print_outcome(outcome.of(hashlib.sha256(content).hexdigest()), file.name)


def _dated(name: str, as_of: str | None) -> str:
    """The name under which the file goes: one that says of which day it speaks."""
    if as_of is None:
        if not names_day(name):
            raise Refusal("文件名里没有日期：请用 --as-of 说明是哪一天的情况，或在文件名里写上年月日（如 20230605）。")
        return name
    try:
        day = date.fromisoformat(as_of)
    except ValueError:
        raise Refusal(f"“{as_of}”不是日期，请写成 2023-06-05。") from None
    if names_day(name):
        raise Refusal("文件名里已有日期，不用再给 --as-of；日期不对的，请改文件名。")
    return f"{day:%Y%m%d}.{name}"


class _Outcome:
    """What the platform writes about a file of this key; one of an earlier sending is told apart by its version."""

    def __init__(self, s3: Any, bucket: str, object_key: str) -> None:
        self.s3 = s3
        self._where = {"Bucket": bucket, "Key": f"cards/{object_key}.json"}
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
            # A file refused by its name or size was not read: its report names no content.
            if version != self._earlier and document.get("sha256", sha256) == sha256:
                return document
            time.sleep(PAUSE_S)
        raise Refusal(f"已报送，{WAIT_S} 秒内还没有导入完；结果会写在报告存储桶的 {self._where['Key']}。")


def _print_outcome(outcome: dict[str, Any], file_name: str) -> None:
    if not outcome["accepted"]:
        typer.echo(f"{file_name} 没有导入，原有的持卡信息不变：{outcome['refusal']}")
        raise typer.Exit(1)
    if outcome["again"]:
        typer.echo(f"{file_name} 以前已采用过，这次没有改变什么；现有 {outcome['rows']} 人。")
        return
    typer.echo(
        f"已采用{_KINDS[outcome['kind']]} {outcome['as_of']}：新增 {outcome['added']} 人，变更 {outcome['changed']} 人，"
        f"移除 {outcome['removed']} 人，未变 {outcome['unchanged']} 人。"
    )
    if outcome["older"]:
        typer.echo(f"另有 {outcome['older']} 人，日期更近的变动里已有他们的情况，以那为准。")
    for line in sorted(outcome["states"], key=lambda line: -line["count"]):
        typer.echo(f"  {_passage(line['before'], line['after'])}：{line['count']} 人")
    _print_left_out(outcome)
    typer.echo(
        f"全省持卡信息：原有 {outcome['previous_rows']} 人 → 现有 {outcome['rows']} 人。此后校验和发放都按它核对，"
        "已经开始的发放仍按它开始时的。"
    )
    if outcome["kind"] == "snapshot" and outcome["rows"] < outcome["previous_rows"]:
        typer.echo(
            "注意：人数比原来少。快照整份替换，不在其中的人从此按没有卡处理；如只报了一部分，请把全省的再报一次。"
        )


def _passage(before: str, after: str) -> str:
    """What became of a card, by its states before and after; "" where there was or is none."""
    from yikatong.cards import STATE_WORDS

    if before == after:
        return f"{STATE_WORDS[after]}，其他信息有变"
    if not before:
        return f"新增，{STATE_WORDS[after]}"
    return f"{STATE_WORDS[before]} → {STATE_WORDS[after] if after else '移除'}"


def _print_left_out(outcome: dict[str, Any]) -> None:
    if not outcome["faults"]:
        return
    typer.echo(f"剔除 {outcome['faults']} 行，其中的人在更正之前按没有卡处理：")
    left_out = outcome["left_out"][:MOST_REASONS]
    for each in left_out:
        typer.echo(f"  第{each['row']}行：{each['message']}")
    if outcome["faults"] > len(left_out):
        typer.echo(f"  还有 {outcome['faults'] - len(left_out)} 行。")
