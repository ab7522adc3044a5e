"""What is published on the site the stories visit: policies in versions, collected policy lists, disclosure lists."""

import json
from datetime import date
from typing import Any

from infra.local.cloud import LocalCloud
from tests.policies import policy_document, policy_metadata
from tests.scenarios.people import BOOK, DAOLI
from tests.site.payments import LATER, PINGFANG, PLAIN, SENSITIVE
from yikatong.policies import index_key
from yikatong.principals import PROVINCE
from yikatong.regions import name_of

SUBSIDY = BOOK.subsidy(2023, PLAIN)
HARBIN = "230100"


def publish_policies(cloud: LocalCloud) -> dict[str, Any]:
    """A subsidy with a changed policy, its part of the province's list, and a county's own subsidy."""
    code = str(SUBSIDY.code)
    measure, standard = "公益性岗位补贴办法（示例）", "公益性岗位补贴标准（示例）"
    _drop(cloud, "办法.pdf", 1, title=measure, document="measure", valid_from="2022-01-01", valid_to="2023-05-31")
    _drop(cloud, "标准.html", 1, title=standard, document="standard", valid_from="2023-01-01")
    cloud.settle()
    _drop(cloud, "办法.pdf", 2, title=f"{measure}2023年修订", document="measure", valid_from="2023-06-01")
    cloud.settle()
    index = cloud.client("s3").get_object(Bucket=cloud.resources["buckets"]["site"], Key=index_key(PROVINCE))
    documents = [each for each in json.load(index["Body"])["documents"] if each["code"] == code]
    return {"code": code, "name": SUBSIDY.name, "documents": documents} | _lists(cloud)


def _drop(cloud: LocalCloud, file: str, seed: int, **said: Any) -> None:
    """What the lead department does: a document, and beside it what is to be said of it."""
    document = policy_document(said["title"], html=file.endswith(".html"), seed=seed)
    bucket, key = cloud.resources["buckets"]["policy_drop"], f"{PROVINCE}/{SUBSIDY.code}/{file}"
    cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=document)
    cloud.client("s3").put_object(Bucket=bucket, Key=f"{key}.json", Body=policy_metadata(document, **said))


def _lists(cloud: LocalCloud) -> dict[str, Any]:
    put, site = cloud.client("s3").put_object, {"Bucket": cloud.resources["buckets"]["site"]}
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


def disclose(cloud: LocalCloud) -> dict[str, Any]:
    """What was paid is published; one cell of each kind: a list, sums only, and one with several regions' few people.

    In the next month, when nobody more is expected in the regions of a few people and they may be put together.
    """
    cloud.clock.jump(date(2023, 7, 3))
    cloud.invoke("publish_disclosure", {})
    lists, sums = _cells(cloud, PLAIN), _cells(cloud, SENSITIVE)
    (merged,) = [each for each in lists if each["slot"] == LATER and each["merged"]]
    return {
        "list": next(each for each in lists if (each["slot"], each["region"]) == (LATER, DAOLI)),
        "aggregate": next(each for each in sums if (each["slot"], each["region"]) == (LATER, DAOLI)),
        "merged": merged | {"merged_names": [name_of(region) for region in merged["merged"]]},
    }


def _cells(cloud: LocalCloud, number: int) -> list[dict[str, Any]]:
    key = f"published/disclosure/2023/{BOOK.subsidy(2023, number).code}/index.json"
    index = cloud.client("s3").get_object(Bucket=cloud.resources["buckets"]["site"], Key=key)
    cells: list[dict[str, Any]] = json.load(index["Body"])["cells"]
    return cells
