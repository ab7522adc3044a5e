"""为什么我没领到钱？ One payment's or one person's whole story, asked in a body: an address would end up in logs."""

from typing import Any

from yikatong.aws.bureau_api.common import asked, caller, new_router
from yikatong.principals import Action, authorize
from yikatong.trace_request import TraceRequest

router = new_router()


@router.post("/v1/trace")
def post_trace(body: TraceRequest) -> dict[str, Any]:
    """Done by a function of its own: it reads whole rosters with polars, which this API must not carry."""
    who = caller(router)
    authorize(who, Action.READ_REPORT, body.region)
    told = asked("trace_payment", {"request": body.model_dump(mode="json"), "asked_by": who.name})
    return {name: value for name, value in told.items() if name != "outcome"}
