"""Runs: ordered, looked at, stopped and resumed."""

import secrets
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

from yikatong.aws.bureau_api.common import Because, caller, control_of, decided, new_router
from yikatong.aws.wiring import wiring
from yikatong.plan import WorkingDays
from yikatong.runs import name_run
from yikatong.use_cases import list_batches as look
from yikatong.use_cases.order_run import RunRequest, order_run
from yikatong.use_cases.stop_run import resume_run, stop_run

router = new_router()
REPLIES = IdempotencyConfig(expires_after_seconds=24 * 3600)
"""For replies only: what guards payments is the claim (PROTOCOL), never this."""


@router.post("/v1/runs")
def post_run(
    body: RunRequest, idempotency_key: Annotated[str | None, Header(min_length=8, max_length=64)] = None
) -> dict[str, Any]:
    """With an `Idempotency-Key` the same request again within a day gets the first reply, and orders nothing more."""
    made, who = wiring(), caller(router)

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


@router.get("/v1/runs")
def get_runs(
    plan_year: Annotated[int, Query(ge=2000, le=2100)], number: Annotated[int | None, Query(ge=1)] = None
) -> dict[str, Any]:
    """Each with its subsidy's name: without a number they are of all subsidies."""
    made, who = wiring(), caller(router)
    found = look.list_runs(made.control, made.book, who, plan_year, number)
    names = {run.code: made.book.by_code(plan_year, run.code).name for run in found}
    return {"runs": [look.run_view(run, who) | {"subsidy": names[run.code]} for run in found]}


@router.get("/v1/runs/<run_id>")
def get_run(run_id: str) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    return look.run_details(look.show_run(made.control, made.lake, made.book, who, run_id), made.book, who)


@router.post("/v1/runs/<run_id>/resume")
def post_resume(run_id: str) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    return look.run_view(decided(lambda: resume_run(control_of(who), made.orders, made.book, who, run_id)), who)


@router.post("/v1/runs/<run_id>/stop")
def post_stop(run_id: str, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    return look.run_view(
        decided(lambda: stop_run(control_of(who), made.workflow, made.book, who, run_id, body.reason)), who
    )
