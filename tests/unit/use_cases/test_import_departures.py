"""A list of the deceased or moved arrives: whose it is, what it replaces, and which rosters it is held against."""

import json
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl
import pytest

from tests.unit.payout.watching import WorkerDied
from tests.unit.use_cases.desk import NOW, Desk, sample
from yikatong import parquet
from yikatong.batches import Batch, Tally
from yikatong.departures import CurrentDepartures, Departure, current_key, outcome_key
from yikatong.errors import Conflict
from yikatong.payments import sha256_hex
from yikatong.ports import Stored
from yikatong.roster.departed import MAX_LIST_BYTES
from yikatong.states import BatchState
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
    seconds: int = 0

    def arrive(
        self,
        data: bytes,
        key: str = KEY,
        sequencer: str = "01",
        upload: str = "",
        size: int | None = None,
        second: int | None = None,
    ) -> ImportedList | None:
        """Sent in that second from now on, without one a second after everything before."""
        self.seconds = self.seconds + 1 if second is None else second
        sent_at = NOW + timedelta(seconds=self.seconds)
        arrival = ListArrival(key, sequencer, sent_at, upload, len(data) if size is None else size, lambda: data)
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


MAY, JUNE = "230102/deceased/5月.csv", "230102/deceased/6月.csv"


def test_an_older_list_under_another_name_told_of_again_or_late_does_not_stand() -> None:
    """Whoever died in June would be paid again."""
    may, june = listing(PEOPLE[:3]), listing(PEOPLE[:4])
    made = Registry()
    made.arrive(may, key=MAY, sequencer="ff", second=1)
    made.arrive(june, key=JUNE, sequencer="01", second=2)
    assert made.arrive(may, key=MAY, sequencer="ff", second=1) == ImportedList(3, 4, 0, current=False)
    assert made.listed() == set(PEOPLE[:4])
    assert (made.told(MAY)["accepted"], made.told(MAY)["current"]) == (True, False)
    late = Registry()
    late.arrive(june, key=JUNE, second=2)
    assert late.arrive(may, key=MAY, second=1) == ImportedList(3, 4, 0, current=False)
    assert late.listed() == set(PEOPLE[:4])
    assert late.arrive(may, key=MAY, sequencer="02", second=3) == ImportedList(3, 4, 0, current=True)


def test_two_lists_of_one_second_have_no_order_and_the_second_is_refused() -> None:
    made = Registry()
    made.arrive(listing(PEOPLE[:3]), key=MAY, second=1)
    assert made.arrive(listing(PEOPLE[:4]), key=JUNE, second=1) is None
    assert "分不出先后" in str(made.told(JUNE)["refusal"])
    assert made.listed() == set(PEOPLE[:3])
    same = made.arrive(listing(PEOPLE[:3]), key=JUNE, second=1)
    assert same == ImportedList(3, 3, 0, current=True), "which of them came later changes nothing"


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


def test_a_list_named_after_somebodys_number_is_refused_and_the_number_repeated_nowhere() -> None:
    made = Registry()
    number = PEOPLE[0]
    assert made.arrive(listing(PEOPLE[:3]), f"230102/deceased/{number}.csv") is None
    assert made.desk.reports.objects
    assert not any(number in key or number.encode() in body for key, body in made.desk.reports.objects.items())


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


def test_a_batchs_counts_are_its_frozen_rows_though_a_list_came_between_two_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, data = Registry(), sample().roster_csv()
    made.arrive(listing(PEOPLE[:1]))
    save = made.desk.control.save

    def die_at_the_end(*items: Stored) -> None:
        if any(isinstance(item, Batch) and item.state is BatchState.VALIDATED for item in items):
            raise WorkerDied
        save(*items)

    with monkeypatch.context() as first_try:
        first_try.setattr(made.desk.control, "save", die_at_the_end)
        with pytest.raises(WorkerDied):
            made.desk.arrive(data)
    made.arrive(listing(PEOPLE[:3]), sequencer="02")
    assert made.desk.arrive(data) == "VALIDATED"
    (batch,) = made.desk.batches()
    stored = made.desk.lake.get(batch.rows_key) or b""
    assert sha256_hex(stored) == batch.rows_sha256
    rows = parquet.decode(stored)
    excluded = rows.filter(pl.col("status") == "excluded")
    assert set(excluded["beneficiary_id"]) == set(PEOPLE[:3])
    assert batch.excluded == Tally(count=excluded.height, fen=excluded["amount_fen"].sum())
    assert batch.payable.count == rows.height - excluded.height


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
