"""`yikatong departed send` as a clerk meets it, and `roster check` with the same lists before anything is sent."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cli import departed as module
from cli.roster import app as roster_app
from tests.unit.roster.conftest import csv_of, rows_of
from yikatong.errors import Refusal
from yikatong.roster.people import Person, invent_people

CONTENT = "姓名,身份证号,日期\n".encode()
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TAKEN: dict[str, Any] = {
    "accepted": True,
    "current": True,
    "sha256": SHA256,
    "rows": 3,
    "previous_rows": 2,
    "faults": 7,
}
Send = Callable[..., Result]


class Platform:
    """The bureau API as far as lists need it: tells these outcomes, one after the other; None for none yet."""

    def __init__(self) -> None:
        self.outcomes: list[dict[str, Any] | None] = []
        self.asked: dict[str, Any] = {}
        self.put = b""

    def call(self, _endpoint: str, _name: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        assert path == "/v1/departures"
        if method == "POST":
            self.asked = body
            return {"key": "230102/deceased/a.csv", "url": "u", "headers": {}}
        assert query == {"key": "230102/deceased/a.csv"}
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if outcome is None:
            raise Refusal("还没有", "not_found")
        return outcome

    def put_file(self, _url: str, _headers: Any, content: bytes) -> None:
        self.put = content


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    monkeypatch.setattr("cli.api.call_bureau", made.call)
    monkeypatch.setattr("cli.api.put_file", made.put_file)
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    monkeypatch.setattr(module, "PAUSE_S", 0.001)
    return made


@pytest.fixture
def people() -> list[Person]:
    return invent_people(30, region="230102", seed=11, on=date(2023, 6, 10))


@pytest.fixture
def send(tmp_path: Path) -> Send:
    file = tmp_path / "a.csv"
    file.write_bytes(CONTENT)

    def sending(*more: str) -> Result:
        return CliRunner().invoke(module.app, ["send", str(file), "--region", "230102", "--kind", "deceased", *more])

    return sending


def test_a_list_is_sent_and_what_came_of_it_told(platform: Platform, send: Send) -> None:
    left_out = [{"row": row, "code": "x", "message": f"原因{row}"} for row in range(1, 8)]
    platform.outcomes = [None, None, TAKEN | {"left_out": left_out}]
    result = send()
    assert (result.exit_code, platform.put) == (0, CONTENT)
    assert platform.asked == {"region": "230102", "kind": "deceased", "file_name": "a.csv", "replace": False}
    assert "去世名单：原有 2 人 → 现有 3 人" in result.output
    assert "第5行：原因5" in result.output
    assert "第6行" not in result.output
    assert "共 7 行" in result.output


def test_an_earlier_files_outcome_is_not_taken_for_this_ones(platform: Platform, send: Send) -> None:
    earlier = TAKEN | {"sha256": "other", "rows": 99, "left_out": []}
    platform.outcomes = [earlier, earlier, TAKEN | {"left_out": []}]
    assert "现有 3 人" in send().output


def test_a_refused_list_ends_with_one_and_its_reason(platform: Platform, send: Send) -> None:
    platform.outcomes = [None, {"accepted": False, "refusal": "像是不完整", "sha256": SHA256}]
    result = send("--replace")
    assert result.exit_code == 1
    assert platform.asked["replace"] is True
    assert "像是不完整" in result.output


def test_a_list_that_a_later_one_has_replaced_already_ends_with_one(platform: Platform, send: Send) -> None:
    platform.outcomes = [None, TAKEN | {"current": False, "left_out": []}]
    result = send()
    assert result.exit_code == 1
    assert "没有采用：这一份之后又报送过去世名单，已采用那一份（2 人）" in result.output
    assert "现有" not in result.output


def test_an_outcome_that_does_not_come_in_time_is_said(platform: Platform, send: Send) -> None:
    platform.outcomes = [None]
    result = send()
    assert isinstance(result.exception, Refusal)
    assert "还没有导入完" in result.exception.message


def test_a_refusal_of_the_question_itself_is_not_waited_out(
    platform: Platform, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.outcomes = [None]

    def forbidden(*_arguments: Any, **_query: Any) -> Any:
        raise Refusal("不能办理", "forbidden")

    monkeypatch.setattr("cli.api.call_bureau", forbidden)
    assert isinstance(send().exception, Refusal)
    assert platform.put == b""


def test_a_roster_is_checked_against_lists_on_the_clerks_own_machine(tmp_path: Path, people: list[Person]) -> None:
    roster, deceased, moved = (tmp_path / name for name in ("r.csv", "d.csv", "m.csv"))
    roster.write_bytes(csv_of(rows_of(people[:30])))
    deceased.write_bytes(csv_of([(people[0].name, people[0].id_number, "2023-05-02")], ("姓名", "身份证号", "日期")))
    moved.write_bytes(csv_of([(people[1].name, people[1].id_number)], ("姓名", "身份证号")))
    asked = [str(roster), "--subsidy", "6", "--region", "230102", "--as-of", "2023-06-10", "--format", "json"]
    result = CliRunner().invoke(roster_app, ["check", *asked, "--deceased", str(deceased), "--moved", str(moved)])
    assert result.exit_code == 1
    found = {each["code"]: each["row"] for each in json.loads(result.output)["findings"] if each["row"]}
    assert found == {"deceased_before_slot": 2, "moved_away": 3}
    broken = CliRunner().invoke(roster_app, ["check", *asked, "--deceased", str(tmp_path / "none.csv")])
    assert broken.exit_code == 3
