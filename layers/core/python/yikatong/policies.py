"""补贴政策: which version of which document is in force when (issue 5, item 2). Light: the public API imports it.

A document is known by (region, code, document) and lives on in versions, numbered as they were published; every one is kept
for ever. On any day at most one version of a document is in force: a later version replaces the earlier ones from its own
first day on, for good, and each ends on its own last day, if it has one. So a policy is changed, shortened or repealed by
publishing it again with other dates, and nothing that was in force before is touched. A region is governed by its own
documents and by those of the city and the province it lies in.

The public indexes (`published/policies/{region}.json`) are plain JSON; what this takes are their `documents`, together.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from yikatong.errors import Refusal
from yikatong.plan import Frequency, Slot
from yikatong.regions import above

Document = Mapping[str, Any]
"""One version of a document, as the index has it (docs/architecture.md, Public files)."""


def index_key(region: str) -> str:
    """Where a region's index lies in the site bucket.

    >>> index_key("230102")
    'published/policies/230102.json'
    """
    return f"published/policies/{region}.json"


def index_keys(region: str) -> tuple[str, ...]:
    """The indexes that speak for a region, the province's first.

    >>> index_keys("230102")
    ('published/policies/230000.json', 'published/policies/230100.json', 'published/policies/230102.json')
    """
    return tuple(index_key(each) for each in above(region))


def days_of(slot: str) -> tuple[date, date]:
    """The first and the last day of a slot in its own words; an occasion has its whole year. Refused if it is no slot.

    >>> [day.isoformat() for day in days_of("2023Q2")], [day.isoformat() for day in days_of("2023#FLOOD")]
    (['2023-04-01', '2023-06-30'], ['2023-01-01', '2023-12-31'])
    """
    for frequency in Frequency:
        try:
            read = Slot.parse(slot, frequency)
        except Refusal:
            continue
        return read.first_month.first_day, read.last_month.last_day
    # What was asked is not repeated: it may be anything.
    raise Refusal("属期应写作 2023-06、2023Q2、2023H1、2023 或 2023#名称。", "bad_slot")


def in_force(documents: Iterable[Document], code: str, slot: str, region: str) -> list[Document]:
    """The versions of the subsidy's documents in force on some day of the slot: the province's first, then the city's, the
    county's, each document's versions in the order in which they applied."""
    first, last = days_of(slot)
    return in_force_between(documents, code, first, last, region)


def in_force_on(documents: Iterable[Document], code: str, day: date, region: str) -> list[Document]:
    """The versions in force on one day: at most one of each document."""
    return in_force_between(documents, code, day, day, region)


def in_force_between(documents: Iterable[Document], code: str, first: date, last: date, region: str) -> list[Document]:
    """The same for any days; both ends inside."""
    wanted = above(region)
    versions: dict[tuple[str, str], list[Document]] = defaultdict(list)
    for each in documents:
        if each["code"] == code and each["region"] in wanted:
            versions[each["region"], each["document"]].append(each)
    found: list[Document] = []
    for key in sorted(versions):
        applied = [(since, each) for each, since, until in periods(versions[key]) if since <= last and first <= until]
        found += [each for _, each in sorted(applied, key=lambda pair: pair[0])]
    return found


def periods(versions: Sequence[Document]) -> list[tuple[Document, date, date]]:
    """Each version of one document that is in force on any day, with its first and last day of that, newest first.

    One without an end lasts to `date.max`; one whose every day a later version has taken over is left out.
    """
    found = []
    taken_over = date.max
    for each in sorted(versions, key=lambda version: -int(version["version"])):
        since = date.fromisoformat(each["valid_from"])
        until = date.fromisoformat(each["valid_to"]) if each["valid_to"] else date.max
        if taken_over != date.max:
            until = min(until, taken_over - timedelta(days=1))
        if since <= until:
            found.append((each, since, until))
        taken_over = min(taken_over, since)
    return found
