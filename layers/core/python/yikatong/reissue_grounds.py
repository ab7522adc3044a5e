"""What a reissue is judged against when it arrives: the failed payments of its batch, and which of them are paid again already.

Advice for the clerk, as all the validation is; the claim decides (PROTOCOL B5): two reissues at once may both be told that
a payment is theirs to make, and one of them claims it.
"""

from collections.abc import Collection
from datetime import date

import polars as pl

from yikatong import claims
from yikatong.bank.settings import Banks
from yikatong.batches import Batch, batch_key
from yikatong.manifest import Manifest, manifest_key
from yikatong.plan import Settings
from yikatong.ports import Control, Lake
from yikatong.reissues import payable_again
from yikatong.roster.failed import FAILED
from yikatong.states import BatchState

_AGAIN = {"slot": pl.String, "key": pl.String, "attempt": pl.Int32}


def failed_of(
    reissue: Batch,
    on: date,
    leave_out: Collection[str],
    *,
    control: Control,
    lake: Lake,
    settings: Settings,
    banks: Banks,
) -> pl.DataFrame:
    """The payments, finally failed by that day, of the batch that `reissue` pays again; columns as FAILED.

    What the batches `leave_out` have claimed does not count: this one replaces them.
    """
    failed = payable_again(reissue, control, lake, banks, on)
    group = settings.for_subsidy(reissue.code).claim_group
    again = [_claimed_again(group, slot, leave_out, control, lake) for slot in failed["slot"].unique().sort()]
    taken = pl.concat([pl.DataFrame(schema=_AGAIN), *again])
    next_attempt = failed.with_columns(pl.col("attempt") + 1)
    return next_attempt.join(
        taken.with_columns(reissued=pl.lit(True)), on=["slot", "key", "attempt"], how="left", maintain_order="left"
    ).select(pl.col("reissued").fill_null(False) if name == "reissued" else pl.col(name) for name in FAILED)


def _claimed_again(
    claim_group: str, slot: str, leave_out: Collection[str], control: Control, lake: Lake
) -> pl.DataFrame:
    """Whose second and later attempts are claimed in this slot; not by a batch that is withdrawn, released or not yet (W1)."""
    manifest = control.read(Manifest, *manifest_key(claim_group, slot))
    assert manifest is not None, "what was instructed was claimed"
    again = claims.read_claims(manifest, lake.get).filter(pl.col("attempt") > 1)
    holders = {name: control.read(Batch, *batch_key(name)) for name in again["batch_id"].unique()}
    withdrawn = {name for name, holder in holders.items() if holder and holder.state is BatchState.WITHDRAWN}
    paying = [name for name in holders if name not in withdrawn and name not in leave_out]
    return again.filter(pl.col("batch_id").is_in(paying)).select(pl.lit(slot).alias("slot"), "key", "attempt")
