"""政策清单: a region's list of its subsidies as people may read it, collected from the parts that departments fill in.

At the province every subsidy is filled in by the department that the plan names first among its leads, so each is filled in
once and it is clear who is missing. A county or a city lists only its own: subsidies for which it has a standard of its own,
and subsidies of its own that no plan has (区县动态调整). A department's later part replaces its earlier one whole; where two
parts of a county list the same subsidy, the one that was sent later stands. Light: the bureau API grants uploads by it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from yikatong.errors import Refusal
from yikatong.file_names import NAME
from yikatong.plan import Plan, Subsidy
from yikatong.policy_drops import matched, told_under
from yikatong.ports import Control, Stored
from yikatong.principals import PROVINCE
from yikatong.regions import require_known
from yikatong.sequencers import is_older
from yikatong.uploads import sender_of

MAX_FORM_BYTES = 2**20
MAX_ROWS = 300
MAX_PART_BYTES = 300_000
"""A part lies in one item of the control table, which holds 400 kB."""
REGIONS_PART = "本级"
"""The part of a region's own people who speak for no single department."""
_FILE = rf"{NAME}\.xlsx"
_KEY = re.compile(rf"lists/(20[0-9]{{2}})/(23[0-9]{{4}})/({_FILE})")


@dataclass(frozen=True)
class ListPlace:
    """Where a part is dropped."""

    plan_year: int
    region: str
    file: str

    @property
    def key(self) -> str:
        return f"lists/{self.plan_year}/{self.region}/{self.file}"


def list_place_of(object_key: str) -> ListPlace:
    """Raises Refusal for another layout, or a region that is none."""
    found = matched(_KEY, object_key)
    if found is None:
        raise Refusal(
            "政策清单应放在 lists/计划年度/地区代码/文件名 之下，文件名以 .xlsx 结尾，只用汉字、字母、数字、括号和 _ . -，"
            "不含12位以上的数字，例如 lists/2023/230000/清单.xlsx。",
            "misplaced",
        )
    require_known(found[2])
    return ListPlace(int(found[1]), found[2], found[3])


def list_outcome_key(object_key: str) -> str:
    """Where the reports bucket tells what became of a part: under its key, of an odd one under its SHA-256."""
    return told_under(_KEY, object_key)


def list_key(plan_year: int, region: str, ending: str = "json") -> str:
    """Where a region's list is published.

    >>> list_key(2023, "230000")
    'published/policy-lists/2023/230000.json'
    """
    return f"published/policy-lists/{plan_year}/{region}.{ending}"


def upload_kind(department: str) -> str:
    """What a noted upload of a part is for (`uploads.Upload.mode`): it binds whose part it is."""
    return f"policy-list:{department}"


def part_sender(place: ListPlace, upload_id: str, quoted_department: str, control: Control) -> tuple[str, str]:
    """(whose part it is, who sent it). At the province nobody sends one without having been asked whose it is."""
    department = unquote(quoted_department)
    if not upload_id and place.region == PROVINCE:
        raise Refusal(
            "省级清单要说明是哪个部门的：请用 yikatong policy list-send 报送，或经业务接口申请上传。", "misplaced"
        )
    sender = sender_of(upload_id, place.key, upload_kind(department), place.region, control)
    return department or REGIONS_PART, sender


def fills_in(subsidy: Subsidy) -> str:
    """The department that fills in a subsidy's row of the province's list."""
    return subsidy.lead_departments[0]


def departments_of(plan: Plan) -> tuple[str, ...]:
    """Those that fill in a part of the province's list, in the plan's order."""
    return tuple(dict.fromkeys(fills_in(subsidy) for subsidy in plan.subsidies))


class ListPart(Stored):
    """The part of a region's list that stands for one department, and the file it came from."""

    department: str
    entries: list[dict[str, Any]]
    object_key: str
    sequencer: str = ""
    sent_at: str
    """When S3 took the file in, in UTC, in whole seconds."""
    sent_by: str
    sha256: str
    received_at: str


def part_key(plan_year: int, region: str, department: str) -> tuple[str, str]:
    return f"POLICYLIST#{plan_year}#{region}", department


def was_sent_before(part: ListPart, standing: ListPart) -> bool:
    """Whether the part that stands came later. Two names in one second have no order, and nothing is replaced on a guess."""
    if part.object_key == standing.object_key:
        return is_older(part.sequencer, standing.sequencer)
    if part.sent_at == standing.sent_at and part.entries != standing.entries:
        raise Refusal("同一秒内以不同的文件名报送了两份，分不出先后，没有采用这一份；请重新报送。", "unordered")
    return part.sent_at < standing.sent_at


def collect(plan: Plan, region: str, parts: Sequence[ListPart], collected_at: str) -> dict[str, Any]:
    """The region's list from its parts, by number and then by name, and which departments of the province are missing."""
    entries: dict[tuple[int, str], dict[str, Any]] = {}
    for part in sorted(parts, key=lambda each: (each.sent_at, each.department)):
        for entry in part.entries:
            entries[(entry["number"], "") if entry["number"] else (len(plan.subsidies) + 1, entry["name"])] = entry
    told = {part.department for part in parts}
    missing = [
        {
            "department": department,
            "subsidies": [each.number for each in plan.subsidies if fills_in(each) == department],
        }
        for department in departments_of(plan)
        if region == PROVINCE and department not in told
    ]
    return {
        "year": plan.year,
        "region": region,
        "collected_at": collected_at,
        "entries": [entries[key] for key in sorted(entries)],
        "missing": missing,
    }
