"""What has finally failed may be paid again: rejected and returned, told by the bank itself or long enough ago."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from tests.fakes import MemoryControl, MemoryLake
from yikatong import parquet
from yikatong.bank.settings import committed_banks
from yikatong.batches import Batch, Instruction, Settlement
from yikatong.payments import sha256_hex
from yikatong.ports import SHANGHAI
from yikatong.reissues import as_reissue, failed_payments
from yikatong.settlement import KEPT_STATEMENTS, fold
from yikatong.states import BatchState

BANKS = committed_banks()
INSTRUCTED_ON, DAY_AFTER = date(2023, 6, 12), date(2023, 6, 13)
PAYMENTS = pl.DataFrame(
    {
        "row": [1, 2, 3, 4],
        "key": ["a", "b", "c", "d"],
        "beneficiary_id": ["a", "b", "c", "d"],
        "payment_id": ["A", "B", "C", "D"],
        "attempt": pl.Series([1, 1, 1, 2], dtype=pl.Int32),
        "end_to_end_id": ["A-1", "B-1", "C-1", "D-2"],
        "message_id": ["M"] * 4,
        "slot": ["2023-06"] * 4,
        "amount_fen": [100, 200, 300, 400],
    }
)
Said = tuple[str, str, str]


def settled(*said: Said) -> tuple[Batch, MemoryLake]:
    """An instructed batch of four payments of which the bank said this: (end-to-end id, kind, channel)."""
    rows = [
        {"end_to_end_id": who, "kind": kind, "reason": "AC04" if kind != "settled" else None, "channel": channel}
        for who, kind, channel in said
    ]
    folded = fold(PAYMENTS, pl.DataFrame(rows, schema=KEPT_STATEMENTS))
    lake = MemoryLake(lambda: datetime(2023, 6, 12, 9, tzinfo=SHANGHAI))
    lake.put_once("sent/M", b"{}", "m")
    payments, settlement = parquet.encode(PAYMENTS), parquet.encode(folded)
    lake.put_once("payments", payments, "p")
    lake.put_once("settlement", settlement, "s")
    values: dict[str, Any] = {"plan_year": 2023, "number": 2, "code": "c", "region": "230102", "mode": "formal"}
    batch = Batch(
        pk="p", sk="s", batch_id="c.formal.230102.0", state=BatchState.SETTLED, object_key="k", object_version="1",
        sha256="", uploader="u", received_at="", **values,
        instruction=Instruction(
            bank_id="agent-bank", payments_key="payments", sha256=sha256_hex(payments), messages=("M",),
            instructed_at="2023-06-12T09:00:00+08:00",
        ),
        settlement=Settlement(seq=1, key="settlement", digest="d"),
    )  # fmt: skip
    return batch, lake


def failed_on(day: date, *said: Said) -> list[str]:
    batch, lake = settled(*said)
    return failed_payments(batch, MemoryControl(), lake, BANKS, day)["end_to_end_id"].to_list()


def test_rejected_and_returned_payments_have_failed_and_no_others() -> None:
    said = (("A-1", "rejected", "delivered"), ("B-1", "settled", "delivered"), ("C-1", "returned", "delivered"))
    assert failed_on(INSTRUCTED_ON, *said) == ["A-1", "C-1"]


def test_what_the_bank_contradicts_has_not_failed() -> None:
    said = (("A-1", "rejected", "delivered"), ("A-1", "settled", "delivered"))
    assert failed_on(DAY_AFTER, *said) == []


def test_trace_06_a_rejection_known_by_enquiry_only_is_final_after_the_banks_cut_off() -> None:
    """Rejected, receipt lost, enquiry says rejected: reissue would be impossible if only delivered files counted."""
    said = (("A-1", "rejected", "enquired"),)
    assert failed_on(INSTRUCTED_ON, *said) == []
    assert failed_on(DAY_AFTER, *said) == ["A-1"]
    assert failed_on(INSTRUCTED_ON, *said, ("A-1", "rejected", "delivered")) == ["A-1"]


def test_a_batch_the_bank_has_not_answered_has_no_failed_payments() -> None:
    batch, lake = settled()
    assert failed_payments(batch.changed(settlement=None), MemoryControl(), lake, BANKS, DAY_AFTER).is_empty()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("a", 100), ("sent", "", 2)),
        (("a", 99), ("sent", "", 2)),
        (("a", 101), ("not_sent", "more_than_failed", 2)),
        (("b", 200), ("not_sent", "not_failed", 1)),
        (("d", 400), ("sent", "", 3)),
    ],
)
def test_a_reissue_pays_what_failed_for_at_most_its_amount_as_the_next_attempt(
    row: tuple[str, int], expected: tuple[str, str, int]
) -> None:
    batch, lake = settled(("A-1", "rejected", "delivered"), ("D-2", "returned", "delivered"))
    key, fen = row
    judged = pl.DataFrame(
        {"row": [7], "key": [key], "beneficiary_id": [key], "slot": ["2023-06"], "amount_fen": [fen]}
        | {"attempt": [1], "outcome": ["sent"], "reason": [""]},
        schema_overrides={"attempt": pl.Int32},
    )
    decided = as_reissue(judged, failed_payments(batch, MemoryControl(), lake, BANKS, DAY_AFTER))
    assert decided.columns == judged.columns
    assert decided.select("outcome", "reason", "attempt").row(0) == expected


def test_a_reissue_for_another_slot_of_the_same_person_is_not_sent() -> None:
    batch, lake = settled(("A-1", "rejected", "delivered"))
    judged = pl.DataFrame(
        {"row": [7], "key": ["a"], "beneficiary_id": ["a"], "slot": ["2023-05"], "amount_fen": [100]}
        | {"attempt": [1], "outcome": ["sent"], "reason": [""]},
        schema_overrides={"attempt": pl.Int32},
    )
    assert as_reissue(judged, failed_payments(batch, MemoryControl(), lake, BANKS, DAY_AFTER))["reason"].to_list() == [
        "not_failed"
    ]
