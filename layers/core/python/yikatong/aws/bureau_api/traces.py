"""为什么我没领到钱？ One payment's or one person's whole story, asked in a body: an address would end up in logs."""

import json
from typing import Any

from yikatong.aws.bureau_api.common import caller, new_router
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.principals import Action, authorize
from yikatong.trace_request import TraceRequest

router = new_router()


@router.post("/v1/trace")
def post_trace(body: TraceRequest) -> dict[str, Any]:
    """Done by a function of its own: it reads whole rosters with polars, which this API must not carry."""
    made, who = wiring(), caller(router)
    authorize(who, Action.READ_REPORT, body.region)
    order = {"request": body.model_dump(mode="json"), "asked_by": who.name}
    answer = made.client("lambda").invoke(FunctionName=made.environment["TRACE_PAYMENT"], Payload=json.dumps(order))
    told: dict[str, Any] = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise RuntimeError("trace_payment failed; its own log says where")
    if told.pop("outcome") == "refused":
        raise Refusal(told["detail"], told["code"])
    return told
