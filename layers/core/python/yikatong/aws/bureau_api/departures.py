"""Lists of the deceased and the moved: how to send one, and what came of it."""

import json
import secrets
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from yikatong.aws.bureau_api.common import caller, new_router, reports, signed_upload
from yikatong.aws.wiring import wiring
from yikatong.departures import outcome_key
from yikatong.errors import Refusal
from yikatong.principals import Action, authorize
from yikatong.use_cases.request_upload import ListRequest, request_list_upload

router = new_router()


@router.post("/v1/departures")
def post_departures(body: ListRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_list_upload(made.control, caller(router), body, secrets.token_hex(16))
    return signed_upload(made.environment["DEPARTURE_BUCKET"], grant)


@router.get("/v1/departures")
def get_departures(
    key: Annotated[str, Query(pattern="^23[0-9]{4}/(deceased|moved)/", max_length=200)],
) -> dict[str, Any]:
    """What came of the list under that key: row numbers and reasons, nobody's name."""
    who = caller(router)
    authorize(who, Action.READ_REPORT, key[:6])
    told = reports().get(outcome_key(key))
    if told is None:
        raise Refusal("这份名单还没有导入的结果，请稍后再试。", "not_found")
    outcome: dict[str, Any] = json.loads(told)
    return outcome
