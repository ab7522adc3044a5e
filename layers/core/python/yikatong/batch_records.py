"""From a batch's settlement to the public records of its people: the same for publishing and for re-keying."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from yikatong import parquet
from yikatong.bank.codes import reason
from yikatong.batches import Batch
from yikatong.masking import account_tail
from yikatong.plan import PlanBook
from yikatong.ports import Lake
from yikatong.records import Outcome, records_of
from yikatong.settlement import payments_of
from yikatong.states import FINAL_PAYMENT, PaymentState

# FROZEN too: the record of its earlier outcome must not stand as if nothing had happened.
FINAL = [state.value for state in FINAL_PAYMENT]
_OF_PAYMENT = (
    "end_to_end_id",
    "beneficiary_id",
    "beneficiary_name",
    "payee_id",
    "payee_name",
    "pay_account",
    "channel",
    "activated",
)


def outcomes_of(batch: Batch, lake: Lake) -> pl.DataFrame:
    """The final outcomes of a settled batch with whom they concern, in the settlement's order: the same each time it is read."""
    assert batch.settlement is not None, "only what is settled has outcomes"
    data = lake.get(batch.settlement.key)
    assert data is not None, "stored before the batch names it, and never deleted"
    settled = parquet.decode(data).filter(pl.col("state").is_in(FINAL))
    people = payments_of(batch, lake).select(_OF_PAYMENT)
    return settled.join(people, on="end_to_end_id", how="left", maintain_order="left")


def records_of_batch(
    batch: Batch, outcomes: pl.DataFrame, book: PlanBook, keys: Mapping[str, bytes]
) -> Iterator[dict[str, Any]]:
    """Under each key one record per outcome, and a second, marked one for a payee who is another person."""
    assert batch.settlement is not None, "only what is settled has outcomes"
    subsidy = book.by_code(batch.plan_year, batch.code).name
    for row in outcomes.iter_rows(named=True):
        outcome = Outcome(
            role="beneficiary",
            code=batch.code,
            subsidy=subsidy,
            plan_year=batch.plan_year,
            region=batch.region,
            slot=row["slot"],
            payment_id=row["payment_id"],
            attempt=row["attempt"],
            amount_fen=row["amount_fen"],
            state=PaymentState(row["state"]),
            channel=row["channel"],
            account_tail=account_tail(row["pay_account"]),
            seq=batch.settlement.seq,
            paid_on=row["settled_on"].isoformat() if row["settled_on"] else "",
            failure=_failure(row),
            activated=row["activated"],
        )
        yield from records_of(keys, row["beneficiary_id"], row["beneficiary_name"], outcome)
        if row["payee_id"] != row["beneficiary_id"]:
            yield from records_of(keys, row["payee_id"], row["payee_name"], replace(outcome, role="payee"))


def _failure(row: dict[str, Any]) -> str:
    """What the payee is told of the bank's reason; nothing while the bank contradicts itself."""
    if row["state"] == PaymentState.FROZEN or not row["reason"]:
        return ""
    return reason(row["reason"]).payee_text
