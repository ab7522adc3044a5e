"""An operator orders a run of a subsidy: a missed tick, a late trial, or money that must not wait for the next day."""

import re
from datetime import date

from pydantic import BaseModel, ConfigDict

from yikatong.batches import Occasion
from yikatong.errors import Refusal
from yikatong.plan import Mode, NotPayable, PlanBook, WorkingDays, payable_slots
from yikatong.ports import Control, Orders, RunOrder
from yikatong.principals import PROVINCE, Action, Principal, authorize

_ORDER_ID = re.compile(r"[0-9a-z]{1,16}")


class RunRequest(BaseModel):
    """`as_of`, when given, must be today: it lets a caller make sure that the day has not changed meanwhile."""

    model_config = ConfigDict(extra="forbid")

    plan_year: int
    number: int
    mode: Mode = Mode.FORMAL
    as_of: date | None = None


def order_run(
    control: Control,
    orders: Orders,
    book: PlanBook,
    principal: Principal,
    request: RunRequest,
    *,
    today: date,
    working_days: WorkingDays,
    order_id: str,
) -> RunOrder:
    """Publish the order and return it; a day on which nothing may be paid is refused with the plan's reason.

    So is a day on which banks do not work, past or present, with the next one that they do: a payment cannot be dated
    on it.
    `order_id` names the order in the run's id: the same id again is the same run, never a second one.
    """
    assert _ORDER_ID.fullmatch(order_id), "an order's id goes into an execution's name"
    subsidy = book.subsidy(request.plan_year, request.number)
    authorize(principal, Action.ORDER_RUN, PROVINCE, subsidy)
    if subsidy.code is None:
        raise Refusal(f"{subsidy}还没有永久代码，不能发放。", "unregistered")
    as_of = request.as_of or today
    if as_of != today:
        # A run dated on another day would be judged by that day's slots, funds and approvals, and paid on this one.
        raise Refusal(f"只能下达当天（{today}）的发放指令，不能写 {as_of}。", "not_payable")
    if not working_days.is_working_day(as_of):
        later = working_days.next_after(as_of)
        raise Refusal(f"{as_of} 不是银行工作日，不能发放；其后第一个工作日是 {later}。", "not_working_day")
    occasions = [occasion.slot for occasion in control.query(Occasion, f"OCCASIONS#{subsidy.code}")]
    if not payable_slots(book, subsidy, as_of, request.mode, occasions):
        raise NotPayable(f"{subsidy}还没有登记任何发放事项，没有可发放的属期。")
    order = RunOrder(request.plan_year, subsidy.code, request.mode.value, as_of, f"ord{order_id}")
    orders.order_run(order)
    return order
