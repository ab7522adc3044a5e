"""What every route needs: who signed, a second try after a lost race, and short-lived addresses of objects."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from pydantic import BaseModel, ConfigDict

from yikatong.aws.lake import S3Lake
from yikatong.aws.wiring import wiring
from yikatong.errors import Conflict, Refusal
from yikatong.ledger import Ledger
from yikatong.principals import Principal, find_principal
from yikatong.reasons import Reason
from yikatong.use_cases.request_upload import UploadGrant

UPLOAD_EXPIRES_S = 900
REPORT_EXPIRES_S = 300
TRIES = 5

logger = Logger(service="bureau_api")
T = TypeVar("T")


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


def new_router() -> Router:
    return Router()  # type: ignore[no-untyped-call]


def caller(router: Router) -> Principal:
    """The principal who signed: the IAM user's name, or the session's name of an assumed role.

    A role's trust policy must tie the session name to the person (`sts:RoleSessionName`), or anybody could be anyone.
    """
    event = cast(APIGatewayProxyEvent, router.current_event)
    arn = event.request_context.identity.user_arn or ""
    principal = find_principal(wiring().control, arn.rsplit("/", 1)[-1])
    logger.append_keys(principal=principal.name)
    return principal


def control_of(who: Principal) -> Ledger:
    """The control table for what this person does: each write of a state has its event in their name (PROTOCOL O2)."""
    return wiring().control_of(f"principal:{who.name}")


def decided(step: Callable[[], T]) -> T:
    """A lost race, or an answer that was lost, is read and decided again: every use case here can be repeated."""
    for _ in range(TRIES - 1):
        try:
            return step()
        except Conflict:
            continue
    return step()


def asked(verb: str, order: dict[str, Any]) -> dict[str, Any]:
    """What a function of its own answers that carries polars, which this API must not: {"outcome"}, or its refusal."""
    made = wiring()
    answer = made.client("lambda").invoke(FunctionName=made.environment[verb.upper()], Payload=json.dumps(order))
    outcome: dict[str, Any] = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise RuntimeError(f"{verb} failed; its own log says where")
    if outcome["outcome"] == "refused":
        raise Refusal(outcome["detail"], outcome["code"])
    return outcome


def reports() -> S3Lake:
    """The reports bucket, to read in."""
    made = wiring()
    return S3Lake(made.client("s3"), made.environment["REPORTS_BUCKET"])


def signed_report(key: str) -> dict[str, Any]:
    """A short-lived address of an object in the reports bucket."""
    got = {"Bucket": wiring().environment["REPORTS_BUCKET"], "Key": key}
    url = wiring().client("s3").generate_presigned_url("get_object", Params=got, ExpiresIn=REPORT_EXPIRES_S)
    return {"url": url, "expires_s": REPORT_EXPIRES_S}


def signed_upload(bucket: str, grant: UploadGrant) -> dict[str, Any]:
    """How to put exactly what was granted, with exactly that metadata."""
    put = {"Bucket": bucket, "Key": grant.object_key, "Metadata": grant.metadata}
    url = wiring().client("s3").generate_presigned_url("put_object", Params=put, ExpiresIn=UPLOAD_EXPIRES_S)
    headers = {f"x-amz-meta-{name}": value for name, value in grant.metadata.items()}
    return {"method": "PUT", "url": url, "headers": headers, "expires_s": UPLOAD_EXPIRES_S, "key": grant.object_key}
