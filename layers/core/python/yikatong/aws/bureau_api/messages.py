"""Messages to the bank that a person orders sent once more."""

import json
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from yikatong.aws.bureau_api.common import caller, new_router
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.principals import PROVINCE, Action, authorize

router = new_router()
MessageId = Annotated[str, Path(pattern="^[TF][0-9a-f]{16,26}-[0-9]{4}$")]


@router.post("/v1/messages/<message_id>/resend")
def post_resend(message_id: MessageId) -> dict[str, str]:
    """Done by a function of its own: it talks to the bank and carries polars, which this API must not."""
    made, who = wiring(), caller(router)
    authorize(who, Action.RESEND_MESSAGE, PROVINCE)
    order = {"message_id": message_id, "ordered_by": who.name}
    answer = made.client("lambda").invoke(FunctionName=made.environment["RESEND_MESSAGE"], Payload=json.dumps(order))
    outcome: dict[str, str] = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise RuntimeError("resend_message failed; its own log says where")
    if outcome["outcome"] == "refused":
        raise Refusal(outcome["detail"], outcome["code"])
    return outcome
