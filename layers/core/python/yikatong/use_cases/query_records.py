"""A person looks up their own payments: by name and id number, both right or the answer is empty (DESIGN §2)."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints

from yikatong.ports import Records
from yikatong.records import as_told, person_key

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


class RecordQuery(BaseModel):
    """What a person types. Only lengths are checked: any other check would tell a wrong name from an unknown person."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    id_number: Annotated[str, StringConstraints(min_length=1, max_length=40)]


def query_records(records: Records, secret: bytes, query: RecordQuery) -> list[dict[str, Any]]:
    """This person's records, the latest slot first. An unknown person and a wrong name take the same way to `[]`."""
    found = records.of_person(person_key(secret, query.id_number, query.name))
    # Amounts come back from DynamoDB as Decimal; they are integers of fen here and everywhere.
    shown = [
        {
            name: int(item[name]) if name in ("amount_fen", "plan_year") else item[name]
            for name in _SHOWN
            if name in item
        }
        for item in as_told(found)
    ]
    return sorted(shown, key=lambda item: (str(item["slot"]), str(item["subsidy"])), reverse=True)
