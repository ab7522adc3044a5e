"""A card registry snapshot arrives: readers see the old or the new version, and the bureau hears what came of it."""

import json
from typing import Any

import pytest

from tests.unit.use_cases.test_validate_roster import NOW, Desk, sample
from yikatong.registry import RegistryReader
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.use_cases.import_cards import import_cards


def current(desk: Desk) -> CurrentRegistry:
    found = desk.control.read(CurrentRegistry, *CURRENT_REGISTRY)
    assert found is not None
    return found


def test_everybody_of_a_snapshot_is_found_in_the_partition_of_their_id() -> None:
    desk, made = Desk(), sample()
    desk.cards(made.cards_csv())
    reader = RegistryReader(desk.lake, current(desk).registry_version)
    person = made.people[0]
    rows = reader.rows_for([person.id_number])
    assert {one[:4] for one in rows["id_number"]} == {person.id_number[:4]}
    assert rows.filter(rows["id_number"] == person.id_number)["account"].to_list() == [person.account]


def test_a_newer_snapshot_becomes_current_and_the_old_one_stays_readable() -> None:
    desk = Desk()
    desk.cards(sample(1).cards_csv(), "01")
    first = current(desk).registry_version
    desk.cards(sample(2).cards_csv(), "02")
    assert current(desk).registry_version != first
    assert RegistryReader(desk.lake, first).rows_for([sample(1).people[0].id_number]).height > 0


def test_the_report_tells_how_many_people_there_were_before() -> None:
    desk = Desk()
    desk.cards(sample(1).cards_csv(), "01")
    smaller = sample(2).cards_csv().decode("utf-8-sig").splitlines()[:121]
    desk.cards("\r\n".join(smaller).encode(), "02")
    report = json.loads(desk.reports.objects["cards/cards.csv.json"])
    assert (report["previous_rows"], report["rows"]) == (len(sample(1).people), 120)
    assert len(report["sha256"]) == 64


@pytest.mark.parametrize("people", [0, 50])
def test_a_snapshot_that_lost_most_people_takes_nobodys_card_away(people: int) -> None:
    desk = Desk()
    desk.cards(sample(1).cards_csv(), "01")
    before = current(desk)
    broken = "\r\n".join(sample(2).cards_csv().decode("utf-8-sig").splitlines()[: 1 + people]).encode()
    ports = {"control": desk.control, "lake": desk.lake, "reports": desk.reports, "now": NOW}
    assert import_cards(broken, "broken.csv", "02", **ports) is None  # type: ignore[arg-type]
    assert current(desk) == before
    assert "没有采用" in json.loads(desk.reports.objects["cards/broken.csv.json"])["refusal"]


def test_a_much_smaller_snapshot_is_taken_where_a_person_says_so() -> None:
    desk = Desk()
    desk.cards(sample(1).cards_csv(), "01")
    smaller = "\r\n".join(sample(2).cards_csv().decode("utf-8-sig").splitlines()[:51]).encode()
    ports = {"control": desk.control, "lake": desk.lake, "reports": desk.reports, "now": NOW}
    assert import_cards(smaller, "replace/cards.csv", "02", **ports) is not None  # type: ignore[arg-type]
    assert current(desk).rows == 50


def test_an_older_snapshot_that_arrives_late_does_not_become_current() -> None:
    desk = Desk()
    desk.cards(sample(2).cards_csv(), "02")
    newer = current(desk)
    desk.cards(sample(1).cards_csv(), "01")
    assert current(desk) == newer


def test_the_same_snapshot_again_is_the_same_version_and_makes_what_came_between_older() -> None:
    desk = Desk()
    desk.cards(sample(1).cards_csv(), "01")
    before, objects = current(desk), dict(desk.lake.objects)
    desk.cards(sample(1).cards_csv(), "03")
    assert (current(desk).registry_version, desk.lake.objects) == (before.registry_version, objects)
    desk.cards(sample(2).cards_csv(), "02")
    assert current(desk).registry_version == before.registry_version


def test_a_large_snapshot_that_came_meanwhile_is_not_replaced_by_a_small_one() -> None:
    """The comparison is with what is current at the write, not with what was when the file was read."""
    desk = Desk()
    small = "\r\n".join(sample(2).cards_csv().decode("utf-8-sig").splitlines()[:31]).encode()
    desk.cards(small, "01")
    read = desk.control.read
    looks = 0

    def slow(*what: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 2:
            desk.control.read = read  # type: ignore[method-assign]
            desk.cards(sample(1).cards_csv(), "02")
        return read(*what)

    desk.control.read = slow  # type: ignore[method-assign, assignment]
    shrunken = "\r\n".join(sample(2).cards_csv().decode("utf-8-sig").splitlines()[:21]).encode()
    ports = {"control": desk.control, "lake": desk.lake, "reports": desk.reports, "now": NOW}
    assert import_cards(shrunken, "cards.csv", "03", **ports) is None  # type: ignore[arg-type]
    assert current(desk).rows == len(sample(1).people)


def test_a_file_that_is_no_registry_is_refused_with_its_reason_and_the_old_one_stays() -> None:
    desk = Desk()
    desk.cards(sample().cards_csv())
    before = current(desk)
    refused = import_cards(
        b"a,b\n1,2\n",
        "wrong.csv",
        "09",
        control=desk.control,
        lake=desk.lake,
        reports=desk.reports,
        now=NOW,
    )
    assert refused is None
    assert current(desk) == before
    report = json.loads(desk.reports.objects["cards/wrong.csv.json"])
    assert report["accepted"] is False
    assert "身份证号" in report["refusal"]


def test_rows_that_cannot_be_believed_are_left_out_and_named() -> None:
    desk, made = Desk(), sample()
    lines = made.cards_csv().decode("utf-8-sig").splitlines()
    lines[3] = lines[3].replace("正常", "不明")
    desk.cards("\r\n".join(lines).encode())
    report = json.loads(desk.reports.objects["cards/cards.csv.json"])
    assert [(row["row"], row["code"]) for row in report["left_out"]] == [(4, "card_state_unknown")]
    assert report["rows"] == len(lines) - 2
