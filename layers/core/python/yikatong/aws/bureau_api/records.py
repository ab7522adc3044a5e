"""The exchange of the public records' key: its steps are ordered here, carried out by a function, and looked at."""

from typing import Any

from yikatong.aws.bureau_api.common import caller, new_router
from yikatong.aws.wiring import wiring
from yikatong.use_cases.order_rekeying import RekeyingRequest, order_rekeying, see_rekeying

router = new_router()


@router.get("/v1/records/rekeying")
def get_rekeying() -> dict[str, Any]:
    made, who = wiring(), caller(router)
    return see_rekeying(made.control, who, made.now())


@router.post("/v1/records/rekeying")
def post_rekeying(body: RekeyingRequest) -> dict[str, Any]:
    """The same order twice is harmless: one worker at a time is at it, and what is done is not done again."""
    order_rekeying(wiring().orders, caller(router), body)
    return {"step": body.step}
