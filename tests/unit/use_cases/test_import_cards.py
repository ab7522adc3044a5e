"""Card files arrive, snapshots and changes: readers see the old or the new version, and the bureau hears what came of it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import permutations
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryReports
from tests.unit.payout.watching import Watch, Watched, WorkerDied
from tests.unit.use_cases.desk import BOOK, NOW, SETTINGS, changes_csv
from yikatong import file_outcomes
from yikatong.cards import CardState, partitions_of
from yikatong.registry import AlteredRegistry, RegistryReader, read_index
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv
from yikatong.use_cases.import_cards import MAX_FILE_BYTES, CardArrival, Imported, import_cards

HARBIN = tuple(invent_people(60, region="230102", seed=1, on=date(2023, 1, 1)))
SUIHUA = tuple(invent_people(60, region="231202", seed=2, on=date(2023, 1, 1)))
EVERYBODY = (*HARBIN, *SUIHUA)
SNAPSHOT, ONE_DAY, NEXT_DAY = "cards-20230520.csv", "changes/20230521.csv", "changes/20230522.csv"


@dataclass
class Desk:
    """Where card files arrive."""

    control: MemoryControl = field(default_factory=MemoryControl)
    lake: MemoryLake = field(default_factory=MemoryLake)
    reports: MemoryReports = field(default_factory=MemoryReports)
    orders: MemoryOrders = field(default_factory=MemoryOrders)
    watch: Watch = field(default_factory=Watch)
    sequencer: int = 0

    def arrives(self, data: bytes, key: str, sequencer: str = "") -> Imported | None:
        """The file is dropped: a new event, unless a sequencer says that it is one that came before."""
        self.sequencer += 1
        arrival = CardArrival(key, sequencer or f"{self.sequencer:04x}", len(data), lambda: data)
        ports: dict[str, Any] = {
            name: Watched(name, getattr(self, name), self.watch) for name in ("control", "lake", "reports", "orders")
        }
        return import_cards(arrival, **ports, book=BOOK, settings=SETTINGS, now=NOW)

    def begins_with(self, people: Sequence[Person] = EVERYBODY) -> None:
        assert self.arrives(cards_csv(people), SNAPSHOT) is not None

    @property
    def current(self) -> CurrentRegistry:
        found = self.control.read(CurrentRegistry, *CURRENT_REGISTRY)
        assert found is not None
        return found

    def report(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.reports.objects[f"cards/{key}.json"])
        return found

    def registry(self, version: str = "") -> pl.DataFrame:
        """Everybody the version knows."""
        reader = RegistryReader(self.lake, version or self.current.registry_version)
        return reader.rows_for([person.id_number for person in (*EVERYBODY, *MORE)])

    def state_of(self, person: Person, version: str = "") -> str | None:
        """The card's state, None for somebody who is not there or whose card was taken away."""
        row = self.registry(version).filter(pl.col("id_number") == person.id_number, pl.col("name").is_not_null())
        return None if row.is_empty() else str(row["card_state"][0])


MORE = tuple(invent_people(20, region="230103", seed=3, on=date(2023, 1, 1)))


def lost(*people: Person) -> bytes:
    return changes_csv(*(("变更", person.with_card(CardState.LOST)) for person in people))


def test_everybody_of_a_snapshot_is_found_in_the_partition_of_their_id() -> None:
    desk = Desk()
    desk.begins_with()
    person = HARBIN[0]
    rows = RegistryReader(desk.lake, desk.current.registry_version).rows_for([person.id_number])
    assert {one[:4] for one in rows["id_number"]} == {person.id_number[:4]}
    assert rows.filter(rows["id_number"] == person.id_number)["account"].to_list() == [person.account]
    assert desk.registry()["number"].is_sorted()


def test_changes_add_change_and_remove_and_the_report_tells_how_many() -> None:
    desk = Desk()
    desk.begins_with()
    file = changes_csv(
        ("新增", MORE[0]),
        ("变更", HARBIN[0].with_card(CardState.LOST)),
        ("变更", HARBIN[1]),
        ("移除", HARBIN[2]),
        ("变更", Person("改名", HARBIN[3].id_number, HARBIN[3].account, HARBIN[3].service_bank)),
    )
    assert desk.arrives(file, ONE_DAY) is not None
    report = desk.report(ONE_DAY)
    counts = {name: report[name] for name in ("added", "changed", "removed", "unchanged", "older", "faults")}
    assert counts == {"added": 1, "changed": 2, "removed": 1, "unchanged": 1, "older": 0, "faults": 0}
    assert (report["previous_rows"], report["rows"]) == (120, 120)
    assert (report["kind"], report["as_of"], report["accepted"]) == ("changes", "20230521-01", True)
    assert [(row["before"], row["after"], row["count"]) for row in report["states"]] == [
        ("", "normal", 1),
        ("normal", "", 1),
        ("normal", "lost", 1),
        ("normal", "normal", 1),
    ]
    assert [desk.state_of(person) for person in (MORE[0], HARBIN[0], HARBIN[1], HARBIN[2])] == [
        "normal",
        "lost",
        "normal",
        None,
    ]


def test_only_the_partitions_touched_are_written_and_the_others_shared() -> None:
    desk = Desk()
    desk.begins_with()
    before = set(desk.lake.objects)
    desk.arrives(lost(HARBIN[0]), ONE_DAY)
    new = set(desk.lake.objects) - before
    city = HARBIN[0].id_number[:4]
    assert sorted(key.rsplit("/", 1)[0] for key in new) == [f"cards/partitions/{city}", "cards/versions"]
    assert desk.report(ONE_DAY)["partitions"] == 1


def test_a_snapshot_that_differs_in_one_city_shares_the_others_and_says_what_changed() -> None:
    desk = Desk()
    desk.begins_with(HARBIN[:30])
    desk.begins_with((*HARBIN[:29], HARBIN[29].with_card(CardState.FROZEN)))
    report = desk.report(SNAPSHOT)
    assert (report["changed"], report["unchanged"], report["partitions"]) == (1, 29, 1)
    assert report["states"] == [{"before": "normal", "after": "frozen", "count": 1}]


def test_a_city_nobody_is_left_in_and_changes_the_snapshot_contains_are_in_no_version_any_more() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(SUIHUA[0]), ONE_DAY)
    desk.arrives(cards_csv(SUIHUA), "cards-20230523.csv")
    index = read_index(desk.lake, desk.current.registry_version)
    assert sorted(index.partitions) == partitions_of(person.id_number for person in SUIHUA)
    assert (index.changes, index.people) == ({}, 60)


def test_whoever_froze_a_version_still_reads_it_after_changes_and_after_a_snapshot() -> None:
    desk = Desk()
    desk.begins_with()
    frozen = desk.current.registry_version
    reader = RegistryReader(desk.lake, frozen)
    seen = desk.registry(frozen)
    desk.arrives(lost(HARBIN[0]), ONE_DAY)
    desk.arrives(cards_csv([*HARBIN[1:], *SUIHUA]), "cards-20230523.csv")
    assert desk.registry(frozen).equals(seen)
    assert reader.rows_for([HARBIN[0].id_number])["card_state"].unique().to_list() == ["normal"]
    assert (desk.state_of(HARBIN[0], frozen), desk.state_of(HARBIN[0])) == ("normal", None)


def test_the_same_changes_again_change_nothing() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(HARBIN[0]), ONE_DAY)
    standing, objects = desk.current, dict(desk.lake.objects)
    desk.arrives(lost(HARBIN[0]), ONE_DAY)
    assert (desk.current, desk.lake.objects) == (standing, objects)
    report = desk.report(ONE_DAY)
    assert (report["again"], report["changed"], report["rows"]) == (True, 0, 120)


def test_an_event_delivered_twice_leaves_the_report_as_it_was() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(HARBIN[0]), ONE_DAY, "05")
    first = desk.report(ONE_DAY)
    desk.arrives(lost(HARBIN[0]), ONE_DAY, "05")
    assert desk.report(ONE_DAY) == first
    assert first["changed"] == 1


def test_older_changes_that_come_late_undo_nothing_and_still_tell_what_nobody_told_since() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(changes_csv(("变更", HARBIN[0]), ("移除", HARBIN[1]), ("移除", MORE[1])), NEXT_DAY)
    desk.arrives(changes_csv(*(("新增", one.with_card(CardState.LOST)) for one in (*HARBIN[:3], *MORE[:2]))), ONE_DAY)
    people = (*HARBIN[:3], *MORE[:2])
    assert [desk.state_of(person) for person in people] == ["normal", None, "lost", "lost", None]
    report = desk.report(ONE_DAY)
    assert (report["older"], report["changed"], report["added"]) == (3, 1, 1)


def test_in_whatever_order_the_days_arrive_the_registry_is_the_same() -> None:
    days = {
        "changes/20230521.csv": lost(*HARBIN[:3]),
        "changes/20230522.csv": changes_csv(("移除", HARBIN[0]), ("变更", HARBIN[1]), ("新增", MORE[0])),
        "changes/20230522-02.csv": changes_csv(("新增", HARBIN[0].with_card(CardState.FROZEN)), ("移除", MORE[0])),
        "changes/20230523.csv": lost(HARBIN[1], MORE[1]),
    }
    versions = set()
    for order in permutations(days):
        desk = Desk()
        desk.begins_with()
        for key in order:
            assert desk.arrives(days[key], key) is not None
        versions.add(desk.current.registry_version)
    assert len(versions) == 1
    assert [desk.state_of(one) for one in (*HARBIN[:3], *MORE[:2])] == ["frozen", "lost", "lost", None, "lost"]


_SAY = st.tuples(
    st.integers(0, 5), st.sampled_from([CardState.NORMAL, CardState.LOST, CardState.CANCELLED]), st.booleans()
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(_SAY, min_size=1, max_size=4, unique_by=lambda said: said[0]), max_size=5), st.randoms())
def test_the_registry_is_what_the_last_word_on_everybody_says(
    files: list[list[tuple[int, CardState, bool]]], chance: Any
) -> None:
    """Against the plain model: a dictionary to which the days are applied in order."""
    holders = (*HARBIN[:3], *MORE[:3])
    model: dict[int, str | None] = {place: "normal" if place < 3 else None for place in range(6)}
    drops: list[tuple[str, bytes]] = []
    for day, file in enumerate(files, start=21):
        told = [("移除" if gone else "变更", holders[place].with_card(state)) for place, state, gone in file]
        drops.append((f"replace/changes/202305{day}.csv", changes_csv(*told)))
        model |= {place: None if gone else str(state) for place, state, gone in file}
    desk = Desk()
    desk.begins_with()
    for key, data in chance.sample(drops * 2, len(drops) * 2):
        assert desk.arrives(data, key) is not None
    assert {place: desk.state_of(holder) for place, holder in enumerate(holders)} == model
    assert desk.current.rows == 117 + sum(state is not None for state in model.values())


def test_changes_newer_than_a_late_snapshot_stand_and_those_before_it_are_in_it() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(HARBIN[0]), "changes/20230521.csv")
    desk.arrives(lost(HARBIN[1]), "changes/20230525.csv")
    desk.arrives(changes_csv(("移除", HARBIN[2])), "changes/20230526.csv")
    assert desk.arrives(cards_csv([*EVERYBODY, MORE[0]]), "cards-20230523.csv") is not None
    people = (*HARBIN[:3], MORE[0])
    assert [desk.state_of(person) for person in people] == ["normal", "lost", None, "normal"]
    report = desk.report("cards-20230523.csv")
    assert (report["older"], report["changed"], report["added"], report["removed"]) == (2, 1, 1, 0)
    assert desk.arrives(lost(HARBIN[3]), "changes/20230522.csv") is None
    assert "不晚于现用的快照" in desk.report("changes/20230522.csv")["refusal"]
    assert desk.state_of(HARBIN[3]) == "normal"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("changes/变动.csv", "没有日期"),
        ("cards.csv", "没有日期"),
        ("changes/20231301.csv", "没有日期"),
        ("changes/20230602.csv", "在今天（2023-06-01）之后"),
        ("changes/20230520-00.csv", "不晚于现用的快照"),
        ("changes/20230519.csv", "不晚于现用的快照"),
        ("cards-20230519.csv", "早于现用的快照"),
        ("other-20230520.csv", "序号（如 20230520-01）"),
    ],
)
def test_a_file_whose_turn_it_is_not_or_that_does_not_say_is_refused_and_changes_nothing(key: str, reason: str) -> None:
    desk = Desk()
    desk.begins_with()
    standing = desk.current
    data = lost(*HARBIN[:2]) if key.startswith("changes/") else cards_csv(EVERYBODY[1:])
    assert desk.arrives(data, key) is None
    assert reason in desk.report(key)["refusal"]
    assert desk.current == standing


def test_other_changes_under_a_day_and_number_that_were_taken_are_refused() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(HARBIN[0]), ONE_DAY)
    assert desk.arrives(lost(HARBIN[1]), ONE_DAY) is None
    assert "20230521-02" in desk.report(ONE_DAY)["refusal"]
    assert desk.arrives(lost(HARBIN[1]), "changes/20230521-02.csv") is not None
    assert [desk.state_of(person) for person in HARBIN[:2]] == ["lost", "lost"]


def test_changes_need_a_snapshot_to_change() -> None:
    desk = Desk()
    assert desk.arrives(lost(HARBIN[0]), ONE_DAY) is None
    assert "请先报送快照" in desk.report(ONE_DAY)["refusal"]
    assert desk.control.items == {}


def test_a_newer_snapshot_becomes_current_and_the_report_tells_how_many_there_were() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(cards_csv([*HARBIN, *SUIHUA[:50], *MORE]), "cards-20230601.csv")
    report = desk.report("cards-20230601.csv")
    assert (report["previous_rows"], report["rows"]) == (120, 130)
    assert (report["added"], report["removed"], report["unchanged"]) == (20, 10, 110)
    assert len(report["sha256"]) == 64


def test_a_snapshot_of_the_same_name_replaces_the_one_before_and_not_the_other_way_round() -> None:
    desk = Desk()
    desk.arrives(cards_csv(EVERYBODY), SNAPSHOT, "01")
    assert desk.arrives(cards_csv(EVERYBODY[1:]), SNAPSHOT, "03") is not None
    assert desk.arrives(cards_csv(EVERYBODY), SNAPSHOT, "02") is None
    assert desk.current.rows == 119


def test_the_same_snapshot_again_is_the_same_version_and_makes_what_came_between_older() -> None:
    desk = Desk()
    desk.arrives(cards_csv(EVERYBODY), SNAPSHOT, "01")
    before, objects = desk.current, dict(desk.lake.objects)
    desk.arrives(cards_csv(EVERYBODY), SNAPSHOT, "03")
    assert (desk.current.registry_version, desk.lake.objects) == (before.registry_version, objects)
    desk.arrives(cards_csv(EVERYBODY[1:]), SNAPSHOT, "02")
    assert desk.current.registry_version == before.registry_version


@pytest.mark.parametrize("people", [0, 50])
def test_a_snapshot_that_lost_most_people_takes_nobodys_card_away(people: int) -> None:
    desk = Desk()
    desk.begins_with()
    standing = desk.current
    assert desk.arrives(cards_csv(EVERYBODY[:people]), "cards-20230525.csv") is None
    assert desk.current == standing
    assert "没有采用" in desk.report("cards-20230525.csv")["refusal"]


def test_changes_that_take_the_cards_of_many_away_are_not_taken() -> None:
    """Removed, or left in doubt by rows that cannot be believed: either way they would have no card."""
    desk = Desk()
    desk.begins_with()
    standing = desk.current
    removed = changes_csv(*(("移除", person) for person in HARBIN[:7]))
    broken = lost(*SUIHUA[:6]).replace("挂失".encode(), b"?")
    assert desk.arrives(removed + b"\r\n" + broken.split(b"\r\n", 1)[1], ONE_DAY) is None
    assert "13 人没有卡" in desk.report(ONE_DAY)["refusal"]
    assert desk.current == standing
    assert desk.arrives(removed, ONE_DAY) is not None


def test_what_a_person_insists_on_is_taken() -> None:
    desk = Desk()
    desk.begins_with()
    assert desk.arrives(changes_csv(*(("移除", one) for one in HARBIN[:30])), f"replace/{ONE_DAY}") is not None
    assert desk.current.rows == 90
    assert desk.arrives(cards_csv(EVERYBODY[:20]), "replace/cards-20230525.csv") is not None
    assert desk.current.rows == 20


def every_call(story: Callable[[Desk], None]) -> int:
    desk = Desk()
    desk.begins_with()
    desk.watch = Watch()
    story(desk)
    return desk.watch.count


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_of_any_call_leaves_the_old_version_or_the_new_and_a_retry_finishes(after: bool) -> None:
    file = changes_csv(("变更", HARBIN[0].with_card(CardState.LOST)), ("移除", SUIHUA[0]), ("新增", MORE[0]))
    people = (HARBIN[0], SUIHUA[0], MORE[0])
    calls = every_call(lambda desk: desk.arrives(file, ONE_DAY, "07") and None)
    assert calls > 8
    for ordinal in range(calls):
        desk = Desk()
        desk.begins_with()
        desk.watch = Watch(dies_at=ordinal, after=after)
        with pytest.raises(WorkerDied):
            desk.arrives(file, ONE_DAY, "07")
        seen = [desk.state_of(person) for person in people]
        assert seen in (["normal", "normal", None], ["lost", None, "normal"])
        desk.watch = Watch()
        assert desk.arrives(file, ONE_DAY, "07") is not None
        assert [desk.state_of(person) for person in people] == ["lost", None, "normal"]
        report = desk.report(ONE_DAY)
        assert (report["changed"], report["removed"], report["added"], report["again"]) == (1, 1, 1, False)


def racing(desk: Desk, other: Callable[[], object]) -> None:
    """The other file comes in whole just before the next import names its version."""

    def meanwhile() -> None:
        desk.watch = Watch()
        other()

    desk.watch = Watch(acts=[("control.save", lambda _: True, meanwhile)])


def test_two_days_of_changes_at_once_both_count() -> None:
    desk = Desk()
    desk.begins_with()
    racing(desk, lambda: desk.arrives(lost(HARBIN[0], HARBIN[1]), NEXT_DAY))
    desk.arrives(changes_csv(("变更", HARBIN[0].with_card(CardState.FROZEN)), ("新增", MORE[0])), ONE_DAY)
    assert [desk.state_of(person) for person in (HARBIN[0], HARBIN[1], MORE[0])] == ["lost", "lost", "normal"]
    assert desk.report(ONE_DAY)["older"] == 1


def test_changes_and_a_snapshot_at_once_are_laid_one_over_the_other() -> None:
    desk = Desk()
    desk.begins_with()
    racing(desk, lambda: desk.arrives(lost(HARBIN[0]), NEXT_DAY))
    desk.arrives(cards_csv([*EVERYBODY, MORE[0]]), "cards-20230521.csv")
    assert [desk.state_of(person) for person in (HARBIN[0], MORE[0])] == ["lost", "normal"]
    other = Desk()
    other.begins_with()
    racing(other, lambda: other.arrives(cards_csv([*EVERYBODY, MORE[0]]), "cards-20230521.csv"))
    other.arrives(lost(HARBIN[0]), NEXT_DAY)
    assert other.current.registry_version == desk.current.registry_version


def test_a_large_snapshot_that_came_meanwhile_is_not_replaced_by_a_small_one() -> None:
    """The comparison is with what is current at the write, not with what was when the file was read."""
    desk = Desk()
    desk.begins_with(EVERYBODY[:30])
    racing(desk, lambda: desk.arrives(cards_csv(EVERYBODY), "cards-20230521.csv"))
    assert desk.arrives(cards_csv(EVERYBODY[:20]), "cards-20230522.csv") is None
    assert desk.current.rows == 120


def test_an_answer_lost_on_the_way_is_no_second_import() -> None:
    """The write took effect and its acknowledgement did not arrive: it looks like a lost race."""
    desk = Desk()
    desk.begins_with()
    save = desk.control.save

    def save_and_forget(*items: Any) -> None:
        save(*items)
        desk.control.save = save  # type: ignore[method-assign]
        save(*items)

    desk.control.save = save_and_forget  # type: ignore[method-assign]
    imported = desk.arrives(lost(HARBIN[0]), ONE_DAY)
    assert imported is not None
    assert (imported.changed, imported.again) == (1, False)


def test_a_version_whose_object_is_gone_or_altered_judges_nobody() -> None:
    desk = Desk()
    desk.begins_with()
    key = next(key for key in desk.lake.objects if key.startswith(f"cards/partitions/{HARBIN[0].id_number[:4]}"))
    data, digest = desk.lake.objects.pop(key)
    with pytest.raises(AlteredRegistry):
        desk.registry()
    desk.lake.objects[key] = (data[:-1] + b"?", digest)
    with pytest.raises(AlteredRegistry):
        desk.registry()
    with pytest.raises(AlteredRegistry):
        desk.registry("0123456789abcdef")


def test_a_house_without_a_registry_knows_nobody() -> None:
    assert RegistryReader(MemoryLake(), "").rows_for([HARBIN[0].id_number]).is_empty()


def test_a_file_that_is_no_registry_is_refused_with_its_reason_and_the_old_one_stays() -> None:
    desk = Desk()
    desk.begins_with()
    standing = desk.current
    assert desk.arrives(b"a,b\n1,2\n", "wrong-20230601.csv") is None
    assert desk.current == standing
    report = desk.report("wrong-20230601.csv")
    assert report["accepted"] is False
    assert "身份证号" in report["refusal"]
    assert report["previous_rows"] == 120


def test_a_file_too_large_for_the_functions_memory_is_refused_unread() -> None:
    desk = Desk()

    def read() -> bytes:
        raise AssertionError("read")

    arrival = CardArrival("cards-20230601.csv", "01", MAX_FILE_BYTES + 1, read)
    ports: dict[str, Any] = {name: getattr(desk, name) for name in ("control", "lake", "reports", "orders")}
    assert import_cards(arrival, **ports, book=BOOK, settings=SETTINGS, now=NOW) is None
    assert "变动" in desk.report("cards-20230601.csv")["refusal"]


def test_rows_that_cannot_be_believed_are_left_out_and_named_as_far_as_a_report_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    lines = cards_csv(EVERYBODY).decode("utf-8-sig").splitlines()
    for place in (3, 5, 8):
        lines[place] = lines[place].replace("正常", "不明")
    monkeypatch.setattr(file_outcomes, "MOST_NAMED", 2)
    desk.arrives("\r\n".join(lines).encode(), SNAPSHOT)
    report = desk.report(SNAPSHOT)
    assert [(row["row"], row["code"]) for row in report["left_out"]] == [
        (4, "card_state_unknown"),
        (6, "card_state_unknown"),
    ]
    assert (report["faults"], report["left_out_by_code"]) == (3, {"card_state_unknown": 3})
    assert report["rows"] == 117


def test_reports_hold_no_id_number_account_or_name() -> None:
    desk = Desk()
    desk.begins_with()
    desk.arrives(lost(*HARBIN[:3]).replace(HARBIN[1].account.encode(), b"12"), ONE_DAY)
    written = b"".join(desk.reports.objects.values()).decode() + json.dumps(list(desk.control.items.values()))
    for person in HARBIN[:3]:
        assert person.id_number not in written
        assert person.account not in written
        assert f'"{person.name}"' not in written
