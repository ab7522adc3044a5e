"""A person looks up their own payments: by name and id number, both right or the answer is empty (DESIGN §2).

Before anything is looked up the attempt is counted (`yikatong.attempts`), and a challenge asked where the free ones are used up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yikatong.attempts import Count, Limits, judge_attempt
from yikatong.card_advice import card_advice
from yikatong.challenge import ANSWER_LENGTH, TOKEN_LENGTH, Challenge
from yikatong.errors import Refusal
from yikatong.ports import Records
from yikatong.records import as_told, person_key
from yikatong.states import PaymentState

# What the person sees; the keys and the settlement's number stay inside.
_SHOWN = (
    "subsidy",
    "code",
    "plan_year",
    "slot",
    "amount_fen",
    "state",
    "status",
    "paid_on",
    "channel",
    "account_tail",
    "region",
    "role",
)


class TooManyAttempts(Refusal):
    """Beyond the hard limit; `retry_after_s` is when it is worth trying again."""

    def __init__(self, retry_after_s: int) -> None:
        wait = f"{-(-retry_after_s // 60)}分钟" if retry_after_s < 7200 else f"{-(-retry_after_s // 3600)}小时"
        super().__init__(f"查询次数过多，为保护个人信息先停一停，请过{wait}再查。", "too_many_attempts")
        self.retry_after_s = retry_after_s


class RecordQuery(BaseModel):
    """What a person types. Only lengths are checked: any other check would tell a wrong name from an unknown person."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)] = Field(description="本人姓名")
    id_number: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(description="本人身份证号")
    challenge: Annotated[str, StringConstraints(max_length=TOKEN_LENGTH)] | None = Field(
        default=None, description="/v1/challenge 给的编号；答复为 challenge_required 时才要"
    )
    answer: Annotated[str, StringConstraints(max_length=ANSWER_LENGTH)] | None = Field(
        default=None, description="对那个问题的回答"
    )


@dataclass(frozen=True)
class Gate:
    """What lets a query through: whose counters, which limits, and who asks the question; None where nobody does."""

    secret: bytes
    limits: Limits
    count: Count
    challenge: Challenge | None


def require_admission(gate: Gate, query: RecordQuery, address: str, at: datetime) -> None:
    """Count the attempt, whatever comes of it; refuse it beyond the limits, or without a right answer where one is due."""
    judged = judge_attempt(
        gate.secret, gate.limits, gate.count, at, address=address, id_number=query.id_number, name=query.name
    )
    if judged.verdict == "refused":
        raise TooManyAttempts(judged.retry_after_s)
    if judged.verdict == "free" or gate.challenge is None:
        return
    if query.challenge is None:
        raise Refusal("查询次数较多，请先回答一个小问题再查。", "challenge_required")
    if not gate.challenge.passed(query.challenge, query.answer or "", at):
        raise Refusal("答案不对，或者问题已经过期，请换一题再答。", "challenge_required")


def query_records(records: Records, secret: bytes, query: RecordQuery) -> list[dict[str, Any]]:
    """This person's records, the latest slot first. An unknown person and a wrong name take the same way to `[]`."""
    found = records.of_person(person_key(secret, query.id_number, query.name))
    shown = [_shown(item) for item in as_told(found)]
    return sorted(shown, key=lambda item: (str(item["slot"]), str(item["subsidy"])), reverse=True)


def totals_of(records: Iterable[Mapping[str, Any]]) -> list[dict[str, int]]:
    """What came in each year, the latest first: by the bank's date, as in the person's own bank book; only what was paid.

    One's own subsidies, and apart from them (`collected_…`) those of others that this person receives for them (代收).
    """
    years: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for record in records:
        if record["state"] == PaymentState.SETTLED:
            paid_in = str(record["paid_on"])[:4] or record["plan_year"]
            years[int(paid_in)][record["role"] == "payee"].append(record["amount_fen"])
    return [
        {
            "year": year,
            "amount_fen": sum(own),
            "count": len(own),
            "collected_fen": sum(collected),
            "collected_count": len(collected),
        }
        for year, (own, collected) in sorted(years.items(), reverse=True)
    ]


def _shown(item: Mapping[str, Any]) -> dict[str, Any]:
    # Amounts may come back from DynamoDB as Decimal; they are integers of fen here and everywhere.
    record: dict[str, Any] = {
        name: int(item[name]) if name in ("amount_fen", "plan_year") else item[name] for name in _SHOWN if name in item
    }
    where = urlencode({"slot": record["slot"], "region": record["region"]})
    return record | {
        "policy": f"/v1/policies/{record['code']}/in-force?{where}",
        "card_advice": card_advice(record["state"], record["status"]),
    }
