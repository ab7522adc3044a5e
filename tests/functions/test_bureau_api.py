"""The bureau API from event to answer: who signed, what is decoded, which problem a refusal becomes."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import boto3
import pytest
from typer.testing import CliRunner

from cli import batch as batch_commands
from cli import funds as funds_commands
from cli import queue as queue_commands
from cli import run as run_commands
from cli import subsidy as subsidy_commands
from functions.bureau_api.handler import handler
from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryQueues, MemoryWorkflow
from yikatong.aws.bureau_api.common import logger
from yikatong.batches import Batch, Tally, batch_key
from yikatong.departures import outcome_key
from yikatong.errors import Conflict, Refusal
from yikatong.ledger import Ledger
from yikatong.plan import PlanBook, Settings
from yikatong.ports import RunOrder, Stored
from yikatong.principals import Principal, Role, principal_key
from yikatong.runs import FrozenBatch, Run, RunInputs, inputs_key, name_run, run_key
from yikatong.states import BatchState, RunState
from yikatong.uploads import Upload, upload_key

NOW = datetime(2023, 6, 12, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
CODE = "urban-minimum-living"
BATCH_ID = f"{CODE}.formal.230102.0123456789abcdef"
ORDER = RunOrder(2023, CODE, "formal", NOW.date(), "sched")
APPROVAL = {
    "sha256": "a" * 64,
    "object_version": "v1",
    "payable": {"count": 1, "fen": 100},
    "held": {"count": 0, "fen": 0},
}
PEOPLE = {
    "clerk": "230100",
    "approver": "230100",
    "treasurer": "230000",
    "department": "230000",
    "operator": "230000",
    "auditor": "230200",
}
CONTEXT = SimpleNamespace(
    function_name="bureau_api", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)

Call = Callable[..., tuple[int, dict[str, Any]]]


class FakeWiring:
    def __init__(self) -> None:
        self.control, self.lake, self.audit = MemoryControl(), MemoryLake(), MemoryLake()
        self.orders, self.workflow = MemoryOrders(), MemoryWorkflow()
        self.book, self.settings = PlanBook.committed(), Settings.committed()
        self.queues = MemoryQueues(receive_receipt=["a", "b", "c"], schedules=[])
        buckets = {"BANK_BUCKET": "bank-exchange", "RULE_PAYMENT": "rules", "RECORD_RECOVERY": "records"}
        buckets |= {"ROSTER_BUCKET": "roster-drop", "REPORTS_BUCKET": "reports", "DEPARTURE_BUCKET": "departure-drop"}
        self.environment = buckets

    def now(self) -> datetime:
        return NOW

    def control_of(self, who: str) -> Ledger:
        return Ledger(self.control, self.audit, who, NOW)

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "A", "aws_secret_access_key": "S"}
        return boto3.client(service, region_name="cn-north-1", **keys)  # type: ignore[call-overload]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> FakeWiring:
    wiring = FakeWiring()
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    for role, region in PEOPLE.items():
        pk, sk = principal_key(role)
        wiring.control.save(Principal(pk=pk, sk=sk, name=role, role=Role(role), region=region))
    pk, sk = batch_key(BATCH_ID)
    wiring.control.save(
        Batch(
            pk=pk,
            sk=sk,
            batch_id=BATCH_ID,
            plan_year=2023,
            number=2,
            code=CODE,
            region="230102",
            mode="formal",
            state=BatchState.VALIDATED,
            object_key="2023/230102/2/a.csv",
            object_version="v1",
            sha256="a" * 64,
            uploader="clerk",
            received_at="2023-06-05T09:00:00+08:00",
            rows=1,
            payable=Tally(count=1, fen=100),
            slots=("2023-06",),
            province="230000",
            region_received="230102#2023-06-05T09:00:00+08:00",
        )
    )
    return wiring


def event(who: str, method: str, path: str, body: Any, query: dict[str, str]) -> dict[str, Any]:
    arn = who if who.startswith("arn:") else f"arn:aws-cn:iam::123456789012:user/{who}"
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "requestContext": {"requestId": "request-1", "identity": {"userArn": arn}, "stage": "t", "path": path},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


@pytest.fixture
def call(made: FakeWiring) -> Call:  # noqa: ARG001 - the wiring is in place
    def calling(who: str, method: str, path: str, body: Any = None, **query: str) -> tuple[int, dict[str, Any]]:
        answer = handler(event(who, method, path, body, query), CONTEXT)  # type: ignore[arg-type]
        assert answer["multiValueHeaders"]["X-Correlation-Id"] == ["request-1"]
        assert answer["multiValueHeaders"]["Cache-Control"] == ["no-store"]
        kind = "application/problem+json" if answer["statusCode"] >= 400 else "application/json"
        assert answer["multiValueHeaders"]["Content-Type"] == [kind]
        return answer["statusCode"], json.loads(answer["body"])

    return calling


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function writes to its log."""
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    return written


def store_run(made: FakeWiring, state: str = "PAYING") -> str:
    run_id = name_run(ORDER)
    pk, sk = run_key(CODE, run_id)
    made.control.save(Run(pk=pk, sk=sk, run_id=run_id, state=RunState(state), **vars(ORDER)))
    frozen = (FrozenBatch(batch_id=BATCH_ID, approved_at=""),)
    bound = made.control.read(Batch, *batch_key(BATCH_ID))
    assert bound is not None
    made.control.save(bound.changed(run_id=run_id))
    fields = {name: value for name, value in vars(ORDER).items() if name != "cause"}
    inputs = RunInputs(run_id=run_id, registry_version="r", batches=frozen, **fields)
    made.lake.put_once(inputs_key(run_id), inputs.model_dump_json().encode(), "d")
    return run_id


def test_an_upload_is_granted_with_the_headers_that_name_the_person(call: Call, made: FakeWiring) -> None:
    body = {"plan_year": 2023, "number": 2, "region": "230102", "file_name": "名册.csv"}
    status, grant = call("clerk", "POST", "/v1/uploads", body)
    assert (status, grant["method"], grant["key"]) == (200, "PUT", "2023/230102/2/名册.csv")
    assert "roster-drop" in grant["url"]
    assert grant["headers"]["x-amz-meta-mode"] == "formal"
    # What is signed must be sent: the upload's id cannot be left out or changed.
    assert "x-amz-meta-upload" in grant["url"]
    upload = made.control.read(Upload, *upload_key(grant["headers"]["x-amz-meta-upload"]))
    assert upload is not None
    assert upload.principal == "clerk"


def test_batches_are_listed_by_region_and_state(call: Call) -> None:
    assert [each["batch_id"] for each in call("clerk", "GET", "/v1/batches")[1]["batches"]] == [BATCH_ID]
    assert call("clerk", "GET", "/v1/batches", region="230103")[1]["batches"] == []
    assert call("clerk", "GET", "/v1/batches", state="APPROVED")[1]["batches"] == []
    assert call("auditor", "GET", "/v1/batches")[1]["batches"] == []


def test_one_batch_shows_what_an_approver_must_repeat(call: Call) -> None:
    status, batch = call("approver", "GET", f"/v1/batches/{BATCH_ID}")
    assert status == 200
    assert {name: batch[name] for name in APPROVAL} == APPROVAL


def test_the_report_is_a_short_lived_address(call: Call, made: FakeWiring) -> None:
    assert call("clerk", "GET", f"/v1/batches/{BATCH_ID}/report")[0] == 404
    stored = made.control.read(Batch, *batch_key(BATCH_ID))
    assert stored is not None
    made.control.save(stored.changed(report_key=f"{BATCH_ID}/findings.xlsx"))
    status, answer = call("clerk", "GET", f"/v1/batches/{BATCH_ID}/report")
    assert (status, answer["expires_s"]) == (200, 300)
    assert f"{BATCH_ID}/findings.xlsx" in answer["url"]
    assert f"{BATCH_ID}/findings.json" in answer["findings"]
    assert call("operator", "GET", f"/v1/batches/{BATCH_ID}/report")[0] == 403


def test_a_batch_links_to_its_report_for_those_who_may_read_it(call: Call, made: FakeWiring) -> None:
    assert call("clerk", "GET", f"/v1/batches/{BATCH_ID}")[1]["report"] is None
    stored = made.control.read(Batch, *batch_key(BATCH_ID))
    assert stored is not None
    made.control.save(stored.changed(report_key=f"{BATCH_ID}/findings.xlsx"))
    for reader in ("clerk", "approver", "department"):
        link = call(reader, "GET", f"/v1/batches/{BATCH_ID}")[1]["report"]
        assert f"{BATCH_ID}/findings.xlsx" in link["url"]
        assert link["expires_s"] == 300
    # The rows to be corrected stand in it in clear: a treasurer and an operator see the batch, and nobody in it.
    for other in ("treasurer", "operator"):
        status, batch = call(other, "GET", f"/v1/batches/{BATCH_ID}")
        assert (status, batch["report"]) == (200, None)
    assert call("auditor", "GET", f"/v1/batches/{BATCH_ID}")[0] == 403, "of another city"
    assert all("report" not in each for each in call("clerk", "GET", "/v1/batches")[1]["batches"])


def test_the_sheet_travels_in_a_header(call: Call) -> None:
    body = {"plan_year": 2023, "number": 2, "region": "230102", "file_name": "名册.xlsx", "sheet": "六月 补发"}
    grant = call("clerk", "POST", "/v1/uploads", body)[1]
    assert unquote(grant["headers"]["x-amz-meta-sheet"]) == "六月 补发"
    assert grant["headers"]["x-amz-meta-sheet"].isascii()
    assert "x-amz-meta-sheet" in grant["url"]
    assert call("clerk", "POST", "/v1/uploads", body | {"sheet": "长" * 32})[0] == 422


def test_a_list_of_the_deceased_is_granted_to_a_regions_clerk_and_its_outcome_told(
    call: Call, made: FakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"region": "230102", "kind": "deceased", "file_name": "去世.csv"}
    status, grant = call("clerk", "POST", "/v1/departures", body)
    assert (status, grant["key"]) == (200, "230102/deceased/去世.csv")
    assert "departure-drop" in grant["url"]
    upload = made.control.read(Upload, *upload_key(grant["headers"]["x-amz-meta-upload"]))
    assert upload is not None
    assert (upload.principal, upload.object_key, upload.mode) == ("clerk", grant["key"], "deceased")
    insisted = call("clerk", "POST", "/v1/departures", body | {"kind": "moved", "replace": True})[1]
    assert insisted["key"] == "230102/moved/replace/去世.csv"
    assert call("approver", "POST", "/v1/departures", body)[0] == 403
    assert call("clerk", "POST", "/v1/departures", body | {"region": "230202"})[0] == 403
    assert call("clerk", "POST", "/v1/departures", body | {"file_name": "../a.csv"})[0] == 422
    reports = MemoryLake()
    monkeypatch.setattr("yikatong.aws.bureau_api.common.S3Lake", lambda _client, _bucket: reports)
    assert call("clerk", "GET", "/v1/departures", key=grant["key"])[0] == 404
    reports.put_once(outcome_key(grant["key"]), b'{"accepted": true, "rows": 2}', "d")
    assert call("clerk", "GET", "/v1/departures", key=grant["key"])[1] == {"accepted": True, "rows": 2}
    assert call("auditor", "GET", "/v1/departures", key=grant["key"])[0] == 403, "of another city"
    assert call("clerk", "GET", "/v1/departures", key="../cards.csv")[0] == 422


def test_the_result_is_a_short_lived_address_once_it_is_written(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = MemoryLake()
    monkeypatch.setattr("yikatong.aws.bureau_api.common.S3Lake", lambda _client, _bucket: reports)
    status, problem = call("clerk", "GET", f"/v1/batches/{BATCH_ID}/result")
    assert (status, problem["type"]) == (404, "urn:yikatong:problem:not_found")
    assert "结算之后才有" in problem["detail"]
    reports.put_once(f"{BATCH_ID}/result.xlsx", b"", "d")
    status, answer = call("clerk", "GET", f"/v1/batches/{BATCH_ID}/result")
    assert (status, answer["expires_s"]) == (200, 300)
    assert f"{BATCH_ID}/result.xlsx" in answer["url"]
    assert call("operator", "GET", f"/v1/batches/{BATCH_ID}/result")[0] == 403
    assert call("auditor", "GET", f"/v1/batches/{BATCH_ID}/result")[0] == 403, "of another city"


def test_funds_and_occasions_can_be_looked_at_by_whoever_sees_the_batches(call: Call) -> None:
    path = "/v1/funds/2023/2/230102/2023"
    assert call("clerk", "GET", path)[1]["available_fen"] is None
    call("treasurer", "PUT", path, {"allocated_fen": 500, "reason": "年初预算"})
    shown = call("clerk", "GET", path)[1]
    assert (shown["available_fen"], shown["region_name"]) == (500, "哈尔滨市道里区")
    assert call("auditor", "GET", path)[0] == 403
    occasion = {"plan_year": 2023, "number": 11, "name": "FLOOD", "title": "洪涝", "region": "230200"}
    call("department", "POST", "/v1/occasions", occasion | {"first": "2023-06-01", "last": "2023-06-30"})
    where = {"plan_year": "2023", "number": "11"}
    assert [each["slot"] for each in call("auditor", "GET", "/v1/occasions", **where)[1]["occasions"]] == ["2023#FLOOD"]
    assert call("clerk", "GET", "/v1/occasions", **where)[1]["occasions"] == []


def test_one_batch_tells_what_its_approver_must_know(call: Call) -> None:
    batch = call("approver", "GET", f"/v1/batches/{BATCH_ID}")[1]
    assert (batch["review_rows"], batch["review_rows_more"], batch["waiting_for_trial"]) == ([], 0, False)
    assert (batch["region_name"], batch["cards_checked"]) == ("哈尔滨市道里区", True)


def test_an_approval_is_the_approvers(call: Call) -> None:
    status, batch = call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)
    assert (status, batch["state"]) == (200, "APPROVED")
    assert batch["approval"]["approver"] == "approver"


def test_a_lost_race_is_decided_again(call: Call, made: FakeWiring) -> None:
    save = made.control.save
    lost: list[object] = []

    def losing_once(*items: Stored) -> None:
        save(*items)
        if not lost:
            lost.append(items)
            raise Conflict("the answer was lost")

    made.control.save = losing_once  # type: ignore[method-assign]
    assert call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)[1]["state"] == "APPROVED"


def test_endless_lost_races_are_a_conflict_without_keys_in_it(call: Call, made: FakeWiring) -> None:
    def losing(*_items: Stored) -> None:
        raise Conflict("BATCHES#x y")

    made.control.save = losing  # type: ignore[method-assign]
    status, problem = call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)
    assert (status, problem["type"]) == (409, "urn:yikatong:problem:conflict")
    assert "BATCHES" not in problem["detail"]


def test_a_withdrawal_occasion_and_funds_answer_with_what_stands(call: Call) -> None:
    reason = {"reason": "名单有误"}
    assert call("clerk", "POST", f"/v1/batches/{BATCH_ID}/withdrawal", reason)[1]["state"] == "WITHDRAWN"
    occasion = {"plan_year": 2023, "number": 11, "name": "FLOOD", "title": "洪涝", "region": "230000"}
    dates = {"first": "2023-06-01", "last": "2023-06-30"}
    assert call("department", "POST", "/v1/occasions", occasion | dates)[1]["slot"] == "2023#FLOOD"
    funds = call("treasurer", "PUT", "/v1/funds/2023/2/230102/2023", {"allocated_fen": 500, "reason": "年初预算"})
    assert (funds[0], funds[1]["available_fen"], funds[1]["set_by"]) == (200, 500, "treasurer")


def test_a_run_is_ordered_listed_shown_stopped_and_resumed(call: Call, made: FakeWiring) -> None:
    ordered = call("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 2})[1]
    assert ordered["run_id"].startswith(f"{CODE}-20230612-formal-ord")
    run_id = store_run(made)
    listed = call("auditor", "GET", "/v1/runs", plan_year="2023", number="2")[1]["runs"]
    assert [run["run_id"] for run in listed] == [run_id]
    assert call("auditor", "GET", "/v1/runs", plan_year="2023")[1]["runs"] == listed
    assert listed[0]["subsidy"] == "城市最低生活保障金"
    shown = call("clerk", "GET", f"/v1/runs/{run_id}")[1]
    assert [each["batch_id"] for each in shown["batches"]] == [BATCH_ID]
    assert call("auditor", "GET", f"/v1/runs/{run_id}")[1]["batches"] == []
    assert call("operator", "POST", f"/v1/runs/{run_id}/stop", {"reason": "银行维护"})[1]["state"] == "STOPPED"
    assert call("operator", "POST", f"/v1/runs/{run_id}/resume")[1]["state"] == "OPEN"
    assert made.orders.runs[-1] == ORDER
    events = [json.loads(made.audit.objects[key][0]) for key in made.audit.keys(f"audit/{run_id}/")]
    assert [(event["who"], event["what"]) for event in events] == [
        ("principal:operator", "RunStopped"),
        ("principal:operator", "RunResumed"),
    ]
    assert "银行维护" in events[0]["changes"]["note"]


def test_a_subsidy_is_paused_listed_and_resumed(call: Call, made: FakeWiring) -> None:
    path = "/v1/subsidies/2023/2"
    status, paused = call("operator", "POST", f"{path}/pause", {"reason": "银行系统升级"})
    assert (status, paused["paused"], paused["by"], paused["reason"]) == (200, True, "operator", "银行系统升级")
    listed = call("clerk", "GET", "/v1/subsidies", plan_year="2023")[1]["subsidies"]
    assert [each["number"] for each in listed if each["paused"]] == [2]
    call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)
    assert call("operator", "POST", f"{path}/resume", {"reason": "升级完成"})[1]["paused"] is False
    assert [order.cause for order in made.orders.runs] == ["resume2p2023"]
    assert call("treasurer", "POST", f"{path}/pause", {"reason": "r"})[0] == 403
    assert call("operator", "POST", "/v1/subsidies/2023/99/pause", {"reason": "r"})[0] == 404


def test_a_batch_goes_back_to_its_maker_with_the_reason(call: Call) -> None:
    body = {"reason": "第三村的标准不对"}
    assert call("clerk", "POST", f"/v1/batches/{BATCH_ID}/rejection", body)[0] == 403
    status, batch = call("approver", "POST", f"/v1/batches/{BATCH_ID}/rejection", body)
    assert (status, batch["state"], batch["refusal"]) == (200, "REFUSED", "审批退回（approver）：第三村的标准不对")
    assert call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)[0] == 409


def test_dead_letters_are_counted_and_drained_with_a_reason(call: Call, made: FakeWiring) -> None:
    status, listed = call("operator", "GET", "/v1/queues")
    assert (status, [(each["verb"], each["dead"]) for each in listed["queues"]]) == (
        200,
        [("receive_receipt", 3), ("schedules", 0)],
    )
    order = {"reason": "银行证书已更新", "most": 2}
    status, drained = call("operator", "POST", "/v1/queues/receive_receipt/drain", order)
    assert (status, drained["moved"], drained["by"]) == (200, 2, "operator")
    assert made.queues.live == [("receive_receipt", "a"), ("receive_receipt", "b")]
    shown = call("operator", "GET", "/v1/queues")[1]["queues"][0]
    assert (shown["dead"], shown["drained"]["reason"]) == (1, "银行证书已更新")
    assert call("operator", "POST", "/v1/queues/nothing/drain", order)[0] == 404
    assert call("operator", "POST", "/v1/queues/receive_receipt/drain", {"most": 2})[0] == 422
    assert call("operator", "POST", "/v1/queues/receive_receipt/drain", order | {"most": 101})[0] == 422
    assert call("treasurer", "POST", "/v1/queues/receive_receipt/drain", order)[0] == 403
    assert [key for key in made.audit.keys("audit/queue.") if key.endswith("2")], "the intent, then what was moved"


def test_a_ruling_and_a_recovery_are_handed_to_the_functions_that_read_payments(
    call: Call, made: FakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    answers = [
        {"outcome": "ruled"},
        {"outcome": "recorded"},
        {"outcome": "refused", "code": "conflict", "detail": "否"},
    ]

    def invoke(FunctionName: str, Payload: str) -> dict[str, Any]:
        asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(answers[len(asked) - 1]).encode())}

    monkeypatch.setattr(made, "client", lambda _service: SimpleNamespace(invoke=invoke))
    where = f"/v1/batches/{BATCH_ID}/payments/{'A' * 26}-1"
    ruling = {"ruled": "settled", "reason": "对账单", "settlement_seq": 1}
    recovery = {"amount_fen": 100, "on": "2023-06-12", "reference": "V1", "reason": "重复入账"}
    assert call("treasurer", "POST", f"{where}/ruling", ruling) == (200, {"outcome": "ruled"})
    assert call("treasurer", "POST", f"{where}/recoveries", recovery)[0] == 200
    assert call("treasurer", "POST", f"{where}/ruling", ruling)[0] == 409
    common = {"batch_id": BATCH_ID, "end_to_end_id": f"{'A' * 26}-1", "ordered_by": "treasurer"}
    assert asked[:2] == [("rules", common | {"request": ruling}), ("records", common | {"request": recovery})]
    assert call("treasurer", "POST", f"{where}/ruling", ruling | {"ruled": "paid"})[0] == 422
    assert call("treasurer", "POST", f"{where}/recoveries", recovery | {"amount_fen": 0})[0] == 422


def test_what_waits_for_a_person_is_listed(call: Call, made: FakeWiring, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = MemoryLake()
    exchange.put_once("quarantine/icbc/x.xml", b"", "d")
    monkeypatch.setattr("yikatong.aws.bureau_api.work.S3Lake", lambda _client, _bucket: exchange)
    store_run(made, "STOPPED")
    work = call("operator", "GET", "/v1/work-items")[1]["work"]
    assert [(each["kind"], each["about"]) for each in work] == [
        ("approval", BATCH_ID),
        ("stopped", name_run(ORDER)),
        ("quarantine", "quarantine/icbc/x.xml"),
        ("dead_letters", "receive_receipt"),
    ]
    assert [each["kind"] for each in call("approver", "GET", "/v1/work-items")[1]["work"]] == ["approval"]
    assert call("auditor", "GET", "/v1/work-items")[1]["work"] == [], "of another city"


def test_the_commands_speak_to_these_routes(call: Call, made: FakeWiring, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_place(_endpoint: str, name: str, method: str, path: str, body: Any = None, query: Any = None) -> Any:
        status, answer = call(name, method, path, body, **{k: v for k, v in (query or {}).items() if v is not None})
        if status >= 400:
            raise Refusal(answer["detail"])
        return answer

    monkeypatch.setattr("cli.api.call_bureau", in_place)
    runner = CliRunner()
    drained = runner.invoke(queue_commands.app, ["drain", "receive_receipt", "--reason", "r", "--as", "operator"])
    assert "已重投 3 条" in drained.output
    assert "operator，2023-06-12 09:00：r" in runner.invoke(queue_commands.app, ["list", "--as", "operator"]).output
    listed = runner.invoke(batch_commands.app, ["list", "--as", "clerk"])
    assert BATCH_ID in listed.output
    kept_back = runner.invoke(batch_commands.app, ["reject", BATCH_ID, "--reason", "r", "--as", "clerk"])
    assert isinstance(kept_back.exception, Refusal)
    assert kept_back.exception.message == "您的角色是经办，不能退回批次。"
    allowed = runner.invoke(batch_commands.app, ["withdraw", BATCH_ID, "--reason", "r", "--as", "clerk"])
    assert isinstance(allowed.exception, Refusal)
    assert "没有撤回" in allowed.exception.message, "a clerk may, and is asked first"
    refused = runner.invoke(batch_commands.app, ["approve", BATCH_ID, "--yes", "--as", "clerk"])
    assert isinstance(refused.exception, Refusal)
    approved = runner.invoke(batch_commands.app, ["approve", BATCH_ID, "--yes", "--as", "approver"])
    assert "已审批，待发放" in approved.output
    where = ["--plan-year", "2023", "--number", "2"]
    funds = ["--region", "230102", "--year", "2023", "--yuan", "1,000.5", "--reason", "r", "--as", "treasurer"]
    assert "可用 1,000.50 元" in runner.invoke(funds_commands.app, ["set", *where, *funds]).output
    run_id = store_run(made)
    assert run_id in runner.invoke(run_commands.app, ["list", *where, "--as", "auditor"]).output
    assert run_id in runner.invoke(run_commands.app, ["list", "--as", "auditor"]).output
    assert BATCH_ID in runner.invoke(run_commands.app, ["show", run_id, "--as", "clerk"]).output
    stopped = runner.invoke(run_commands.app, ["stop", run_id, "--reason", "r", "--as", "operator"])
    assert "已停止" in stopped.output
    paused = runner.invoke(subsidy_commands.app, ["pause", *where, "--reason", "升级", "--as", "operator"])
    assert "已暂停（operator，2023-06-12 09:00：升级）" in paused.output
    assert "暂停1个" in runner.invoke(subsidy_commands.app, ["list", "--plan-year", "2023", "--as", "auditor"]).output
    resumed = runner.invoke(subsidy_commands.app, ["resume", *where, "--reason", "好了", "--as", "operator"])
    assert "正常（operator" in resumed.output


def test_a_runs_line_balances_once_the_batch_is_approved(call: Call, made: FakeWiring) -> None:
    call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL)
    line = call("clerk", "GET", f"/v1/runs/{store_run(made)}")[1]["batches"][0]["line"]
    assert (line["rows"], line["waiting"], line["excluded"]["count"]) == (1, {"count": 1, "fen": 100}, 0)


def test_a_sessions_name_is_the_callers_name(call: Call) -> None:
    assert call("arn:aws-cn:sts::123456789012:assumed-role/bureau/clerk", "GET", f"/v1/batches/{BATCH_ID}")[0] == 200


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status", "detail"),
    [
        ("stranger", "GET", "/v1/batches", None, 403, "未在平台登记"),
        ("clerk", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL, 403, "角色是经办"),
        ("auditor", "GET", f"/v1/batches/{BATCH_ID}", None, 403, "管辖地区"),
        ("clerk", "GET", "/v1/batches/nothing", None, 404, "没有这个批次"),
        ("clerk", "GET", "/v1/nothing", None, 404, "没有这个地址"),
        ("operator", "GET", "/v1/runs/a-20230101-formal-x", None, 404, "没有这次发放"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2022, "number": 2}, 404, "没有2022年的计划"),
        ("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL | {"sha256": "b"}, 409, "SHA-256"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 39}, 422, "正式发放时间"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023}, 422, "number缺少"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 2, "mode": "now"}, 422, "可选 trial、formal"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 2, "as_of": "June"}, 422, "as_of不正确，应是"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 2, "as_of": "2023-06-10"}, 422, "2023-06-12"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": "x"}, 422, "number不正确，应是整数"),
        ("treasurer", "GET", "/v1/funds/2023/2/230199/2023", None, 422, "230199 不是"),
        ("treasurer", "GET", "/v1/funds/2023/2/230102/2029", None, 422, "2023 至 2028"),
        ("clerk", "GET", "/v1/occasions", None, 422, "plan_year缺少；number缺少"),
        ("operator", "POST", "/v1/runs", {"plan_year": 2023, "number": 2, "extra": 1}, 422, "extra不正确"),
        ("operator", "POST", "/v1/runs", "{", 422, "不是合法的 JSON"),
        (
            "treasurer",
            "PUT",
            "/v1/funds/2023/2/110101/2023",
            {"allocated_fen": 1, "reason": "r"},
            422,
            "region不正确，应是黑龙江省",
        ),
        ("treasurer", "PUT", "/v1/funds/2023/2/230102/2023", {"allocated_fen": 1.5, "reason": "r"}, 422, "不正确"),
        ("clerk", "POST", f"/v1/batches/{BATCH_ID}/withdrawal", {"reason": " "}, 422, "reason不正确"),
    ],
)
def test_a_refusal_is_a_problem_detail_in_chinese(
    call: Call, who: str, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    got, problem = call(who, method, path, body)
    assert (got, problem["status"]) == (status, status)
    assert detail in problem["detail"]
    assert problem["type"].startswith("urn:yikatong:problem:")
    assert problem["correlation_id"] == "request-1"
    assert problem["title"]


def test_a_defect_is_a_500_that_says_nothing_and_logs_no_message(
    call: Call, made: FakeWiring, log: io.StringIO
) -> None:
    personal = "230102" + "199001011230"

    def broken(*_args: Any) -> None:
        raise KeyError(personal)

    made.control.query_region = broken  # type: ignore[method-assign, assignment]
    status, problem = call("clerk", "GET", "/v1/batches")
    assert (status, problem["type"]) == (500, "urn:yikatong:problem:broken")
    assert "KeyError" in log.getvalue()
    assert personal not in log.getvalue() + problem["detail"]


def test_a_log_line_tells_who_and_which_problem_but_no_body(call: Call, log: io.StringIO) -> None:
    call("approver", "POST", f"/v1/batches/{BATCH_ID}/approval", APPROVAL | {"sha256": "not-the-hash"})
    (line,) = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["problem"], line["principal"], line["correlation_id"]) == ("conflict", "approver", "request-1")
    assert "not-the-hash" not in log.getvalue()
