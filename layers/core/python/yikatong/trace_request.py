"""What a clerk asks when somebody wants to know why they were not paid. No polars here: the bureau API decodes it.

The id number travels in a body only: an address ends up in logs (DESIGN §7).
"""

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from yikatong.regions import IN_WORDS, Region

_PAYMENT = re.compile(r"(?P<payment>[A-Z2-7]{26})(?:-[1-9][0-9]{0,2})?")


class TraceRequest(BaseModel):
    """One payment by its id (an attempt's end-to-end id will do), or one person by id number and name.

    `region` narrows the search to a part of one's own; `plan_year` with or without `number` (序号), and `slot`, narrow
    it further.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    payment_id: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=40)] | None = None
    id_number: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    region: Region | None = None
    plan_year: Annotated[int, Field(ge=2000, le=2100)] | None = None
    number: Annotated[int, Field(ge=1, le=1000)] | None = None
    slot: Annotated[str, StringConstraints(min_length=4, max_length=30)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        person = self.id_number is not None and self.name is not None
        if (self.payment_id is None) == (not person) or (self.payment_id and (self.id_number or self.name)):
            raise PydanticCustomError(IN_WORDS, "请给出支付号，或同时给出身份证号和姓名，二者取一")
        if self.payment_id is not None and _PAYMENT.fullmatch(self.payment_id) is None:
            raise PydanticCustomError(IN_WORDS, "支付号应是26位字母和数字，可带“-次数”")
        if self.number is not None and self.plan_year is None:
            raise PydanticCustomError(IN_WORDS, "序号要与计划年度一起给出")
        return self

    @property
    def payment(self) -> str | None:
        """The payment's id without the attempt."""
        found = _PAYMENT.fullmatch(self.payment_id) if self.payment_id else None
        return found["payment"] if found else None
