"""Invented policy documents (示例), their metadata and filled-in policy lists, for anybody's tests. None is official.

send = policy_document("城市最低生活保障标准（示例）")            # bytes of a tiny PDF; html=True for a page
beside = policy_metadata(send, title="…", document="standard", valid_from="2023-01-01")
site.put(*published_index("230000", [published("urban-minimum-living", "standard", 1, "2023-01-01")]))
"""

import dataclasses
import hashlib
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from yikatong.plan import PlanBook
from yikatong.policies import index_key
from yikatong.policy_drops import Half
from yikatong.policy_forms import Column, Duty, form_xlsx
from yikatong.policy_lists import REGIONS_PART, list_key


def policy_document(title: str = "补贴政策（示例）", *, html: bool = False, seed: int = 1) -> bytes:
    """A document that may be published; its bytes differ with title and seed."""
    words = random.Random(f"{title}{seed}")
    number = words.randint(100, 999)
    if html:
        page = f"<h1>{title}</h1>\n<p>示例文件，非正式政策。标准为每人每月 {number} 元。</p>"
        return (
            f'<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title></head>\n'
            f"<body>{page}</body></html>\n"
        ).encode()
    return pdf_of([f"BT /F1 18 Tf 72 720 Td (Example only, not a policy: {number}) Tj ET"], title)


def pdf_of(pages: list[str], title: str = "示例", *objects: str, catalog: str = "") -> bytes:
    """A whole PDF of drawn pages with its table; `objects` are added as they are, `catalog` goes into the catalog."""
    info = f"<< /Title <{title.encode('utf-16-be').hex()}> >>"
    first = 4
    kids = " ".join(f"{first + 2 * n} 0 R" for n in range(len(pages)))
    made = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, drawn in enumerate(pages):
        resources = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        made.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {first + 2 * n + 1} 0 R >>")
        made.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    return pdf_of_objects([*made, info, *objects], f"/Info {len(made) + 1} 0 R")


def pdf_of_objects(objects: list[str], trailer: str = "") -> bytes:
    """The objects, numbered from 1, the first of which is the catalog, with a true table of where they lie."""
    out, places = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", []
    for number, each in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + each.encode("latin-1") + b"\nendobj\n"
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    table += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    end = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + table + end.encode()


def policy_metadata(document: bytes, /, **changed: Any) -> bytes:
    """The metadata that belongs beside the document."""
    told: dict[str, Any] = {
        "title": "补贴政策（示例）",
        "document_number": "黑示例〔2023〕1号",
        "issuer": "省示例厅",
        "document": "measure",
        "valid_from": "2023-01-01",
        "valid_to": None,
        "sha256": hashlib.sha256(document).hexdigest(),
    }
    return json.dumps(told | changed, ensure_ascii=False).encode()


def published(code: str, document: str, version: int, valid_from: str, **changed: Any) -> dict[str, Any]:
    """One version as a region's public index has it."""
    region = changed.get("region", "230000")
    data = policy_document(f"{code} {document}", seed=version)
    told: dict[str, Any] = {
        "region": region,
        "code": code,
        "document": document,
        "version": version,
        "title": f"{document}（示例）",
        "document_number": "",
        "issuer": "省示例厅",
        "valid_from": valid_from,
        "valid_to": None,
        "href": f"/policies/{region}/{code}/{document}/{version:04d}.pdf",
        "media_type": "application/pdf",
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "published_at": f"{valid_from}T09:00:00+08:00",
        "published_by": "省示例厅",
        "file": f"{document}.pdf",
        "sent_at": f"{valid_from}T01:00:00+00:00",
    }
    return told | changed


def published_index(region: str, documents: list[dict[str, Any]]) -> tuple[str, bytes]:
    """The key and the bytes of a region's public index, to be put into the site bucket."""
    return index_key(region), json.dumps({"region": region, "documents": documents}, ensure_ascii=False).encode()


def filled_rows(count: int, seed: int = 1) -> list[dict[str, str]]:
    """What a department might write into so many rows of its form."""
    words = random.Random(seed)
    return [
        {
            Column.BENEFICIARIES: "示例：符合条件的居民",
            Column.STANDARD: f"示例：每人每月 {words.randint(100, 900)} 元",
            Column.BASIS: "示例：黑示例〔2023〕1号",
            Column.PROCEDURE: "示例：本人持身份证到村（居）委会申请",
            Column.TELEPHONE: f"0451-8262{words.randint(0, 9999):04d}",
            Column.REMARK: "示例，非正式政策",
        }
        for _ in range(count)
    ]


def filled_form(department: str, *, plan_year: int = 2023, seed: int = 1) -> bytes:
    """The province's form of one department, filled in."""
    duty = duty_of(department, plan_year=plan_year)
    return form_xlsx(duty, filled_rows(len(duty.subsidies), seed))


def duty_of(department: str = REGIONS_PART, region: str = "230000", plan_year: int = 2023) -> Duty:
    return Duty(PlanBook.committed().plan(plan_year), region, department)


def published_list(region: str, entries: list[dict[str, Any]], plan_year: int = 2023) -> tuple[str, bytes]:
    """The key and the bytes of a region's public list, to be put into the site bucket."""
    told = {"year": plan_year, "region": region, "collected_at": "2023-01-09T09:00:00+08:00", "entries": entries}
    return list_key(plan_year, region), json.dumps(told | {"missing": []}, ensure_ascii=False).encode()


class MemoryDrop:
    """The policy drop in memory: each put makes a version; `now` is the store's clock."""

    def __init__(self) -> None:
        self.halves: dict[str, Half] = {}
        self.now = datetime(2023, 1, 3, 1, 0, tzinfo=UTC)
        self.after_read: Callable[[str], None] = lambda _key: None
        self._versions = 0

    def put(self, key: str, data: bytes, upload_id: str = "") -> None:
        self._versions += 1
        self.halves[key] = Half(f"v{self._versions}", len(data), self.now, upload_id, data)

    def half(self, key: str, most_bytes: int) -> Half | None:
        found = self.halves.get(key)
        self.after_read(key)
        return found if found is None or found.size <= most_bytes else dataclasses.replace(found, data=None)
