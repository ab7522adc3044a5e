"""A stopwatch tells nothing: a hit, a wrong name and nobody at all take the same calls in the same order, with requests and
answers of the same size. How long they take is measured by tests/benchmarks/query.py, whose numbers stand in docs/benchmarks.md.
"""

from typing import Any

import pytest

from tests.attack.village import KEY, Known, Village, addresses, strangers, villagers
from yikatong.aws.records import DynamoRecords

PERSON = villagers()[0]
WRONG_NAME, NOBODY, NONSENSE, RIGHT = "wrong name", "nobody", "nonsense", "right"
QUESTIONS = {
    RIGHT: (PERSON.name, PERSON.id_number),
    WRONG_NAME: (villagers()[1].name, PERSON.id_number),
    "wrong number": (PERSON.name, next(Known(PERSON).wrong_numbers())),
    NOBODY: (strangers()[0].name, strangers()[0].id_number),
    NONSENSE: ("x", "1"),
}


class Calls:
    """Every call that leaves the function while a question is answered, with the size of what it asks for."""

    def __init__(self, village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, int]] = []
        of_person, count = village.made.records.of_person, village.made.attempts.count
        monkeypatch.setattr(village.made.records, "of_person", lambda pk: self._note("records", pk, of_person(pk)))
        monkeypatch.setattr(
            village.made.attempts, "count", lambda name, end: self._note("attempts", name, count(name, end))
        )

    def _note(self, what: str, key: str, answer: Any) -> Any:
        self.made.append((what, len(key)))
        return answer


def test_every_question_makes_the_same_calls_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    source, seen = addresses(), {}
    for kind, (name, number) in QUESTIONS.items():
        with monkeypatch.context() as patched:
            village = Village(patched)
            calls = Calls(village, patched)
            assert village.query(name, number, next(source)).status == 200
            seen[kind] = calls.made
    assert seen[RIGHT][-1] == ("records", 64)
    assert seen[RIGHT].count(("records", 64)) == 1
    assert len(seen[RIGHT]) >= 4
    assert all(calls == seen[RIGHT] for calls in seen.values()), seen


def test_a_refused_question_looks_nothing_up_whoever_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    village, source = Village(monkeypatch), addresses()
    for number in [*_first(Known(PERSON), 25)]:
        village.guess(PERSON.name, number, next(source))
    calls = Calls(village, monkeypatch)
    assert [village.query(PERSON.name, number, next(source)).status for number in _first(Known(PERSON), 2)] == [429] * 2
    wrong, calls.made = calls.made, []
    assert village.query(PERSON.name, PERSON.id_number, next(source)).status == 429
    assert wrong == calls.made * 2
    assert not [what for what, _ in wrong if what == "records"]


def _first(known: Known, count: int) -> list[str]:
    return [number for _, number in zip(range(count), known.wrong_numbers(), strict=False)]


def test_answers_about_nobody_are_of_one_length_and_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    source, answers = addresses(), {}
    village = Village(monkeypatch)
    for kind, (name, number) in QUESTIONS.items():
        answers[kind] = village.query(name, number, next(source))
    found = answers.pop(RIGHT)
    assert found.json["records"]
    assert len({(each.body, tuple(each.headers.items())) for each in answers.values()}) == 1


class Pages:
    """A client of the records table that notes what it is asked."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items, self.asked = items, list[dict[str, Any]]()

    def get_paginator(self, operation: str) -> "Pages":
        assert operation == "query"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked.append(asked)
        return [{"Items": self.items}]


def test_the_table_is_asked_one_question_of_one_size_whether_it_holds_anything_or_not() -> None:
    asked = []
    for items in ([], [{"pk": {"S": "a" * 64}, "sk": {"S": "2023-06#P-1#beneficiary"}}]):
        client = Pages(items)
        DynamoRecords(client, "records").of_person(KEY.hex().ljust(64, "0")[:64])  # type: ignore[arg-type]
        asked.append(client.asked)
    assert asked[0] == asked[1]
    assert len(asked[0]) == 1
