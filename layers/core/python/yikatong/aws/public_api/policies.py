"""补贴政策: what is in force, every version, the collected lists, and one subsidy on a card in plain language."""

from typing import Any

from yikatong.aws.public_api.answers import (
    CardAnswer,
    InForceAnswer,
    ListedVersion,
    PoliciesAnswer,
    PoliciesOfSubsidy,
    PolicyListAnswer,
    PolicyVersion,
)
from yikatong.aws.public_api.common import (
    AskedRegion,
    AskedSlot,
    Code,
    PathYear,
    QueryRegion,
    Region,
    Year,
    new_router,
    plan_of,
    publicly,
    published,
    region_of,
    require_code,
)
from yikatong.aws.public_api.plans import payments_of
from yikatong.aws.wiring import wiring
from yikatong.errors import Refusal
from yikatong.plan import Subsidy, WorkingDays
from yikatong.plan.plain_words import how_often, months_paid_for, when_missed, when_paid
from yikatong.policies import in_force, in_force_on, index_keys
from yikatong.regions import above

router = new_router()


@router.get("/v1/policies", **publicly("政策文件", PoliciesAnswer, "每项补贴的政策文件，连同各版本"))
def get_policies(year: Year = None, region: QueryRegion = None) -> PoliciesAnswer:
    plan, where, today = plan_of(year), region_of(region), wiring().now().date()
    documents = versions_of(where)
    return PoliciesAnswer(
        year=plan.year,
        region=where,
        as_of=today,
        policies=[
            PoliciesOfSubsidy(
                number=each.number,
                code=str(each.code),
                name=each.name,
                lead_departments=list(each.lead_departments),
                documents=_listed(documents, str(each.code), in_force_on(documents, str(each.code), today, where)),
            )
            for each in plan.subsidies
        ],
    )


@router.get("/v1/policies/<code>/in-force", **publicly("某属期有效的政策", InForceAnswer, "属期内有效过的政策文件"))
def get_in_force(code: Code, slot: AskedSlot, region: AskedRegion) -> InForceAnswer:
    require_code(code)
    where = region_of(region)
    found = in_force(versions_of(where), code, slot, where)
    return InForceAnswer(
        code=code, slot=slot, region=where, documents=[PolicyVersion.model_validate(each) for each in found]
    )


@router.get(
    "/v1/policy-lists/<year>/<region>", **publicly("补贴政策清单", PolicyListAnswer, "部门填报、汇总的政策清单")
)
def get_policy_list(year: PathYear, region: Region) -> PolicyListAnswer:
    found = policy_list(year, region_of(region))
    if found is None:
        raise Refusal("这个地区这一年的补贴政策清单还没有汇总公布。", "not_found")
    return PolicyListAnswer.model_validate(found)


@router.get(
    "/v1/subsidies/<code>", **publicly("一项补贴的明白卡", CardAnswer, "谁能领、领多少、多久发一次、什么时候发")
)
def get_subsidy(code: Code, year: Year = None, region: QueryRegion = None) -> CardAnswer:
    plan, where, made = plan_of(year), region_of(region), wiring()
    subsidy = made.book.by_code(plan.year, code)
    filled_in_by, told = filled_in(subsidy, where)
    documents = in_force_on(versions_of(where), code, made.now().date(), where)
    return CardAnswer(
        year=plan.year,
        number=subsidy.number,
        code=code,
        name=subsidy.name,
        lead_departments=list(subsidy.lead_departments),
        frequency=subsidy.frequency.value,
        who=told.get("beneficiaries") or None,
        how_much=told.get("standard") or None,
        basis=told.get("basis") or None,
        procedure=told.get("procedure") or None,
        telephone=told.get("telephone") or None,
        filled_in_by=filled_in_by,
        how_often=how_often(subsidy.frequency),
        months_paid_for=months_paid_for(subsidy.entitlement),
        when_paid=when_paid(subsidy, made.settings),
        when_missed=when_missed(subsidy.cross_period),
        payments=payments_of(subsidy, WorkingDays.committed()),
        documents=[PolicyVersion.model_validate(each) for each in documents],
    )


def versions_of(region: str) -> list[dict[str, Any]]:
    """Every version that speaks for a region: the province's, its city's, its own."""
    indexes = (published(key) for key in index_keys(region))
    return [
        {"region": index["region"]} | document
        for index in indexes
        if index is not None
        for document in index["documents"]
    ]


def policy_list(year: int, region: str) -> dict[str, Any] | None:
    return published(f"published/policy-lists/{year}/{region}.json")


def filled_in(subsidy: Subsidy, region: str) -> tuple[str | None, dict[str, Any]]:
    """What the nearest list says of a subsidy, and whose list that is: a county's own standard goes before the province's."""
    for nearest in reversed(above(region)):
        found = policy_list(subsidy.plan_year, nearest) or {"entries": []}
        for entry in found["entries"]:
            if entry["code"] == subsidy.code:
                return nearest, entry
    return None, {}


def _listed(documents: list[dict[str, Any]], code: str, standing: list[Any]) -> list[ListedVersion]:
    return [
        ListedVersion.model_validate(each | {"in_force": any(each is one for one in standing)})
        for each in documents
        if each["code"] == code
    ]
