"""`yikatong plan …` as a person meets it: output, messages, exit codes."""

import json
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from cli.main import main
from yikatong.plan.book import PLANS_FOLDER

HERE = Path(__file__).parent
NOTICE = HERE / "fixtures" / "notice-2023.txt"
PLAN_2024 = HERE / "fixtures" / "plan-2024.csv"
COMMITTED = PLANS_FOLDER / "heilongjiang-2023.csv"


class Ran:
    """What one call of the command left behind."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def call(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["yikatong", "plan", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def test_import_writes_the_committed_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "plan.csv"
    assert run("import", NOTICE, "--out", out).code == 0
    assert out.read_bytes() == COMMITTED.read_bytes()


def test_import_of_a_damaged_notice_writes_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    damaged, out = tmp_path / "notice.txt", tmp_path / "plan.csv"
    damaged.write_text(NOTICE.read_text("utf-8").replace("2023年上半年", "2023年年中"), "utf-8")
    result = run("import", damaged, "--out", out)
    assert result.code == 1
    assert "（序号36）“正式发放时间”列" in result.err
    assert list(tmp_path.iterdir()) == [damaged]


def test_show_prints_45_objects(run) -> None:  # type: ignore[no-untyped-def]
    records = json.loads(run("show", "--format", "json").out)
    assert [record["number"] for record in records] == list(range(1, 46))
    assert records[16] == {
        "number": 17,
        "name": "困难残疾人生活补贴",
        "lead_departments": ["省民政厅"],
        "frequency": "1次/月",
        "entitlement": {"first": "2023-06", "last": "2023-12"},
        "cross_period": {"back": 3, "forward": 3, "unit": "month"},
        "trial": {"required": True, "from": "2023-01-01", "to": "2023-01-31"},
        "formal": {"from": "2023-06-01", "to": "2023-12-31", "on_demand": False},
    }


def test_schedules_prints_what_is_deployed(run) -> None:  # type: ignore[no-untyped-def]
    records = json.loads(run("schedules", "--format", "json").out)
    expected = {
        "subsidy": 17,
        "mode": "formal",
        "expression": "cron(0 9 10 6-12 ? 2023)",
        "timezone": "Asia/Shanghai",
    }
    assert expected in records


def test_payable_prints_one_slot_a_line(run) -> None:  # type: ignore[no-untyped-def]
    lines = run("payable", "--subsidy", 17, "--as-of", "2023-07-10").out.splitlines()
    assert lines[:3] == ["2023-04\treview", "2023-05\treview", "2023-06"]
    assert len(lines) == 7


def test_payable_says_how_an_occasion_is_named(run) -> None:  # type: ignore[no-untyped-def]
    result = run("payable", "--subsidy", 11, "--as-of", "2023-07-10")
    assert result.code == 0
    assert "2023#" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--subsidy", 17, "--as-of", "2023-05-31"), "2023-06-01 至 2023-12-31"),
        (("--subsidy", 46, "--as-of", "2023-05-31"), "没有第46项"),
        (("--subsidy", 2, "--as-of", "2024-05-31"), "没有2024年的计划"),
        (("--subsidy", 2, "--as-of", "2023-02-30"), "日期应写作"),
        (("--subsidy", 2, "--as-of", "2023-05-31", "--mode", "trial"), "不需要模拟测试"),
        (("--subsidy", 39, "--as-of", "2023-06-20", "--mode", "trial"), "2023-06-21"),
    ],
)
def test_what_pays_nothing_says_why_and_exits_1(run, words: tuple[object, ...], said: str) -> None:  # type: ignore[no-untyped-def]
    result = run("payable", *words)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_a_late_trial_lists_slots_and_says_it_must_be_ordered(run) -> None:  # type: ignore[no-untyped-def]
    result = run("payable", "--subsidy", 38, "--as-of", "2023-12-01", "--mode", "trial")
    assert (result.code, result.out) == (0, "2023\n")
    assert "补做" in result.err


def test_a_plan_not_yet_registered_can_be_looked_at(run) -> None:  # type: ignore[no-untyped-def]
    assert run("payable", "--subsidy", 6, "--as-of", "2024-04-10", "--plan", PLAN_2024).out.split() == [
        "2024-03", "2024-04", "2024-05",
    ]  # fmt: skip
    both = run("payable", "--subsidy", 17, "--as-of", "2023-12-11", "--plan", COMMITTED, "--plan", PLAN_2024)
    assert "review" not in both.out
    assert len(json.loads(run("show", "--plan", PLAN_2024, "--format", "json").out)) == 6


def test_register_asks_for_answers_and_writes_them(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "register.csv"
    refused = run("register", "--plan", PLAN_2024, "--out", out)
    assert refused.code == 1
    assert "第6项“高龄津贴”" in refused.err
    assert not out.exists()
    answers = ("--assign", "5=corn-producer", "--assign", "6=new:old-age")
    assert run("register", "--plan", PLAN_2024, "--out", out, *answers).code == 0
    assert "2024,6,old-age,高龄津贴" in out.read_text("utf-8")
    assert run("register", "--plan", PLAN_2024, "--out", out, "--assign", "five=x").code == 1


def test_register_of_the_committed_plan_changes_nothing(run) -> None:  # type: ignore[no-untyped-def]
    assert "没有变化" in run("register").out


def test_tables_fit_a_page_and_cut_no_name(run, book) -> None:  # type: ignore[no-untyped-def]
    for command in ("calendar", "show", "schedules"):
        result = run(command)
        assert result.code == 0
        assert max(cell_len(line) for line in result.out.splitlines()) <= 140
        assert "…" not in result.out
    lines = run("calendar").out.splitlines()
    for subsidy in book.plan(2023).subsidies:
        assert any(subsidy.name[:20] in line for line in lines), subsidy.name


def test_the_calendar_shows_trials_paydays_and_windows(run) -> None:  # type: ignore[no-untyped-def]
    rows = {
        cells[1]: cells[3:-1]
        for line in run("calendar").out.splitlines()
        if len(cells := [c.strip() for c in line.split("│")]) > 14
    }
    assert rows["17"] == ["试", "", "", "", "", "12", "10", "10", "11", "10", "10", "11"]
    assert rows["39"] == ["", "", "", "", "", "试", "", "日", "日", "", "", ""]
    assert rows["22"][1:3] == ["批", "试批"]
    assert rows["43"] == ["", "", "10", "", "", "12", "", "", "11", "", "", "11"]
    assert rows["12"] == ["周"] * 12
