"""`yikatong send` as a clerk meets it: the verdict at once, and nothing replaced without being asked."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import send as module
from yikatong.errors import Refusal

KEY = "2023/230102/2/roster.csv"
CONTENT = b"roster"
ZERO = {"count": 0, "fen": 0}


class Platform:
    """The bureau API as far as sending needs it: judges what was put as the next answer says."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.batches: list[dict[str, Any]] = []
        self.verdict: dict[str, Any] = {}
        self.puts = 0
        self.findings: dict[str, Any] = {}

    def call(self, _endpoint: str, _name: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        if (method, path) == ("GET", "/v1/batches"):
            assert query == {"region": "230102"}
            return {"batches": self.batches}
        if path.endswith("/report"):
            return {"url": "xlsx", "findings": "json"}
        assert (method, path) == ("POST", "/v1/uploads")
        self.asked = body
        return {"key": KEY, "url": "u", "headers": {}, "mode": body["mode"]}

    def put(self, _url: str, _headers: Any, content: bytes) -> None:
        self.puts += 1
        same = batch(sha256=hashlib.sha256(content).hexdigest(), object_version=f"v{self.puts}") | self.verdict
        self.batches = [each for each in self.batches if each["sha256"] != same["sha256"]] + [same]


def batch(**changes: Any) -> dict[str, Any]:
    return {
        "batch_id": "b.formal.230102.1",
        "object_key": KEY,
        "mode": "formal",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "object_version": "v0",
        "sheet": "",
        "reissue_of": "",
        "parent": "",
        "children": [],
        "passed_on": {"count": 0, "fen": 0},
        "state": "VALIDATED",
        "state_words": "校验完成，待审批",
        "slots": ["2023-06"],
        "rows": 3,
        "payable": {"count": 2, "fen": 123450},
        "held": {"count": 1, "fen": 100},
        "review": ZERO,
        "excluded": ZERO,
        "refusal": "",
        "findings": 1,
        "cards_checked": True,
    } | changes


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    monkeypatch.setattr("cli.api.call_bureau", made.call)
    monkeypatch.setattr("cli.api.put_file", made.put)
    monkeypatch.setattr("cli.api.get_file", lambda url: json.dumps(made.findings).encode() if url == "json" else b"")
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    return made


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Result]:
    app = typer.Typer()
    app.command()(module.send)
    file = tmp_path / "roster.csv"
    file.write_bytes(CONTENT)

    def sending(*more: str) -> Result:
        return CliRunner().invoke(app, [str(file), "--number", "2", "--region", "230102", "--plan-year", "2023", *more])

    return sending


def test_the_verdict_is_printed_with_the_batchs_id_alone_on_a_line(
    platform: Platform, send: Callable[..., Result]
) -> None:
    result = send()
    lines = result.output.splitlines()
    assert (result.exit_code, platform.puts) == (0, 1)
    assert "b.formal.230102.1" in lines
    assert "可发放 2 行 1,234.50 元，暂缓 1 行 1.00 元，待复核 0 行 0.00 元，剔除 0 行 0.00 元" in lines
    assert "yikatong batch report b.formal.230102.1" in result.output


def test_a_refused_roster_ends_with_1_says_why_and_shows_no_sum(
    platform: Platform, send: Callable[..., Result]
) -> None:
    platform.verdict = {
        "state": "REFUSED",
        "state_words": "整份名册不予受理",
        "refusal": "一成以上的行要剔除，请按下列问题修改",
    }
    wrong = [("amount_unreadable", "exclude", row, "金额不是数字") for row in range(2, 12)]
    found = [*wrong, ("excluded_too_many", "refuse", None, "10 行数据中有 10 行要剔除")]
    names = ("code", "level", "row", "message")
    platform.findings = {
        "findings": [dict(zip(names, each, strict=True)) for each in found],
        "more": {"amount_unreadable": 5},
    }
    result = send()
    assert result.exit_code == 1
    lines = result.output.splitlines()
    at = lines.index("整份名册不予受理：一成以上的行要剔除，请按下列问题修改")
    assert lines[at + 1 : at + 3] == [
        "【整份退回】10 行数据中有 10 行要剔除",
        "【剔除】金额不是数字（15 处：第2行、第3行、第4行、第5行、第6行、第7行……）",
    ]
    assert "batch report" in result.output
    assert "1,234.50" not in result.output


def test_a_batch_that_was_judged_without_cards_says_so(platform: Platform, send: Callable[..., Result]) -> None:
    platform.verdict = {"cards_checked": False}
    assert "没有核对收款人的卡" in send().output


def test_a_standing_roster_of_that_name_is_not_replaced_unasked(
    platform: Platform, send: Callable[..., Result]
) -> None:
    platform.batches = [batch(batch_id="b.formal.230102.0", sha256="other")]
    result = send()
    assert isinstance(result.exception, Refusal)
    assert "--yes" in result.exception.message
    assert "b.formal.230102.0，属期 2023-06" in result.output
    assert platform.puts == 0
    assert send("--yes").exit_code == 0
    assert platform.puts == 1


@pytest.mark.parametrize(
    "changes", [{"mode": "trial"}, {"object_key": "k"}, {"state": "WITHDRAWN"}, {"state": "REFUSED"}]
)
def test_what_does_not_stand_under_that_name_and_mode_is_not_asked_about(
    platform: Platform, send: Callable[..., Result], changes: dict[str, Any]
) -> None:
    platform.batches = [batch(**({"sha256": "other"} | changes))]
    assert send().exit_code == 0


def test_a_roster_that_is_being_paid_cannot_be_corrected_whoever_agrees(
    platform: Platform, send: Callable[..., Result]
) -> None:
    platform.batches = [batch(sha256="other", state="INSTRUCTED")]
    result = send("--yes")
    assert isinstance(result.exception, Refusal)
    assert "另存为新文件名" in result.exception.message
    assert platform.puts == 0


def test_content_that_was_withdrawn_needs_a_new_name(platform: Platform, send: Callable[..., Result]) -> None:
    platform.batches = [batch(state="WITHDRAWN")]
    result = send()
    assert isinstance(result.exception, Refusal)
    assert "另存为新文件名" in result.exception.message
    assert platform.puts == 0


def test_content_that_was_approved_already_is_not_sent_again(platform: Platform, send: Callable[..., Result]) -> None:
    platform.batches = [batch(state="APPROVED", state_words="已审批，待发放")]
    result = send()
    assert (result.exit_code, platform.puts) == (0, 0)
    assert "已审批，待发放" in result.output


def test_the_sheet_to_read_is_asked_for_with_the_upload(platform: Platform, send: Callable[..., Result]) -> None:
    assert send().exit_code == 0
    assert "sheet" not in platform.asked
    platform.batches = []
    assert send("--sheet", "六月").exit_code == 0
    assert platform.asked["sheet"] == "六月"


def test_a_reissue_is_asked_for_with_the_batch_it_pays_again_and_is_no_correction_of_an_ordinary_roster(
    platform: Platform, send: Callable[..., Result]
) -> None:
    assert send().exit_code == 0
    assert "reissues" not in platform.asked
    platform.batches = [batch(state="APPROVED"), batch(sha256="other", state="PUBLISHED")]
    platform.verdict = {"reissue_of": "b.formal.230102.0"}
    assert send("--reissue", "b.formal.230102.0").exit_code == 0
    assert platform.asked["reissues"] == "b.formal.230102.0"


def test_another_sheet_of_an_approved_workbook_needs_a_new_name(
    platform: Platform, send: Callable[..., Result]
) -> None:
    platform.batches = [batch(state="APPROVED", state_words="已审批，待发放", sheet="五月")]
    result = send("--sheet", "六月")
    assert isinstance(result.exception, Refusal)
    assert "五月" in result.exception.message
    assert "另存为新文件名" in result.exception.message
    assert platform.puts == 0


@pytest.mark.parametrize("state", ["VALIDATED", "REFUSED"])
def test_content_sent_again_waits_for_the_new_verdict_not_the_old_one(
    platform: Platform, send: Callable[..., Result], state: str
) -> None:
    platform.batches = [batch(state=state, rows=99)]
    assert "名册 3 行" in send().output


def test_a_verdict_that_does_not_come_in_time_is_said(platform: Platform, send: Callable[..., Result]) -> None:
    platform.verdict = {"state": "RECEIVED"}
    result = send()
    assert isinstance(result.exception, Refusal)
    assert "batch list" in result.exception.message


def test_a_file_that_is_not_there_is_named_in_chinese_and_nothing_is_asked(platform: Platform, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(module.send)
    where = ["--number", "2", "--region", "230102", "--plan-year", "2023"]
    for path, words in ((tmp_path / "无.csv", "没有"), (tmp_path, "是文件夹")):
        refused = CliRunner().invoke(app, [str(path), *where])
        assert isinstance(refused.exception, Refusal)
        assert words in refused.exception.message
    assert (platform.puts, platform.asked) == (0, {})
