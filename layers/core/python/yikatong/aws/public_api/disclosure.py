"""公示: what was paid, as it was published; masked and merged before it ever lay in the site bucket."""

from typing import Any
from urllib.parse import quote

from yikatong.aws.public_api.answers import CellAnswer, CellRow, DisclosedSubsidy, DisclosureAnswer
from yikatong.aws.public_api.common import (
    Code,
    Part,
    PathSlot,
    QueryCode,
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
from yikatong.disclosure_keys import index_key, key_of, year_index_key
from yikatong.errors import Refusal
from yikatong.regions import above

router = new_router()


@router.get("/v1/disclosure", **publicly("公示目录", DisclosureAnswer, "哪些项目有公示；问到一个项目时，有哪些公示表"))
def get_disclosure(year: Year = None, code: QueryCode = None, region: QueryRegion = None) -> DisclosureAnswer:
    """The subsidies of which there is anything; of the one asked for, the cells of a region and of those below it."""
    plan_year, where = plan_of(year).year, region_of(region)
    told = published(year_index_key(plan_year)) or {"as_of": None, "subsidies": []}
    cells = _cells(plan_year, code) if code else []
    return DisclosureAnswer(
        plan_year=plan_year,
        as_of=told["as_of"],
        subsidies=[DisclosedSubsidy.model_validate(each) for each in told["subsidies"] if code in (None, each["code"])],
        cells=[_row(each, plan_year) for each in cells if where in above(each["region"])],
    )


@router.get("/v1/disclosure/<code>/<slot>/<region>", **publicly("一张公示表", CellAnswer, "名单或合计"))
def get_cell(code: Code, slot: PathSlot, region: Region, year: Year = None, part: Part = 1) -> CellAnswer:
    """A very long list comes in the parts it was published in."""
    require_code(code)
    plan_year, where = plan_of(year).year, region_of(region)
    cell = _cell(plan_year, code, slot.replace("_", "#"), where)
    further = cell.get("parts", [])
    if part > 1 + len(further):
        raise Refusal(f"这张公示表只有{1 + len(further)}部分。", "not_found")
    rows = cell.get("rows", [])
    if part > 1:
        # Parts are named by their cell and go when it goes: one that is gone has been replaced this very moment.
        rows = (published(key_of(further[part - 2])) or {"rows": []})["rows"]
    return CellAnswer.model_validate(cell | {"rows": rows, "part": part, "parts": 1 + len(further)})


def _cell(plan_year: int, code: str, slot: str, region: str) -> dict[str, Any]:
    # Twice, since a cell may be replaced between its index and itself.
    for _ in range(2):
        cells = [each for each in _cells(plan_year, code) if each["slot"] == slot]
        line = next((each for each in cells if each["region"] == region), None)
        if line is None:
            merged = next((each["region_name"] for each in cells if region in each["merged"]), None)
            where = f"已并入{merged}的公示表" if merged else "或者人数过少、没有公示"
            raise Refusal(f"没有这张公示表：可能还没有发放，{where}。", "not_found")
        cell = published(key_of(line["href"]))
        if cell is not None:
            return cell
    raise Refusal("这张公示表正在更新，请稍后再看。", "not_found")


def _cells(plan_year: int, code: str) -> list[dict[str, Any]]:
    found = published(index_key(plan_year, code))
    return [] if found is None else list(found["cells"])


def _row(cell: dict[str, Any], plan_year: int) -> CellRow:
    slot = quote(cell["slot"].replace("#", "_"))
    href = f"/v1/disclosure/{cell['code']}/{slot}/{cell['region']}?year={plan_year}"
    return CellRow.model_validate(cell | {"href": href})
