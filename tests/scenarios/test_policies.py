"""Policies and the policy list through the local cloud: dropped through the gateway's grants, published for everybody."""

import json
from typing import Any

import pytest

from cli import api
from infra.local.cloud import LocalCloud
from tests.policies import duty_of, filled_form, filled_rows, policy_document, policy_metadata
from tests.scenarios.people import People
from yikatong.policies import in_force
from yikatong.policy_forms import Column, form_xlsx

pytestmark = pytest.mark.cloud

CODE = "urban-minimum-living"
REQUEST = {"plan_year": 2023, "number": 2, "region": "230000", "file_name": "标准.pdf"}


def test_a_policy_in_two_versions_and_a_list_in_parts_are_what_the_public_reads(cloud: LocalCloud) -> None:
    people = People(cloud)
    s3, buckets = cloud.client("s3"), cloud.resources["buckets"]

    def public(key: str) -> Any:
        return json.load(s3.get_object(Bucket=buckets["site"], Key=key)["Body"])

    def drop(who: str, request: dict[str, Any], document: bytes, /, **metadata: Any) -> str:
        grants = people.as_(who, "POST", "/v1/policies", request)
        for half, data in (("metadata", policy_metadata(document, **metadata)), ("document", document)):
            api.put_file(grants[half]["url"], grants[half]["headers"], data)
        return str(grants["document"]["key"])

    first, second = policy_document("标准（示例）", seed=1), policy_document("标准（示例）", seed=2)
    key = drop("province-department", REQUEST, first, valid_from="2023-01-01")
    cloud.settle()
    told = people.as_("province-department", "GET", "/v1/policies", key=key)
    assert (told["outcome"], told["version"]) == ("published", 1), told
    drop("province-department", REQUEST, second, valid_from="2023-06-01")
    page = policy_document("哈尔滨市标准（示例）", html=True)
    drop("harbin-clerk", REQUEST | {"region": "230100", "file_name": "标准.html"}, page, document="city")
    cloud.settle()

    documents = [
        each for region in ("230000", "230100") for each in public(f"published/policies/{region}.json")["documents"]
    ]
    assert [(each["document"], each["version"]) for each in in_force(documents, CODE, "2023-05", "230102")] == [
        ("measure", 1),
        ("city", 1),
    ]
    (now, _) = in_force(documents, CODE, "2023-06", "230102")
    stored = s3.get_object(Bucket=buckets["site"], Key=now["href"][1:])
    assert (stored["Body"].read(), stored["ContentType"]) == (second, "application/pdf")

    def send_part(who: str, data: bytes, **request: str) -> dict[str, Any]:
        asked = {"plan_year": 2023, "region": "230000", "file_name": "清单.xlsx", **request}
        grant = people.as_(who, "POST", "/v1/policy-lists", asked)
        api.put_file(grant["url"], grant["headers"], data)
        cloud.settle()
        outcome: dict[str, Any] = people.as_(who, "GET", "/v1/policy-lists", key=grant["key"])
        return outcome

    forests = send_part("province-department", filled_form("省林业和草原局"), department="省林业和草原局")
    assert (forests["outcome"], forests["entries"]) == ("taken", 1), forests
    own: dict[str, str] = filled_rows(1)[0] | {Column.NAME: "高龄津贴（示例）", Column.DEPARTMENT: "市民政局"}
    rows: list[dict[str, str]] = [*[{}] * 45, own]
    assert send_part("harbin-clerk", form_xlsx(duty_of(region="230100"), rows), region="230100")["outcome"] == "taken"
    listed = public("published/policy-lists/2023/230000.json")
    assert [entry["number"] for entry in listed["entries"]] == [45]
    assert "省林业和草原局" not in {each["department"] for each in listed["missing"]}
    assert [entry["name"] for entry in public("published/policy-lists/2023/230100.json")["entries"]] == [
        "高龄津贴（示例）"
    ]
    workbook = s3.head_object(Bucket=buckets["site"], Key="published/policy-lists/2023/230100.xlsx")
    assert workbook["ContentType"].endswith("spreadsheetml.sheet")
