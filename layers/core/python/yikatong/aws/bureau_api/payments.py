"""What people add to the bank's word on a payment: a ruling on a frozen one, and money recovered (追回)."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path

from yikatong.aws.bureau_api.common import asked, caller, new_router
from yikatong.rulings import RecoveryRequest, RulingRequest

router = new_router()
EndToEndId = Annotated[str, Path(pattern="^[A-Z0-9]{1,30}-[0-9]{1,4}$")]


@router.post("/v1/batches/<batch_id>/payments/<end_to_end_id>/ruling")
def post_ruling(batch_id: str, end_to_end_id: EndToEndId, body: RulingRequest) -> dict[str, Any]:
    return asked("rule_payment", _order(batch_id, end_to_end_id, body))


@router.post("/v1/batches/<batch_id>/payments/<end_to_end_id>/recoveries")
def post_recovery(batch_id: str, end_to_end_id: EndToEndId, body: RecoveryRequest) -> dict[str, Any]:
    return asked("record_recovery", _order(batch_id, end_to_end_id, body))


def _order(batch_id: str, end_to_end_id: str, body: RulingRequest | RecoveryRequest) -> dict[str, Any]:
    request = body.model_dump(mode="json")
    who = caller(router).name
    return {"batch_id": batch_id, "end_to_end_id": end_to_end_id, "request": request, "ordered_by": who}
