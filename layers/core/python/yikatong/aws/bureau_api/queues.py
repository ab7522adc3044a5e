"""Dead-letter queues: how many messages wait, and putting them back after a fix."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path

from yikatong.aws.bureau_api.common import caller, control_of, new_router
from yikatong.aws.wiring import wiring
from yikatong.use_cases.drain_queue import DrainRequest, drain_queue, drain_view, list_queues

router = new_router()


@router.get("/v1/queues")
def get_queues() -> dict[str, Any]:
    made, who = wiring(), caller(router)
    return {"queues": list_queues(made.control, made.queues, who)}


@router.post("/v1/queues/<verb>/drain")
def post_drain(verb: Annotated[str, Path(pattern="^[a-z_]{1,40}$")], body: DrainRequest) -> dict[str, Any]:
    """Not decided again after a lost race: two people draining at once would each move messages for one reason."""
    made, who = wiring(), caller(router)
    return drain_view(drain_queue(control_of(who), made.queues, who, verb, body, made.now()))
