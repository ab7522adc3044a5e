"""What is published on the site the stories visit: policies in versions, collected policy lists, disclosure lists."""

import json
from typing import Any

from cli.api import call_public
from infra.local.cloud import LocalCloud
from tests.policies import policy_document, published, published_index
from tests.scenarios.people import BOOK, DAOLI
from tests.site.payments import LATER, PINGFANG, PLAIN, SENSITIVE
from yikatong.principals import PROVINCE
from yikatong.regions import name_of

SUBSIDY = BOOK.subsidy(2023, PLAIN)
HARBIN = "230100"


def publish_policies(cloud: LocalCloud) -> dict[str, Any]:
    """A subsidy with a changed policy, its part of the province's list, and a county's own subsidy."""
    code = str(SUBSIDY.code)
    documents = [
        published(code, "measure", 2, "2023-06-01", title="公益性岗位补贴办法（2023年修订，示例）"),
        published(code, "measure", 1, "2022-01-01", title="公益性岗位补贴办法（示例）", valid_to="2023-05-31"),
        published(
            code,
            "standard",
            1,
            "2023-01-01",
            title="公益性岗位补贴标准（示例）",
            media_type="text/html; charset=utf-8",
            href=f"/policies/{PROVINCE}/{code}/standard/0001.html",
        ),
    ]
    site = {"Bucket": cloud.resources["buckets"]["site"]}
    put = cloud.client("s3").put_object
    key, index = published_index(PROVINCE, documents)
    put(**site, Key=key, Body=index, ContentType="application/json")
    for each in documents:
        html = each["media_type"].startswith("text/html")
        body = policy_document(f"{code} {each['document']}", html=html, seed=each["version"])
        put(**site, Key=each["href"].removeprefix("/"), Body=body, ContentType=each["media_type"])
    return {"code": code, "name": SUBSIDY.name, "documents": documents} | _lists(put, site)


def _lists(put: Any, site: dict[str, Any]) -> dict[str, Any]:
    entry = {
        "number": SUBSIDY.number,
        "code": str(SUBSIDY.code),
        "name": SUBSIDY.name,
        "department": SUBSIDY.lead_departments[0],
        "beneficiaries": "在公益性岗位上工作的就业困难人员（示例）",
        "standard": "每人每月1450元（示例）",
        "basis": "公益性岗位补贴办法（示例）",
        "procedure": "向用人单位所在地的人社部门申请（示例）",
        "telephone": "0451-0000000",
        "remark": "",
    }
    own = entry | {
        "number": None,
        "code": None,
        "name": "平房区高龄老人生活补贴（示例）",
        "standard": "每人每月60元（示例）",
    }
    owing = "省农业农村厅"
    for region, entries, missing in (
        (PROVINCE, [entry], [{"department": owing, "subsidies": [38]}]),
        (PINGFANG, [own], []),
    ):
        told = {
            "year": 2023,
            "region": region,
            "collected_at": "2023-06-14T09:00:00+08:00",
            "entries": entries,
            "missing": missing,
        }
        put(
            **site, Key=f"published/policy-lists/2023/{region}.json", Body=json.dumps(told, ensure_ascii=False).encode()
        )
        put(**site, Key=f"published/policy-lists/2023/{region}.xlsx", Body=b"PK")
    return {"entry": entry, "own": own, "missing": owing, "city": HARBIN, "county": PINGFANG}


def disclosed(endpoint: str) -> dict[str, Any]:
    """One cell of each kind: a list, sums only, and one that holds other regions' few people."""

    def cell(number: int, region: str) -> dict[str, Any]:
        found = call_public(endpoint, "GET", f"/v1/disclosure/{BOOK.subsidy(2023, number).code}/{LATER}/{region}?year=2023")
        return {name: found[name] for name in found if name != "rows"}

    index = call_public(endpoint, "GET", f"/v1/disclosure?year=2023&code={SUBSIDY.code}")["cells"]
    whole = [cell(PLAIN, each["region"]) for each in index if each["slot"] == LATER]
    (merged,) = [each for each in whole if each["merged"]]
    return {
        "list": cell(PLAIN, DAOLI),
        "aggregate": cell(SENSITIVE, DAOLI),
        "merged": merged | {"merged_names": [name_of(region) for region in merged["merged"]]},
    }
