"""The disclosure and the export, ordered through the bureau API and at a terminal, by those who may."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from typer.testing import CliRunner

from cli import disclosure, portal
from functions.bureau_api.handler import handler
from tests.fakes import MemoryControl
from tests.unit.disclosure.test_export_portal import Portal
from yikatong.aws.bureau_api import portal_exports
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.principals import Principal, Role, principal_key

CONTEXT = SimpleNamespace(
    function_name="bureau_api", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)
CIVIL_AFFAIRS = "省民政厅"
Call = Callable[..., tuple[int, dict[str, Any]]]


class FakeWiring:
    """Functions that are set off, and an S3 that signs addresses."""

    def __init__(self) -> None:
        self.control, self.book = MemoryControl(), PlanBook.committed()
        self.environment = {"PUBLISH_DISCLOSURE": "discloses", "EXPORT_PORTAL": "exports", "PORTAL_BUCKET": "portal"}
        self.set_off: list[tuple[str, str, dict[str, Any]]] = []

    def now(self) -> datetime:
        return datetime(2023, 6, 13, 9, tzinfo=ZoneInfo("Asia/Shanghai"))

    def client(self, _service: str) -> Any:
        def invoke(FunctionName: str, InvocationType: str, Payload: str) -> None:
            self.set_off.append((FunctionName, InvocationType, json.loads(Payload)))

        def signed(_method: str, Params: dict[str, str], ExpiresIn: int) -> str:
            return f"https://{Params['Bucket']}/{Params['Key']}?{ExpiresIn}"

        return SimpleNamespace(invoke=invoke, generate_presigned_url=signed)


@pytest.fixture
def exported() -> Portal:
    return Portal()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, exported: Portal) -> FakeWiring:
    wiring = FakeWiring()
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    monkeypatch.setattr(portal_exports, "_portal", lambda: exported.bucket)
    people: dict[str, tuple[Role, str, tuple[str, ...]]] = {
        "operator": (Role.OPERATOR, "230000", ()),
        "civil-affairs": (Role.DEPARTMENT, "230000", (CIVIL_AFFAIRS,)),
        "clerk": (Role.CLERK, "230100", ()),
        "city-department": (Role.DEPARTMENT, "230100", ()),
    }
    for name, (role, region, departments) in people.items():
        pk, sk = principal_key(name)
        wiring.control.save(Principal(pk=pk, sk=sk, name=name, role=role, region=region, departments=departments))
    return wiring


@pytest.fixture
def call(made: FakeWiring) -> Call:  # noqa: ARG001 - the wiring is in place
    def calling(who: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json"}
        event = {
            "resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()}, "queryStringParameters": None,
            "multiValueQueryStringParameters": None, "pathParameters": {"proxy": path.lstrip("/")},
            "requestContext": {"requestId": "r", "identity": {"userArn": f"arn:aws-cn:iam::1:user/{who}"}, "path": path},
            "body": None if body is None else json.dumps(body), "isBase64Encoded": False,
        }  # fmt: skip
        answer = handler(event, CONTEXT)  # type: ignore[arg-type]
        return answer["statusCode"], json.loads(answer["body"])

    return calling


def test_an_operator_has_everything_disclosed_now(call: Call, made: FakeWiring) -> None:
    assert call("operator", "POST", "/v1/disclosure", {}) == (200, {"ordered": True})
    assert made.set_off == [("discloses", "Event", {"ordered_by": "operator"})]


def test_a_department_has_its_own_subsidy_disclosed_and_no_other(call: Call, made: FakeWiring) -> None:
    assert call("civil-affairs", "POST", "/v1/disclosure", {"plan_year": 2023, "number": 2})[0] == 200
    assert made.set_off == [("discloses", "Event", {"ordered_by": "civil-affairs", "code": "urban-minimum-living"})]
    foreign = next(each for each in made.book.plan(2023).subsidies if CIVIL_AFFAIRS not in each.lead_departments)
    for body in ({"plan_year": 2023, "number": foreign.number}, {}):
        assert call("civil-affairs", "POST", "/v1/disclosure", body)[0] == 403
    assert len(made.set_off) == 1


@pytest.mark.parametrize("who", ["clerk", "city-department", "nobody"])
def test_nobody_else_orders_what_concerns_the_whole_province(call: Call, made: FakeWiring, who: str) -> None:
    assert call(who, "POST", "/v1/disclosure", {"plan_year": 2023, "number": 2})[0] == 403
    assert call(who, "POST", "/v1/portal-exports", {"kind": "full"})[0] == 403
    assert call(who, "GET", "/v1/portal-exports")[0] == 403
    assert call(who, "GET", "/v1/portal-exports/2023-06-01-01-full")[0] == 403
    assert made.set_off == []


@pytest.mark.parametrize("body", [{"plan_year": 2023}, {"number": 2}, {"number": 99, "plan_year": 2023}, {"code": "x"}])
def test_half_a_subsidy_is_refused(call: Call, made: FakeWiring, body: dict[str, Any]) -> None:
    assert call("operator", "POST", "/v1/disclosure", body)[0] in (404, 422)
    assert made.set_off == []


def test_an_export_is_ordered_listed_when_it_is_done_and_fetched_manifest_last(
    call: Call, made: FakeWiring, exported: Portal
) -> None:
    assert call("operator", "POST", "/v1/portal-exports", {"kind": "full"}) == (200, {"ordered": True, "after": ""})
    assert made.set_off == [("exports", "Event", {"kind": "full", "ordered_by": "operator"})]
    assert call("operator", "GET", "/v1/portal-exports")[1] == {"exports": []}
    export = exported.export("full")
    exported.bucket.put("exports/2023-06-02-01-full/policies.jsonl.gz", b"of one that died")
    assert call("civil-affairs", "GET", "/v1/portal-exports")[1] == {"exports": [export]}
    shown = call("civil-affairs", "GET", f"/v1/portal-exports/{export}")[1]
    assert {file["name"] for file in shown["files"]} == set(exported.files(export))
    assert shown["files"][-1] == {"name": "manifest.json", "url": f"https://portal/exports/{export}/manifest.json?300"}
    assert call("operator", "POST", "/v1/portal-exports", {"kind": "incremental"})[1]["after"] == export


@pytest.mark.parametrize("export", ["2023-06-02-01-full", "2023-06-01-01-partial", "..", "2023-06-01-09-full"])
def test_an_export_that_is_not_finished_or_none_is_not_found(call: Call, exported: Portal, export: str) -> None:
    exported.export("full")
    exported.bucket.put("exports/2023-06-02-01-full/policies.jsonl.gz", b"of one that died")
    assert call("operator", "GET", f"/v1/portal-exports/{export}")[0] == 404


# --- at a terminal -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal(call: Call, exported: Portal, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The commands, as the operator; what is ordered is done by the next look."""

    def asked(_endpoint: str, _name: str, method: str, path: str, body: Any = None) -> Any:
        status, answer = call("operator", method, path, body)
        assert status == 200, answer
        if path == "/v1/portal-exports" and method == "POST":
            exported.export(body["kind"])
        return answer

    def fetched(url: str) -> bytes:
        return exported.bucket.objects[url.removeprefix("https://portal/").split("?")[0]]

    monkeypatch.setattr("cli.api.call_bureau", asked)
    monkeypatch.setattr("cli.api.get_file", fetched)
    app = typer.Typer()
    app.add_typer(disclosure.app, name="disclosure")
    app.add_typer(portal.app, name="portal")

    def typed(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        if isinstance(result.exception, Refusal):
            raise result.exception
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    return typed


def test_the_disclosure_is_ordered_at_a_terminal(terminal: Callable[..., str], made: FakeWiring) -> None:
    assert "已开始更新公示" in terminal("disclosure", "publish", "--plan-year", "2023", "--number", "2")
    assert made.set_off[-1][2]["code"] == "urban-minimum-living"


def test_an_export_is_fetched_and_checked_at_a_terminal(terminal: Callable[..., str], tmp_path: Path) -> None:
    told = terminal("portal", "export", "--full", "--out", str(tmp_path / "full"))
    assert (
        "核对无误：2023-06-01-01-full；5 个文件，公示 2 项、16 人、10,400.00 元，其中逐人列出 9 行；撤下 0 项。" in told
    )
    told = terminal("portal", "export", "--incremental", "--out", str(tmp_path / "more"))
    assert "2023-06-01-02-incremental，依据 2023-06-01-01-full" in told
    assert "核对无误" in terminal("portal", "check", str(tmp_path / "full"))


def test_a_folder_that_holds_something_is_not_mixed_with_an_export(
    terminal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "old").touch()
    with pytest.raises(Refusal, match="不是空目录"):
        terminal("portal", "export", "--full", "--out", str(tmp_path))


def test_a_fetched_export_that_was_changed_is_refused(terminal: Callable[..., str], tmp_path: Path) -> None:
    terminal("portal", "export", "--full", "--out", str(tmp_path))
    (tmp_path / "policies.jsonl.gz").write_bytes(b"")
    with pytest.raises(Refusal, match=r"policies\.jsonl\.gz：内容与清单的 SHA-256 不符"):
        terminal("portal", "check", str(tmp_path))
    with pytest.raises(Refusal, match=r"没有 manifest\.json"):
        terminal("portal", "check", str(tmp_path / "nowhere"))
