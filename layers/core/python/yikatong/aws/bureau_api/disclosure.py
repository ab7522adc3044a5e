"""The disclosure (公示), published now instead of by night."""

import json
from typing import Any

from yikatong.aws.bureau_api.common import caller, new_router
from yikatong.aws.wiring import wiring
from yikatong.use_cases.order_disclosure import DisclosureRequest, order_disclosure

router = new_router()


@router.post("/v1/disclosure")
def post_disclosure(body: DisclosureRequest) -> dict[str, Any]:
    """Ordering it twice is harmless; the night's own publication makes good an order that was lost."""
    order = order_disclosure(caller(router), wiring().book, body)
    set_off("publish_disclosure", order)
    return {"ordered": True}


def set_off(verb: str, order: dict[str, Any]) -> None:
    """Have a function work that takes longer than an API's answer may."""
    made = wiring()
    name = made.environment[verb.upper()]
    made.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(order))
