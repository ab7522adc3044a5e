"""`yikatong cards send` as whoever keeps the registry meets it: sent under its day, and told in words what it changed."""

import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from cli import cards as module
from tests.unit.use_cases.test_import_cards import EVERYBODY, HARBIN, MORE, Desk, changes_csv
from yikatong.cards import CardState
from yikatong.errors import Refusal
from yikatong.roster.sample import cards_csv


class Platform:
    """S3 with the import behind it, at once."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.versions = 0
        self.deaf = False

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:
        assert Bucket == "drop"
        self.versions += 1
        if not self.deaf:
            self.desk.arrives(Body, Key)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        assert Bucket == "reports"
        if Key not in self.desk.reports.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"VersionId": str(self.versions), "Body": io.BytesIO(self.desk.reports.objects[Key])}


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    about = {"resources": {"buckets": {"card_drop": "drop", "reports": "reports"}}, "endpoints": {"aws": ""}}
    monkeypatch.setattr(module, "describe", lambda _: about | {"region": "cn-north-1"})
    monkeypatch.setattr("infra.local.clients.Clients", lambda *_: lambda _: made)
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    return made


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., Result]:
    app = typer.Typer()
    app.command()(module.send)

    def sending(data: bytes, name: str, *more: str) -> Result:
        (tmp_path / name).write_bytes(data)
        return CliRunner().invoke(app, [str(tmp_path / name), *more])

    return sending


def test_a_snapshot_goes_under_its_day_and_tells_how_many_it_added(
    platform: Platform, send: Callable[..., Result]
) -> None:
    result = send(cards_csv(EVERYBODY), "cards.csv", "--as-of", "2023-05-20")
    assert result.exit_code == 0
    assert "已报送 20230520.cards.csv" in result.output
    assert "已采用快照 20230520：新增 120 人，变更 0 人，移除 0 人，未变 0 人" in result.output
    assert "原有 0 人 → 现有 120 人" in result.output
    assert platform.desk.current.rows == 120


def test_changes_are_told_by_what_became_of_the_cards(platform: Platform, send: Callable[..., Result]) -> None:
    platform.desk.begins_with()
    file = changes_csv(
        ("变更", HARBIN[0].with_card(CardState.LOST)),
        ("变更", HARBIN[1].with_card(CardState.LOST)),
        ("变更", HARBIN[2].with_card(CardState.NORMAL, financial=False)),
        ("移除", HARBIN[3]),
        ("新增", MORE[0]),
        ("调整", HARBIN[4]),
    )
    result = send(file, "变动-20230521.csv", "--changes")
    assert result.exit_code == 0
    assert "已采用变动 20230521-01：新增 1 人，变更 3 人，移除 2 人，未变 0 人" in result.output
    for line in ("正常 → 挂失：2 人", "正常，其他信息有变：1 人", "正常 → 移除：2 人", "新增，正常：1 人"):
        assert line in result.output
    assert "剔除 1 行" in result.output
    assert "第7行：变动类型不是" in result.output
    assert "原有 120 人 → 现有 119 人" in result.output


def test_sent_again_it_says_that_nothing_changed(platform: Platform, send: Callable[..., Result]) -> None:
    platform.desk.begins_with()
    file = changes_csv(("移除", HARBIN[3]))
    send(file, "20230521.csv", "--changes")
    assert "以前已采用过，这次没有改变什么；现有 119 人" in send(file, "20230521.csv", "--changes").output


def test_a_refusal_is_told_whether_or_not_the_file_was_read(platform: Platform, send: Callable[..., Result]) -> None:
    platform.desk.begins_with()
    late = send(changes_csv(("移除", HARBIN[3])), "20230519.csv", "--changes")
    assert (late.exit_code, "不晚于现用的快照" in late.output) == (1, True)
    unread = send(changes_csv(("移除", HARBIN[3])), "20230630.csv", "--changes")
    assert (unread.exit_code, "在今天（2023-06-01）之后" in unread.output) == (1, True)


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("cards.csv", (), "--as-of"),
        ("cards.csv", ("--as-of", "五月"), "不是日期"),
        ("cards-20230520.csv", ("--as-of", "2023-05-20"), "文件名里已有日期"),
    ],
)
def test_a_file_whose_day_is_not_clear_is_not_sent(
    platform: Platform, send: Callable[..., Result], name: str, more: tuple[str, ...], reason: str
) -> None:
    result = send(cards_csv(EVERYBODY), name, *more)
    assert isinstance(result.exception, Refusal)
    assert reason in result.exception.message
    assert platform.versions == 0


def test_who_waits_in_vain_is_told_where_the_outcome_will_be(platform: Platform, send: Callable[..., Result]) -> None:
    platform.deaf = True
    result = send(cards_csv(EVERYBODY), "cards.csv", "--as-of", str(date(2023, 5, 20)))
    assert isinstance(result.exception, Refusal)
    assert "cards/20230520.cards.csv.json" in result.exception.message
