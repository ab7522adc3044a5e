"""The roster's cell checks as somebody would write them with csv.DictReader and a pydantic model, row by row.

Every row is judged and every error kept.
"""

import csv
import io
from datetime import date
from decimal import Decimal
from operator import mul
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from tests.benchmarks.files import AS_OF, LIMIT_YUAN

EARLIEST_BIRTH = date(1900, 1, 1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


def _right_id(text: str) -> str:
    """Called only for texts of the right shape; `date` raises ValueError for a day that is none."""
    if not EARLIEST_BIRTH <= date(int(text[6:10]), int(text[10:12]), int(text[12:14])) <= AS_OF:
        raise ValueError("born too early or too late")
    if _CHECK_DIGITS[sum(map(mul, _WEIGHTS, map(int, text[:17]))) % 11] != text[17]:
        raise ValueError("the check digit does not agree")
    return text


Id = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{16}[0-9X]$"), AfterValidator(_right_id)]
Name = Annotated[str, StringConstraints(pattern=r"^[\p{Han}\p{Latin}·]{1,50}$")]
Slot = Literal["2023-04", "2023-05", "2023-06", "2023-07", "2023-08"]


class Row(BaseModel):
    """A row of the seven columns; what is not checked is not read."""

    name: Name = Field(alias="姓名")
    id_number: Id = Field(alias="身份证号")
    slot: Slot = Field(alias="属期")
    amount: Annotated[Decimal, Field(alias="补贴金额", gt=0, le=LIMIT_YUAN, decimal_places=2)]


def faulty_rows(data: bytes) -> int:
    """How many rows have at least one fault."""
    errors: list[tuple[int, list[ErrorDetails]]] = []
    with io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="") as text:
        for number, cells in enumerate(csv.DictReader(text), start=2):
            try:
                Row.model_validate(cells)
            except ValidationError as error:
                errors.append((number, error.errors(include_url=False)))
    return len(errors)
