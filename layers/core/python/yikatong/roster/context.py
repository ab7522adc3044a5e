"""What a roster is judged against: everything outside the file, given by the caller. No clock, no store."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from yikatong.plan import Mode, PlanBook, Subsidy, SubsidySettings

# Given the payees' ids (Series of String, with repetitions), the registry rows of the partitions they live in, in
# cards.SCHEMA; more rows than asked for do no harm.
RegistryFor = Callable[[pl.Series], pl.DataFrame]
# Given a slot of the roster, whom other batches have claimed for it or for a slot that overlaps it, in the roster's own
# subsidy and in those it excludes: columns as elsewhere.CLAIMED.
ClaimedFor = Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class RosterContext:
    """`as_of` is the day the roster is judged for; slots are judged at `plan.judging_date` of it.

    `occasions` are the names of the occasions opened for this subsidy. `registry_for` None: no registry exists yet,
    cards are not judged and the report says so. `claimed` None: nobody knows what was claimed elsewhere, as on a clerk's
    own machine. `departed` are those who died or moved away (columns as roster.departed.DEPARTED), None where no list was
    supplied. `sheet` names the workbook's sheet to read, empty where the file has only one roster. `failed` are the payments
    that a reissue may pay again (columns as roster.failed.FAILED), None for an ordinary roster.
    """

    book: PlanBook
    subsidy: Subsidy
    region: str
    mode: Mode
    as_of: date
    settings: SubsidySettings
    occasions: Collection[str] = ()
    registry_for: RegistryFor | None = None
    claimed: ClaimedFor | None = None
    departed: pl.DataFrame | None = None
    sheet: str = ""
    failed: pl.DataFrame | None = None

    @property
    def is_reissue(self) -> bool:
        """A reissue pays what an earlier roster could not: that one kept the slot's window and the day, and holds the claim."""
        return self.failed is not None
