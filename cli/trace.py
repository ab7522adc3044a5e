"""`yikatong trace`: why somebody was not paid, step by step, with the evidence of each."""

from datetime import date
from typing import Annotated, Any

import typer

from cli.api import As, Endpoint, call_bureau
from cli.asking import secret
from cli.options import AnyNumber, latest_plan_year
from yikatong.errors import Refusal
from yikatong.identity import id_fault, normalise_id


def trace(
    payment: Annotated[str, typer.Option("--payment", metavar="支付号", help="26位支付号，可带“-次数”。")] = "",
    name: Annotated[str, typer.Option("--name", metavar="姓名", help="享受人、收款人或户主的姓名。")] = "",
    id_number: Annotated[str, typer.Option("--id", metavar="身份证号", help="不给则另行询问，输入时不显示。")] = "",
    region: Annotated[str | None, typer.Option("--region", metavar="地区", help="不给则为本人管辖的地区。")] = None,
    plan_year: Annotated[
        int | None,
        typer.Option("--plan-year", metavar="年度", help="只查这一年度；给了序号的，默认为最新的计划。"),
    ] = None,
    number: AnyNumber = None,
    slot: Annotated[str | None, typer.Option("--slot", metavar="属期", help="只查这一属期，如 2023-06。")] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="每一步都列出证据所在。")] = False,
    endpoint: Endpoint = "",
    as_whom: As = "",
) -> None:
    """为什么我没领到钱：查清一笔或一个人的发放经过，每一步都有证据（--evidence 列出）。"""
    if bool(payment) == bool(name):
        raise Refusal("请给出 --payment，或给出 --name（和 --id），二者取一。")
    if number is not None and plan_year is None:
        plan_year = latest_plan_year()
    asked: dict[str, Any] = {"region": region, "plan_year": plan_year, "number": number, "slot": slot}
    if payment:
        asked["payment_id"] = payment
    else:
        number_given = id_number or secret("身份证号", "--id")
        if id_fault(normalise_id(number_given), date.today()):  # noqa: DTZ011 - of a birth date still to come, no zone matters
            # Not refused: a row with a number cut short has its story too.
            typer.echo("注意：这不是一个正确的身份证号（位数、出生日期或校验码不对），请核对；仍照它查。")
        asked |= {"name": name, "id_number": number_given}
    given = {key: value for key, value in asked.items() if value is not None}
    print_answer(call_bureau(endpoint, as_whom, "POST", "/v1/trace", given), evidence=evidence)


def print_answer(answer: dict[str, Any], *, evidence: bool) -> None:
    """One screen: the stories, the newest first, each beginning with what to do now, and what was searched."""
    for story in answer["stories"]:
        typer.echo(story["title"])
        typer.echo(f"  现在：{story['now']}")
        typer.echo(f"  批次 {story['batch_id']}，第{story['row']}行" + (f"，{story['as']}" if story["as"] else ""))
        for line in story["lines"]:
            at = line["at"][:16].replace("T", " ") or "—"
            typer.echo(f"  {at:<16} {line['step']}　{line['what']}")
            for each in line["evidence"] if evidence else ():
                typer.echo(f"{'':<19} ↳ {each}")
        typer.echo("")
    if answer["stories"] and not evidence:
        typer.echo("每一步的证据所在，加 --evidence 列出。")
    if answer["more_stories"]:
        typer.echo(f"另有 {answer['more_stories']} 条更早的没有列出，请用 --slot 或 --number 缩小范围。")
    _print_search(answer["searched"], found=bool(answer["stories"]))


def _print_search(searched: dict[str, Any], *, found: bool) -> None:
    if not found:
        typer.echo("没有找到。")
    where = f"{searched['region_name']}（{searched['region']}）"
    if not searched["read"]:
        typer.echo(f"查了 {where}：没有可查的正式名册。")
        return
    typer.echo(
        f"查了 {where}自 {searched['since'][:10]} 起的 {searched['read']} 份正式名册：{'、'.join(searched['subsidies'])}"
    )
    if searched["more"]:
        typer.echo("更早的名册没有查：请用 --region、--plan-year 和 --number 缩小范围。")
    for key in searched["altered"]:
        typer.echo(f"注意：{key} 缺失或与登记的哈希不符，没有查，请报告运行人员。")
