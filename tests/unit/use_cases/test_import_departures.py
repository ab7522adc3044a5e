"""A list of the deceased or moved arrives: whose it is, what it replaces, and which rosters it is held against."""

import json
from dataclasses import dataclass, field
from datetime import date

import pytest

from tests.unit.use_cases.desk import NOW, Desk, sample
from yikatong import parquet
from yikatong.departures import CurrentDepartures, Departure, current_key, outcome_key
from yikatong.errors import Conflict
from yikatong.roster.departed import MAX_LIST_BYTES
from yikatong.uploads import Upload, upload_key
from yikatong.use_cases.import_departures import ImportedList, ListArrival, import_departures

KEY = "230102/deceased/去世.csv"
NAMES = {person.id_number: person.name for person in sample().people}
PEOPLE = list(NAMES)


def listing(ids: list[str], day: str = "2023-05-02") -> bytes:
    return "\n".join(["姓名,身份证号,日期", *(f"{NAMES.get(each, '某')},{each},{day}" for each in ids)]).encode()


@dataclass
class Registry:
    """Where lists arrive, beside the desk where rosters do."""

    desk: Desk = field(default_factory=Desk)

    def arrive(
        self, data: bytes, key: str = KEY, sequencer: str = "01", upload: str = "", size: int | None = None
    ) -> ImportedList | None:
        arrival = ListArrival(key, sequencer, upload, len(data) if size is None else size, lambda: data)
        desk = self.desk
        return import_departures(arrival, control=desk.control, lake=desk.lake, reports=desk.reports, now=NOW)

    def current(self, region: str = "230102", kind: Departure = Departure.DECEASED) -> CurrentDepartures:
        found = self.desk.control.read(CurrentDepartures, *current_key(region, kind))
        assert found is not None
        return found

    def listed(self) -> set[str]:
        return set(parquet.decode(self.desk.lake.get(self.current().list_key) or b"")["id_number"])

    def told(self, key: str = KEY) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.desk.reports.objects[outcome_key(key)])
        return document


def test_a_list_becomes_its_regions_current_one_and_the_outcome_is_told() -> None:
    made = Registry()
    assert made.arrive(listing([*PEOPLE[:3], "1234"])) == ImportedList(3, 0, 1, current=True)
    assert made.listed() == set(PEOPLE[:3])
    assert made.current().supplied_by == "drop:230102"
    told = made.told()
    assert (told["accepted"], told["rows"], told["previous_rows"]) == (True, 3, 0)
    assert told["left_out"] == [{"row": 5, "code": "departed_id_wrong", "message": "身份证号不正确，没有采用"}]
    assert told["left_out_by_code"] == {"departed_id_wrong": 1}
    assert PEOPLE[0] not in json.dumps(told)


def test_the_next_list_replaces_it_whole() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:3]))
    assert made.arrive(listing(PEOPLE[2:6]), key="230102/deceased/七月.csv") == ImportedList(4, 3, 0, current=True)
    assert made.listed() == set(PEOPLE[2:6])


def test_the_same_list_again_changes_nothing() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:3]))
    before = made.current()
    made.arrive(listing(PEOPLE[:3]), sequencer="02")
    assert made.current().list_key == before.list_key


def test_an_older_version_that_arrives_late_does_not_stand() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:3]), sequencer="02")
    assert made.arrive(listing(PEOPLE[:4]), sequencer="01") == ImportedList(4, 3, 0, current=False)
    assert made.listed() == set(PEOPLE[:3])


@pytest.mark.parametrize("ids", [[], PEOPLE[:1]])
def test_a_list_that_lost_most_people_is_refused_unless_somebody_insists(ids: list[str]) -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:3]))
    assert made.arrive(listing(ids), sequencer="02") is None
    assert "不完整" in str(made.told()["refusal"])
    assert made.listed() == set(PEOPLE[:3])
    insisted = made.arrive(listing(ids), key="230102/deceased/replace/去世.csv")
    assert insisted == ImportedList(len(ids), 3, 0, current=True)
    assert made.listed() == set(ids)


def test_whoever_asked_for_the_upload_supplied_the_list() -> None:
    made = Registry()
    pk, sk = upload_key("secret")
    made.desk.control.save(
        Upload(pk=pk, sk=sk, upload_id="secret", principal="harbin-clerk", object_key=KEY, mode="deceased")
    )
    assert made.arrive(listing(PEOPLE[:1]), key="230102/moved/去世.csv", upload="secret") is None
    assert made.arrive(listing(PEOPLE[:1]), upload="guessed") is None
    made.arrive(listing(PEOPLE[:1]), upload="secret")
    assert made.current().supplied_by == "harbin-clerk"


@pytest.mark.parametrize(
    "key", ["去世.csv", "230102/去世.csv", "230102/born/a.csv", "230199/deceased/a.csv", "110101/deceased/a.csv"]
)
def test_a_list_that_belongs_nowhere_says_why(key: str) -> None:
    made = Registry()
    assert made.arrive(listing(PEOPLE[:1]), key=key) is None
    assert made.told(key)["refusal"]
    assert made.desk.control.items == {}


def test_a_file_that_is_no_list_or_too_large_is_told() -> None:
    made = Registry()
    assert made.arrive(b"%PDF-1.7") is None
    assert "PDF" in str(made.told()["refusal"])
    assert made.arrive(b"", size=MAX_LIST_BYTES + 1) is None
    assert "MB" in str(made.told()["refusal"])


def test_a_lost_race_is_decided_again() -> None:
    made = Registry()
    save, lost = made.desk.control.save, []

    def racing(*items: object) -> None:
        if not lost:
            lost.append(items)
            raise Conflict("lost")
        save(*items)  # type: ignore[arg-type]

    made.desk.control.save = racing  # type: ignore[method-assign, assignment]
    assert made.arrive(listing(PEOPLE[:3])) is not None
    assert made.current().rows == 3


# --- held against rosters -----------------------------------------------------------------------------------------------


def codes(desk: Desk) -> set[str]:
    (batch,) = desk.batches()
    document = json.loads(desk.reports.objects[f"{batch.batch_id}/findings.json"])
    return {finding["code"] for finding in document["findings"]}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (KEY, "deceased_before_slot"),
        ("230100/deceased/市.csv", "deceased_before_slot"),
        ("230000/moved/省.csv", "moved_away"),
    ],
)
def test_a_list_holds_for_the_rosters_of_its_region_and_of_those_below_it(key: str, code: str) -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:2]), key=key)
    made.desk.arrive(sample().roster_csv())
    assert code in codes(made.desk)
    (batch,) = made.desk.batches()
    assert batch.payable.count == batch.rows - 2


@pytest.mark.parametrize("key", ["230103/deceased/南岗.csv", "230200/deceased/齐齐哈尔.csv"])
def test_a_neighbours_list_does_not_concern_this_region(key: str) -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:2]), key=key)
    made.desk.arrive(sample().roster_csv())
    assert not {"deceased_before_slot", "deceased"} & codes(made.desk)


def test_a_list_that_the_lake_has_lost_stops_the_judgement() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:2]))
    del made.desk.lake.objects[made.current().list_key]
    with pytest.raises(LookupError):
        made.desk.arrive(sample().roster_csv())


def test_a_death_inside_the_slot_is_for_the_approver() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:2], day=date(2023, 6, 1).isoformat()))
    made.desk.arrive(sample().roster_csv())
    (batch,) = made.desk.batches()
    assert batch.review.count == 2
