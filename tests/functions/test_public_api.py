"""The public API from event to answer: the plan for all, one's own records by POST, and nothing about anybody else."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from cli import api, query
from functions.public_api import handler as module
from tests.fakes import MemoryRecords
from yikatong.errors import Refusal
from yikatong.money import in_yuan
from yikatong.plan import PlanBook
from yikatong.records import Outcome, person_key, record_of
from yikatong.states import PaymentState

SECRET = b"a secret of the tests"
ID, NAME = "230102199001011230", "张三丰"
CONTEXT = SimpleNamespace(
    function_name="public_api", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)

Answer = tuple[int, dict[str, Any], dict[str, list[str]]]
Call = Callable[..., Answer]


class FakeSite:
    """Stands for the listing of the site bucket."""

    def __init__(self, _client: object, bucket: str) -> None:
        assert bucket == "site"

    def keys(self, prefix: str) -> list[str]:
        keys = ["index.html", "policies/urban-minimum-living/办法.pdf", "policies/urban-minimum-living-2/x.pdf"]
        return [key for key in keys if key.startswith(prefix)]


class FakeWiring:
    def __init__(self) -> None:
        self.book, self.records, self.record_secret = PlanBook.committed(), MemoryRecords(), SECRET
        self.environment = {"SITE_BUCKET": "site"}
        outcome = Outcome(
            role="beneficiary",
            code="urban-minimum-living",
            subsidy="城市最低生活保障金",
            plan_year=2023,
            region="230102",
            slot="2023-06",
            payment_id="P" * 26,
            attempt=1,
            amount_fen=65_000,
            state=PaymentState.SETTLED,
            channel="card",
            account_tail="1234",
            seq=1,
            paid_on="2023-06-12",
        )
        self.records.put_all([record_of(person_key(SECRET, ID, NAME), outcome)])

    def client(self, _service: str) -> object:
        return object()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> FakeWiring:
    wiring = FakeWiring()
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    monkeypatch.setattr(module, "S3Lake", FakeSite)
    return wiring


@pytest.fixture
def call(made: FakeWiring) -> Call:  # noqa: ARG001 - the wiring is in place
    def calling(method: str, path: str, body: Any = None, **query: str) -> Answer:
        event = {
            "path": path,
            "httpMethod": method,
            "headers": {"Content-Type": "application/json"},
            "multiValueHeaders": {"Content-Type": ["application/json"]},
            "queryStringParameters": query or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
            "requestContext": {"requestId": "request-1", "identity": {}, "stage": "t", "path": path},
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = module.handler(event, CONTEXT)  # type: ignore[arg-type]
        assert answer["multiValueHeaders"]["X-Correlation-Id"] == ["request-1"]
        return answer["statusCode"], json.loads(answer["body"]), answer["multiValueHeaders"]

    return calling


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function writes to its log."""
    written = io.StringIO()
    monkeypatch.setattr(module.logger.registered_handler, "stream", written)
    return written


def test_the_plan_is_told_to_all_and_may_be_cached(call: Call) -> None:
    status, plan, headers = call("GET", "/v1/plan")
    assert (status, plan["year"], len(plan["subsidies"])) == (200, 2023, 45)
    assert plan["subsidies"][1]["name"] == "城市最低生活保障金"
    assert plan["subsidies"][1]["code"] == "urban-minimum-living"
    assert headers["Cache-Control"] == ["public, max-age=300"]
    assert call("GET", "/v1/plan", year="2023")[1] == plan


def test_a_year_without_a_plan_is_not_found(call: Call) -> None:
    status, problem, headers = call("GET", "/v1/plan", year="2031")
    assert (status, problem["type"]) == (404, "urn:yikatong:problem:no_plan")
    assert headers["Cache-Control"] != ["public, max-age=300"]


def test_every_subsidy_is_listed_with_its_own_documents(call: Call) -> None:
    policies = call("GET", "/v1/policies")[1]["policies"]
    assert len(policies) == 45
    assert policies[1]["departments"] == ["省民政厅"]
    assert policies[1]["documents"] == ["/policies/urban-minimum-living/办法.pdf"]
    assert policies[2]["documents"] == []


def test_a_person_finds_their_own_records_and_no_cache_keeps_them(call: Call) -> None:
    status, answer, headers = call("POST", "/v1/query", {"name": NAME, "id_number": ID})
    (record,) = answer["records"]
    assert status == 200
    assert record["status"] == "已发放到社保卡，尾号 1234"
    assert record["amount_fen"] == 65_000
    assert headers["Cache-Control"] == ["no-store"]


def test_unknown_person_and_wrong_name_get_the_very_same_answer(call: Call) -> None:
    wrong_name = call("POST", "/v1/query", {"name": "张三", "id_number": ID})
    unknown = call("POST", "/v1/query", {"name": NAME, "id_number": "230102198001011233"})
    nonsense = call("POST", "/v1/query", {"name": "x", "id_number": "1"})
    assert wrong_name == unknown == nonsense
    assert wrong_name[:2] == (200, {"records": []})


@pytest.mark.parametrize(
    "body",
    [{"name": NAME}, {"name": NAME, "id_number": ID * 9}, {"name": NAME, "id_number": ID, ID: NAME}, f"{{{ID}", [ID]],
)
def test_a_malformed_query_is_refused_without_repeating_what_was_sent(call: Call, body: Any, log: io.StringIO) -> None:
    status, problem, _ = call("POST", "/v1/query", body)
    assert (status, problem["type"]) == (422, "urn:yikatong:problem:invalid")
    for text in (json.dumps(problem, ensure_ascii=False), log.getvalue()):
        assert ID not in text
        assert NAME not in text


def test_there_is_no_query_by_get(call: Call) -> None:
    assert call("GET", "/v1/query", name=NAME, id_number=ID)[0] in (404, 405)


def test_the_query_command_shows_the_records_and_never_the_id(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "call_public", lambda _endpoint, *request: call(*request)[1])
    command = typer.Typer()
    command.command()(query.query)
    shown = CliRunner().invoke(command, ["--name", NAME], input=f"{ID}\n").output
    assert "已发放到社保卡，尾号 1234" in shown
    assert "650.00" in shown
    assert ID not in shown
    nobody = CliRunner().invoke(command, ["--name", "张三", "--id", ID])
    assert (nobody.exit_code, nobody.output) == (0, "没有查到发放记录，请核对姓名和身份证号。\n")


@pytest.mark.parametrize(
    ("text", "fen"), [("1", 100), ("0.05", 5), ("1234.5", 123_450), ("1,234.50", 123_450), ("9" * 13, 10**15 - 100)]
)
def test_yuan_as_people_type_them_become_fen(text: str, fen: int) -> None:
    assert api.fen_of(text) == fen
    assert api.fen_of(in_yuan(fen)) == fen


@pytest.mark.parametrize("text", ["", "1.005", "-1", "1e3", "１", "1.", ".5", "1 000", "1\n"])
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="至多两位小数"):
        api.fen_of(text)


def test_a_defect_is_a_500_and_logs_no_message(call: Call, made: FakeWiring, log: io.StringIO) -> None:
    def broken(pk: str) -> list[dict[str, Any]]:
        raise ValueError(f"{NAME} {ID} {pk}")

    made.records.of_person = broken  # type: ignore[method-assign]
    status, problem, _ = call("POST", "/v1/query", {"name": NAME, "id_number": ID})
    assert (status, problem["status"]) == (500, 500)
    assert "ValueError" in log.getvalue()
    for text in (json.dumps(problem, ensure_ascii=False), log.getvalue()):
        assert ID not in text
        assert NAME not in text


@pytest.mark.parametrize("function", ["public_api", "bureau_api"])
def test_an_api_function_starts_without_the_columnar_libraries(function: str) -> None:
    script = f"import sys, functions.{function}.handler; print([m for m in ('polars', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{", "application/json"),
        ("[" * 100_000, "application/json"),
        ('{"name": 1' + "0" * 5000 + "}", "application/json"),
        ("<a/>", "text/xml"),
        ('{"name": "张三", "id_number": "230102199402164027"}', "text/xml"),
    ],
)
def test_a_body_that_is_no_json_is_a_wrong_request_not_a_fault(
    call: Call, monkeypatch: pytest.MonkeyPatch, body: str, kind: str
) -> None:
    resolve = module.problems.resolve

    def with_kind(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return resolve(event | {"headers": {"content-type": kind}}, context)

    monkeypatch.setattr(module.problems, "resolve", with_kind)
    status, problem, _ = call("POST", "/v1/query", body)
    assert (status, problem["type"]) == (422, "urn:yikatong:problem:invalid")
    assert "张三" not in problem["detail"]
