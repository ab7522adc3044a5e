"""`yikatong audit …`: check the books against the evidence, with an auditor that shares no code with the platform."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cli.api import Endpoint
from cli.tables import add_row, new_table, print_table
from yikatong.errors import Refusal
from yikatong.money import in_yuan
from yikatong.plan import PlanBook
from yikatong.records import RecordKeys
from yikatong.regions import name_of

if TYPE_CHECKING:
    from auditor.audit import Report
    from auditor.balance import Line
    from auditor.source import Item, Source

CLEAN, DIFFERENCES, NOT_CARRIED_OUT = 0, 1, 3
MOST_SHOWN = 20
"""Differences of one kind that are printed one by one; how many more there are is said."""
VARIABLES = {"lake": "LAKE_BUCKET", "audit": "AUDIT_BUCKET", "control": "CONTROL_TABLE", "records": "RECORDS_TABLE"}
"""Where a stack in AWS keeps what is audited: the variables its own functions are given."""
RECORD_KEY = "YIKATONG_RECORD_KEY"


class Audit(TyperCommand):
    """An audit that could not be carried out must not end as one that found something, nor as a clean one."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        return _carried_out(lambda: super(Audit, self).make_context(*arguments, **more))

    def invoke(self, ctx: Any) -> Any:
        return _carried_out(lambda: super(Audit, self).invoke(ctx))


def _carried_out(step: Callable[[], Any]) -> Any:
    from polars.exceptions import PolarsError

    from auditor.source import NoEvidence

    try:
        return step()
    except (Refusal, NoEvidence) as error:
        typer.echo(f"错误：{error.message if isinstance(error, Refusal) else error}", err=True)
    except (LookupError, TypeError, ValueError, AttributeError, OSError, PolarsError) as error:
        # What stands in a table that was tampered with may be anybody's number: only the kind of error is told.
        typer.echo(f"错误：数据表或证据文件不是应有的样子（{type(error).__name__}），核对没有完成。", err=True)
    except typer.Exit:
        raise
    except Exception as error:
        # A command line that cannot be understood carries the code it will end with.
        if getattr(error, "exit_code", None) is not None:
            vars(error)["exit_code"] = NOT_CARRIED_OUT
        raise
    raise typer.Exit(NOT_CARRIED_OUT)


def audit_books(
    run: Annotated[str | None, typer.Option("--run", metavar="发放", help="只核对这一次发放。")] = None,
    everything: Annotated[bool, typer.Option("--all", help="核对全部（不给 --run 时就是这样）。")] = False,
    folder: Annotated[
        Path | None, typer.Option("--from", metavar="目录", help="核对导出的目录，不连接正在运行的平台。")
    ] = None,
    record_key: Annotated[
        str | None,
        typer.Option(
            "--record-key", envvar=RECORD_KEY, metavar="密钥", help="公开记录的密钥；给出时逐人核对公开记录的键。"
        ),
    ] = None,
    endpoint: Endpoint = "",
) -> None:
    """核对账目：只凭证据文件重新计算，与数据表、公开记录、银行账簿逐项比较；有任何不符以 1 结束，没有完成以 3 结束。"""
    from auditor.audit import audit
    from auditor.source import ExportFolder

    if run and everything:
        raise Refusal("--run 与 --all 只能选一个。")
    source: Source = ExportFolder(folder) if folder else running_source(endpoint)
    key = record_key or (source.record_key() if isinstance(source, CloudSource) else None)
    report = audit(source, run_id=run or "", record_key=key.encode() if key else None)
    print_report(report, f"发放 {run}" if run else "全部")
    if not key:
        typer.echo(f"没有给出公开记录的密钥（{RECORD_KEY}），公开记录只按支付号和笔数核对。")
    if not report.clean:
        raise typer.Exit(DIFFERENCES)


@dataclass(frozen=True)
class CloudSource:
    """A running stack, read-only: the local cloud's, or one in AWS. `names`: deployed names by the nouns of `VARIABLES`."""

    client: Callable[[str], Any]
    names: dict[str, str]
    bank_endpoint: str = ""
    record_secret: str = ""

    def keys(self, bucket: str, prefix: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.names[bucket], Prefix=prefix)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def read(self, bucket: str, key: str) -> bytes | None:
        s3 = self.client("s3")
        try:
            body: bytes = s3.get_object(Bucket=self.names[bucket], Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body

    def items(self, table: str) -> Iterable["Item"]:
        from boto3.dynamodb.types import TypeDeserializer

        read = TypeDeserializer().deserialize
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.names[table], ConsistentRead=True)
        for page in pages:
            for item in page["Items"]:
                yield {name: _plain(read(value)) for name, value in item.items()}

    def bank_books(self) -> list["Item"] | None:
        import httpx

        if not self.bank_endpoint:
            return None
        try:
            return [httpx.get(f"{self.bank_endpoint}/book", timeout=60).raise_for_status().json()]
        except httpx.HTTPError:
            raise Refusal("读不到模拟银行的账簿。") from None

    def record_key(self) -> str | None:
        if not self.record_secret:
            return None
        secret: str = self.client("secretsmanager").get_secret_value(SecretId=self.record_secret)["SecretString"]
        return RecordKeys.of_secret(secret).read.decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def running_source(endpoint: str) -> CloudSource:
    """The local cloud at this address; without one, the stack in AWS that the environment names."""
    if endpoint:
        import httpx

        from cli.api import local_address
        from infra.local.clients import Clients

        try:
            about = httpx.get(f"{local_address(endpoint)}/_local", timeout=60).raise_for_status().json()
        except httpx.HTTPError:
            raise Refusal(f"连不上本机云 {endpoint}，请先运行 yikatong local up。") from None
        made = about["resources"]
        names = {**made["buckets"], **made["tables"]}
        clients = Clients(about["endpoints"]["aws"], about["region"])
        return CloudSource(clients, names, about["bank"]["endpoint"], made["secrets"]["record_key"])
    missing = [variable for variable in VARIABLES.values() if not os.environ.get(variable)]
    if missing:
        raise Refusal(
            "请用 --from 给出导出的目录，或用 --endpoint 给出本机云的地址；"
            f"核对 AWS 上的平台时，请用环境变量给出名称，还缺 {'、'.join(missing)}。"
        )
    import boto3

    return CloudSource(boto3.client, {noun: os.environ[variable] for noun, variable in VARIABLES.items()})  # type: ignore[arg-type]


def print_report(report: "Report", what: str) -> None:
    """The result in one line, the balance sheet, then each difference under its name."""
    typer.echo(f"{what}：{result_line(report)}")
    print_sheet(report.sheet)
    for note in report.notes:
        typer.echo(f"  注意：{note}。")
    kinds = sorted({difference.name for difference in report.differences})
    for kind in kinds:
        same = [difference for difference in report.differences if difference.name == kind]
        typer.echo(f"\n不符 {kind}：{same[0].meaning}（{len(same)} 处）")
        for difference in same[:MOST_SHOWN]:
            typer.echo(f"  {difference.where}：应为 {difference.expected}，实为 {difference.found}")
        if len(same) > MOST_SHOWN:
            typer.echo(f"  ……另有 {len(same) - MOST_SHOWN} 处")


def result_line(report: "Report") -> str:
    """What an audit came to, in one line."""
    looked = f"核对了 {report.batches} 个批次、{report.payments} 笔支付"
    if report.clean:
        against = "数据表、公开记录、审计链" + ("、银行账簿" if report.with_bank else "")
        return f"{looked}，凭证据重新计算的结果与{against}逐笔逐分相符。"
    kinds = len({difference.name for difference in report.differences})
    return f"{looked}，有 {len(report.differences)} 处不符，共 {kinds} 种。"


def print_sheet(lines: Iterable["Line"]) -> None:
    """Rows (in brackets different people) and yuan of each fate; at the end what stayed with the payees, counted three ways."""
    from auditor.balance import COLUMNS, total

    book = PlanBook.committed()
    subsidies = {one.code: f"#{one.number} {one.name}" for year in book.years for one in book.plan(year).subsidies}
    lines = list(lines)
    shown = [name for name in COLUMNS if any(line.columns[name].count for line in lines)]
    rows = new_table(
        "去向：人次（人数）与金额（元）", ("补贴项目", "地区", "方式"), ("名册", *(COLUMNS[name] for name in shown))
    )
    money = new_table(
        "净发放（元）：入账 − 退票 − 追回",
        ("补贴项目", "地区", "方式"),
        ("平台所记", "凭证据重算", "银行账簿", "其中已追回"),
    )
    for line in [*lines, total(lines)]:
        last = not line.code
        words = (
            ("正式合计", "", "")
            if last
            else (
                subsidies.get(line.code, line.code),
                f"{name_of(line.region)} {line.region}",
                "正式" if line.formal else "模拟",
            )
        )
        if last:
            rows.add_section()
            money.add_section()
        persons = line.persons
        cells = (f"{line.columns[name].count}（{persons[name]}）\n{in_yuan(line.columns[name].fen)}" for name in shown)
        add_row(rows, *words, f"{line.rows.count}\n{in_yuan(line.rows.fen)}", *cells)
        bank = "—" if line.net_bank_fen is None else in_yuan(line.net_bank_fen)
        sums = (in_yuan(line.net_platform_fen), in_yuan(line.net_rebuilt_fen), bank, in_yuan(line.recovered.fen))
        add_row(money, *words, *sums)
    print_table(rows, money)
    typer.echo("  模拟的钱没有动过，不计入合计；退票在入账之内；转补发的行由补发批次另计。银行账簿一栏已减去追回。")
