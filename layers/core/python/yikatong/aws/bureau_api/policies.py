"""Policies and parts of the policy list: how to send one, and what became of it."""

import json
import secrets
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from yikatong.aws.bureau_api.common import caller, new_router, reports, signed_upload
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.policy_drops import outcome_key
from yikatong.policy_lists import list_outcome_key
from yikatong.principals import Action
from yikatong.use_cases.request_policy_upload import (
    PartRequest,
    PolicyRequest,
    request_part_upload,
    request_policy_upload,
    require_reader,
)

router = new_router()


@router.post("/v1/policies")
def post_policy(body: PolicyRequest) -> dict[str, Any]:
    """Two uploads; the policy is published once both are there."""
    made = wiring()
    ids = (secrets.token_hex(16), secrets.token_hex(16))
    document, metadata = request_policy_upload(made.control, made.book, caller(router), body, ids)
    bucket = made.environment["POLICY_BUCKET"]
    return {"document": signed_upload(bucket, document), "metadata": signed_upload(bucket, metadata)}


@router.get("/v1/policies")
def get_policy(key: Annotated[str, Query(pattern="^23[0-9]{4}/", max_length=200)]) -> dict[str, Any]:
    """What became of the document under that key, as it and its metadata stand."""
    require_reader(caller(router), Action.PUBLISH_POLICY, key[:6])
    return _told(outcome_key(key))


@router.post("/v1/policy-lists")
def post_policy_list(body: PartRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_part_upload(made.control, made.book, caller(router), body, secrets.token_hex(16))
    return signed_upload(made.environment["POLICY_BUCKET"], grant)


@router.get("/v1/policy-lists")
def get_policy_list(
    key: Annotated[str, Query(pattern="^lists/20[0-9]{2}/23[0-9]{4}/", max_length=200)],
) -> dict[str, Any]:
    """What became of the part under that key, with every fault of it."""
    require_reader(caller(router), Action.FILL_POLICY_LIST, key.split("/")[2])
    return _told(list_outcome_key(key))


def _told(report_key: str) -> dict[str, Any]:
    told = reports().get(report_key)
    if told is None:
        raise Refusal("还没有处理的结果，请稍后再试。", "not_found")
    outcome: dict[str, Any] = json.loads(told)
    return outcome
