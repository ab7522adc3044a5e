"""`yikatong batch …`: look at batches, approve and withdraw them, fetch what was found and what became of them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.asking import agree
from cli.files import require_free, write_workbook
from cli.options import MODES, BatchId, Overwrite, Reason, Yes
from cli.tables import add_row, new_table, print_table, tally_words
from yikatong.closing import OUTCOMES
from yikatong.errors import Refusal
from yikatong.money import in_yuan

app = typer.Typer(no_args_is_help=True, help="批次：列出、查看、审批、退回、撤回、下载校验报告和发放结果。")

WORDS = OUTCOMES | {"payable": "可发放", "review": "待复核"}
UNPAID = "—"
JUDGED = ("payable", "held", "review", "excluded")
"""What the validation made of a roster's rows; once approved they have a line of `OUTCOMES` instead."""


@app.command("list")
def list_batches(
    region: Annotated[str | None, typer.Option("--region", metavar="地区", help="不给则为本人管辖的地区。")] = None,
    state: Annotated[str | None, typer.Option("--state", metavar="状态", help="如 VALIDATED。")] = None,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """列出批次，最近报送的在前。"""
    found = api.call_bureau(endpoint, name, "GET", "/v1/batches", query={"region": region, "state": state})["batches"]
    table = new_table(
        f"批次（{len(found)}个）",
        ("批次", "地区", "序号", "方式", "属期", "状态"),
        ("行数", "可发放", "金额（元）", "暂缓", "待复核", "剔除", "在途", "拒付退票", "已发放", "已发放（元）"),
    )
    for each in found:
        add_row(
            table,
            *(each["batch_id"], each["region_name"], each["number"], MODES[each["mode"]], _slots(each)),
            *(each["state_words"], each["rows"], *_numbers(each)),
        )
    print_table(table)


def _numbers(batch: dict[str, Any]) -> tuple[object, ...]:
    """Before the approval what the validation found; afterwards what still waits, and what was paid and stayed paid."""
    line = batch["line"]
    if batch["state"] == "WITHDRAWN":
        return (UNPAID,) * 9
    if line is None:
        payable, *others = (batch[part] for part in JUDGED)
        return (payable["count"], in_yuan(payable["fen"]), *(tally["count"] for tally in others), *(UNPAID,) * 4)
    paid, back = line["settled"], line["returned"]
    return (
        *(line["waiting"]["count"], in_yuan(line["waiting"]["fen"]), line["held"]["count"], UNPAID),
        *(line["excluded"]["count"], line["in_doubt"]["count"], line["rejected"]["count"] + back["count"]),
        *(paid["count"] - back["count"], in_yuan(paid["fen"] - back["fen"])),
    )


@app.command("show")
def show_batch(batch: BatchId, endpoint: Endpoint = "", name: As = "") -> None:
    """查看一个批次：审批时要核对的内容，和每一行的去向。"""
    _print_batch(api.call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}"))


@app.command("approve")
def approve(
    batch: BatchId,
    accept_review: Annotated[
        str, typer.Option("--accept-review", metavar="行号,…", help="逐项确认的待复核行，以逗号分隔。")
    ] = "",
    yes: Yes = False,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """审批一个批次：恰是所显示的文件和行数、金额，一分不差。"""
    rows = _row_numbers(accept_review)
    shown = _shown_to(endpoint, name, batch, "approve_batch")
    _print_batch(shown)
    if (approval := shown["approval"]) and shown["state"] != "WITHDRAWN":
        typer.echo(
            f"这个批次早已审批（{approval['approver']}，{_time(approval['approved_at'])}），"
            f"现为“{shown['state_words']}”，不必再审批。"
        )
        if shown["state"] != "APPROVED":
            return
        # The same again publishes the order to pay once more, which the first time may not have got out.
        yes = True
    unanswered = shown["review"]["count"] - len(set(rows))
    if unanswered > 0:
        typer.echo(f"本次确认待复核 {len(set(rows))} 行，其余 {unanswered} 行不发放。")
    agree("审批以上内容？", yes=yes, undone="没有审批")
    body = {key: shown[key] for key in ("sha256", "object_version", "payable", "held")} | {"accepted_reviews": rows}
    answer = api.call_bureau(endpoint, name, "POST", f"/v1/batches/{batch}/approval", body)
    if not approval:
        typer.echo(f"{batch}：{answer['state_words']}")
    if answer["state"] == "VALIDATED":
        typer.echo("您的审批已记下；金额达到二次审批的标准，还须另一位审批人审批同样的内容。")


@app.command("reject")
def reject(batch: BatchId, reason: Reason, yes: Yes = False, endpoint: Endpoint = "", name: As = "") -> None:
    """审批人退回一个待审批的批次，写明原因；经办改正后可再报送，同一文件也可以。先询问（--yes 不问）。"""
    _print_summary(_shown_to(endpoint, name, batch, "reject_batch"))
    agree("退回这个批次？", yes=yes, undone="没有退回")
    answer = api.call_bureau(endpoint, name, "POST", f"/v1/batches/{batch}/rejection", {"reason": reason})
    typer.echo(f"{batch}：{answer['refusal']}")


@app.command("withdraw")
def withdraw(batch: BatchId, reason: Reason, yes: Yes = False, endpoint: Endpoint = "", name: As = "") -> None:
    """撤回一个批次；向银行发出指令之后不能撤回。先询问（--yes 不问）。"""
    _print_summary(_shown_to(endpoint, name, batch, "withdraw_batch"))
    agree("撤回这个批次？撤回后同样的内容要另存为新文件名才能再报。", yes=yes, undone="没有撤回")
    answer = api.call_bureau(endpoint, name, "POST", f"/v1/batches/{batch}/withdrawal", {"reason": reason})
    typer.echo(f"{batch}：{answer['state_words']}")


@app.command("report")
def report(
    batch: BatchId,
    result: Annotated[
        bool, typer.Option("--result", help="改为下载发放结果：每一行发了没有、为什么；银行答复并结算之后才有。")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="文件", help="默认写到当前目录。")] = None,
    overwrite: Overwrite = False,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """下载校验报告，或用 --result 下载发放结果（XLSX）。"""
    noun = "result" if result else "report"
    target = require_free(out or Path(f"{batch}{'.result' if result else ''}.xlsx"), overwrite=overwrite)
    content = api.get_file(api.call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}/{noun}")["url"])
    write_workbook(target, content)
    typer.echo(f"已写入 {target}")
    if result:
        typer.echo(
            "拒付和退票的人在“名册”表里（没有就没有这张表）：改好保存后用 yikatong send --reissue 报送，表头上写明命令。"
        )
    else:
        typer.echo("要改正的行在“名册”表里（没有要改的就没有这张表）：改好保存后，直接报送这个文件。")


def _shown_to(endpoint: str, name: str, batch: str, action: str) -> dict[str, Any]:
    """The batch, for a person about to act on it; whoever may not is told before anything else."""
    shown: dict[str, Any] = api.call_bureau(endpoint, name, "GET", f"/v1/batches/{batch}")
    if why := shown["refusals"][action]:
        raise Refusal(why, "forbidden")
    return shown


def _print_summary(batch: dict[str, Any]) -> None:
    typer.echo(batch["batch_id"])
    typer.echo(
        f"  {batch['subsidy']}，{MODES[batch['mode']]}，{batch['region_name']}，属期 {_slots(batch)}，"
        f"{batch['rows']} 行，{batch['state_words']}"
    )


def _print_batch(batch: dict[str, Any]) -> None:
    typer.echo(batch["batch_id"])
    typer.echo(f"  {batch['subsidy']}，{MODES[batch['mode']]}，{batch['state_words']}")
    typer.echo(f"  地区：{batch['region']} {batch['region_name']}　属期：{_slots(batch)}")
    for words, key in {"文件": "object_key", "版本": "object_version", "SHA-256": "sha256"}.items():
        typer.echo(f"  {words}：{batch[key]}")
    if batch["sheet"]:
        typer.echo(f"  工作表：{batch['sheet']}")
    typer.echo(f"  经办：{batch['uploader']}，{_time(batch['received_at'])} 报送")
    typer.echo(f"  名册 {batch['rows']} 行，校验意见 {batch['findings']} 条")
    _print_reissues(batch)
    _print_children(batch)
    _print_approval(batch)
    for words, key in {"不予受理": "refusal", "结转": "carried", "撤回": "withdrawn_because"}.items():
        if batch[key]:
            typer.echo(f"  {words}：{batch[key]}")
    if batch["state"] == "REFUSED":
        typer.echo(f"  整份不发放。逐行的问题和改法请下载报告：yikatong batch report {batch['batch_id']}")
        return
    _print_rows(batch)
    _print_warnings(batch)
    if batch["report"]:
        typer.echo(f"  校验报告：yikatong batch report {batch['batch_id']}")


def _print_reissues(batch: dict[str, Any]) -> None:
    if batch["reissue_of"]:
        typer.echo(f"  补发自：批次 {batch['reissue_of']}（其拒付和退票）")
    for each in batch["reissues"]:
        typer.echo(f"  被补发：批次 {each['batch_id']}，{each['rows']} 行，{each['state_words']}")


def _print_children(batch: dict[str, Any]) -> None:
    if batch["parent"]:
        typer.echo(f"  原批次：{batch['parent']}（其暂缓的行和被占去的行，按原审批补发）")
    if batch["children"]:
        typer.echo(f"  子批次：{'、'.join(batch['children'])}，补发 {tally_words(batch['passed_on'])}")


def _print_approval(batch: dict[str, Any]) -> None:
    if approval := batch["approval"]:
        both = f"{batch['first_approver']}、" if batch["first_approver"] else ""
        accepted = approval["accepted"]
        confirmed = f"，确认待复核 {tally_words(accepted)}" if accepted["count"] else ""
        typer.echo(f"  审批：{both}{approval['approver']}，{_time(approval['approved_at'])}{confirmed}")
    elif batch["first_approver"] and batch["state"] == "VALIDATED":
        typer.echo(f"  审批：{batch['first_approver']} 已审批；金额达到二次审批的标准，须由另一位审批人再审批")


def _print_rows(batch: dict[str, Any]) -> None:
    """Before the approval: what is to be approved. After it: what became of every row."""
    line = batch["line"]
    table = new_table("", ("去向",), ("行数", "金额（元）"))
    for part in OUTCOMES if line else JUDGED:
        tally = (line or batch)[part]
        add_row(table, WORDS[part], tally["count"], in_yuan(tally["fen"]))
    print_table(table)
    if line:
        typer.echo("  入账含退票。")
        if batch["recovered"]["count"]:
            typer.echo(
                f"  已追回 {batch['recovered']['count']} 次，{in_yuan(batch['recovered']['fen'])} 元，仍计在入账里。"
            )
        return
    _print_reviews(batch)
    if batch["state"] == "VALIDATED":
        most = {key: batch["payable"][key] + batch["held"][key] for key in ("count", "fen")}
        extra = "，另加所确认的待复核行" if batch["review"]["count"] else ""
        typer.echo(f"  最多可发 {tally_words(most)}（含暂缓行；以发放日的社会保障卡为准{extra}）")


def _print_reviews(batch: dict[str, Any]) -> None:
    if not batch["review_rows"]:
        return
    typer.echo("  待复核的行，没有确认的不发放（确认：batch approve --accept-review 行号,…）：")
    table = new_table("", numbers=("行", "金额（元）"), remarks=("须确认",))
    for each in batch["review_rows"]:
        add_row(table, each["row"], in_yuan(each["fen"]), each["words"])
    print_table(table)
    if batch["review_rows_more"]:
        typer.echo(
            f"  还有 {batch['review_rows_more']} 行待复核，见校验报告：yikatong batch report {batch['batch_id']}"
        )


def _print_warnings(batch: dict[str, Any]) -> None:
    if batch["waiting_for_trial"]:
        typer.echo("  注意：本地区尚未通过模拟测试，通过前不会正式发放。")
    if not batch["cards_checked"] and batch["line"] is None:
        typer.echo("  注意：校验时还没有社会保障卡数据，没有核对收款人的卡；暂缓的行要到发放时才知道。")


def _slots(batch: dict[str, Any]) -> str:
    return "、".join(batch["slots"]) or "—"


def _time(text: str) -> str:
    """`2023-06-05 10:00` of an ISO time, which is Shanghai's."""
    return text[:16].replace("T", " ")


def _row_numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.replace("，", ",").replace("、", ",").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise Refusal("行号应写作 12,15 的样子。")
    return [int(part) for part in parts]
