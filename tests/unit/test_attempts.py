"""Guesses are counted by address, by number and by person, in windows, and nobody's name stands on a counter."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.public_service import MemoryAttempts
from yikatong.attempts import Judged, Limit, Limits, counter_name, judge_attempt
from yikatong.challenge import LocalChallenge
from yikatong.records import person_key

SECRET = b"a secret of the tests"
ID, NAME = "230102199001011230", "张三丰"
NOON = datetime(2023, 6, 12, 4, 0, tzinfo=UTC)
LIMITS = Limits(address=Limit(window_s=3_600, free=4, most=8), person=Limit(window_s=86_400, free=2, most=3))

Try = Callable[..., Judged]


@pytest.fixture
def counters() -> MemoryAttempts:
    return MemoryAttempts()


@pytest.fixture
def attempt(counters: MemoryAttempts) -> Try:
    def trying(
        address: str = "192.0.2.1", id_number: str = ID, name: str = NAME, at: datetime = NOON, secret: bytes = SECRET
    ) -> Judged:
        return judge_attempt(secret, LIMITS, counters.count, at, address=address, id_number=id_number, name=name)

    return trying


def test_free_then_a_challenge_then_patience(attempt: Try) -> None:
    assert [attempt().verdict for _ in range(4)] == ["free", "free", "challenge", "refused"]


def test_the_number_is_one_however_it_is_written_and_whatever_name_is_tried(attempt: Try) -> None:
    spelled = [ID, " 230102 19900101 1230", "２３０１０２199001011230"]
    verdicts = [attempt(f"192.0.2.{host}", number, f"张{host}").verdict for host, number in enumerate(spelled)]
    assert verdicts == ["free", "free", "challenge"]


def test_a_name_with_a_county_and_a_birth_date_is_a_person_whatever_digits_follow(attempt: Try) -> None:
    verdicts = [
        attempt(f"192.0.2.{n}", f"{ID[:14]}{n:04d}", name).verdict for n, name in enumerate([NAME, "张 三 丰", NAME])
    ]
    assert verdicts == ["free", "free", "challenge"]
    assert attempt("192.0.2.9", f"{ID[:14]}9999", "李四").verdict == "free"


def test_a_name_with_a_county_and_the_last_four_digits_is_a_person_whatever_birth_date_is_tried(attempt: Try) -> None:
    verdicts = [attempt(f"192.0.2.{n}", f"{ID[:6]}19{60 + n}0101{ID[14:]}").verdict for n in range(4)]
    assert verdicts == ["free", "free", "challenge", "refused"]


def test_an_address_may_ask_for_more_people_than_one_person_may_be_asked_for(attempt: Try) -> None:
    verdicts = [attempt(id_number=f"23010219{50 + n}01011230", name=f"李{n}").verdict for n in range(9)]
    assert verdicts == ["free"] * 4 + ["challenge"] * 4 + ["refused"]


def test_a_window_ends_and_says_when(attempt: Try) -> None:
    late = NOON + timedelta(minutes=59)
    for n in range(9):
        judged = attempt(id_number=f"23010219{50 + n}01011230", name=f"李{n}", at=late)
    assert (judged.verdict, judged.retry_after_s) == ("refused", 60)
    assert attempt(at=late + timedelta(seconds=60)).verdict == "free"


def test_of_two_full_windows_the_later_end_is_named(attempt: Try) -> None:
    for _ in range(9):
        judged = attempt()
    assert judged.retry_after_s == 20 * 3_600


def test_every_attempt_is_counted_on_every_counter_refused_or_not(attempt: Try, counters: MemoryAttempts) -> None:
    for _ in range(9):
        attempt()
    assert sorted(counters.counts.values()) == [9, 9, 9, 9]


def test_counters_are_kept_past_their_window_and_then_forgotten(attempt: Try, counters: MemoryAttempts) -> None:
    attempt()
    assert {expires - int(NOON.timestamp()) for expires in counters.expires.values()} == {7_200, 20 * 3_600 + 86_400}


def test_no_counter_tells_whom_it_counts_nor_is_ever_named_like_a_record(
    attempt: Try, counters: MemoryAttempts
) -> None:
    attempt()
    names = set(counters.counts)
    assert all(len(name) == 64 and set(name) <= set("0123456789abcdef") for name in names)
    attempt(secret=b"another secret")
    assert len(counters.counts) == 8
    attempt(at=NOON + timedelta(days=1))
    assert len(counters.counts) == 12
    keys = {person_key(SECRET, *person) for person in [(ID, NAME), ("number", ID), ("number", f"0|{ID}")]}
    assert not keys & names


def test_kinds_are_kept_apart() -> None:
    assert counter_name(SECRET, "address", "1", 0) != counter_name(SECRET, "number", "1", 0)


class TestLocalChallenge:
    """The stand-in: signed, short-lived, answered once."""

    @pytest.fixture
    def challenge(self, counters: MemoryAttempts) -> LocalChallenge:
        return LocalChallenge(SECRET, counters.count)

    @staticmethod
    def right(text: str) -> int:
        return "零一二三四五六七八九".index(text[0]) + "零一二三四五六七八九".index(text[2])

    def test_the_right_answer_passes_once(self, challenge: LocalChallenge) -> None:
        asked = challenge.ask(NOON)
        assert challenge.passed(asked.token, str(self.right(asked.text)), NOON)
        assert not challenge.passed(asked.token, str(self.right(asked.text)), NOON)

    def test_a_wrong_answer_uses_the_question_up(self, challenge: LocalChallenge) -> None:
        asked = challenge.ask(NOON)
        assert not challenge.passed(asked.token, "99", NOON)
        assert not challenge.passed(asked.token, str(self.right(asked.text)), NOON)

    def test_an_answer_may_be_typed_in_full_width_or_written_in_words(self, challenge: LocalChallenge) -> None:
        digits = "零一二三四五六七八九"
        words = [*digits, "十", *(f"十{word}" for word in digits[1:])]
        full_width = str.maketrans("0123456789", "０１２３４５６７８９")
        for spell in (lambda n: f" {n} ", lambda n: str(n).translate(full_width), words.__getitem__):
            asked = challenge.ask(NOON)
            assert challenge.passed(asked.token, str(spell(self.right(asked.text))), NOON)

    def test_five_minutes_later_it_is_too_late(self, challenge: LocalChallenge) -> None:
        asked = challenge.ask(NOON)
        assert not challenge.passed(asked.token, str(self.right(asked.text)), NOON + timedelta(minutes=5, seconds=1))
        asked = challenge.ask(NOON)
        assert challenge.passed(asked.token, str(self.right(asked.text)), NOON + timedelta(minutes=5))

    def test_the_token_neither_holds_the_answer_nor_may_be_lengthened(
        self, challenge: LocalChallenge, counters: MemoryAttempts
    ) -> None:
        asked = challenge.ask(NOON)
        nonce, expires, seal = asked.token.split(".")
        answer = str(self.right(asked.text))
        forged = [
            f"{nonce}.{int(expires) + 3600}.{seal}",
            f"{'0' * 16}.{expires}.{seal}",
            f"{nonce}.{expires}.{'0' * 32}",
            LocalChallenge(b"another secret", counters.count).ask(NOON).token,
            "", "...", f"{nonce}.x.{seal}", "张.三.丰", f"{nonce}.２０２３.{seal}",
        ]  # fmt: skip
        for token in forged:
            assert not challenge.passed(token, answer, NOON)
        # What is not ours is not counted: nobody fills the table with made-up questions.
        assert not counters.counts
        assert challenge.passed(asked.token, answer, NOON)

    def test_two_questions_differ_in_their_tokens(self, challenge: LocalChallenge) -> None:
        assert len({challenge.ask(NOON).token for _ in range(50)}) == 50
