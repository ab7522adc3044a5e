"""去世名单 and 迁出名单: who departed, as a bureau supplied it; here what is light, the reading is `roster.departed`.

A list is one kind's whole list of one region: a new one replaces it, and readers see the old or the new, never a mixture.
The new one is the one that was sent later, whatever its name and whenever its event comes, for S3 tells of an object late,
twice and out of order: of two versions of one key by its sequencer, of two keys by the second in which S3 took them in.
It is asked about every roster of its region and of the regions below it.
"""

from enum import StrEnum

from yikatong.ports import Stored


class Departure(StrEnum):
    """Why somebody is on a list."""

    DECEASED = "deceased"
    MOVED = "moved"

    @property
    def chinese(self) -> str:
        return {"deceased": "去世", "moved": "迁出"}[self]


REPLACE = "replace"
"""A list under this folder replaces the one before however much shorter it is."""


class CurrentDepartures(Stored):
    """Which list of a region and kind stands."""

    list_key: str
    rows: int
    object_key: str
    sequencer: str = ""
    """Of the object it came from: S3 orders the versions of one key, not different keys."""
    sent_at: str
    """When S3 took that object in, in UTC: in whole seconds, and the same however often it is told."""
    supplied_by: str
    imported_at: str


def current_key(region: str, kind: Departure) -> tuple[str, str]:
    return f"DEPARTURES#{region}", kind.value


def list_key(region: str, kind: Departure, digest: str) -> str:
    """The list's object in the lake, named after its content."""
    return f"departures/{region}/{kind}/{digest[:16]}.parquet"


def object_key(region: str, kind: Departure, file_name: str, *, replace: bool = False) -> str:
    """Where a bureau puts a list in the departure drop."""
    return f"{region}/{kind}/{REPLACE + '/' if replace else ''}{file_name}"


def outcome_key(dropped_key: str) -> str:
    """Where the reports bucket tells what came of a list."""
    return f"departures/{dropped_key}.json"


def regions_above(region: str) -> tuple[str, ...]:
    """A region and those it lies in, whose lists its rosters are held against.

    >>> regions_above("230102"), regions_above("230000")
    (('230102', '230100', '230000'), ('230000',))
    """
    return tuple(dict.fromkeys((region, f"{region[:4]}00", f"{region[:2]}0000")))
