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

from yikatong.aws.lake import S3Lake
from yikatong.aws.problems import Problems
from yikatong.aws.wiring import wiring
from yikatong.departures import outcome_key
from yikatong.errors import Conflict, Refusal
from yikatong.funds import Funds
from yikatong.plan import WorkingDays
from yikatong.principals import PROVINCE, Action, Principal, authorize, find_principal
from yikatong.regions import Region, name_of
from yikatong.runs import name_run
from yikatong.states import BatchState
from yikatong.use_cases import list_batches as look
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.open_occasion import OccasionRequest, list_occasions, occasion_view, open_occasion
from yikatong.use_cases.order_run import RunRequest, order_run
from yikatong.use_cases.request_upload import (
    ListRequest,
    UploadGrant,
    UploadRequest,
    request_list_upload,
    request_upload,
)
from yikatong.use_cases.set_funds import FundsRequest, set_funds, show_funds
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


@app.post("/v1/uploads")
def post_upload(body: UploadRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_upload(made.control, made.book, caller(), body, secrets.token_hex(16))
    return signed_upload(made.environment["ROSTER_BUCKET"], grant)


@app.post("/v1/departures")
def post_departures(body: ListRequest) -> dict[str, Any]:
    made = wiring()
    grant = request_list_upload(made.control, caller(), body, secrets.token_hex(16))
    return signed_upload(made.environment["DEPARTURE_BUCKET"], grant)


@app.get("/v1/departures")
def get_departures(
    key: Annotated[str, Query(pattern="^23[0-9]{4}/(deceased|moved)/", max_length=200)],
) -> dict[str, Any]:
    """What came of the list under that key: row numbers and reasons, nobody's name."""
    made, who = wiring(), caller()
    authorize(who, Action.READ_REPORT, key[:6])
    told = S3Lake(made.client("s3"), made.environment["REPORTS_BUCKET"]).get(outcome_key(key))
    if told is None:
        raise Refusal("这份名单还没有导入的结果，请稍后再试。", "not_found")
    outcome: dict[str, Any] = json.loads(told)
    return outcome


@app.get("/v1/batches")
def get_batches(region: Annotated[Region | None, Query()] = None, state: BatchState | None = None) -> dict[str, Any]:
    made = wiring()
    found = look.list_batches(made.control, made.book, caller(), region, state)
    return {"batches": [look.batch_view(batch, made.book) for batch in found]}


@app.get("/v1/batches/<batch_id>")
def get_batch(batch_id: str) -> dict[str, Any]:
    """With a short-lived link to the report, for those who may read it."""
    made, who = wiring(), caller()
    batch = look.show_batch(made.control, made.book, who, batch_id)
    link = signed_report(batch.report_key) if batch.report_key and look.may_read_report(who) else None
    details = look.batch_details(batch, made.control, made.lake, made.book)
    return look.batch_view(batch, made.book) | details | {"report": link}


@app.get("/v1/batches/<batch_id>/report")
def get_report(batch_id: str) -> dict[str, Any]:
    made = wiring()
    batch = look.show_batch(made.control, made.book, caller(), batch_id, Action.READ_REPORT)
    if not batch.report_key:
        raise Refusal("校验报告还没有生成，请稍后再试。", "not_found")
    return signed_report(f"{batch_id}/findings.xlsx")


@app.get("/v1/batches/<batch_id>/result")
def get_result(batch_id: str) -> dict[str, Any]:
    made = wiring()
    look.show_batch(made.control, made.book, caller(), batch_id, Action.READ_REPORT)
    key = f"{batch_id}/result.xlsx"
    if key not in S3Lake(made.client("s3"), made.environment["REPORTS_BUCKET"]).keys(key):
        raise Refusal("发放结果还没有：银行答复并结算之后才有，请稍后再试。", "not_found")
    return signed_report(key)


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
    return occasion_view(occasion)


@app.get("/v1/occasions")
def get_occasions(
    plan_year: Annotated[int, Query(ge=2000, le=2100)], number: Annotated[int, Query(ge=1)]
) -> dict[str, Any]:
    made = wiring()
    found = list_occasions(made.control, made.book, caller(), plan_year, number)
    return {"occasions": [occasion_view(occasion) for occasion in found]}


@app.get("/v1/funds/<plan_year>/<number>/<region>/<year>")
def get_funds(plan_year: Year, number: int, region: Annotated[Region, Path()], year: Year) -> dict[str, Any]:
    made, who = wiring(), caller()
    where = {"plan_year": plan_year, "number": number, "year": year}
    return funds_view(show_funds(made.control, made.book, who, region=region, **where))


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
    return funds_view(funds)


def funds_view(funds: Funds) -> dict[str, Any]:
    """Fen; `allocated_fen` and `available_fen` are None where no limit was set."""
    shown = {"code", "region", "year", "allocated_fen", "reserved_fen", "spent_fen", "reason", "set_by"}
    return funds.model_dump(include=shown) | {
        "available_fen": funds.available_fen,
        "region_name": name_of(funds.region),
    }


@app.post("/v1/runs")
def post_run(
    body: RunRequest, idempotency_key: Annotated[str | None, Header(min_length=8, max_length=64)] = None
) -> dict[str, Any]:
    """With an `Idempotency-Key` the same request again within a day gets the first reply, and orders nothing more."""
    made, who = wiring(), caller()

    def ordered(*, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # what makes two calls the same one
        order_id = secrets.token_hex(4)
        order = order_run(
            made.control,
            made.orders,
            made.book,
            who,
            body,
            today=made.now().date(),
            working_days=WorkingDays.committed(),
            order_id=order_id,
        )
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
    made, who = wiring(), caller()
    found = look.list_runs(made.control, made.book, who, plan_year, number)
    return {"runs": [look.run_view(run, who) for run in found]}


@app.get("/v1/runs/<run_id>")
def get_run(run_id: str) -> dict[str, Any]:
    made, who = wiring(), caller()
    return look.run_details(look.show_run(made.control, made.lake, made.book, who, run_id), made.book, who)


@app.post("/v1/runs/<run_id>/resume")
def post_resume(run_id: str) -> dict[str, Any]:
    made, who = wiring(), caller()
    return look.run_view(decided(lambda: resume_run(made.control, made.orders, made.book, who, run_id)), who)


@app.post("/v1/runs/<run_id>/stop")
def post_stop(run_id: str, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller()
    return look.run_view(
        decided(lambda: stop_run(made.control, made.workflow, made.book, who, run_id, body.reason)), who
    )


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
