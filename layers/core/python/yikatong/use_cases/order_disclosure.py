"""Somebody does not wait for the night: the disclosure of one subsidy, or of all, is published now."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.principals import PROVINCE, Action, Principal, authorize


class DisclosureRequest(BaseModel):
    """One subsidy, by its number in the plan of that year; without one, every subsidy."""

    model_config = ConfigDict(extra="forbid")

    plan_year: int | None = Field(default=None, ge=2000, le=2100)
    number: int | None = Field(default=None, ge=1)


def order_disclosure(principal: Principal, book: PlanBook, request: DisclosureRequest) -> dict[str, Any]:
    """What `publish_disclosure` is told. A department that leads some subsidies orders one of these."""
    if (request.plan_year is None) != (request.number is None):
        raise Refusal("计划年度和序号要么都给，要么都不给（即全部项目）。", "invalid")
    if request.plan_year is None or request.number is None:
        authorize(principal, Action.PUBLISH_DISCLOSURE, PROVINCE)
        if principal.departments:
            raise Refusal("您只能更新本部门牵头项目的公示，请给出计划年度和序号。", "forbidden")
        return {"ordered_by": principal.name}
    subsidy = book.subsidy(request.plan_year, request.number)
    authorize(principal, Action.PUBLISH_DISCLOSURE, PROVINCE, subsidy)
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，没有可公示的发放。", "unregistered")
    return {"ordered_by": principal.name, "code": subsidy.code}
