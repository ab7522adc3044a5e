"""A person's own records, by name and id number; anybody else's question is answered with nothing."""

from decimal import Decimal
from typing import Any

from tests.fakes import MemoryRecords
from yikatong.records import FOLLOWED, person_key
from yikatong.use_cases.query_records import RecordQuery, query_records, totals_of

SECRET = b"a secret of the tests"
ID, NAME = "230102199001011230", "张三丰"


def record(slot: str, amount_fen: Any, attempt: int = 1, state: str = "SETTLED") -> dict[str, Any]:
    return {
        "pk": person_key(SECRET, ID, NAME),
        "sk": f"{slot}#P-{attempt}#beneficiary",
        "subsidy": "城市最低生活保障金",
        "code": "urban-minimum-living",
        "plan_year": Decimal(2023),
        "region": "230102",
        "paid_on": f"{slot}-12",
        "slot": slot,
        "amount_fen": amount_fen,
        "state": state,
        "status": "已发放到社保卡，尾号 1234",
        "role": "beneficiary",
        "seq": Decimal(1),
    }


def ask(name: str, id_number: str) -> list[dict[str, Any]]:
    records = MemoryRecords()
    records.put_all([record("2023-06", Decimal(65_000)), record("2023-07", Decimal(65_000))])
    return query_records(records, SECRET, RecordQuery(name=name, id_number=id_number))


def test_a_person_finds_their_payments_the_latest_first() -> None:
    found = ask(NAME, ID)
    assert [each["slot"] for each in found] == ["2023-07", "2023-06"]
    assert found[0]["amount_fen"] == 65_000
    assert type(found[0]["amount_fen"]) is int


def test_of_a_payment_made_again_the_latest_attempt_comes_first_and_the_failed_one_says_so() -> None:
    records = MemoryRecords()
    records.put_all([record("2023-06", 65_000, 1, "RETURNED"), record("2023-06", 65_000, 2)])
    found = query_records(records, SECRET, RecordQuery(name=NAME, id_number=ID))
    assert [(each["state"], each["status"]) for each in found] == [
        ("SETTLED", "已发放到社保卡，尾号 1234"),
        ("REISSUED", FOLLOWED),
    ]


def test_the_answer_shows_no_key_and_no_internal_number() -> None:
    assert not {"pk", "sk", "seq"} & set(ask(NAME, ID)[0])


def test_unknown_person_and_wrong_name_get_the_same_empty_answer() -> None:
    assert ask("张三", ID) == ask("李四", "230102198001011233") == ask("x", "not an id number") == []


def test_a_year_has_what_came_in_it_by_the_banks_date_and_nothing_that_did_not_come() -> None:
    records = MemoryRecords()
    failed = record("2023-08", 65_000, 1, "RETURNED")
    records.put_all([record("2023-06", 65_000), record("2022-12", 1_000) | {"paid_on": "2023-01-10"}, failed])
    found = query_records(records, SECRET, RecordQuery(name=NAME, id_number=ID))
    own = {"year": 2023, "amount_fen": 66_000, "count": 2}
    assert totals_of(found) == [own | {"collected_fen": 0, "collected_count": 0}]
    assert totals_of([]) == []


def test_what_somebody_receives_for_others_is_not_added_to_their_own() -> None:
    found = [
        {"state": "SETTLED", "role": role, "paid_on": f"{year}-06-12", "plan_year": year, "amount_fen": amount_fen}
        for role, year, amount_fen in (("beneficiary", 2023, 41_600), ("payee", 2023, 28_300), ("payee", 2022, 500))
    ]
    assert totals_of(found) == [
        {"year": 2023, "amount_fen": 41_600, "count": 1, "collected_fen": 28_300, "collected_count": 1},
        {"year": 2022, "amount_fen": 0, "count": 0, "collected_fen": 500, "collected_count": 1},
    ]
