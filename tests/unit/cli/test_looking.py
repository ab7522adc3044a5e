"""What the commands print of batches, runs and cards: nothing cut, nothing that does not add up, nothing accepted blind."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from cli import batch, cards, run
from cli.api import call_public, local_address
from cli.tables import add_row, new_table, print_table
from yikatong.closing import OUTCOMES
from yikatong.errors import Refusal
from yikatong.states import BATCH

BATCH_ID = "disabled-hardship-living.formal.230102.0123456789abcdef"
ZERO = {"count": 0, "fen": 0}


def shown(**changes: Any) -> dict[str, Any]:
    return {
        "batch_id": BATCH_ID,
        "subsidy": "困难残疾人生活补贴",
        "number": 17,
        "region": "230102",
        "region_name": "哈尔滨市道里区",
        "mode": "formal",
        "state": "VALIDATED",
        "state_words": "校验完成，待审批",
        "object_key": "k",
        "object_version": "v",
        "sha256": "s",
        "sheet": "",
        "reissue_of": "",
        "parent": "",
        "children": [],
        "passed_on": {"count": 0, "fen": 0},
        "reissues": [],
        "uploader": "harbin-clerk",
        "received_at": "2023-06-05T09:00:00+08:00",
        "slots": ["2023-06"],
        "rows": 4,
        "findings": 1,
        "approval": None,
        "first_approver": "",
        "refusal": "",
        "carried": "",
        "recovered": {"count": 0, "fen": 0},
        "withdrawn_because": "",
        "line": None,
        "payable": {"count": 2, "fen": 200},
        "held": {"count": 1, "fen": 100},
        "review": {"count": 1, "fen": 9900},
        "excluded": ZERO,
        "cards_checked": True,
        "review_rows": [{"row": 7, "fen": 9900, "code": "age_implausible", "words": "请核实本人是否健在"}],
        "review_rows_more": 0,
        "waiting_for_trial": False,
        "refusals": {"approve_batch": "", "reject_batch": "", "withdraw_batch": ""},
        "report": {"url": "https://reports/x", "expires_s": 300},
    } | changes


def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """The API gives this answer; returns what is asked of it."""
    asked: list[str] = []

    def call(_endpoint: str, _name: str, method: str, path: str, *_more: Any, **_query: Any) -> Any:
        asked.append(f"{method} {path}")
        return answer

    monkeypatch.setattr("cli.api.call_bureau", call)
    return asked


def show(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> str:
    answering(monkeypatch, shown(**changes))
    result = CliRunner().invoke(batch.app, ["show", BATCH_ID])
    assert result.exit_code == 0, result.exception
    return result.output


def test_an_approver_sees_where_how_much_at_most_and_each_row_to_confirm(monkeypatch: pytest.MonkeyPatch) -> None:
    output = show(monkeypatch)
    assert "哈尔滨市道里区" in output
    assert "最多可发 3 行 3.00 元（含暂缓行；以发放日的社会保障卡为准" in output
    assert re.search(r"7 +│ +99\.00 │ 请核实本人是否健在", output)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"waiting_for_trial": True}, "本地区尚未通过模拟测试，通过前不会正式发放"),
        ({"cards_checked": False}, "没有核对收款人的卡"),
        ({"review_rows_more": 5}, "还有 5 行待复核"),
        ({"first_approver": "a"}, "a 已审批；金额达到二次审批的标准"),
        (
            {"approval": {"approver": "b", "approved_at": "2023-06-05T10:00:00+08:00", "accepted": ZERO}},
            "审批：b，2023-06-05 10:00",
        ),
    ],
)
def test_what_an_approver_must_know_is_said(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], words: str
) -> None:
    assert words in show(monkeypatch, **changes)
    assert words not in show(monkeypatch)


def test_a_refused_roster_shows_why_and_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    output = show(monkeypatch, state="REFUSED", state_words="整份名册不予受理", refusal="缺少列")
    assert "缺少列" in output
    assert "yikatong batch report" in output
    assert "金额" not in output


def test_a_batch_tells_what_it_pays_again_and_what_pays_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    again = {"batch_id": "b.formal.230102.2", "rows": 2, "state_words": "校验完成，待审批"}
    text = show(monkeypatch, reissue_of="b.formal.230102.1", reissues=[again])
    assert "补发自：批次 b.formal.230102.1" in text
    assert "被补发：批次 b.formal.230102.2，2 行，校验完成，待审批" in text
    assert "补发" not in show(monkeypatch)


def test_what_was_passed_on_names_the_batches_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    child = "b.formal.230102.1"
    text = show(monkeypatch, children=[child], passed_on={"count": 2, "fen": 130_000})
    assert f"子批次：{child}，补发 2 行" in text
    assert "原批次：b.formal.230102.0" in show(monkeypatch, parent="b.formal.230102.0")


def test_an_approval_without_a_person_at_the_terminal_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, shown(waiting_for_trial=True))
    result = CliRunner().invoke(batch.app, ["approve", BATCH_ID])
    assert isinstance(result.exception, Refusal)
    assert "--yes" in result.exception.message
    assert asked == [f"GET /v1/batches/{BATCH_ID}"]
    assert "尚未通过模拟测试" in result.output


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (["approve"], "approve_batch"),
        (["reject", "--reason", "r"], "reject_batch"),
        (["withdraw", "--reason", "r"], "withdraw_batch"),
    ],
)
def test_what_ones_role_cannot_do_is_refused_before_anything_is_shown_or_asked(
    monkeypatch: pytest.MonkeyPatch, words: list[str], action: str
) -> None:
    told = "您的角色是经办，不能审批批次。"
    asked = answering(monkeypatch, shown(refusals=shown()["refusals"] | {action: told}))
    result = CliRunner().invoke(batch.app, [words[0], BATCH_ID, *words[1:]])
    assert isinstance(result.exception, Refusal)
    assert result.exception.message == told
    assert result.output == ""
    assert asked == [f"GET /v1/batches/{BATCH_ID}"]


@pytest.mark.parametrize("command", ["reject", "withdraw"])
def test_what_takes_a_batch_away_is_asked_about_first(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    asked = answering(monkeypatch, shown())
    refused = CliRunner().invoke(batch.app, [command, BATCH_ID, "--reason", "r"])
    assert isinstance(refused.exception, Refusal)
    assert "--yes" in refused.exception.message
    assert "困难残疾人生活补贴，正式，哈尔滨市道里区，属期 2023-06，4 行" in refused.output
    assert [each.split()[0] for each in asked] == ["GET"]
    assert CliRunner().invoke(batch.app, [command, BATCH_ID, "--reason", "r", "--yes"]).exit_code == 0
    assert asked[-1].split()[0] == "POST"


@pytest.mark.parametrize(("state", "calls"), [("APPROVED", ["GET", "POST"]), ("PUBLISHED", ["GET"])])
def test_a_second_approval_says_that_there_was_one_by_whom_and_when(
    monkeypatch: pytest.MonkeyPatch, state: str, calls: list[str]
) -> None:
    before = {"approver": "b", "approved_at": "2023-06-05T10:00:00+08:00", "accepted": ZERO}
    asked = answering(monkeypatch, shown(state=state, state_words="已审批，待发放", approval=before, line=line()))
    output = CliRunner().invoke(batch.app, ["approve", BATCH_ID]).output
    assert "这个批次早已审批（b，2023-06-05 10:00），现为“已审批，待发放”，不必再审批" in output
    assert f"{BATCH_ID}：已审批" not in output
    assert [each.split()[0] for each in asked] == calls, (
        "while it waits, the order may have been lost: it is said again"
    )


def test_a_list_shows_of_paid_batches_what_was_paid_and_of_withdrawn_ones_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tallies = {"settled": {"count": 3, "fen": 92150}, "returned": {"count": 1, "fen": 10000}}
    found = [
        shown(),
        shown(state="PUBLISHED", state_words="已公开", line=line(**tallies)),  # type: ignore[arg-type]
        shown(state="WITHDRAWN", state_words="已撤回"),
    ]
    answering(monkeypatch, {"batches": found})
    output = CliRunner().invoke(batch.app, ["list"]).output
    waiting, paid, withdrawn = (
        [cell.strip() for cell in row.strip("│").split("│")][7:] for row in output.splitlines() if BATCH_ID in row
    )
    assert waiting == ["2", "2.00", "1", "1", "0", "—", "—", "—", "—"]
    assert paid == ["0", "0.00", "0", "—", "0", "0", "1", "2", "821.50"]
    assert set(withdrawn) == {"—"}


def download(monkeypatch: pytest.MonkeyPatch, folder: Path, *more: str) -> Result:
    monkeypatch.chdir(folder)
    answering(monkeypatch, {"url": "https://reports/x"})
    monkeypatch.setattr("cli.api.get_file", lambda _url: b"PK the report")
    return CliRunner().invoke(batch.app, ["report", BATCH_ID, *more])


def test_a_report_is_downloaded_and_says_that_it_can_be_corrected_and_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = download(monkeypatch, tmp_path)
    assert (tmp_path / f"{BATCH_ID}.xlsx").read_bytes() == b"PK the report"
    assert "改好保存后，直接报送这个文件" in result.output
    assert "yikatong send --reissue" in download(monkeypatch, tmp_path, "--result").output
    assert (tmp_path / f"{BATCH_ID}.result.xlsx").exists()


def test_a_report_that_may_be_corrected_already_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = tmp_path / f"{BATCH_ID}.xlsx"
    mine.write_bytes(b"corrected")
    refused = download(monkeypatch, tmp_path)
    assert isinstance(refused.exception, Refusal)
    assert "没有覆盖" in refused.exception.message
    assert mine.read_bytes() == b"corrected"
    assert download(monkeypatch, tmp_path, "--out", "另一份.xlsx").exit_code == 0
    named = download(monkeypatch, tmp_path, "--out", "另一份.xlsx")
    assert isinstance(named.exception, Refusal), "named by the clerk, it is as dear"
    assert "--overwrite" in named.exception.message
    mine.write_bytes(b"corrected")
    assert download(monkeypatch, tmp_path, "--overwrite").exit_code == 0
    assert mine.read_bytes() == b"PK the report"


def test_a_report_is_written_under_a_name_a_spreadsheet_opens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = download(monkeypatch, tmp_path, "--out", "report")
    assert isinstance(refused.exception, Refusal)
    assert ".xlsx" in refused.exception.message


def line(**tallies: dict[str, int]) -> dict[str, Any]:
    return dict.fromkeys(OUTCOMES, ZERO) | tallies


def test_a_runs_sum_is_that_of_the_lines_shown_and_what_left_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = [
        shown(rows=3, line=line(settled={"count": 2, "fen": 200}, in_doubt={"count": 1, "fen": 100})),
        shown(rows=1, line=line(waiting={"count": 1, "fen": 50}), carried="资金额度不足"),
    ]
    answer = {
        "state_words": "已结束，有待结事项",
        "attempt": 1,
        "note": "",
        "batches": batches,
        "passed_on": [{"batch_id": "p", "run_id": "r2"}],
        "withdrawn": ["w"],
        "totals": {f"{part}_{unit}": 10**9 for part in OUTCOMES for unit in ("count", "fen")},
    }
    answering(monkeypatch, answer)
    output = CliRunner().invoke(run.app, ["show", "r1"]).output
    (total,) = [row for row in output.splitlines() if "以上合计" in row]
    numbers = [cell.strip() for cell in total.strip("│").split("│")][3:]
    assert numbers == ["4", "0", "0", "0", "1", "0", "1", "2", "0", "2.00"]
    assert "p 转由 r2 发放" in output
    assert "w 已撤回" in output
    assert f"待结 {BATCH_ID}：在途 1 行 1.00 元，等银行答复" in output
    assert "待发 1 行 0.50 元，资金额度不足" in output
    assert "入账含退票" in output


def test_a_run_with_nothing_in_ones_region_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    empty: dict[str, Any] = {"batches": [], "passed_on": [], "withdrawn": []}
    answering(monkeypatch, {"state_words": "已结清", "attempt": 1, "note": ""} | empty)
    assert "没有本人管辖地区内的批次" in CliRunner().invoke(run.app, ["show", "r1"]).output


def test_a_line_that_does_not_balance_gives_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"state_words": "s", "attempt": 1, "note": "", "batches": [shown()], "passed_on": [], "withdrawn": []}
    answering(monkeypatch, answer)
    output = CliRunner().invoke(run.app, ["show", "r1"]).output
    assert "以上合计" not in output
    assert "不能合计" in output


@pytest.mark.parametrize("columns", ["80", "20"])
def test_a_table_keeps_every_column_and_every_id_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    table = new_table("批次", ("批次", "状态"), tuple(f"第{n}列" for n in range(12)))
    add_row(table, BATCH_ID, max((facts.bureau for facts in BATCH.values()), key=cell_len), *range(12))
    print_table(table)
    output = capsys.readouterr().out
    assert BATCH_ID in output
    assert all(f"第{n}列" in output for n in range(12))
    assert len({cell_len(row) for row in output.splitlines()}) == 1


@pytest.mark.parametrize("endpoint", ["127.0.0.1:8000", "localhost:8000", "http://127.0.0.1:8000/bureau", "ftp://h"])
def test_an_address_written_wrongly_is_refused_with_the_right_way(endpoint: str) -> None:
    with pytest.raises(Refusal, match="地址"):
        call_public(endpoint, "GET", "/v1/plan")


def test_an_address_may_end_in_a_slash() -> None:
    assert local_address("http://127.0.0.1:8000/") == "http://127.0.0.1:8000"


class Reports:
    """The reports bucket: versions of one object, one further at every look."""

    def __init__(self, *documents: dict[str, Any] | None) -> None:
        self.documents, self.looks = list(documents), 0

    def get_object(self, **_where: str) -> dict[str, Any]:
        at = min(self.looks, len(self.documents) - 1)
        self.looks += 1
        document = self.documents[at]
        if document is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"VersionId": str(at), "Body": io.BytesIO(json.dumps(document).encode())}


TAKEN = {
    "accepted": True,
    "again": False,
    "kind": "snapshot",
    "as_of": "20230605-00",
    "sha256": "a",
    "rows": 2,
    "previous_rows": 5,
    "added": 1,
    "changed": 1,
    "removed": 4,
    "unchanged": 0,
    "older": 0,
    "states": [],
    "faults": 7,
    "left_out": [],
}


def test_the_outcome_of_a_snapshot_is_the_one_written_after_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PAUSE_S", 0)
    earlier, of_another = TAKEN | {"rows": 1}, TAKEN | {"sha256": "b"}
    assert cards._Outcome(Reports(earlier, of_another, TAKEN), "reports", "c.csv").of("a") == TAKEN
    assert cards._Outcome(Reports(None, None, TAKEN), "reports", "c.csv").of("a") == TAKEN


def test_an_outcome_that_does_not_come_says_where_it_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PAUSE_S", 0)
    monkeypatch.setattr(cards, "WAIT_S", 0.02)
    with pytest.raises(Refusal, match=r"cards/c\.csv\.json"):
        cards._Outcome(Reports(TAKEN), "reports", "c.csv").of("a")


def test_a_snapshot_that_shrinks_the_registry_warns_and_tells_the_first_reasons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    left_out = [{"row": row, "code": "x", "message": f"原因{row}"} for row in range(1, 8)]
    cards._print_outcome(TAKEN | {"left_out": left_out}, "c.csv")
    output = capsys.readouterr().out
    assert "原有 5 人 → 现有 2 人" in output
    assert "人数比原来少" in output
    assert "第5行：原因5" in output
    assert "第6行" not in output
    assert "还有 2 行" in output
