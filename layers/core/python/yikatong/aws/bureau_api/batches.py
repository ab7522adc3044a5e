"""Batches: looked at, approved, withdrawn."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from yikatong.aws.bureau_api.common import Because, caller, control_of, decided, new_router, reports, signed_report
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.principals import Action
from yikatong.regions import Region
from yikatong.states import BatchState
from yikatong.use_cases import list_batches as look
from yikatong.use_cases.approve_batch import ApprovalRequest, approve_batch
from yikatong.use_cases.reject_batch import reject_batch
from yikatong.use_cases.withdraw_batch import withdraw_batch

router = new_router()


@router.get("/v1/batches")
def get_batches(region: Annotated[Region | None, Query()] = None, state: BatchState | None = None) -> dict[str, Any]:
    made = wiring()
    found = look.list_batches(made.control, made.book, caller(router), region, state)
    return {"batches": [look.batch_view(batch, made.book) for batch in found]}


@router.get("/v1/batches/<batch_id>")
def get_batch(batch_id: str) -> dict[str, Any]:
    """With a short-lived link to the report, for those who may read it, and with what the caller may not do to the batch."""
    made, who = wiring(), caller(router)
    batch = look.show_batch(made.control, made.book, who, batch_id)
    link = signed_report(batch.report_key) if batch.report_key and look.may_read_report(who) else None
    details = look.batch_details(batch, made.control, made.lake, made.book)
    mine = {"report": link, "refusals": look.refusals_for(who, batch, made.book)}
    return look.batch_view(batch, made.book) | details | mine


@router.get("/v1/batches/<batch_id>/report")
def get_report(batch_id: str) -> dict[str, Any]:
    """Where the workbook is fetched, and under `findings` the same as JSON, for a program that shows them."""
    made = wiring()
    batch = look.show_batch(made.control, made.book, caller(router), batch_id, Action.READ_REPORT)
    if not batch.report_key:
        raise Refusal("校验报告还没有生成，请稍后再试。", "not_found")
    return signed_report(f"{batch_id}/findings.xlsx") | {"findings": signed_report(f"{batch_id}/findings.json")["url"]}


@router.get("/v1/batches/<batch_id>/result")
def get_result(batch_id: str) -> dict[str, Any]:
    made = wiring()
    look.show_batch(made.control, made.book, caller(router), batch_id, Action.READ_REPORT)
    key = f"{batch_id}/result.xlsx"
    if key not in reports().keys(key):
        raise Refusal("发放结果还没有：银行答复并结算之后才有，请稍后再试。", "not_found")
    return signed_report(key)


@router.post("/v1/batches/<batch_id>/approval")
def post_approval(batch_id: str, body: ApprovalRequest) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    batch = decided(
        lambda: approve_batch(
            control_of(who), made.lake, made.orders, made.book, made.settings, who, batch_id, body, made.now()
        )
    )
    return look.batch_view(batch, made.book)


@router.post("/v1/batches/<batch_id>/rejection")
def post_rejection(batch_id: str, body: Because) -> dict[str, Any]:
    """Back to the maker: what awaits approval is refused with the approver's reason."""
    made, who = wiring(), caller(router)
    batch = decided(lambda: reject_batch(control_of(who), made.book, who, batch_id, body.reason))
    return look.batch_view(batch, made.book)


@router.post("/v1/batches/<batch_id>/withdrawal")
def post_withdrawal(batch_id: str, body: Because) -> dict[str, Any]:
    made, who = wiring(), caller(router)
    today = made.now().date()
    batch = withdraw_batch(control_of(who), made.orders, made.book, made.settings, who, batch_id, body.reason, today)
    return look.batch_view(batch, made.book)
