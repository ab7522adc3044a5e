"""Which approved rows are sent, and why the others are not: judged at claim time, as law (DESIGN §2, §4).

Slots are judged against the claim's `as_of`, accounts against the registry version the claim froze (PROTOCOL C3). Every
approved row ends here with an outcome: `sent`, `held` (waits for its card) or `not_sent`, with a reason. The reason of a
sent row is empty or the remark that goes with it (`card_financial_inactive`: the holder must activate the card).
"""

from collections.abc import Collection

import polars as pl

from yikatong import parquet
from yikatong.batches import Batch, Occasion, Tally
from yikatong.cards import judge_cards
from yikatong.claims import FIRST_ATTEMPT, held_ids
from yikatong.manifest import ClaimContext
from yikatong.payments import sha256_hex
from yikatong.plan import Mode, PlanBook, Slot, judge_slot, judging_date
from yikatong.ports import Lake
from yikatong.registry import RegistryReader

SLOT_OUTSIDE_WINDOW = "slot_outside_window"
CLAIMED_ELSEWHERE = "claimed_elsewhere"

ACCOUNT_OF_ANOTHER = "account_of_another"
NOT_FAILED = "not_failed"
MORE_THAN_FAILED = "more_than_failed"
"""Of a reissue's rows: no attempt of theirs finally failed, or one that was for less (`yikatong.reissues`)."""

SELECTION_COLUMNS = {
    "row": pl.Int32,
    "beneficiary_id": pl.String,
    "beneficiary_name": pl.String,
    "payee_id": pl.String,
    "payee_name": pl.String,
    "key": pl.String,
    "slot": pl.String,
    "amount_fen": pl.Int64,
    "attempt": pl.Int32,
    "pay_account": pl.String,
    "service_bank": pl.String,
    "channel": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
}


class AlteredRoster(Exception):
    """The frozen roster is missing or its SHA-256 differs from the batch's: nothing of it may be paid."""


def approved_rows(batch: Batch, lake: Lake) -> pl.DataFrame:
    """The rows the approval covers: payable, held, and those under review that were accepted by name.

    `accepted_name` and `accepted_account`: what the approver saw and accepted. Another doubt that comes up at claim
    time was never put to them, and their word does not cover it.
    """
    data = lake.get(batch.rows_key)
    if data is None or sha256_hex(data) != batch.rows_sha256 or batch.approval is None:
        raise AlteredRoster(batch.batch_id)
    accepted = pl.col("row").is_in(list(batch.approval.accepted_reviews))
    return (
        parquet.decode(data)
        .with_columns(accepted=(pl.col("status") == "review") & accepted)
        .filter(pl.col("status").is_in(["payable", "held"]) | pl.col("accepted"))
        .with_columns(
            accepted_name=pl.col("accepted") & pl.col("reasons").str.contains("card_name_differs", literal=True),
            accepted_account=pl.col("accepted") & pl.col("reasons").str.contains("account_shared", literal=True),
        )
    )


class Judge:
    """Judges approved rows of one subsidy under a claim's context; registry partitions are read once per version."""

    def __init__(
        self,
        lake: Lake,
        book: PlanBook,
        mode: str,
        occasions: Collection[Occasion],
        *,
        account_allowed: bool,
    ) -> None:
        self._lake = lake
        self._book = book
        self._mode = Mode(mode)
        self._occasions = occasions
        self._account_allowed = account_allowed
        self._readers: dict[str, RegistryReader] = {}

    def judge(self, rows: pl.DataFrame, context: ClaimContext, batch: Batch) -> pl.DataFrame:
        """Rows of one slot of a batch, as `SELECTION_COLUMNS` plus `accepted_account`; `sent` here means: may be claimed."""
        reader = self._readers.setdefault(
            context.registry_version, RegistryReader(self._lake, context.registry_version)
        )
        registry = reader.rows_for(rows["payee_id"])
        judged = judge_cards(rows, registry, account_allowed=self._account_allowed)
        slot_ok = self._slot_ok(rows["slot"][0], context, batch)
        passes = (pl.col("card_level") == "pay") | ((pl.col("card_level") == "review") & pl.col("accepted_name"))
        return judged.with_columns(
            outcome=pl.when(not slot_ok)
            .then(pl.lit("not_sent"))
            .when(passes)
            .then(pl.lit("sent"))
            .otherwise(pl.lit("held")),
            reason=pl.when(not slot_ok).then(pl.lit(SLOT_OUTSIDE_WINDOW)).otherwise(pl.col("card_code").fill_null("")),
            attempt=pl.lit(FIRST_ATTEMPT, pl.Int32),
        ).select(*SELECTION_COLUMNS, "accepted_account")

    def _slot_ok(self, slot: str, context: ClaimContext, batch: Batch) -> bool:
        if batch.reissue_of:
            # Its slot was judged when the attempt that failed was claimed.
            return True
        # By the plan it was sent under, as when it arrived, though another year's run may carry it.
        subsidy = self._book.by_code(batch.plan_year, batch.code)
        day = judging_date(subsidy, context.as_of, self._mode)
        parsed = Slot.parse(slot, subsidy.frequency)
        # Approved in time is in time, though a weekend moves the run past the occasion's last day.
        on = min(context.as_of, batch.approved_on)
        occasions = [occasion.slot for occasion in self._occasions if occasion.covers(batch.region, on)]
        return judge_slot(self._book, subsidy, parsed, day, self._mode, occasions).slot_ok


def after_claims(judged: pl.DataFrame, own: pl.DataFrame, standing: pl.DataFrame) -> pl.DataFrame:
    """The final outcome once the claims are known: `own` of this batch, `standing` of all, both with the claim columns;
    among all may be claims released since.

    What might have been sent but was not claimed is `not_sent`: another beneficiary holds the account, or else another
    row holds the person or the household (`yikatong.claims.choose`).
    """
    lost = (pl.col("outcome") == "sent") & ~pl.col("row").is_in(own["row"].implode())
    person = _held_by(standing.filter(pl.col("attempt") == FIRST_ATTEMPT))
    # A further attempt is its key's own business: only the same attempt of it is in its way.
    attempt = pl.struct("key", "attempt").is_in(standing.select(pl.struct("key", "attempt"))["key"].implode())
    taken = pl.when(pl.col("attempt") == FIRST_ATTEMPT).then(person).otherwise(attempt)
    holders = standing.select("pay_account", holder="key").unique()
    others = judged.join(holders, on="pay_account").filter(pl.col("holder") != pl.col("key"))["row"]
    # What nobody holds was claimed by nobody: it failed only after its batch had its turn.
    why = (
        pl.when(taken)
        .then(pl.lit(CLAIMED_ELSEWHERE))
        .when(pl.col("row").is_in(others.implode()))
        .then(pl.lit(ACCOUNT_OF_ANOTHER))
        .otherwise(pl.lit(NOT_FAILED))
    )
    return judged.with_columns(
        outcome=pl.when(lost).then(pl.lit("not_sent")).otherwise("outcome"),
        reason=pl.when(lost).then(why).otherwise("reason"),
    )


def _held_by(standing: pl.DataFrame) -> pl.Expr:
    held = held_ids(standing)
    return pl.col("key").is_in(held.implode()) | pl.col("beneficiary_id").is_in(held.implode())


def lost_to(decided: pl.DataFrame, own: pl.DataFrame, standing: pl.DataFrame) -> set[str]:
    """The batches whose claims hold what rows of this one lost; `decided` as `after_claims` returns it (PROTOCOL C4)."""
    lost = decided.filter(pl.col("reason").is_in([CLAIMED_ELSEWHERE, ACCOUNT_OF_ANOTHER]))
    people = held_ids(lost)
    holds = (
        pl.col("key").is_in(people.implode())
        | pl.col("beneficiary_id").is_in(people.implode())
        | pl.col("pay_account").is_in(lost["pay_account"].drop_nulls().implode())
    )
    others = standing.join(own.select("batch_id").unique(), on="batch_id", how="anti")
    return set(others.filter(holds)["batch_id"])


def encode(selection: pl.DataFrame) -> bytes:
    return parquet.encode(selection.select(list(SELECTION_COLUMNS)).sort("slot", "key", "row"))


def tally(selection: pl.DataFrame, outcome: str) -> Tally:
    rows = selection.filter(pl.col("outcome") == outcome)
    return Tally(count=rows.height, fen=int(rows["amount_fen"].sum()))
