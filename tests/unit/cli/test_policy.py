"""`yikatong policy` as a department meets it: what is sent, what is waited for, what is printed."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner, Result

from cli import policy as module
from tests.policies import policy_document
from yikatong.errors import Refusal

DOCUMENT = policy_document()
SHA256 = hashlib.sha256(DOCUMENT).hexdigest()
ASKED = [
    "--subsidy",
    "30",
    "--region",
    "230000",
    "--title",
    "国家助学金办法",
    "--from",
    "2023-01-01",
    "--plan-year",
    "2023",
]


class Platform:
    """The bureau API as far as policies need it: tells these outcomes, one after the other; None for none yet."""

    def __init__(self) -> None:
        self.outcomes: list[dict[str, Any] | None] = []
        self.asked: list[dict[str, Any]] = []
        self.put: dict[str, bytes] = {}

    def call(self, _endpoint: str, _name: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        if method == "POST":
            self.asked.append(body)
            one = {"key": "230000/c/a.pdf", "headers": {}}
            if path == "/v1/policy-lists":
                return one | {"key": "lists/2023/230000/a.xlsx", "url": "list"}
            return {"document": one | {"url": "document"}, "metadata": one | {"url": "metadata"}}
        assert query["key"] in ("230000/c/a.pdf", "lists/2023/230000/a.xlsx")
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            raise Refusal("还没有", "not_found")
        return outcome

    def put_file(self, url: str, _headers: Any, content: bytes) -> None:
        self.put[url] = content

    def digests(self, **outcome: Any) -> dict[str, Any]:
        """An outcome of what `send` sends; the metadata is written by our own command, so it is known beforehand."""
        said = {
            "title": "国家助学金办法",
            "document_number": "",
            "issuer": "省教育厅",
            "document": "policy",
            "valid_from": "2023-01-01",
            "valid_to": None,
            "sha256": SHA256,
        }
        metadata = json.dumps(said, ensure_ascii=False, indent=1).encode()
        return {"document_sha256": SHA256, "metadata_sha256": hashlib.sha256(metadata).hexdigest(), **outcome}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    monkeypatch.setattr("cli.api.call_bureau", made.call)
    monkeypatch.setattr("cli.api.put_file", made.put_file)
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    return made


def send(tmp_path: Path, *more: str) -> Result:
    file = tmp_path / "a.pdf"
    file.write_bytes(DOCUMENT)
    return CliRunner().invoke(module.app, ["send", str(file), *ASKED, *more])


def test_a_policy_is_sent_with_metadata_that_names_its_bytes(platform: Platform, tmp_path: Path) -> None:
    in_force = [{"version": 1, "from": "2023-01-01", "to": None}]
    published = platform.digests(
        outcome="published", message="已发布，为第 1 版。", in_force=in_force, href="/policies/x"
    )
    half = {"outcome": "waiting", "message": "还缺说明文件", "document_sha256": SHA256, "metadata_sha256": None}
    platform.outcomes = [None, half, published]
    result = send(tmp_path)
    assert result.exit_code == 0, result.output
    assert platform.put["document"] == DOCUMENT
    assert json.loads(platform.put["metadata"])["sha256"] == SHA256
    assert json.loads(platform.put["metadata"])["issuer"] == "省教育厅"
    assert platform.asked == [{"plan_year": 2023, "number": 30, "region": "230000", "file_name": "a.pdf"}]
    assert "第 1 版：2023-01-01 以后有效" in result.output
    assert "公开地址：/policies/x" in result.output
    assert "还缺" not in result.output


def test_a_refused_policy_ends_with_one_and_its_reason(platform: Platform, tmp_path: Path) -> None:
    platform.outcomes = [platform.digests(outcome="refused", message="这个 PDF 含有脚本")]
    result = send(tmp_path)
    assert result.exit_code == 1
    assert "含有脚本" in result.output


def test_an_earlier_versions_outcome_is_not_taken_for_this_ones(platform: Platform, tmp_path: Path) -> None:
    platform.outcomes = [platform.digests(outcome="published", message="旧的") | {"document_sha256": "0" * 64}]
    result = send(tmp_path)
    assert isinstance(result.exception, Refusal)
    assert "policy status 230000/c/a.pdf" in result.exception.message


def test_wrong_dates_are_refused_before_anything_is_sent(platform: Platform, tmp_path: Path) -> None:
    result = send(tmp_path, "--to", "2022-12-31")
    assert isinstance(result.exception, Refusal)
    assert "早于生效日期" in result.exception.message
    assert platform.asked == []


MISSING = [{"department": "省财政厅", "subsidies": [38, 39]}]
FAULT = {"row": 2, "column": "备注", "message": "有误"}
WHOLE = {"row": None, "column": "", "message": "过大"}


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [
        ({"outcome": "taken", "message": "已采用，共 1 项。", "missing": MISSING}, 0, "尚未报送：省财政厅（2 项）"),
        ({"outcome": "outdated", "message": "之后又报送过一份", "missing": []}, 1, "之后又报送过"),
        ({"outcome": "refused", "message": "清单有 1 处问题", "findings": [FAULT]}, 1, "第2行，备注：有误"),
        ({"outcome": "refused", "message": "清单有 1 处问题", "findings": [WHOLE]}, 1, "  过大"),
    ],
    ids=["taken", "outdated", "faulty", "whole"],
)
def test_a_list_is_sent_and_what_came_of_it_told(
    platform: Platform, tmp_path: Path, outcome: dict[str, Any], code: int, words: str
) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(b"form")
    platform.outcomes = [None, outcome | {"sha256": hashlib.sha256(b"form").hexdigest()}]
    asked = ["list-send", str(file), "--plan-year", "2023", "--region", "230000", "--department", "省教育厅"]
    result = CliRunner().invoke(module.app, asked)
    assert (result.exit_code, platform.put) == (code, {"list": b"form"}), result.output
    assert platform.asked[0]["department"] == "省教育厅"
    assert words in result.output


def test_a_lists_refusal_before_it_was_read_is_told_and_an_earlier_one_is_not(
    platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(b"form")
    earlier = {"outcome": "refused", "message": "从前的"}
    platform.outcomes = [earlier, earlier, {"outcome": "refused", "message": "与申请的不一致"}]
    result = CliRunner().invoke(module.app, ["list-send", str(file), "--plan-year", "2023", "--region", "230000"])
    assert result.exit_code == 1
    assert "与申请的不一致" in result.output
    assert "从前的" not in result.output


@pytest.mark.parametrize("key", ["230000/c/a.pdf", "lists/2023/230000/a.xlsx"])
def test_the_status_of_either_can_be_looked_up(platform: Platform, key: str) -> None:
    platform.outcomes = [{"outcome": "waiting", "message": "还缺一份"}]
    result = CliRunner().invoke(module.app, ["status", key])
    assert result.exit_code == 1
    assert "还缺一份" in result.output


def test_a_template_has_the_departments_rows(tmp_path: Path) -> None:
    out = tmp_path / "t.xlsx"
    asked = ["template", "--plan-year", "2023", "--out", str(out)]
    assert CliRunner().invoke(module.app, [*asked, "--department", "省教育厅"]).exit_code == 0
    rows = CalamineWorkbook.from_filelike(io.BytesIO(out.read_bytes())).get_sheet_by_name("政策清单").to_python()
    assert [row[0] for row in rows[1:]] == [str(number) for number in range(27, 38)]
    assert isinstance(CliRunner().invoke(module.app, asked).exception, Refusal), "no department, and the province"
    assert CliRunner().invoke(module.app, [*asked, "--overwrite", "--region", "230102"]).exit_code == 0
