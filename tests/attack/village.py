"""A village whose people were paid, and what an attacker knows of them: everything but the end of their id numbers.

At most 500 records, as they stand in the table; the API as anybody on the internet meets it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

import pytest

from tests.public_service import Answered, PublicWiring, Service
from yikatong.attempts import LIMITS, Limits
from yikatong.bank.codes import reason
from yikatong.identity import check_digit
from yikatong.masking import account_tail
from yikatong.records import Outcome, RecordKeys, records_of
from yikatong.roster.people import Person, invent_people
from yikatong.states import PaymentState

DAOLI = "230102"
KEY = b"the record key of the attacked village"
SLOTS = ("2023-04", "2023-05", "2023-06")
_STATES = (
    PaymentState.SETTLED,
    PaymentState.SETTLED,
    PaymentState.RETURNED,
    PaymentState.REJECTED,
    PaymentState.FROZEN,
)
_DIGITS = "零一二三四五六七八九"


@cache
def villagers() -> tuple[Person, ...]:
    """Who was paid."""
    return tuple(invent_people(150, region=DAOLI, seed=5, on=date(2023, 1, 1)))


@cache
def strangers() -> tuple[Person, ...]:
    """Their neighbours, whom nobody ever paid."""
    paid = {person.name for person in villagers()}
    return tuple(
        each for each in invent_people(150, region=DAOLI, seed=6, on=date(2023, 1, 1)) if each.name not in paid
    )


def outcomes_of(person: Person, number: int) -> Iterator[Outcome]:
    for place, slot in enumerate(SLOTS):
        state = _STATES[(number + place) % len(_STATES)]
        failed = state in (PaymentState.RETURNED, PaymentState.REJECTED)
        yield Outcome(
            role="beneficiary",
            code="urban-minimum-living",
            subsidy="城市最低生活保障金",
            plan_year=2023,
            region=DAOLI,
            slot=slot,
            payment_id=f"{number:026d}",
            attempt=1,
            amount_fen=60_000 + 137 * number,
            state=state,
            channel="card",
            account_tail=account_tail(person.account),
            seq=1,
            paid_on="" if state is PaymentState.REJECTED else f"{slot}-12",
            failure=reason("account_closed").payee_text if failed else "",
            activated=number % 7 > 0,
        )


@dataclass
class Known:
    """What the attacker has of one person: a name, a county and a birth date, and numbers that may end theirs."""

    person: Person

    @property
    def name(self) -> str:
        return self.person.name

    def wrong_numbers(self) -> Iterator[str]:
        """Every number of that county and day that checks, but the right one."""
        for order in range(1, 1000):
            first_17 = f"{self.person.id_number[:14]}{order:03d}"
            number = first_17 + check_digit(first_17)
            if number != self.person.id_number:
                yield number


class Village(Service):
    """The API with the village's records behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limits: Limits = LIMITS) -> None:
        made = PublicWiring(limits)
        made.record_secret = KEY
        keys = RecordKeys(KEY)
        made.records.put_all(
            record
            for number, person in enumerate(villagers())
            for outcome in outcomes_of(person, number)
            for record in records_of(keys.written, person.id_number, person.name, outcome)
        )
        assert len(made.records.items) <= 500
        super().__init__(monkeypatch, made)
        self.guesses = 0

    def guess(self, name: str, number: str, address: str = "192.0.2.10") -> Answered:
        """As a program that answers a question before it is asked one: no attempt is lost to being asked."""
        self.guesses += 1
        asked = self.get("/v1/challenge").json
        total = _DIGITS.index(asked["question"][0]) + _DIGITS.index(asked["question"][2])
        return self.query(name, number, address, challenge=asked["challenge"], answer=str(total))


def addresses() -> Iterator[str]:
    """As many as one wants, a new one for each guess: rented by the hour."""
    yield from (f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(1 << 17))


def personal(person: Person) -> set[str]:
    """In which spellings a person could stand in a log, an answer to somebody else or a cache."""
    number, account = person.id_number, person.account
    return {person.name, number, number[:14], number[6:14], number[-8:], account, account[-8:]}
