"""Policies and parts of the policy list through the bureau API: who may send what, what is signed, what is told."""

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from functions.bureau_api.handler import handler
from tests.fakes import MemoryControl, MemoryLake
from yikatong.plan import PlanBook
from yikatong.policy_drops import outcome_key
from yikatong.policy_lists import list_outcome_key
from yikatong.principals import Principal, Role, principal_key
from yikatong.uploads import Upload, upload_key

CONTEXT = SimpleNamespace(
    function_name="bureau_api", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)
PEOPLE = {
    "education": (Role.DEPARTMENT, "230000", ("省教育厅",)),
    "two": (Role.DEPARTMENT, "230000", ("省教育厅", "省财政厅")),
    "every": (Role.DEPARTMENT, "230000", ()),
    "province-clerk": (Role.CLERK, "230000", ()),
    "county": (Role.CLERK, "230102", ()),
    "county-education": (Role.DEPARTMENT, "230102", ("省教育厅",)),
    "city": (Role.CLERK, "230100", ()),
    "operator": (Role.OPERATOR, "230000", ()),
}
POLICY = {"plan_year": 2023, "number": 30, "region": "230000", "file_name": "办法.pdf"}
PART = {"plan_year": 2023, "region": "230000", "file_name": "清单.xlsx"}


class PolicyWiring:
    """What these routes touch."""

    def __init__(self) -> None:
        self.control, self.book = MemoryControl(), PlanBook.committed()
        self.environment = {"POLICY_BUCKET": "policy-drop", "REPORTS_BUCKET": "reports"}

    def client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "A", "aws_secret_access_key": "S"}
        return boto3.client(service, region_name="cn-north-1", **keys)  # type: ignore[call-overload]

    def upload(self, grant: dict[str, Any]) -> Upload:
        found = self.control.read(Upload, *upload_key(grant["headers"]["x-amz-meta-upload"]))
        assert found is not None
        return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> PolicyWiring:
    wiring = PolicyWiring()
    monkeypatch.setattr("yikatong.aws.wiring._wiring", wiring)
    for name, (role, region, departments) in PEOPLE.items():
        pk, sk = principal_key(name)
        wiring.control.save(Principal(pk=pk, sk=sk, name=name, role=role, region=region, departments=departments))
    return wiring


def call(who: str, method: str, path: str, body: Any = None, **query: str) -> tuple[int, dict[str, Any]]:
    identity = {"userArn": f"arn:aws-cn:iam::123456789012:user/{who}"}
    event: dict[str, Any] = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "requestContext": {"requestId": "request-1", "identity": identity, "stage": "t", "path": path},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }
    answer = handler(event, CONTEXT)  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def test_a_department_is_granted_both_halves_each_in_its_own_name(made: PolicyWiring) -> None:
    status, grants = call("education", "POST", "/v1/policies", POLICY)
    key = f"230000/{PlanBook.committed().subsidy(2023, 30).code}/办法.pdf"
    assert (status, grants["document"]["key"], grants["metadata"]["key"]) == (200, key, f"{key}.json")
    for grant in grants.values():
        upload = made.upload(grant)
        assert (upload.principal, upload.object_key, upload.mode) == ("education", grant["key"], "policy")
        assert "x-amz-meta-upload" in grant["url"]
        assert "policy-drop" in grant["url"]
    ids = {grant["headers"]["x-amz-meta-upload"] for grant in grants.values()}
    assert len(ids) == 2


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("who", "changed", "status"),
    [
        ("education", {"number": 2}, 403),
        ("education", {"number": 27}, 200),
        ("education", {"region": "230102"}, 403),
        ("every", {"number": 2}, 200),
        ("province-clerk", {}, 403),
        ("county", {}, 403),
        ("county", {"region": "230102"}, 200),
        ("county", {"region": "230103"}, 403),
        ("county-education", {"region": "230102"}, 200),
        ("county-education", {"region": "230102", "number": 2}, 403),
        ("city", {"region": "230102"}, 403),
        ("city", {"region": "230100"}, 200),
        ("operator", {}, 403),
        ("education", {"file_name": "办法.docx"}, 422),
        ("education", {"file_name": "办法.pdf.json"}, 422),
        ("education", {"file_name": "../办法.pdf"}, 422),
        ("education", {"file_name": "230102199001011234.pdf"}, 422),
        ("education", {"number": 99}, 404),
        ("county", {"region": "239999"}, 422),
    ],
)
def test_a_region_speaks_for_itself_and_the_province_through_the_departments_that_lead(
    who: str, changed: dict[str, Any], status: int
) -> None:
    answered, body = call(who, "POST", "/v1/policies", POLICY | changed)
    assert answered == status, body


@pytest.mark.parametrize(
    ("who", "changed", "department"),
    [
        ("education", {}, "省教育厅"),
        ("two", {"department": "省财政厅"}, "省财政厅"),
        ("every", {"department": "省林业和草原局"}, "省林业和草原局"),
        ("county", {"region": "230102"}, ""),
        ("county-education", {"region": "230102"}, "省教育厅"),
    ],
)
def test_a_part_of_the_list_is_noted_with_the_department_it_speaks_for(
    made: PolicyWiring, who: str, changed: dict[str, Any], department: str
) -> None:
    status, grant = call(who, "POST", "/v1/policy-lists", PART | changed)
    assert status == 200, grant
    assert made.upload(grant).mode == f"policy-list:{department}"
    assert grant["headers"].get("x-amz-meta-department", "") == quote(department)
    assert grant["key"] == f"lists/2023/{changed.get('region', '230000')}/清单.xlsx"


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("who", "changed", "status"),
    [
        ("two", {}, 422),
        ("every", {}, 422),
        ("education", {"department": "省财政厅"}, 403),
        ("every", {"department": "省文化和旅游厅"}, 403),
        ("province-clerk", {}, 403),
        ("city", {"region": "230102"}, 403),
        ("operator", {}, 403),
        ("education", {"file_name": "清单.xls"}, 422),
        ("education", {"plan_year": 2031}, 404),
    ],
)
def test_nobody_fills_in_anothers_part(who: str, changed: dict[str, Any], status: int) -> None:
    answered, body = call(who, "POST", "/v1/policy-lists", PART | changed)
    assert answered == status, body


@pytest.mark.usefixtures("made")
def test_what_became_of_a_file_is_told_to_those_who_may_send_one_there(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = MemoryLake()
    monkeypatch.setattr("yikatong.aws.bureau_api.common.S3Lake", lambda _client, _bucket: reports)
    for path, key, told_under in (
        ("/v1/policies", "230102/urban-minimum-living/a.pdf", outcome_key),
        ("/v1/policy-lists", "lists/2023/230102/a.xlsx", list_outcome_key),
    ):
        assert call("county", "GET", path, key=key)[0] == 404
        reports.put_once(told_under(key), b'{"outcome": "waiting"}', "d")
        assert call("county", "GET", path, key=key) == (200, {"outcome": "waiting"})
        assert call("education", "GET", path, key=key)[0] == 403
        assert call("county", "GET", path, key="../x")[0] == 422
