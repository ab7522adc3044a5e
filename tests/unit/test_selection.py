"""What an approver's word covers: the doubt they were shown, and no other that comes up at claim time."""

import io

import polars as pl

from tests.fakes import MemoryLake
from yikatong.batches import Approval, Batch, Tally, batch_key
from yikatong.payments import sha256_hex
from yikatong.selection import approved_rows
from yikatong.states import BatchState

BATCH_ID = "urban-minimum-living.formal.230102.0123456789abcdef"
STATUS_AND_REASONS = {
    2: ("payable", ""),
    3: ("held", "card_lost"),
    4: ("review", "amount_over_limit"),
    5: ("review", "card_name_differs"),
    6: ("review", "account_shared"),
    7: ("review", "card_name_differs"),
    8: ("excluded", "id_length"),
}


def approved(*accepted: int) -> pl.DataFrame:
    lake = MemoryLake()
    buffer = io.BytesIO()
    rows = [{"row": row, "status": status, "reasons": why} for row, (status, why) in STATUS_AND_REASONS.items()]
    pl.DataFrame(rows).write_parquet(buffer)
    lake.put_once("rows", buffer.getvalue(), "d")
    pk, sk = batch_key(BATCH_ID)
    word = Approval(
        approver="a",
        approved_at="2023-06-05T10:00:00+08:00",
        sha256="s",
        object_version="v1",
        mode="formal",
        code="urban-minimum-living",
        slots=("2023-06",),
        payable=Tally(),
        held=Tally(),
        accepted_reviews=accepted,
    )
    batch = Batch(
        pk=pk,
        sk=sk,
        batch_id=BATCH_ID,
        plan_year=2023,
        number=2,
        code="urban-minimum-living",
        region="230102",
        mode="formal",
        state=BatchState.BOUND,
        object_key="k",
        object_version="v1",
        sha256="s",
        uploader="u",
        received_at="2023-06-05T09:00:00+08:00",
        rows_key="rows",
        rows_sha256=sha256_hex(buffer.getvalue()),
        approval=word,
    )
    return approved_rows(batch, lake)


def test_the_approval_covers_payable_held_and_the_rows_accepted_by_name() -> None:
    assert approved(4, 5, 6)["row"].to_list() == [2, 3, 4, 5, 6]
    assert approved()["row"].to_list() == [2, 3]


def test_a_row_accepted_for_its_amount_is_not_accepted_for_another_name_or_a_shared_account() -> None:
    rows = approved(4, 5, 6)
    assert rows.filter("accepted_name")["row"].to_list() == [5]
    assert rows.filter("accepted_account")["row"].to_list() == [6]
