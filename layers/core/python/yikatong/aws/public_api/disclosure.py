"""公示: what was paid, as it was published; masked and merged before it ever lay in the site bucket."""

from urllib.parse import quote

from yikatong.aws.public_api.answers import CellAnswer, CellRow, DisclosureAnswer
from yikatong.aws.public_api.common import (
    Code,
    Page,
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
)
from yikatong.errors import Refusal
from yikatong.regions import above

PAGE_ROWS = 20_000
"""A page of so many people has about 1.2 MB; Lambda answers with 6 MB at most."""

router = new_router()


@router.get("/v1/disclosure", **publicly("公示目录", DisclosureAnswer, "有哪些公示表"))
def get_disclosure(year: Year = None, code: QueryCode = None, region: QueryRegion = None) -> DisclosureAnswer:
    """The cells of a region and of those below it."""
    plan_year, where = plan_of(year).year, region_of(region)
    index = published(f"published/disclosure/{plan_year}/index.json") or {"as_of": None, "cells": []}
    cells = [
        cell
        | {"href": f"/v1/disclosure/{cell['code']}/{quote(_in_a_path(cell['slot']))}/{cell['region']}?year={plan_year}"}
        for cell in index["cells"]
        if code in (None, cell["code"]) and where in above(cell["region"])
    ]
    return DisclosureAnswer(
        plan_year=plan_year, as_of=index["as_of"], cells=[CellRow.model_validate(each) for each in cells]
    )


@router.get("/v1/disclosure/<code>/<slot>/<region>", **publicly("一张公示表", CellAnswer, "名单或合计"))
def get_cell(code: Code, slot: PathSlot, region: Region, year: Year = None, page: Page = 1) -> CellAnswer:
    plan_year, where = plan_of(year).year, region_of(region)
    cell = published(f"published/disclosure/{plan_year}/{code}/{slot}/{where}.json")
    if cell is None:
        raise Refusal("没有这张公示表：可能还没有发放，或者人数过少已并入上一级地区的公示表。", "not_found")
    rows = cell.get("rows", [])
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    if page > pages:
        raise Refusal(f"这张公示表共有{pages}页。", "not_found")
    shown = rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    return CellAnswer.model_validate(cell | {"rows": shown, "page": page, "pages": pages})


def _in_a_path(slot: str) -> str:
    return slot.replace("#", "_")
