"""An occasion of a 多次/年 subsidy is opened beforehand; payments for an unknown one are refused (DESIGN §1)."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from yikatong.batches import Occasion, occasion_key
from yikatong.errors import Refusal
from yikatong.plan import Frequency, PlanBook, Slot, Window
from yikatong.ports import Control
from yikatong.principals import Action, Principal, authorize, covers
from yikatong.regions import Region, name_of, require_known


class OccasionRequest(BaseModel):
    """`name` is the part after `#` in the slot; `first` and `last` bound the occasion, both inside."""

    model_config = ConfigDict(extra="forbid")

    plan_year: int
    number: int
    name: str
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    region: Region
    first: date
    last: date


def open_occasion(control: Control, book: PlanBook, principal: Principal, request: OccasionRequest) -> Occasion:
    """Open it, or return the one that stands when it says the same; another content under the name is refused."""
    subsidy = book.subsidy(request.plan_year, request.number)
    authorize(principal, Action.OPEN_OCCASION, request.region, subsidy)
    require_known(request.region)
    if subsidy.frequency is not Frequency.PER_OCCASION or subsidy.code is None:
        raise Refusal(f"{subsidy}的发放频次是“{subsidy.frequency}”，只有“多次/年”的项目登记发放事项。", "no_occasion")
    slot = str(Slot.parse(f"{request.plan_year}#{request.name}", Frequency.PER_OCCASION))
    year = Window.of_year(request.plan_year)
    if not (request.first in year and request.last in year and request.first <= request.last):
        raise Refusal(f"发放事项的起止日期应在 {year} 之内，且起不晚于止。", "bad_dates")
    pk, sk = occasion_key(subsidy.code, slot)
    occasion = Occasion(
        pk=pk,
        sk=sk,
        code=subsidy.code,
        slot=slot,
        title=request.title,
        region=request.region,
        first=request.first.isoformat(),
        last=request.last.isoformat(),
        opened_by=principal.name,
    )
    standing = control.read(Occasion, pk, sk)
    if standing is None:
        control.save(occasion)
        return occasion
    if _content(standing) != _content(occasion):
        raise Refusal(f"属期 {slot} 已由 {standing.opened_by} 登记为“{standing.title}”，内容与本次不同。", "conflict")
    return standing


def list_occasions(
    control: Control, book: PlanBook, principal: Principal, plan_year: int, number: int
) -> list[Occasion]:
    """The occasions of a subsidy in that plan year that concern the principal's region, by their first day.

    One opened for the province or the city concerns its counties; a city sees those of its counties.
    """
    subsidy = book.subsidy(plan_year, number)
    authorize(principal, Action.SEE_BATCHES, subsidy=subsidy)
    found = [
        each
        for each in control.query(Occasion, f"OCCASIONS#{subsidy.code}", f"{plan_year}#")
        if covers(each.region, principal.region) or covers(principal.region, each.region)
    ]
    return sorted(found, key=lambda each: (each.first, each.slot))


def occasion_view(occasion: Occasion) -> dict[str, str]:
    """An occasion as people see it; its dates are ISO, both inside."""
    shown: dict[str, str] = occasion.model_dump(
        include={"code", "slot", "title", "region", "first", "last", "opened_by"}
    )
    return shown | {"region_name": name_of(occasion.region)}


def _content(occasion: Occasion) -> tuple[str, str, str, str]:
    return occasion.title, occasion.region, occasion.first, occasion.last
