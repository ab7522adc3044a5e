"""What a roster is judged against: the plan, cards, claims that stand already, lists of the deceased and moved."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from yikatong import parquet
from yikatong.bank.settings import Banks
from yikatong.batches import Batch, Occasion
from yikatong.claimed_elsewhere import ClaimedElsewhere
from yikatong.departures import CurrentDepartures, Departure, current_key, regions_above
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Lake
from yikatong.registry import RegistryReader
from yikatong.registry_version import CurrentRegistry
from yikatong.reissue_grounds import failed_of
from yikatong.roster.context import RosterContext
from yikatong.roster.departed import DEPARTED


def gather_context(
    batch: Batch,
    registry: CurrentRegistry | None,
    leave_out: Collection[str],
    *,
    control: Control,
    lake: Lake,
    book: PlanBook,
    settings: Settings,
    banks: Banks,
) -> RosterContext:
    """Judged for the day it was received, however late a retry comes: the same bytes get the same answer.

    The claims of the batches `leave_out` do not count."""
    policy = settings.for_subsidy(batch.code)
    received_on = datetime.fromisoformat(batch.received_at).date()
    failed = None
    if batch.reissue_of:
        failed = failed_of(batch, received_on, leave_out, control=control, lake=lake, settings=settings, banks=banks)
        # What the amounts come from was asked of the roster before; and the failed payment says which unit a row speaks for.
        policy = replace(policy, required_columns=(), amount_is_quantity_times_standard=False)
    return RosterContext(
        book=book,
        subsidy=book.subsidy(batch.plan_year, batch.number),
        region=batch.region,
        mode=Mode(batch.mode),
        as_of=received_on,
        settings=policy,
        occasions=_occasions(batch, received_on, control),
        registry_for=None if registry is None else RegistryReader(lake, registry.registry_version).rows_for,
        claimed=ClaimedElsewhere(control, lake, settings, policy, leave_out).of_slot,
        departed=_departed(batch.region, control, lake),
        sheet=batch.sheet,
        failed=failed,
    )


def _occasions(batch: Batch, received_on: date, control: Control) -> list[str]:
    """The occasions open to it. A roster may come before its occasion begins, as before any payday."""
    return [
        occasion.slot
        for occasion in control.query(Occasion, f"OCCASIONS#{batch.code}")
        if occasion.covers(batch.region, max(received_on, date.fromisoformat(occasion.first)))
    ]


def _departed(region: str, control: Control, lake: Lake) -> pl.DataFrame | None:
    """Everybody on a list of this region or of one that it lies in; None where nobody supplied one."""
    frames = []
    for place in regions_above(region):
        for kind in Departure:
            current = control.read(CurrentDepartures, *current_key(place, kind))
            if current is not None:
                stored = lake.get(current.list_key)
                if stored is None:
                    raise LookupError(current.list_key)
                frames.append(parquet.decode(stored).with_columns(pl.lit(kind.value).alias("kind")).select(*DEPARTED))
    return pl.concat(frames) if frames else None
