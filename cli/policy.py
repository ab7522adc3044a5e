"""`yikatong policy`: publish a policy, fill in the policy list, and see what became of either."""

import hashlib
import json
import time
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.files import content_of, require_free, write_workbook
from cli.options import Number, Overwrite, PlanYear, Region
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.policy_drops import read_metadata
from yikatong.policy_lists import REGIONS_PART

app = typer.Typer(no_args_is_help=True, help="补贴政策和政策清单：发布、填报、查看结果。")

WAIT_S, PAUSE_S = 60, 0.5
MOST_FINDINGS = 20
File = Annotated[Path, typer.Argument(metavar="文件")]
Department = Annotated[
    str, typer.Option("--department", metavar="部门", help="哪个部门的清单；账号只管一个部门的可以不给。")
]


@app.command("send")
def send(
    file: Annotated[Path, typer.Argument(metavar="文件", help="PDF 或 UTF-8 网页，20 MB 以内。")],
    number: Number,
    region: Region,
    title: Annotated[str, typer.Option("--title", metavar="标题", help="政策文件的标题。")],
    valid_from: Annotated[str, typer.Option("--from", metavar="日期", help="从哪天起有效，如 2023-01-01。")],
    plan_year: PlanYear,
    valid_to: Annotated[str, typer.Option("--to", metavar="日期", help="到哪天为止；长期有效的不给。")] = "",
    issuer: Annotated[str, typer.Option("--issuer", metavar="单位", help="发文单位，不给则为牵头单位。")] = "",
    document_number: Annotated[
        str, typer.Option("--document-number", metavar="文号", help="如 黑民发〔2023〕1号。")
    ] = "",
    document: Annotated[
        str, typer.Option("--document", metavar="标识", help="同一份文件各版本共用：小写字母、数字、连字符。")
    ] = "policy",
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """发布政策文件并等待结果：0 已发布，1 没有发布。标识相同的是同一份文件的新版本，自生效日起取代旧版本；旧版本长期保留。"""
    content = content_of(file)
    sha256 = hashlib.sha256(content).hexdigest()
    subsidy = PlanBook.committed().subsidy(plan_year, number)
    said = {
        "title": title,
        "document_number": document_number,
        "issuer": issuer or "、".join(subsidy.lead_departments),
        "document": document,
        "valid_from": valid_from,
        "valid_to": valid_to or None,
        "sha256": sha256,
    }
    metadata = json.dumps(said, ensure_ascii=False, indent=1).encode()
    read_metadata(metadata)
    body = {"plan_year": plan_year, "number": number, "region": region, "file_name": file.name}
    grants = api.call_bureau(endpoint, name, "POST", "/v1/policies", body)
    for half, data in (("document", content), ("metadata", metadata)):
        api.put_file(grants[half]["url"], grants[half]["headers"], data)
    key = grants["document"]["key"]
    typer.echo(f"已报送 {key}，正在核对……")
    mine = {"document_sha256": sha256, "metadata_sha256": hashlib.sha256(metadata).hexdigest()}
    _print_policy(_wait(endpoint, name, "/v1/policies", key, mine))


@app.command("template")
def template(
    plan_year: PlanYear,
    out: Annotated[Path, typer.Option("--out", metavar="文件", help="写到哪个文件，以 .xlsx 结尾。")],
    department: Department = "",
    region: Annotated[str, typer.Option("--region", metavar="地区", help="六位地区代码；省级清单不给。")] = "230000",
    overwrite: Overwrite = False,
) -> None:
    """写出政策清单的模板：省级给出部门；市县给出地区，列出全部项目，只填有自己标准的。"""
    from yikatong.policy_forms import Duty, form_xlsx, require_part

    duty = Duty(PlanBook.committed().plan(plan_year), region, department or REGIONS_PART)
    require_part(duty)
    require_free(out, overwrite=overwrite)
    write_workbook(out, form_xlsx(duty))
    typer.echo(f"已写出 {out}：{len(duty.subsidies)} 项。")


@app.command("list-send")
def list_send(
    file: File,
    plan_year: PlanYear,
    region: Region,
    department: Department = "",
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """报送政策清单并等待结果：0 已采用，1 没有采用。同一部门后报的整份取代先报的。"""
    content = content_of(file)
    body = {"plan_year": plan_year, "region": region, "file_name": file.name, "department": department}
    grant = api.call_bureau(endpoint, name, "POST", "/v1/policy-lists", body)
    earlier = _outcome(endpoint, name, "/v1/policy-lists", grant["key"])
    api.put_file(grant["url"], grant["headers"], content)
    typer.echo(f"已报送 {grant['key']}，正在核对……")
    mine = {"sha256": hashlib.sha256(content).hexdigest()}
    _print_list(_wait(endpoint, name, "/v1/policy-lists", grant["key"], mine, earlier))


@app.command("status")
def status(
    key: Annotated[
        str, typer.Argument(metavar="位置", help="报送时打印的位置，如 230000/urban-minimum-living/标准.pdf。")
    ],
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """查看一份政策文件或政策清单的处理结果：0 已发布或已采用，1 没有。"""
    if key.startswith("lists/"):
        _print_list(api.call_bureau(endpoint, name, "GET", "/v1/policy-lists", query={"key": key}))
    else:
        _print_policy(api.call_bureau(endpoint, name, "GET", "/v1/policies", query={"key": key}))


def _outcome(endpoint: str, name: str, path: str, key: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = api.call_bureau(endpoint, name, "GET", path, query={"key": key})
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        return None
    return found


def _wait(
    endpoint: str, name: str, path: str, key: str, mine: dict[str, str], earlier: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Until the outcome is of exactly these bytes; one that could not tell of any bytes is ours if it was not there before."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = _outcome(endpoint, name, path, key)
        if found is not None and {each: found.get(each) for each in mine} == mine:
            return found
        if found is not None and not any(each in found for each in mine) and found != earlier:
            return found
        time.sleep(PAUSE_S)
    raise Refusal(f"已报送，{WAIT_S} 秒内还没有处理完，请稍后查看：yikatong policy status {key}")


def _print_policy(outcome: dict[str, Any]) -> None:
    typer.echo(outcome["message"])
    for each in outcome.get("in_force", ()):
        until = "以后" if each["to"] is None else f"至 {date.fromisoformat(each['to']).isoformat()}"
        typer.echo(f"  第 {each['version']} 版：{each['from']} {until}有效")
    if outcome["outcome"] not in ("published", "unchanged"):
        raise typer.Exit(1)
    typer.echo(f"公开地址：{outcome['href']}")


def _print_list(outcome: dict[str, Any]) -> None:
    typer.echo(outcome["message"])
    findings = outcome.get("findings", ())
    for each in findings[:MOST_FINDINGS]:
        place = "，".join(part for part in (each["row"] and f"第{each['row']}行", each["column"]) if part)
        typer.echo(f"  {place}{'：' if place else ''}{each['message']}")
    if len(findings) > MOST_FINDINGS:
        typer.echo(f"  ……共 {len(findings)} 处。")
    for each in outcome.get("missing", ()):
        typer.echo(f"  尚未报送：{each['department']}（{len(each['subsidies'])} 项）")
    if outcome["outcome"] != "taken":
        raise typer.Exit(1)
