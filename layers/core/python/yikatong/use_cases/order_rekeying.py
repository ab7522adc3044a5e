"""An operator orders a step of the exchange of the public records' key, and sees how far it has come (`yikatong.rekeying`)."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from yikatong.ports import Control, RekeyingOrder, RekeyingOrders
from yikatong.principals import PROVINCE, Action, Principal, authorize
from yikatong.reasons import Reason
from yikatong.rekeying import Rekeying, advice, rekeying_key

_SHOWN = {
    "read_mark",
    "also_mark",
    "since",
    "whole",
    "former",
    "batches",
    "written",
    "removed",
    "worker_until",
    "ordered_by",
    "reason",
}


class RekeyingRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: Literal["rekey", "remove"]
    reason: Reason


def order_rekeying(orders: RekeyingOrders, principal: Principal, request: RekeyingRequest) -> None:
    """Hand the order on. Whether it is time for it is decided by whoever carries it out, who alone reads the secret."""
    authorize(principal, Action.REKEY_RECORDS, PROVINCE)
    orders.order_rekeying(RekeyingOrder(request.step, principal.name, request.reason))


def see_rekeying(control: Control, principal: Principal, now: datetime) -> dict[str, Any]:
    """The keys by their marks, the counts, and what is next, in Chinese. No key, and no person."""
    authorize(principal, Action.REKEY_RECORDS, PROVINCE)
    state = control.read(Rekeying, *rekeying_key())
    if state is None:
        return {"advice": "还没有看过密钥：先下令 yikatong records rekey，登记现在的密钥"}
    return {"advice": advice(state, now)} | state.model_dump(mode="json", include=_SHOWN)
