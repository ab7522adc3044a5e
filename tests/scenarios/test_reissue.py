"""What the bank rejected is paid again, by a clerk and an approver at their terminals, on the real local cloud."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import typer
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli import batch, send
from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, People, everybody, roster

pytestmark = pytest.mark.cloud

WHO = everybody()[80:84]
REJECTED = WHO[:2]


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    cloud.clock.jump(date(2023, 6, 13))
    at_work = People(cloud)
    at_work.send_cards(everybody())
    yield at_work
    at_work.script(reset=True)


def at_terminal(people: People, name: str, *words: str) -> str:
    """What the command prints to that person."""
    app = typer.Typer()
    app.command("send")(send.send)
    app.add_typer(batch.app, name="batch")
    result = CliRunner().invoke(app, [*words, "--endpoint", people.endpoint, "--as", name])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_the_rejected_are_handed_back_sent_approved_and_paid_once_more_and_nobody_else(
    people: People, tmp_path: Path
) -> None:
    people.script(accounts={person.account: {"outcome": "reject", "code": "AC04"} for person in REJECTED})
    first = people.approved(roster(WHO, DAOLI, 2, "2023-06", seed=80), DAOLI, 2, "reissue-first.csv")
    people.order_run(2)
    people.cloud.settle(90)
    assert people.batch(first)["line"]["rejected"]["count"] == 2

    result = tmp_path / "result.xlsx"
    at_terminal(people, "harbin-clerk", "batch", "report", first, "--result", "--out", str(result))
    how, _, *rows = CalamineWorkbook.from_path(str(result)).get_sheet_by_name("名册").to_python()
    assert {row[1] for row in rows} == {person.id_number for person in REJECTED}
    # The sheet says how it is sent; the accounts were put right at the bank.
    command = str(how[0]).split("yikatong ")[1].replace("本文件", str(result)).split()
    people.script(accounts={person.account: {"outcome": "settle"} for person in REJECTED})
    second = at_terminal(people, "harbin-clerk", *command).splitlines()[1]
    assert f"补发自：批次 {first}" in at_terminal(people, "harbin-clerk", "batch", "show", second)
    at_terminal(people, "harbin-approver", "batch", "approve", second, "--yes")
    people.cloud.settle(90)

    assert people.batch(second)["state"] == "PUBLISHED"
    people.assert_paid_once(WHO)
    book = people.book["payments"]
    paid = {key for key, entry in book.items() if entry["account"] in {person.account for person in REJECTED}}
    assert sorted((key[-2:], book[key]["status"]) for key in paid) == [
        ("-1", "rejected"), ("-1", "rejected"), ("-2", "settled"), ("-2", "settled")
    ]  # fmt: skip
    assert people.book["duplicates"] == []
    assert [record["state"] for record in people.query(REJECTED[0])] == ["SETTLED", "REISSUED"]
    assert f"被补发：批次 {second}" in at_terminal(people, "harbin-clerk", "batch", "show", first)
