"""`yikatong send`: hand in a roster, and stay until the platform has judged it."""

import hashlib
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import api
from cli.api import As, Endpoint
from cli.asking import agree
from cli.files import content_of
from cli.options import ModeText, Number, PlanYear, Region, Yes
from cli.tables import tally_words
from yikatong.errors import Refusal
from yikatong.roster.findings import CODES, Level

WAIT_S, PAUSE_S = 90, 1
MOST_KINDS, MOST_PLACES = 6, 6
GONE = ("WITHDRAWN", "REFUSED")
JUDGED_AGAIN = ("RECEIVED", "REFUSED", "VALIDATED")
"""The states in which the same content, sent again, is judged again."""
CORRECTABLE = ("RECEIVED", "VALIDATED", "APPROVED", "BOUND")


def send(
    file: Annotated[Path, typer.Argument(metavar="名册文件", help="CSV、TSV、XLSX 或 XLS。")],
    number: Number,
    plan_year: PlanYear,
    region: Region,
    mode: ModeText = "formal",
    sheet: Annotated[
        str, typer.Option("--sheet", metavar="名称", help="工作簿中有几张工作表像名册时，读这一张。")
    ] = "",
    reissue: Annotated[
        str,
        typer.Option(
            "--reissue", metavar="批次", help="补发：只报该批次拒付、退票的人（发放结果的“名册”表，改好后）。"
        ),
    ] = "",
    yes: Yes = False,
    endpoint: Endpoint = "",
    name: As = "",
) -> None:
    """报送名册并等待校验结果：0 已受理，1 不予受理或没有报送。同名的前一份会被取代，先询问（--yes 不问）。"""
    content = content_of(file)
    upload = _Upload(endpoint, name, region, mode, f"{plan_year}/{region}/{number}/{file.name}", reissue, content)
    same, other = upload.standing()
    if same is not None and same["state"] not in JUDGED_AGAIN:
        _say_it_stands(same, sheet)
        return
    if other is not None:
        _agree_to_replace(other, yes)
    body: dict[str, Any] = {"plan_year": plan_year, "number": number, "region": region}
    body |= {"file_name": file.name, "mode": mode}
    body |= {key: value for key, value in {"sheet": sheet, "reissues": reissue}.items() if value}
    grant = api.call_bureau(endpoint, name, "POST", "/v1/uploads", body)
    api.put_file(grant["url"], grant["headers"], content)
    typer.echo(f"已报送 {grant['key']}，正在校验……")
    _print_verdict(upload.verdict(same), endpoint, name)


class _Upload:
    """One file under one key and mode, and as a reissue of one batch or of none, as the platform's batches tell of it."""

    def __init__(
        self, endpoint: str, name: str, region: str, mode: str, object_key: str, reissue: str, content: bytes
    ) -> None:
        self._endpoint, self._name, self._region = endpoint, name, region
        self._asked = {"object_key": object_key, "mode": mode, "reissue_of": reissue}
        self._sha256 = hashlib.sha256(content).hexdigest()

    def _batches(self) -> list[dict[str, Any]]:
        found = api.call_bureau(self._endpoint, self._name, "GET", "/v1/batches", query={"region": self._region})
        return [each for each in found["batches"] if {key: each[key] for key in self._asked} == self._asked]

    def standing(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """(the batch of the very same content, the other batch that stands under this name), each None if there is none."""
        batches = self._batches()
        same = next((each for each in batches if each["sha256"] == self._sha256), None)
        others = (each for each in batches if each["sha256"] != self._sha256 and each["state"] not in GONE)
        return same, next(others, None)

    def verdict(self, before: dict[str, Any] | None) -> dict[str, Any]:
        """Wait until this content is judged; where it had been before, until it is judged anew."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = next((each for each in self._batches() if each["sha256"] == self._sha256), None)
            anew = found is not None and (before is None or found["object_version"] != before["object_version"])
            if found is not None and found["state"] != "RECEIVED" and (anew or found["state"] == "WITHDRAWN"):
                return found
            time.sleep(PAUSE_S)
        raise Refusal(
            f"名册已报送，{WAIT_S} 秒内还没有校验完，请稍后用 yikatong batch list --region {self._region} 查看。"
        )


def _say_it_stands(batch: dict[str, Any], sheet: str) -> None:
    if batch["state"] == "WITHDRAWN":
        raise Refusal(
            f"这份名册的内容与已撤回的批次 {batch['batch_id']} 完全相同，不会重新受理；请另存为新文件名后报送。"
        )
    if batch["sheet"] != sheet:
        raise Refusal(
            f"这个工作簿已按工作表“{batch['sheet'] or '（未指定）'}”报送，为批次 {batch['batch_id']}，"
            f"现为“{batch['state_words']}”；要报送另一张工作表，请另存为新文件名。"
        )
    typer.echo(f"这份名册已经报送过，现为“{batch['state_words']}”，不必再报。批次：")
    typer.echo(batch["batch_id"])


def _agree_to_replace(other: dict[str, Any], yes: bool) -> None:
    slots = "、".join(other["slots"]) or "未定"
    told = f"同名的名册已有一份：批次 {other['batch_id']}，属期 {slots}，{other['rows']} 行，{other['state_words']}。"
    if other["state"] not in CORRECTABLE:
        raise Refusal(f"{told}它已不能更正；其余人员或别的属期请另存为新文件名后报送。")
    typer.echo(f"{told}\n这次报送是对它的更正：受理后它自动撤回，不再发放。别的属期或另外的人员，请另存为新文件名。")
    agree("取代前一份？", yes=yes, undone="没有报送", otherwise="，否则请另存为新文件名")


def _print_verdict(batch: dict[str, Any], endpoint: str, name: str) -> None:
    typer.echo(batch["batch_id"])
    if batch["state"] == "WITHDRAWN":
        _say_it_stands(batch, batch["sheet"])
    report = f"yikatong batch report {batch['batch_id']}"
    if batch["state"] == "REFUSED":
        typer.echo(f"{batch['state_words']}：{batch['refusal']}")
        _print_problems(batch["batch_id"], endpoint, name)
        typer.echo(f"名册 {batch['rows']} 行都不发放。逐行的问题和改法请下载报告：{report}")
        raise typer.Exit(1)
    parts = {"可发放": "payable", "暂缓": "held", "待复核": "review", "剔除": "excluded"}
    typer.echo(f"{batch['state_words']}；名册 {batch['rows']} 行：")
    typer.echo("，".join(f"{words} {tally_words(batch[part])}" for words, part in parts.items()))
    if not batch["cards_checked"]:
        typer.echo("注意：还没有社会保障卡数据，没有核对收款人的卡；暂缓的行要到发放时才知道。")
    if batch["findings"]:
        typer.echo(f"校验意见 {batch['findings']} 条，报告：{report}")


def _print_problems(batch_id: str, endpoint: str, name: str) -> None:
    """Each kind of problem once, the gravest first, with where it stands: what to correct, without opening the report."""
    where = api.call_bureau(endpoint, name, "GET", f"/v1/batches/{batch_id}/report")["findings"]
    report = json.loads(api.get_file(where))
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in report["findings"]:
        kinds.setdefault(each["code"], []).append(each)
    for code in sorted(kinds, key=CODES.index)[:MOST_KINDS]:
        found = kinds[code]
        count = len(found) + report.get("more", {}).get(code, 0)
        rows = [f"第{each['row']}行" for each in found if each["row"] is not None][:MOST_PLACES]
        places = f"（{count} 处：{'、'.join(rows)}{'……' if count > len(rows) else ''}）" if rows else ""
        typer.echo(f"【{Level(found[0]['level']).chinese}】{found[0]['message']}{places}")
    if len(kinds) > MOST_KINDS:
        typer.echo(f"……还有 {len(kinds) - MOST_KINDS} 种问题，见报告。")
