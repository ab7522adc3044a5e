"""Reading who was claimed already, for a roster that is being judged: in its own claim group and in what it excludes.

Only committed manifests count (PROTOCOL C1), and no batch that is withdrawn, though its releases may still be missing from
them (W1): it will pay nobody. A claim file that was altered stops the reading: a roster judged payable by a
book that somebody changed would be a promise nobody can keep, so its judgement waits for a person.
"""

from collections.abc import Collection
from functools import cache

import polars as pl

from yikatong import claims
from yikatong.batches import Batch, batch_key
from yikatong.errors import Refusal
from yikatong.manifest import Manifest, manifest_key, manifests_pk
from yikatong.payments import split_batch_id
from yikatong.plan import Frequency, Settings, Slot, SubsidySettings
from yikatong.plan.periods import Month
from yikatong.ports import Control, Lake
from yikatong.roster.elsewhere import CLAIMED
from yikatong.states import BatchState


class ClaimedElsewhere:
    """The standing claims that a subsidy's rosters must look at, slot by slot.

    `leave_out` are batches that do not count: those which the roster replaces.
    """

    def __init__(
        self,
        control: Control,
        lake: Lake,
        settings: Settings,
        subsidy: SubsidySettings,
        leave_out: Collection[str] = (),
    ) -> None:
        self._control, self._lake, self._settings = control, lake, settings
        self._subsidy, self._leave_out = subsidy, leave_out
        # A roster of several slots meets the same batches in each.
        self._counts = cache(self._pays)

    def of_slot(self, slot: str) -> pl.DataFrame:
        """Claims as CLAIMED: of the claim group for that very slot, of exclusive subsidies for slots that overlap it."""
        own = self._control.read(Manifest, *manifest_key(self._subsidy.claim_group, slot))
        frames = [pl.DataFrame(schema=CLAIMED), *([] if own is None else [self._claims(own)])]
        groups: dict[str, list[str]] = {}
        for code in self._subsidy.exclusive_with:
            groups.setdefault(self._settings.for_subsidy(code).claim_group, []).append(code)
        for group, codes in groups.items():
            for manifest in self._control.query(Manifest, manifests_pk(group)):
                if overlap(slot, manifest.slot):
                    frames.append(self._claims(manifest).filter(pl.col("code").is_in(codes)))
        return pl.concat(frames)

    def _claims(self, manifest: Manifest) -> pl.DataFrame:
        standing = claims.read_claims(manifest, self._lake.get).select("key", "beneficiary_id", "batch_id")
        codes = {batch: split_batch_id(batch)[0] for batch in standing["batch_id"].unique() if self._counts(batch)}
        return standing.with_columns(
            pl.col("batch_id").replace_strict(codes, default=None, return_dtype=pl.String).alias("code"),
            pl.lit(manifest.slot).alias("slot"),
        ).drop_nulls("code")

    def _pays(self, batch_id: str) -> bool:
        batch = self._control.read(Batch, *batch_key(batch_id))
        assert batch is not None, "batches are never deleted"
        return batch_id not in self._leave_out and batch.state is not BatchState.WITHDRAWN


def overlap(one: str, other: str) -> bool:
    """Whether two slots, of whatever frequency, have a month in common.

    >>> overlap("2023-06", "2023Q2"), overlap("2023H2", "2023-06"), overlap("2023#FLOOD", "2023-06")
    (True, False, True)
    """
    (first, last), (other_first, other_last) = _months(one), _months(other)
    return first <= other_last and other_first <= last


def _months(slot: str) -> tuple[Month, Month]:
    """The first and last month of a slot; its shape tells its frequency."""
    for frequency in Frequency:
        try:
            found = Slot.parse(slot, frequency)
        except Refusal:
            continue
        return found.first_month, found.last_month
    raise Refusal(f"“{slot}”不是属期", "bad_slot")
