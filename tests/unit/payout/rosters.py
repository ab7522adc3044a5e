"""The people, their rosters, and the subsidy and regions that payouts are played with."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from yikatong.bank.settings import committed_banks
from yikatong.payments import payment_id
from yikatong.plan import PlanBook, Settings
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import make_sample

SHANGHAI = ZoneInfo("Asia/Shanghai")
BOOK, SETTINGS, BANKS = PlanBook.committed(), Settings.committed(), committed_banks()
AGENT = BANKS.serving("230102")
NUMBER, CODE, GROUP, SLOT = 2, "urban-minimum-living", "minimum-living", "2023-06"
DAOLI, NANGANG = "230102", "230103"
PAYMENT_SECRET, RECORD_SECRET = b"payments", b"records"
PAYDAY = date(2023, 6, 12)


def end_to_end(person: Person, code: str = CODE) -> str:
    return f"{payment_id(PAYMENT_SECRET, code, SLOT, person.id_number)}-1"


@cache
def people(count: int, seed: int = 1) -> tuple[Person, ...]:
    return tuple(invent_people(count, region=DAOLI, seed=seed, on=date(2023, 1, 1)))


def roster(who: Sequence[Person], region: str = DAOLI, seed: int = 1, number: int = NUMBER) -> bytes:
    """A roster of exactly these people; amounts differ with the seed."""
    subsidy = BOOK.subsidy(2023, number)
    assert subsidy.code is not None
    made = make_sample(
        subsidy=subsidy, settings=SETTINGS.for_subsidy(subsidy.code), region=region, rows=len(who), slots=[SLOT],
        seed=seed, include=who,
    )  # fmt: skip
    return made.roster_csv()
