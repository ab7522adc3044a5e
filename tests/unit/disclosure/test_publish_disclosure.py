"""公示 from what was paid to what may be seen: stories of nights, of returns, of workers that die and of two at once."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from typing import Any, cast

import pytest

from tests.unit.disclosure.world import (
    BOOK,
    DAOLI,
    DAOWAI,
    LISTED,
    LONGSHA,
    NANGANG,
    SENSITIVE,
    SETTINGS,
    World,
    ids,
    name_of,
)
from tests.unit.payout.watching import Watch, Watched, WorkerDied
from yikatong.disclosure import ROWS_PER_PART
from yikatong.disclosure_keys import index_key, key_of, year_index_key
from yikatong.ports import Control, Lake
from yikatong.public_site import PublicSite
from yikatong.use_cases.publish_disclosure import Disclosed, publish_disclosure

BOTH = frozenset({LISTED, SENSITIVE})
NIGHT, NEXT_MONTH = date(2023, 6, 13), date(2023, 7, 1)


def publish(world: World, on: date = NIGHT, watch: Watch | None = None, **options: Any) -> Disclosed:
    watch = watch or Watch()
    return publish_disclosure(
        on,
        control=cast(Control, Watched("control", world.control, watch)),
        lake=cast(Lake, Watched("lake", world.lake, watch)),
        site=cast(PublicSite, Watched("site", world.site, watch)),
        book=BOOK,
        settings=SETTINGS,
        **options,
    )


def index_of(world: World, code: str = LISTED) -> dict[str, Any]:
    data = world.site.objects.get(index_key(2023, code))
    return json.loads(data) if data else {"cells": [], "number": 0}


def cells_of(world: World, code: str = LISTED) -> dict[tuple[str, str], dict[str, Any]]:
    """Every cell by slot and region, as a reader finds it; a list with all its rows."""
    found = {}
    for line in index_of(world, code)["cells"]:
        cell = json.loads(world.site.objects[key_of(line["href"])])
        for part in cell.get("parts", []):
            cell["rows"] += json.loads(world.site.objects[key_of(part)])["rows"]
        assert {name: cell[name] for name in ("people", "amount_fen", "kind", "merged", "region_name")} == {
            name: line[name] for name in ("people", "amount_fen", "kind", "merged", "region_name")
        }
        found[line["slot"], line["region"]] = cell
    return found


def folder(world: World, code: str = LISTED) -> dict[str, bytes]:
    return {
        key: data for key, data in world.site.objects.items() if key.startswith(f"published/disclosure/2023/{code}/")
    }


def test_a_list_shows_surname_amount_and_day_of_everybody_paid_and_nothing_else() -> None:
    world = World()
    who = ids(6)
    world.pay(LISTED, DAOLI, dict(zip(who, (65_000, 65_000, 13_000, 65_000, 20_000, 65_000), strict=True)))
    assert publish(world) == Disclosed(published=1, cells=1)
    (cell,) = cells_of(world).values()
    assert (cell["people"], cell["amount_fen"], cell["rows_count"]) == (6, 293_000, 6)
    assert (cell["kind"], cell["region_name"], cell["as_of"]) == ("list", "哈尔滨市道里区", "2023-06-13")
    assert all(set(row) == {"name", "amount_fen", "paid_on"} for row in cell["rows"])
    assert sorted(row["name"] for row in cell["rows"]) == sorted(f"{name_of(one)[0]}*" for one in who)
    assert cell["rows"] == sorted(cell["rows"], key=lambda row: (row["name"], row["amount_fen"], row["paid_on"]))
    everything = b"".join(world.site.objects.values()).decode()
    assert not any(text in everything for one in who for text in (one, name_of(one), f"6217{one}"))


def test_a_subsidy_whose_name_is_private_shows_sums_only() -> None:
    world = World()
    world.pay(SENSITIVE, DAOLI, ids(7))
    publish(world)
    (cell,) = cells_of(world, SENSITIVE).values()
    assert cell["kind"] == "aggregate"
    assert (cell["people"], cell["amount_fen"]) == (7, 455_000)
    assert "rows" not in cell
    (subsidy,) = json.loads(world.site.objects[year_index_key(2023)])["subsidies"]
    assert (subsidy["code"], subsidy["slots"], subsidy["cells"]) == (SENSITIVE, ["2023-06"], 1)


def test_small_counties_wait_for_the_months_end_and_then_stand_together() -> None:
    world = World()
    world.pay(LISTED, DAOLI, ids(3))
    world.pay(LISTED, NANGANG, ids(4, NANGANG))
    world.pay(LISTED, DAOWAI, ids(9, DAOWAI))
    publish(world)
    assert cells_of(world).keys() == {("2023-06", DAOWAI)}
    assert b"230102" not in b"".join(folder(world).values())
    publish(world, NEXT_MONTH)
    assert cells_of(world).keys() == {("2023-06", DAOWAI), ("2023-06", "230100")}
    rest = cells_of(world)["2023-06", "230100"]
    assert (rest["people"], rest["merged"], rest["region_name"]) == (7, [DAOLI, NANGANG], "哈尔滨市其他地区")


def test_a_long_list_is_read_in_parts_that_a_phone_can_open() -> None:
    world = World()
    who = ids(2 * ROWS_PER_PART + 1)
    world.pay(LISTED, DAOLI, who)
    publish(world)
    (line,) = index_of(world)["cells"]
    cell = json.loads(world.site.objects[key_of(line["href"])])
    assert (len(cell["rows"]), cell["rows_count"], len(cell["parts"])) == (ROWS_PER_PART, len(who), 2)
    assert json.loads(world.site.objects[key_of(cell["parts"][1])]) == {
        "part": 3, "of": 3, "rows": [max(cells_of(world)["2023-06", DAOLI]["rows"], key=lambda row: row["name"])],
    }  # fmt: skip
    assert max(len(data) for data in folder(world).values()) < 150_000


def test_a_night_in_which_nothing_was_paid_reads_no_file_and_writes_nothing() -> None:
    world = World()
    world.pay(LISTED, DAOLI, ids(8))
    world.pay(SENSITIVE, DAOLI, ids(8))
    publish(world)
    before, watch = dict(world.site.objects), Watch()
    assert publish(world, date(2023, 6, 14), watch) == Disclosed()
    assert world.site.objects == before
    assert not {"site.put", "site.put_if", "lake.put_once"} & set(watch.calls)
    assert watch.calls.count("lake.get") == 2, "what was decided of each, and no batch"


def test_only_the_county_whose_batches_changed_is_read_again() -> None:
    world = World()
    world.pay(LISTED, DAOLI, ids(8))
    world.pay(LISTED, LONGSHA, ids(8, LONGSHA))
    publish(world)
    standing = {line["region"]: line for line in index_of(world)["cells"]}
    world.pay(LISTED, DAOLI, ids(6, first=8), name="b")
    read = world.lake.get
    asked: list[str] = []
    world.lake.get = lambda key: asked.append(key) or read(key)  # type: ignore[method-assign, func-returns-value]
    publish(world)
    assert not [key for key in asked if LONGSHA in key]
    now = {line["region"]: line for line in index_of(world)["cells"]}
    assert now[LONGSHA] == standing[LONGSHA]
    assert now[DAOLI]["people"] == 14


def test_whoever_returned_the_money_leaves_the_list_when_the_month_has_turned_and_the_old_list_is_found_no_more() -> (
    None
):
    world = World()
    who = ids(9)
    world.pay(LISTED, DAOLI, who)
    publish(world)
    old = set(folder(world))
    world.pay(LISTED, DAOLI, who, returned=who[:1])
    publish(world, date(2023, 6, 20))
    assert set(folder(world)) == old, "one person's misfortune is not announced on its day"
    publish(world, NEXT_MONTH)
    (cell,) = cells_of(world).values()
    assert (cell["people"], len(cell["rows"])) == (8, 8)
    assert set(folder(world)) & old == {index_key(2023, LISTED)}


def test_five_who_returned_the_money_leave_the_list_at_once() -> None:
    world = World()
    who = ids(11)
    world.pay(LISTED, DAOLI, who)
    publish(world)
    world.pay(LISTED, DAOLI, who, returned=who[:5])
    publish(world, date(2023, 6, 20))
    assert cells_of(world)["2023-06", DAOLI]["people"] == 6


def test_a_list_of_which_fewer_than_five_are_left_is_taken_down() -> None:
    world = World()
    who = ids(6)
    world.pay(LISTED, DAOLI, who)
    publish(world)
    world.pay(LISTED, DAOLI, who, returned=who[:2])
    publish(world, date(2023, 6, 20))
    assert cells_of(world) == {}
    assert set(folder(world)) == {index_key(2023, LISTED)}
    assert json.loads(world.site.objects[year_index_key(2023)])["subsidies"] == []


def test_a_county_once_shown_alone_is_never_shown_together_with_others_that_would_thereby_be_told_apart() -> None:
    world = World()
    who = ids(6)
    world.pay(LISTED, DAOLI, who)
    publish(world)
    world.pay(LISTED, DAOLI, who, returned=who[:3])
    world.pay(LISTED, NANGANG, ids(3, NANGANG))
    publish(world, NEXT_MONTH)
    assert cells_of(world) == {}


def test_one_orphan_more_in_the_next_month_is_not_told() -> None:
    world = World()
    world.pay(SENSITIVE, DAOLI, ids(9), slot="2023-06")
    publish(world)
    world.pay(SENSITIVE, DAOLI, ids(10), slot="2023-07")
    publish(world, date(2023, 7, 13))
    assert cells_of(world, SENSITIVE).keys() == {("2023-06", DAOLI)}
    world.pay(SENSITIVE, LONGSHA, ids(30, LONGSHA), slot="2023-07")
    publish(world, date(2023, 7, 14))
    july = cells_of(world, SENSITIVE)["2023-07", "230000"]
    assert (july["people"], july["merged"]) == (40, [DAOLI, LONGSHA])


def test_the_sums_of_all_of_whom_five_are_no_longer_paid_and_nothing_else_may_be_said_are_taken_down() -> None:
    world = World()
    who = ids(8)
    world.pay(SENSITIVE, DAOLI, who)
    publish(world)
    world.pay(SENSITIVE, DAOLI, who, returned=who[:2])
    publish(world, date(2023, 6, 20))
    assert cells_of(world, SENSITIVE)["2023-06", DAOLI]["people"] == 8, "two fewer would be two people's sum"
    world.pay(SENSITIVE, DAOLI, who, returned=who[:5])
    publish(world, date(2023, 6, 21))
    assert cells_of(world, SENSITIVE) == {}


def test_what_is_shown_and_what_is_not_is_to_the_fen_what_was_paid() -> None:
    world = World()
    paid = 0
    for number, region in enumerate((DAOLI, NANGANG, DAOWAI, LONGSHA, "230203")):
        amounts = {one: 10_001 + place for place, one in enumerate(ids(3 + number, region))}
        world.pay(LISTED, region, amounts)
        world.pay(SENSITIVE, region, amounts)
        paid += sum(amounts.values())
    publish(world, NEXT_MONTH)
    for code in (LISTED, SENSITIVE):
        assert sum(cell["amount_fen"] for cell in cells_of(world, code).values()) == paid
    assert sum(row["amount_fen"] for cell in cells_of(world).values() for row in cell["rows"]) == paid


def test_who_was_ruled_to_be_paid_is_shown_without_a_day() -> None:
    world = World()
    world.pay(LISTED, DAOLI, ids(3), paid_on=None)
    world.pay(LISTED, NANGANG, ids(4, NANGANG))
    publish(world, NEXT_MONTH)
    (rest,) = cells_of(world).values()
    assert sorted(row["paid_on"] for row in rest["rows"]) == [""] * 3 + ["2023-06-12"] * 4


def test_an_occasions_slot_has_a_key_without_a_hash() -> None:
    world = World()
    world.pay(LISTED, DAOLI, ids(5), slot="2023#SPRING")
    publish(world)
    (line,) = index_of(world)["cells"]
    assert line["slot"] == "2023#SPRING"
    assert f"/2023/{LISTED}/2023_SPRING/{DAOLI}/" in line["href"]


def test_altered_evidence_stops_its_own_subsidy_and_no_other() -> None:
    world = World()
    batch_id = world.pay(LISTED, DAOLI, ids(8))
    world.pay(SENSITIVE, DAOLI, ids(8))
    key = f"settlements/{batch_id}/1.parquet"
    world.lake.objects[key] = (b"something else", "digest")
    done = publish(world)
    assert done == Disclosed(published=1, cells=1, altered=(batch_id,))
    assert cells_of(world) == {}
    assert cells_of(world, SENSITIVE)


# --- workers that die, and two at once ----------------------------------------------------------------------------------------


def eventful() -> World:
    """Something of every kind to do: a new list, one that shrinks, a county to merge, sums, a cell to take down."""
    return _eventful().copy()


@cache
def _eventful() -> World:
    world = World()
    who = ids(12)
    world.pay(LISTED, DAOLI, who)
    world.pay(SENSITIVE, LONGSHA, ids(9, LONGSHA))
    publish(world, date(2023, 6, 10))
    world.pay(LISTED, DAOLI, who, returned=who[:6])
    world.pay(LISTED, LONGSHA, ids(7, LONGSHA))
    world.pay(LISTED, NANGANG, ids(2, NANGANG))
    world.pay(LISTED, DAOWAI, ids(3, DAOWAI))
    world.pay(SENSITIVE, DAOLI, ids(6))
    return world


def check_readable(world: World) -> None:
    """At any moment: whatever index stands, its cells and their parts exist and say what it says."""
    for code in (LISTED, SENSITIVE):
        cells_of(world, code)


def calls_of_a_publication() -> int:
    watch = Watch()
    publish(eventful(), NEXT_MONTH, watch, only=BOTH)
    return watch.count


def ends() -> dict[str, bytes]:
    world = eventful()
    publish(world, NEXT_MONTH, only=BOTH)
    return dict(world.site.objects)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_worker_dies_at_any_call_and_the_next_one_ends_where_it_would_have(after: bool) -> None:
    calls, expected = calls_of_a_publication(), ends()
    assert calls > 80
    for call in range(calls):
        world, watch = eventful(), Watch(dies_at=call, after=after)
        with pytest.raises(WorkerDied):
            publish(world, NEXT_MONTH, watch, only=BOTH)
        check_readable(world)
        publish(world, NEXT_MONTH, only=BOTH)
        check_readable(world)
        assert world.site.objects == expected, f"call {call}"


def moments() -> Iterator[int]:
    return iter(range(0, calls_of_a_publication(), 3))


@pytest.mark.parametrize("change", [lambda _: None, lambda world: world.pay(LISTED, LONGSHA, ids(40, LONGSHA), name="late")],
                         ids=["the same", "with a late batch"])  # fmt: skip
def test_another_publication_in_the_middle_of_one_does_no_harm(change: Callable[[World], object]) -> None:
    last = eventful()
    change(last)
    publish(last, NEXT_MONTH, only=BOTH)
    expected = {key: cell | {"as_of": ""} for key, cell in cells_of(last).items()}
    for moment in moments():
        world, watch = eventful(), Watch()

        def meanwhile(_: tuple[Any, ...], watch: Watch = watch, moment: int = moment) -> bool:
            return watch.count == moment

        def other(world: World = world) -> None:
            change(world)
            publish(world, NEXT_MONTH, only=BOTH)

        for call in ("control.query", "lake.get", "lake.put_once", "lake.keys", "site.get", "site.get_tagged", "site.put",
                     "site.put_if", "site.keys", "site.delete"):  # fmt: skip
            watch.acts.append((call, meanwhile, other))
        publish(world, NEXT_MONTH, watch, only=BOTH)
        check_readable(world)
        publish(world, NEXT_MONTH, only=BOTH)
        assert {key: cell | {"as_of": ""} for key, cell in cells_of(world).items()} == expected, f"call {moment}"
        named = {key_of(line["href"]) for code in (LISTED, SENSITIVE) for line in index_of(world, code)["cells"]}
        left = {key for code in (LISTED, SENSITIVE) for key in folder(world, code)} - named
        assert left == {index_key(2023, LISTED), index_key(2023, SENSITIVE)}
