"""The people who visit the site: invented, and paid by the whole system, each with another end.

公益性岗位补贴 (#26) is nobody else's on the shared cloud and its lists are public; 孤儿等价格临时补贴 (#19) is sensitive.
"""

from datetime import date
from functools import cache

from infra.local.cloud import LocalCloud
from tests.scenarios.people import DAOLI, NANGANG, People, everybody, roster
from yikatong.cards import CardState
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv

PLAIN, SENSITIVE = 26, 19
FIRST_DAY, NEXT_DAY = date(2023, 6, 20), date(2023, 6, 21)
"""Later than any other scenario of June: the bank's day never goes back, and what it returns is due by its own calendar."""
EARLIER, LATER = "2023-05", "2023-06"
PINGFANG, SONGBEI = "230108", "230109"
"""Two districts of so few people that their lists must be merged."""


@cache
def visitors() -> dict[str, Person]:
    """By what becomes of their payment of June; `paid` was paid in May as well."""
    found = dict(zip(("paid", "rejected", "returned", "inactive"), _people()[:4], strict=True))
    return found | {"inactive": found["inactive"].with_card(CardState.NORMAL, financial=False)}


def stranger() -> Person:
    """Somebody with a card whom nobody pays."""
    return _people()[-1]


@cache
def _people() -> tuple[Person, ...]:
    return tuple(invent_people(30, region=DAOLI, seed=20230614, on=date(2023, 1, 1)))


def pay(cloud: LocalCloud) -> None:
    """Five rosters, one run each of the two subsidies; then a day passes, and one payment comes back."""
    cloud.clock.jump(FIRST_DAY)
    people, who = People(cloud), visitors()
    assert date.fromisoformat(people.book["today"]) <= FIRST_DAY, "another scenario took the bank beyond these days"
    registry = {one.id_number: one for one in (*everybody(), *_people(), *who.values())}
    # Newer than the other scenarios' snapshot, which it holds as well.
    cards = {"Bucket": cloud.resources["buckets"]["card_drop"], "Key": "replace/cards-20230102.csv"}
    cloud.client("s3").put_object(**cards, Body=cards_csv(list(registry.values())))
    cloud.settle()
    people.script(
        accounts={
            who["rejected"].account: {"outcome": "reject", "code": "AC04"},
            who["returned"].account: {"outcome": "return", "code": "AC06", "days": 1},
        }
    )
    rest = _people()[4:]
    rosters = {
        (PLAIN, DAOLI, LATER): [*who.values(), *rest[:6]],
        (PLAIN, DAOLI, EARLIER): [who["paid"], *rest[:5]],
        (PLAIN, NANGANG, LATER): rest[6:12],
        (PLAIN, PINGFANG, LATER): rest[12:15],
        (PLAIN, SONGBEI, LATER): rest[15:18],
        (SENSITIVE, DAOLI, LATER): rest[18:24],
    }
    keys = {
        place: people.upload(roster(paid, place[1], place[0], place[2], seed=n), place[1], place[0], f"site-{n}.csv")
        for n, (place, paid) in enumerate(rosters.items())
    }
    cloud.settle(90)
    for (_, region, _), key in keys.items():
        people.approve(people.batch_of(key, region))
    for number in (PLAIN, SENSITIVE):
        people.order_run(number)
    cloud.settle(120)
    cloud.clock.advance(NEXT_DAY)
    cloud.settle(90)
    people.script(reset=True)
