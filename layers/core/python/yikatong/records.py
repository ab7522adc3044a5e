"""Public records: what a person may be told about their own payments, under a key only they can form (DESIGN §2).

A record is the final outcome of one attempt at a formal payment. It holds no id number, account or full name; its key is
an HMAC of id number and name, so that whoever reads the whole table learns about nobody. The HMAC key is rotated by
re-keying (`yikatong.rekeying`): for a while records are written under two keys and read under one.
"""

import hmac
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from yikatong.identity import normalise_id
from yikatong.payments import end_to_end_id
from yikatong.states import PAYMENT, PaymentState

TAIL_LENGTH = 4
MARK_LENGTH = 8
# Every dot people type between the parts of a name; the one that is stored is U+00B7.
_SEPARATORS = re.compile("[·•‧∙⋅・･．.]")

NOT_ACTIVATED = "卡未激活，钱已入账，激活后可用"
FOLLOWED = "没有到账，已重新发放，结果见后一次"
"""Of a failed attempt that was followed by another: it must not be taken for the payment's end."""

PersonRole = Literal["beneficiary", "payee"]
Channel = Literal["card", "account"]

_FAILED = frozenset(state.value for state, facts in PAYMENT.items() if PaymentState.REISSUED in facts.edges)
PUBLIC_STATES = frozenset(state for state, facts in PAYMENT.items() if facts.public)
"""SETTLED, REJECTED, RETURNED, and FROZEN while the bank contradicts itself: what is told to the public."""


def normalise_name(name: str) -> str:
    """The one spelling of a name: full-width to half-width, no blanks, the separator `·`.

    >>> normalise_name(" 阿依古丽．买买提 ")
    '阿依古丽·买买提'
    """
    return _SEPARATORS.sub("·", "".join(unicodedata.normalize("NFKC", name).split()))


def person_key(secret: bytes, id_number: str, name: str) -> str:
    """The partition key of a person's records, 64 hex characters: an HMAC of the normalised id number and name."""
    message = f"{normalise_id(id_number)}|{normalise_name(name)}"
    return hmac.digest(secret, message.encode(), "sha256").hex()


def key_mark(key: bytes) -> str:
    """By which records of one HMAC key are told from another's, and nothing else can be learnt: 8 hex characters."""
    return hmac.digest(key, b"the mark of a record key", "sha256").hex()[:MARK_LENGTH]


class UnreadableKeys(Exception):
    """The secret is neither a key nor the keys as JSON. Its text is in no message."""


class _KeysAsJson(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    read: Annotated[str, StringConstraints(min_length=16)]
    also_write: Annotated[str, StringConstraints(min_length=16)] | None = None


@dataclass(frozen=True)
class RecordKeys:
    """The HMAC keys as the secret holds them: people's questions are answered under `read` alone, so nothing is ever found
    twice; records are written under both."""

    read: bytes = field(repr=False)
    also_write: bytes | None = field(default=None, repr=False)

    @classmethod
    def of_secret(cls, text: str) -> "RecordKeys":
        """A plain key, or `{"read": key, "also_write": key or null}` while a key is being exchanged for another."""
        if not text.lstrip().startswith("{"):
            return cls(text.encode())
        try:
            keys = _KeysAsJson.model_validate_json(text)
        except ValidationError:
            raise UnreadableKeys from None
        if keys.read == keys.also_write:
            raise UnreadableKeys
        return cls(keys.read.encode(), None if keys.also_write is None else keys.also_write.encode())

    @cached_property
    def written(self) -> dict[str, bytes]:
        """The keys that records are written under, by their marks; the one that is read under comes first."""
        keys = (self.read,) if self.also_write is None else (self.read, self.also_write)
        return {key_mark(key): key for key in keys}


@dataclass(frozen=True)
class Outcome:
    """The final outcome of one formal payment, as `publish_records` knows it.

    `account_tail` is at most four digits; `paid_on` the bank's date (`YYYY-MM-DD`), empty where nothing was paid;
    `failure` the words for the payee of `yikatong.bank.codes`; `activated` False when the money waits on the card.
    """

    role: PersonRole
    code: str
    subsidy: str
    plan_year: int
    region: str
    slot: str
    payment_id: str
    attempt: int
    amount_fen: int
    state: PaymentState
    channel: Channel
    account_tail: str
    seq: int
    paid_on: str = ""
    failure: str = ""
    activated: bool = True


def record_of(person: str, outcome: Outcome) -> dict[str, Any]:
    """The item of the records table for a person, by their `person_key`: one per attempt, of which the highest `seq` stands."""
    assert outcome.state in PUBLIC_STATES, f"{outcome.state} is not told to the public"
    assert len(outcome.account_tail) <= TAIL_LENGTH, "a record shows four digits of an account at most"
    assert type(outcome.amount_fen) is int, "money is integer fen"
    return {
        "pk": person,
        "sk": f"{outcome.slot}#{end_to_end_id(outcome.payment_id, outcome.attempt)}#{outcome.role}",
        "role": outcome.role,
        "code": outcome.code,
        "subsidy": outcome.subsidy,
        "plan_year": outcome.plan_year,
        "region": outcome.region,
        "slot": outcome.slot,
        "amount_fen": outcome.amount_fen,
        "state": outcome.state.value,
        "status": status_words(outcome),
        "paid_on": outcome.paid_on,
        "channel": outcome.channel,
        "account_tail": outcome.account_tail,
        "seq": outcome.seq,
    }


def records_of(keys: Mapping[str, bytes], id_number: str, name: str, outcome: Outcome) -> Iterator[dict[str, Any]]:
    """A person's record of an outcome under each of the keys, which are given by their marks, and marked with its key's."""
    for mark, key in keys.items():
        yield record_of(person_key(key, id_number, name), outcome) | {"key_mark": mark}


def as_told(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A person's records as they are told, later attempts first: a failed attempt that was followed by another is REISSUED.

    What was paid is what is SETTLED: no payment is twice, since an attempt is only made once the one before it has failed.
    One that the bank contradicts meanwhile (FROZEN) is told as it is.
    """
    told = [dict(record) for record in records]
    latest: dict[tuple[str, str, str], int] = {}
    for record in told:
        payment, attempt = _attempt_of(record)
        latest[payment] = max(latest.get(payment, 0), attempt)
    for record in told:
        payment, attempt = _attempt_of(record)
        if attempt < latest[payment] and record["state"] in _FAILED:
            record |= {"state": PaymentState.REISSUED.value, "status": FOLLOWED}
    return sorted(told, key=lambda record: _attempt_of(record)[1], reverse=True)


def _attempt_of(record: Mapping[str, Any]) -> tuple[tuple[str, str, str], int]:
    """Which payment, as seen by whom, and which attempt at it: from the sort key. An occasion's slot holds a `#`."""
    slot, end_to_end, role = str(record["sk"]).rsplit("#", 2)
    payment, attempt = end_to_end.rsplit("-", 1)
    return (slot, payment, role), int(attempt)


def status_words(outcome: Outcome) -> str:
    """What the person is told, in Chinese: `已发放到社保卡，尾号 1234`; `银行退回：账户已注销，请到服务银行办理`.

    A number stands apart from the characters around it: old eyes find it sooner.
    """
    if outcome.state is PaymentState.SETTLED:
        return _paid(outcome)
    said = PAYMENT[outcome.state].public
    if outcome.failure:
        return f"{said}：{outcome.failure}"
    return f"{said}，请等待" if outcome.state is PaymentState.FROZEN else f"{said}，请到服务银行查询"


def _paid(outcome: Outcome) -> str:
    # "Paid" and "usable" are two facts (FACTS, "The field"): the holder must be told to activate, before anything else.
    if outcome.channel == "card" and not outcome.activated:
        return NOT_ACTIVATED
    where = "社保卡" if outcome.channel == "card" else "银行账户"
    tail = f"，尾号 {outcome.account_tail}" if outcome.account_tail else ""
    return f"{PAYMENT[PaymentState.SETTLED].public}到{where}{tail}"
