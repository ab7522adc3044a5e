"""Take in a department's part of its region's policy list, and collect the list anew.

The later of a department's parts stands, whichever event comes first: of one name by S3's sequencer, of two names by the second
in which S3 took them in. The list is collected from the parts as they stand, read *after* the public files whose tags the
puts are conditional on: so the last to write has seen every part, and the JSON and the workbook say the same.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from yikatong.errors import Conflict, Refusal
from yikatong.file_outcomes import MOST_NAMED, tell
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook
from yikatong.policy_forms import Duty, Faulty, list_xlsx, read_form, require_part
from yikatong.policy_lists import (
    MAX_FORM_BYTES,
    MAX_PART_BYTES,
    ListPart,
    ListPlace,
    collect,
    list_key,
    list_outcome_key,
    list_place_of,
    part_key,
    part_sender,
    was_sent_before,
)
from yikatong.ports import Control, Reports
from yikatong.public_site import PublicSite, tag_of

MOST_TRIES = 20


@dataclass(frozen=True)
class FormArrival:
    """One form as it was dropped; `size` in bytes, `read` fetches it, `sent_at` as `aws.s3_events` has it."""

    object_key: str
    sequencer: str
    sent_at: datetime
    upload_id: str
    department: str
    """As the object's metadata have it: percent-encoded."""
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Adapters:
    """What collecting touches."""

    site: PublicSite
    control: Control
    reports: Reports
    book: PlanBook


def collect_policy_list(arrival: FormArrival, adapters: Adapters, now: datetime) -> str:
    """Returns what was told: `taken`, `outdated` (a later part stands already) or `refused`. Safe to repeat."""
    known: dict[str, Any] = {}
    try:
        place = list_place_of(arrival.object_key)
        part, outcome = _take(place, arrival, adapters, known, now)
        listed = _collect(place, adapters, now)
    except Refusal as refusal:
        outcome = {"outcome": "refused", "code": refusal.code, "message": refusal.message}
    except Faulty as faulty:
        found = [asdict(fault) for fault in faulty.faults[:MOST_NAMED]]
        words = f"清单有 {len(faulty.faults)} 处问题，没有采用，原来的不变。"
        outcome = {"outcome": "refused", "code": "faulty", "message": words, "findings": found}
    else:
        outcome |= {"department": part.department, "entries": len(part.entries), "missing": listed["missing"]}
    tell(adapters.reports, list_outcome_key(arrival.object_key), outcome | known)
    return str(outcome["outcome"])


def _take(
    place: ListPlace, arrival: FormArrival, adapters: Adapters, known: dict[str, Any], now: datetime
) -> tuple[ListPart, dict[str, Any]]:
    """Make the part the one that stands, unless a later one does; the part that stands then, and what is told."""
    plan = adapters.book.plan(place.plan_year)
    department, sender = part_sender(place, arrival.upload_id, arrival.department, adapters.control)
    duty = Duty(plan, place.region, department)
    require_part(duty)
    if arrival.size > MAX_FORM_BYTES:
        raise Refusal(f"清单超过 {MAX_FORM_BYTES // 2**20} MB。", "too_large")
    data = arrival.read()
    known["sha256"] = sha256_hex(data)
    entries = read_form(data, duty)
    if len(json.dumps(entries, ensure_ascii=False).encode()) > MAX_PART_BYTES:
        raise Refusal(f"清单的文字合计超过 {MAX_PART_BYTES // 1000} kB，请写得简短些。", "too_large")
    pk, sk = part_key(place.plan_year, place.region, department)
    for _ in range(MOST_TRIES):
        standing = adapters.control.read(ListPart, pk, sk)
        part = ListPart(
            pk=pk,
            sk=sk,
            version=standing.version if standing else 0,
            department=department,
            entries=entries,
            object_key=arrival.object_key,
            sequencer=arrival.sequencer,
            sent_at=arrival.sent_at.astimezone(UTC).isoformat(timespec="seconds"),
            sent_by=sender,
            sha256=known["sha256"],
            received_at=now.isoformat(timespec="seconds"),
        )
        if standing is not None and was_sent_before(part, standing):
            return standing, {"outcome": "outdated", "message": "之后又报送过一份，已采用那一份。"}
        try:
            adapters.control.save(part)
        except Conflict:
            continue
        return part, {"outcome": "taken", "message": f"已采用，共 {len(entries)} 项。"}
    raise TimeoutError(f"{pk}: the part kept changing")


def _collect(place: ListPlace, adapters: Adapters, now: datetime) -> dict[str, Any]:
    """Publish the region's list as its parts stand."""
    plan = adapters.book.plan(place.plan_year)
    keys = {ending: list_key(place.plan_year, place.region, ending) for ending in ("xlsx", "json")}
    pk, _ = part_key(place.plan_year, place.region, "")
    for _ in range(MOST_TRIES):
        tags = {ending: tag_of(adapters.site.get_tagged(key)) for ending, key in keys.items()}
        parts = adapters.control.query(ListPart, pk)
        listed = collect(plan, place.region, parts, now.isoformat(timespec="seconds"))
        text = json.dumps(listed, ensure_ascii=False).encode()
        if adapters.site.put_if(keys["json"], text, tags["json"]) and adapters.site.put_if(
            keys["xlsx"], list_xlsx(listed), tags["xlsx"]
        ):
            return listed
    raise TimeoutError(f"{place.key}: the list kept changing")
