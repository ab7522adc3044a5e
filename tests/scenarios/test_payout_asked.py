"""为什么我没领到钱？ The clerk asks on the local cloud, from the command line, after a payout that went well for some only."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, LONGSHA, People, everybody, roster
from yikatong.roster.people import Person

pytestmark = pytest.mark.cloud

PAID, REJECTED, NOBODY = everybody()[110], everybody()[111], everybody()[119]


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    """One is paid in Daoli, one rejected by the bank; Longsha has the paid one on its list too."""
    at_work = People(cloud)
    at_work.send_cards(everybody())
    at_work.script(accounts={REJECTED.account: {"outcome": "reject", "code": "AC04"}})
    at_work.approved(roster([PAID, REJECTED], DAOLI, 2, "2023-06", seed=41), DAOLI, 2, "asked.csv")
    at_work.approved(roster([PAID], LONGSHA, 2, "2023-06", seed=42), LONGSHA, 2, "asked-too.csv")
    at_work.order_run(2)
    cloud.settle(90)
    yield at_work
    at_work.script(reset=True)


def trace(people: People, who: str, *asked: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).parent / "yikatong"),
        "trace",
        *asked,
        "--as",
        who,
        "--endpoint",
        people.endpoint,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def person(one: Person) -> tuple[str, ...]:
    return "--name", one.name, "--id", one.id_number


def test_the_clerk_is_told_each_step_its_evidence_and_what_to_do_and_no_log_names_anybody(people: People) -> None:
    paid = trace(people, "harbin-clerk", "--evidence", *person(PAID)).stdout
    assert f"现在：已发放，请查询尾号 {PAID.account[-4:]} 的账户" in paid
    for evidence in (
        "rosters/",
        "claims/",
        "instructions/",
        "sent/",
        "receipts/",
        "settlements/",
        "audit/",
        "records /",
    ):
        assert f"↳ {evidence}" in paid, evidence
    rejected = trace(people, "harbin-clerk", *person(REJECTED)).stdout
    assert "拒付，账户已注销（3018）" in rejected
    assert "现在：账户已注销，请到服务银行办理" in rejected
    number = next(word for word in rejected.replace("，", " ").split() if len(word) == 28 and word.endswith("-1"))
    assert "拒付，账户已注销（3018）" in trace(people, "harbin-clerk", "--payment", number).stdout
    written = "".join(file.read_text(errors="replace") for file in people.cloud.log_folder.glob("*.log"))
    assert '"traced"' in written
    for one in (PAID, REJECTED):
        for private in (one.id_number, one.account, one.name):
            assert private not in written


def test_another_regions_clerk_is_told_which_batch_holds_the_claim_and_no_more(people: People) -> None:
    told = trace(people, "qiqihar-clerk", *person(PAID)).stdout
    assert "不发放：同一人（户）同一属期已由另一批次发放" in told
    assert "哈尔滨市道里区" in told
    assert "receipts/" not in told
    refused = trace(people, "qiqihar-clerk", *person(PAID), "--region", DAOLI)
    assert (refused.returncode, "管辖地区" in refused.stderr) == (1, True)


def test_nobody_found_says_what_was_searched(people: People) -> None:
    told = trace(people, "harbin-clerk", *person(NOBODY), "--plan-year", "2023", "--number", "2").stdout
    assert "没有找到。" in told
    assert "城市最低生活保障金" in told
