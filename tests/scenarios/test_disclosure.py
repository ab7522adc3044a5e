"""From the payout to what the public sees and the portal is handed, on the real local cloud: nights pass, money comes back."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from cli import disclosure, portal
from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, People, everybody, roster, wait_for
from yikatong.masking import mask_name
from yikatong.portal_export import read_lines

pytestmark = pytest.mark.cloud

WHO = everybody()[98:110]
CODE = "urban-minimum-living"
FULL = "disclosure-2023-urban-minimum-living.jsonl.gz"


@pytest.fixture(scope="module")
def people(cloud: LocalCloud) -> Iterator[People]:
    cloud.clock.jump(date(2023, 6, 13))
    at_work = People(cloud)
    at_work.send_cards(everybody())
    yield at_work
    at_work.script(reset=True)


def at_terminal(people: People, *words: str) -> str:
    app = typer.Typer()
    app.add_typer(disclosure.app, name="disclosure")
    app.add_typer(portal.app, name="portal")
    result = CliRunner().invoke(app, [*words, "--endpoint", people.endpoint, "--as", "province-operator"])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def fetched(people: People, href: str) -> dict[str, Any]:
    """A public object, as a browser gets it."""
    return dict(httpx.get(f"{people.endpoint}{href}").raise_for_status().json())


def cell(people: People) -> tuple[str, dict[str, Any]]:
    """The address of the list of 道里区 in June, and the list."""
    index = fetched(people, f"/published/disclosure/2023/{CODE}/index.json")
    (line,) = [each for each in index["cells"] if (each["slot"], each["region"]) == ("2023-06", DAOLI)]
    return line["href"], fetched(people, line["href"])


def export(people: People, kind: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest and the records of one subsidy's disclosure, fetched and checked at a terminal."""
    assert "核对无误" in at_terminal(people, "portal", "export", f"--{kind}", "--out", str(folder))
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return told, read_lines((folder / FULL).read_bytes())


def names(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["name"] for row in rows)


def test_whoever_is_paid_is_shown_the_night_after_and_whoever_gave_the_money_back_is_shown_no_more(
    people: People, tmp_path: Path
) -> None:
    people.script(accounts={one.account: {"outcome": "return", "code": "AC04", "days": 2} for one in WHO[:6]})
    paid = people.approved(roster(WHO, DAOLI, 2, "2023-06", seed=100), DAOLI, 2, "disclosed.csv")
    people.order_run(2)
    people.cloud.settle(90)
    assert people.batch(paid)["state"] == "PUBLISHED"
    at_terminal(people, "disclosure", "publish", "--plan-year", "2023", "--number", "2")
    wait_for(lambda: stands(people), pause_s=0.2)
    first, shown = cell(people)
    # Others of these scenarios may have been paid in this county and month as well.
    assert {mask_name(one.name) for one in WHO} <= set(names(shown["rows"]))
    assert shown["amount_fen"] == sum(row["amount_fen"] for row in shown["rows"])
    base, (_, *rows) = export(people, "full", tmp_path / "full")
    assert names([row for row in rows if row["cell"] == f"2023/{CODE}/2023-06/{DAOLI}"] if rows else []) == names(
        shown["rows"]
    )

    people.cloud.clock.advance(people.cloud.clock.now().date() + timedelta(days=4))
    people.cloud.settle(90)
    second, later = cell(people)
    assert second != first
    assert later["people"] == shown["people"] - 6
    assert httpx.get(f"{people.endpoint}{first}").status_code == 404
    more, (changed, *_) = export(people, "incremental", tmp_path / "incremental")
    assert more["follows"]["export"] == base["export"]
    assert (changed["id"], changed["people"]) == (f"2023/{CODE}/2023-06/{DAOLI}", later["people"])
    everything = json.dumps([shown, later, rows, more], ensure_ascii=False)
    assert not [text for one in WHO for text in (one.name, one.id_number, one.account) if text in everything]


def stands(people: People) -> bool:
    return httpx.get(f"{people.endpoint}/published/disclosure/2023/{CODE}/index.json").status_code == 200


def test_the_nights_made_exports_of_their_own(people: People) -> None:
    exports = people.as_("province-operator", "GET", "/v1/portal-exports")["exports"]
    assert len(exports) >= 4, "two that were ordered, and every night's"
    assert all(each.startswith("2023-06-") for each in exports)
