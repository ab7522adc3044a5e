"""Messages to the bank that a person orders sent once more."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path

from yikatong.aws.bureau_api.common import asked, caller, new_router
from yikatong.principals import PROVINCE, Action, authorize

router = new_router()
MessageId = Annotated[str, Path(pattern="^[TF][0-9a-f]{16,26}-[0-9]{4}$")]


@router.post("/v1/messages/<message_id>/resend")
def post_resend(message_id: MessageId) -> dict[str, Any]:
    """Done by a function of its own, which talks to the bank."""
    who = caller(router)
    authorize(who, Action.RESEND_MESSAGE, PROVINCE)
    return asked("resend_message", {"message_id": message_id, "ordered_by": who.name})
