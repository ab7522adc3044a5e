"""Thousands of guesses against known names: within the limits, beyond them, from one address and from as many as there are
guesses, by a program that answers every question. The one thing that can be learnt is whether a whole guess was right.
"""

from collections import Counter
from datetime import date, timedelta
from itertools import islice

import pytest

from tests.attack.village import Known, Village, addresses, strangers, villagers
from tests.public_service import Answered
from yikatong.attempts import LIMITS
from yikatong.identity import check_digit

A_DAYS_GUESSES = 40
"""So many at one person; beyond the day's limit all are refused."""
LIKELY_ENDINGS = 500
"""The sex is mostly known from the name: of 999 order numbers every other one remains."""


@pytest.fixture
def village(monkeypatch: pytest.MonkeyPatch) -> Village:
    return Village(monkeypatch)


def told(answer: Answered) -> tuple[int, str, tuple[tuple[str, str], ...]]:
    return answer.status, answer.body, tuple(answer.headers.items())


def test_whoever_knows_name_county_and_birth_date_learns_nothing_in_a_day_but_which_numbers_it_is_not(
    village: Village,
) -> None:
    """From a new address each time. The right number comes too late; people who were never paid answer just the same."""
    source = addresses()
    heard: dict[str, list[list[tuple[int, str, tuple[tuple[str, str], ...]]]]] = {"villagers": [], "strangers": []}
    for kind, people in (("villagers", villagers()[:40]), ("strangers", strangers()[:20])):
        for person in people:
            numbers = list(islice(Known(person).wrong_numbers(), A_DAYS_GUESSES - 1))
            tried = [*numbers[: LIMITS.person.most], person.id_number, *numbers[LIMITS.person.most :]]
            heard[kind].append([told(village.guess(person.name, number, next(source))) for number in tried])
    assert village.guesses == 60 * A_DAYS_GUESSES
    for answers in (*heard["villagers"], *heard["strangers"]):
        assert answers == heard["strangers"][0], "who was paid and who was not are told apart"
    statuses = Counter(status for status, _, _ in heard["villagers"][0])
    assert statuses == {200: LIMITS.person.most, 429: A_DAYS_GUESSES - LIMITS.person.most}
    assert {body for status, body, _ in heard["villagers"][0] if status == 200} == {
        '{"records":[],"totals":[],"correlation_id":"request-1"}'
    }
    assert LIKELY_ENDINGS / LIMITS.person.most >= 25, (
        "days that one person's endings take, with a question for most guesses"
    )


def test_whoever_has_a_list_of_numbers_and_does_not_know_whose_they_are_learns_nothing_in_a_day(
    village: Village,
) -> None:
    """Few of the numbers are right. Each is tried with every name of the village, the right one among them in its turn."""
    source = addresses()
    right = list(villagers()[:10])
    numbers = [person.id_number for person in (*right, *strangers()[:20])]
    names = [person.name for person in villagers()]
    found: list[str] = []
    tries: Counter[str] = Counter()
    for number in numbers:
        # The names that are left once so many were tried: the owner's comes when the limit is reached.
        owner = next((person.name for person in right if person.id_number == number), "")
        others = [name for name in names if name != owner]
        for name in [*others[: LIMITS.person.most], owner or others[-1], *others[LIMITS.person.most : 60]]:
            answer = village.guess(name, number, next(source))
            tries[number] += answer.status == 200
            found += [number] if answer.status == 200 and answer.json["records"] else []
    assert village.guesses == 30 * 61
    assert found == []
    assert set(tries.values()) == {LIMITS.person.most}


def test_one_address_is_stopped_after_its_hours_guesses_whomever_they_are_at(village: Village) -> None:
    people = [(person.name, number) for person in villagers() for number in islice(Known(person).wrong_numbers(), 2)]
    statuses = Counter(village.guess(name, number).status for name, number in people)
    assert statuses == {200: LIMITS.address.most, 429: len(people) - LIMITS.address.most}


def test_a_right_guess_beyond_the_limit_is_refused_in_the_very_words_of_a_wrong_one(village: Village) -> None:
    source = addresses()
    person = villagers()[0]
    wrong = Known(person).wrong_numbers()
    for number in islice(wrong, LIMITS.person.most):
        village.guess(person.name, number, next(source))
    assert told(village.guess(person.name, next(wrong), next(source))) == told(
        village.guess(person.name, person.id_number, next(source))
    )


def test_a_right_guess_without_an_answer_to_the_question_is_refused_like_a_wrong_one(village: Village) -> None:
    source = addresses()
    person = villagers()[0]
    wrong = Known(person).wrong_numbers()
    for number in islice(wrong, LIMITS.person.free):
        village.query(person.name, number, next(source))
    one, other = (village.query(person.name, n, next(source)) for n in (next(wrong), person.id_number))
    assert one.problem == "challenge_required"
    assert told(one) == told(other)


def test_other_spellings_of_a_number_and_a_name_are_the_same_attempts(village: Village) -> None:
    """Else each spelling would have limits of its own."""
    source = addresses()
    person = villagers()[0]
    wide = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
    spellings = [lambda text: text, lambda text: text.translate(wide), lambda text: " ".join(text), str.lower]
    admitted = 0
    for turn, number in enumerate(islice(Known(person).wrong_numbers(), 4 * LIMITS.person.most)):
        name = person.name if turn % 2 else f" {person.name[0]}　{person.name[1:]} "
        admitted += village.guess(name, spellings[turn % 4](number), next(source)).status == 200
    assert admitted == LIMITS.person.most


def test_whoever_knows_a_name_a_county_an_age_and_the_last_four_digits_cannot_try_the_birthdays(
    village: Village,
) -> None:
    """Lists that show the ends of a number leave the birth date: with the check digit some 66 days in two years."""
    found = []
    for person in villagers()[:3]:
        number, first = person.id_number, date(int(person.id_number[6:10]), 1, 1) - timedelta(days=365)
        for day in range(3 * 365):
            stem = f"{number[:6]}{first + timedelta(days=day):%Y%m%d}{number[14:17]}"
            if check_digit(stem) != number[17]:
                continue
            answer = village.guess(person.name, stem + number[17], f"192.0.2.{len(found)}")
            if answer.status == 200 and answer.json["records"]:
                found.append(person)
                break
    assert found == []
