"""The command line as a bureau meets it: whatever is wrong with it is said in Chinese, and so is its help."""

import io
import re
import sys

import pytest

from cli import asking
from cli.main import main
from yikatong.errors import Refusal

ENGLISH = re.compile(r"(?i)\b(usage|options|error|invalid|missing|show this|commands|required|should)\b")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["yikatong", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return int(stop.value.code or 0), captured.out + captured.err

    return call


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("sned", "没有 sned 这个命令，是不是 send？"),
        ("batch approve", "缺少参数“批次”"),
        ("batch reject B", "缺少选项 --reason"),
        ("batch list --a x", "没有 --a 这个选项，是不是 --as、--state？"),
        ("send x --number two", "应是整数"),
        ("send x y --number 2 --region 230102", "多出了“y”"),
        ("send x --number", "选项 --number 后面要给出值"),
        ("send x --yes=1", "选项 --yes 后面不给值"),
        ("departed send x --region 230102 --kind dead", "选项 --kind 不对：只能是 deceased、moved"),
        ("local bank --reject-percent 300", "至多是 100"),
        ("query --name 某人", "请用 --id 给出"),
    ],
)
def test_what_is_wrong_with_a_command_is_said_in_chinese(run, words: str, told: str) -> None:  # type: ignore[no-untyped-def]
    code, said = run(*words.split())
    assert code != 0
    assert told in said
    assert not ENGLISH.search(said)


@pytest.mark.parametrize("words", ["--help", "send --help", "batch", "batch report --help", "local up --help"])
def test_the_help_is_in_chinese(run, words: str) -> None:  # type: ignore[no-untyped-def]
    _, said = run(*words.split())
    assert "用法" in said
    assert "显示本说明" in said
    assert not ENGLISH.search(said)


def test_a_command_that_cannot_be_understood_has_checked_nothing(run) -> None:  # type: ignore[no-untyped-def]
    assert run("roster", "check", "x.csv", "--subsidy", "two")[0] == 3
    assert run("audit", "--fom", "x")[0] == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y", "是"])
def test_a_person_at_the_terminal_agrees_in_either_tongue(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("typer.prompt", lambda *_, **__: answer)
    asking.agree("取代？", yes=False, undone="没有报送")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "")
    with pytest.raises(Refusal, match="没有报送。"):
        asking.agree("取代？", yes=False, undone="没有报送")


def test_an_agreement_that_is_piped_in_does_not_count_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(Refusal, match="送进来的 y 不算"):
        asking.agree("取代？", yes=False, undone="没有报送")


def test_an_id_number_may_be_piped_in_where_no_terminal_can_hide_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("230102\n"))
    assert asking.secret("身份证号", "--id") == "230102"
