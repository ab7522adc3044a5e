"""The bureau API: what people do with rosters, batches, funds and runs. IAM-signed; every route asks `authorize`.

A route decodes a typed request, calls one use case and encodes its answer. A refusal becomes a problem detail
(RFC 9457) in Chinese, in its own words. Bodies are never logged.
"""

import json
import secrets
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, StringConstraints

from yikatong.aws.problems import Problems
from yikatong.aws.wiring import wiring
from yikatong.errors import Conflict, Refusal
from yikatong.principals import PROVINCE, Action, Principal, authorize, find_principal
from yikatong.runs import name_run
from yikatong.states import BatchState
from yikatong.use_cases import list_batches as look
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.open_occasion import OccasionRequest, open_occasion
from yikatong.use_cases.order_run import RunRequest, order_run
from yikatong.use_cases.request_upload import Region, UploadRequest, request_upload
from yikatong.use_cases.set_funds import FundsRequest, set_funds
from yikatong.use_cases.stop_run import resume_run, stop_run
from yikatong.use_cases.withdraw_batch import withdraw_batch

UPLOAD_EXPIRES_S = 900
REPORT_EXPIRES_S = 300
TRIES = 5
REPLIES = IdempotencyConfig(expires_after_seconds=24 * 3600)
"""For replies only: what guards payments is the claim (PROTOCOL), never this."""

app = APIGatewayRestResolver(enable_validation=True)
logger = Logger(service="bureau_api")
T = TypeVar("T")
MessageId = Annotated[str, Path(pattern="^[TF][0-9a-f]{16,26}-[0-9]{4}$")]
Year = Annotated[int, Path(ge=2000, le=2100)]


class Because(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def caller() -> Principal:
    """The principal who signed: the IAM user's name, or the session's name of an assumed role.

    A role's trust policy must tie the session name to the person (`sts:RoleSessionName`), or anybody could be anyone.
    """
    arn = app.current_event.request_context.identity.user_arn or ""
    principal = find_principal(wiring().control, arn.rsplit("/", 1)[-1])
    logger.append_keys(principal=principal.name)
    return principal


def decided(step: Callable[[], T]) -> T:
    """A lost race, or an answer that was lost, is read and decided again: every use case here can be repeated."""
    for _ in range(TRIES - 1):
        try:
            return step()
        except Conflict:
            continue
    return step()


@app.post("/v1/uploads")
def post_upload(body: UploadRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_upload(made.control, made.book, caller(), body, secrets.token_hex(16))
    put = {"Bucket": made.environment["ROSTER_BUCKET"], "Key": grant.object_key, "Metadata": grant.metadata}
    url = made.client("s3").generate_presigned_url("put_object", Params=put, ExpiresIn=UPLOAD_EXPIRES_S)
    headers = {f"x-amz-meta-{name}": value for name, value in grant.metadata.items()}
    return {"method": "PUT", "url": url, "headers": headers, "expires_s": UPLOAD_EXPIRES_S, "key": grant.object_key}


@app.get("/v1/batches")
def get_batches(region: Annotated[Region | None, Query()] = None, state: BatchState | None = None) -> dict[str, Any]:
    made = wiring()
    found = look.list_batches(made.control, made.book, caller(), region, state)
    return {"batches": [look.batch_view(batch, made.book) for batch in found]}


@app.get("/v1/batches/<batch_id>")
def get_batch(batch_id: str) -> dict[str, Any]:
    made = wiring()
    return look.batch_view(look.show_batch(made.control, made.book, caller(), batch_id), made.book)


@app.get("/v1/batches/<batch_id>/report")
def get_report(batch_id: str) -> dict[str, Any]:
    made = wiring()
    batch = look.show_batch(made.control, made.book, caller(), batch_id, Action.READ_REPORT)
    if not batch.report_key:
        raise Refusal("校验报告还没有生成，请稍后再试。", "not_found")
    got = {"Bucket": made.environment["REPORTS_BUCKET"], "Key": f"{batch_id}/findings.xlsx"}
    url = made.client("s3").generate_presigned_url("get_object", Params=got, ExpiresIn=REPORT_EXPIRES_S)
    return {"url": url, "expires_s": REPORT_EXPIRES_S}


@app.post("/v1/batches/<batch_id>/approval")
def post_approval(batch_id: str, body: ApprovalRequest) -> dict[str, Any]:
    made, who = wiring(), caller()
    batch = decided(
        lambda: approve_batch(
            made.control, made.lake, made.orders, made.book, made.settings, who, batch_id, body, made.now()
        )
    )
    return look.batch_view(batch, made.book)


@app.post("/v1/batches/<batch_id>/withdrawal")
def post_withdrawal(batch_id: str, body: Because) -> dict[str, Any]:
    made = wiring()
    batch = withdraw_batch(made.control, made.book, made.settings, caller(), batch_id, body.reason)
    return look.batch_view(batch, made.book)


@app.post("/v1/occasions")
def post_occasion(body: OccasionRequest) -> dict[str, Any]:
    made, who = wiring(), caller()
    occasion = decided(lambda: open_occasion(made.control, made.book, who, body))
    return occasion.model_dump(include={"code", "slot", "title", "region", "first", "last", "opened_by"})


@app.put("/v1/funds/<plan_year>/<number>/<region>/<year>")
def put_funds(
    plan_year: Year, number: int, region: Annotated[Region, Path()], year: Year, body: FundsRequest
) -> dict[str, Any]:
    made, who = wiring(), caller()
    funds = decided(
        lambda: set_funds(
            made.control,
            made.orders,
            made.book,
            who,
            plan_year=plan_year,
            number=number,
            region=region,
            year=year,
            request=body,
            today=made.now().date(),
        )
    )
    shown = {"code", "region", "year", "allocated_fen", "reserved_fen", "spent_fen", "reason", "set_by"}
    return funds.model_dump(include=shown) | {"available_fen": funds.available_fen}


@app.post("/v1/runs")
def post_run(
    body: RunRequest, idempotency_key: Annotated[str | None, Header(min_length=8, max_length=64)] = None
) -> dict[str, Any]:
    """With an `Idempotency-Key` the same request again within a day gets the first reply, and orders nothing more."""
    made, who = wiring(), caller()

    def ordered(*, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # what makes two calls the same one
        order_id = secrets.token_hex(4)
        order = order_run(made.control, made.orders, made.book, who, body, today=made.now().date(), order_id=order_id)
        return {"run_id": name_run(order), "as_of": order.as_of.isoformat(), "mode": order.mode}

    if idempotency_key is None:
        return ordered(request={})
    request = {"key": idempotency_key, "principal": who.name, "order": body.model_dump(mode="json")}
    replies = DynamoDBPersistenceLayer(made.environment["IDEMPOTENCY_TABLE"])
    once = idempotent_function(ordered, data_keyword_argument="request", persistence_store=replies, config=REPLIES)
    reply: dict[str, Any] = once(request=request)
    return reply


@app.get("/v1/runs")
def get_runs(plan_year: Annotated[int, Query(ge=2000, le=2100)], number: Annotated[int, Query(ge=1)]) -> dict[str, Any]:
    made = wiring()
    return {
        "runs": [look.run_view(run) for run in look.list_runs(made.control, made.book, caller(), plan_year, number)]
    }


@app.get("/v1/runs/<run_id>")
def get_run(run_id: str) -> dict[str, Any]:
    made = wiring()
    run, batches = look.show_run(made.control, made.lake, made.book, caller(), run_id)
    return look.run_view(run) | {"batches": [look.batch_view(batch, made.book) for batch in batches]}


@app.post("/v1/runs/<run_id>/resume")
def post_resume(run_id: str) -> dict[str, Any]:
    made, who = wiring(), caller()
    return look.run_view(decided(lambda: resume_run(made.control, made.orders, made.book, who, run_id)))


@app.post("/v1/runs/<run_id>/stop")
def post_stop(run_id: str, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller()
    return look.run_view(decided(lambda: stop_run(made.control, made.workflow, made.book, who, run_id, body.reason)))


@app.post("/v1/messages/<message_id>/resend")
def post_resend(message_id: MessageId) -> dict[str, str]:
    """Done by a function of its own: it talks to the bank and carries polars, which this API must not."""
    made, who = wiring(), caller()
    authorize(who, Action.RESEND_MESSAGE, PROVINCE)
    order = {"message_id": message_id, "ordered_by": who.name}
    answer = made.client("lambda").invoke(FunctionName=made.environment["RESEND_MESSAGE"], Payload=json.dumps(order))
    outcome: dict[str, str] = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise RuntimeError("resend_message failed; its own log says where")
    if outcome["outcome"] == "refused":
        raise Refusal(outcome["detail"], outcome["code"])
    return outcome


problems = Problems(app, logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return problems.resolve(event, context)
