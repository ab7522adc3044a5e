"""What people add to the bank's word on a payment: which of two contradictory words is true, and money got back (追回).

Both are evidence like receipts: objects put once, a new one for every word, never changed. A ruling lies at
`rulings/{batch_id}/{end_to_end_id}-{n}.json` and the last one counts; a recovery at `recoveries/…` likewise, and all count.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yikatong.batches import Tally
from yikatong.ports import Lake
from yikatong.reasons import Reason

Ruled = Literal["settled", "rejected"]
RULED: tuple[Ruled, Ruled] = ("settled", "rejected")


class RulingRequest(BaseModel):
    """`settlement_seq`: of the settlement that the person had before them; a later one is refused."""

    model_config = ConfigDict(extra="forbid")

    ruled: Ruled
    reason: Reason
    settlement_seq: int | None = None


class RecoveryRequest(BaseModel):
    """`reference` is the treasury's voucher number: the same one again, for the same payment, is the same recovery."""

    model_config = ConfigDict(extra="forbid")

    amount_fen: Annotated[int, Field(ge=1, strict=True)]
    on: date
    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    reason: Reason


class Ruling(BaseModel):
    """`settled`: the money reached the account (and what the bank returned of it came back after that).

    `heard` are the names of the bank's files that the ruling knew: what the bank says in others may contradict it anew.
    """

    model_config = ConfigDict(frozen=True)

    end_to_end_id: str
    ruled: Ruled
    by: str
    at: str
    reason: str
    heard: tuple[str, ...] = ()


class Recovery(BaseModel):
    """`on`: the day the money came back; `reference`: the treasury's voucher number, which makes it this one."""

    model_config = ConfigDict(frozen=True)

    end_to_end_id: str
    amount_fen: int
    by: str
    at: str
    on: date
    reference: str
    reason: str


def rulings_prefix(batch_id: str) -> str:
    return f"rulings/{batch_id}/"


def recoveries_prefix(batch_id: str) -> str:
    return f"recoveries/{batch_id}/"


def numbered_key(prefix: str, end_to_end_id: str, n: int) -> str:
    return f"{prefix}{end_to_end_id}-{n}.json"


def rulings_on(batch_id: str, end_to_end_id: str, lake: Lake) -> list[Ruling]:
    """Every ruling on a payment, oldest first."""
    return [Ruling.model_validate(each) for each in _all(rulings_prefix(batch_id), end_to_end_id, lake)]


def recoveries_of(batch_id: str, end_to_end_id: str, lake: Lake) -> list[Recovery]:
    """Every recovery of a payment, oldest first."""
    return [Recovery.model_validate(each) for each in _all(recoveries_prefix(batch_id), end_to_end_id, lake)]


def recovered_of_batch(batch_id: str, lake: Lake) -> Tally:
    """How many recoveries there are of the batch's payments, and their sum."""
    kept = [Recovery.model_validate(_read(key, lake)) for key in lake.keys(recoveries_prefix(batch_id))]
    return Tally(count=len(kept), fen=sum(each.amount_fen for each in kept))


def last_rulings(keys: Sequence[str], lake: Lake) -> dict[str, Ruling]:
    """By payment the ruling that counts, of all these keys of one batch."""
    last: dict[str, tuple[int, str]] = {}
    for key in keys:
        end_to_end_id, n = _split(key)
        if n > last.get(end_to_end_id, (0, ""))[0]:
            last[end_to_end_id] = n, key
    return {payment: Ruling.model_validate(_read(key, lake)) for payment, (_, key) in last.items()}


def _all(prefix: str, end_to_end_id: str, lake: Lake) -> list[dict[str, Any]]:
    keys = [key for key in lake.keys(f"{prefix}{end_to_end_id}-") if _split(key)[0] == end_to_end_id]
    return [_read(key, lake) for key in sorted(keys, key=_split)]


def _split(key: str) -> tuple[str, int]:
    """Payment and number; an end-to-end id has a hyphen of its own."""
    end_to_end_id, n = key.rsplit("/", 1)[1].removesuffix(".json").rsplit("-", 1)
    return end_to_end_id, int(n)


def _read(key: str, lake: Lake) -> dict[str, Any]:
    data = lake.get(key)
    assert data is not None, "nobody deletes rulings or recoveries (PROTOCOL O1)"
    found: dict[str, Any] = json.loads(data)
    return found
