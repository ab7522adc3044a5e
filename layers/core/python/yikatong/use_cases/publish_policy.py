"""Publish what a department or a county dropped: a document and its metadata, together or not at all, each version for ever.

The two halves arrive in any order, more than once, or one of them replaced. So an event only says where to look: both halves
are read as they stand, and published if the metadata names that document's SHA-256. The region's index is read *before*
the halves and written on condition that it is still the same: nobody published in between, and whatever was published
earlier had been dropped earlier than what was read. So a slow worker never publishes an old pair over a newer one.
What came of it is told under the document's key; then the halves are looked at again, lest a newer one's word be overwritten.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from yikatong.errors import Refusal
from yikatong.file_outcomes import tell
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook
from yikatong.policies import index_key, periods
from yikatong.policy_drops import (
    MAX_DOCUMENT_BYTES,
    MAX_METADATA_BYTES,
    UPLOAD_KIND,
    Drop,
    Half,
    Metadata,
    Place,
    outcome_key,
    place_of,
    read_metadata,
)
from yikatong.policy_html import check_html, is_html
from yikatong.policy_pdf import check_pdf
from yikatong.ports import Control, Reports
from yikatong.principals import Principal, principal_key
from yikatong.public_site import PublicSite, Tagged, tag_of
from yikatong.regions import name_of
from yikatong.uploads import Upload, sender_of, upload_key

PDF, HTML = "application/pdf", "text/html; charset=utf-8"
_ENDINGS = {PDF: ("pdf",), HTML: ("html", "htm")}
MOST_TRIES = 20
"""A region's index changes as often as its people publish: so many lost races are no races."""
_SAID_ABOUT = ("title", "document_number", "issuer", "valid_from", "valid_to", "sha256")
"""What makes a version: the same of all these again is no new one."""


@dataclass(frozen=True)
class Adapters:
    """What publishing touches."""

    drop: Drop
    site: PublicSite
    control: Control
    reports: Reports
    book: PlanBook


@dataclass(frozen=True)
class Pair:
    """Both halves as they stand; `document` and `metadata` are None where nothing lies."""

    document: Half | None
    metadata: Half | None

    @property
    def tags(self) -> tuple[str | None, str | None]:
        return self.document.tag if self.document else None, self.metadata.tag if self.metadata else None

    @property
    def digests(self) -> dict[str, str | None]:
        """Which two were looked at, for whoever waits to hear of their own."""
        halves = {"document_sha256": self.document, "metadata_sha256": self.metadata}
        return {name: sha256_hex(half.data) if half and half.data else None for name, half in halves.items()}

    @property
    def sent_at(self) -> str:
        """When the later half came, in UTC: such texts are in the order of the moments."""
        moments = [half.sent_at for half in (self.document, self.metadata) if half is not None]
        return max(moments).astimezone(UTC).isoformat(timespec="seconds")


def publish_policy(object_key: str, adapters: Adapters, now: datetime) -> str:
    """Look at the document that the key of either half means; returns what was told: `published`, `unchanged`, `waiting` or
    `refused`. Safe to repeat."""
    try:
        place = place_of(object_key, adapters.book)
    except Refusal as refusal:
        tell(adapters.reports, outcome_key(object_key), _refused(refusal))
        return "refused"
    for _ in range(MOST_TRIES):
        index = adapters.site.get_tagged(index_key(place.region))
        pair = _pair(place, adapters.drop)
        try:
            outcome = _waiting(place, pair) or _publish(place, pair, index, adapters, now)
        except Refusal as refusal:
            outcome = _refused(refusal)
        if outcome is None:
            continue
        tell(adapters.reports, outcome_key(place.document_key), outcome | pair.digests)
        if _pair(place, adapters.drop).tags == pair.tags:
            return str(outcome["outcome"])
    raise TimeoutError(f"{place.region}: the index, or what was dropped, kept changing")


def _pair(place: Place, drop: Drop) -> Pair:
    return Pair(drop.half(place.document_key, MAX_DOCUMENT_BYTES), drop.half(place.metadata_key, MAX_METADATA_BYTES))


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"outcome": "refused", "code": refusal.code, "message": refusal.message}


def _waiting(place: Place, pair: Pair) -> dict[str, Any] | None:
    """What is missing while one half is, or while they do not belong together. Raises Refusal."""
    told = None
    if pair.document is None and pair.metadata is None:
        told = "文件和说明都不在了，没有发布。"
    elif pair.document is None:
        told = f"说明文件已收到，还缺政策文件 {place.file}，收到后发布。"
    elif pair.metadata is None:
        told = f"政策文件已收到，还缺说明文件 {place.file}.json，收到后发布。"
    elif read_metadata(_metadata_of(pair)).sha256 != sha256_hex(_document_of(pair)):
        told = "文件与说明对不上：说明里的摘要（sha256）不是现有文件的。两份要一起换，请把没有换的那一份也换掉。"
    return {"outcome": "waiting", "message": told} if told else None


def _publish(
    place: Place, pair: Pair, index: Tagged | None, adapters: Adapters, now: datetime
) -> dict[str, Any] | None:
    """Publish a pair that belongs together; None where somebody else wrote the index meanwhile. Raises Refusal."""
    metadata, data = read_metadata(_metadata_of(pair)), _document_of(pair)
    media_type = _media_type(place, data)
    _require_senders(place, pair, adapters.control)
    documents: list[dict[str, Any]] = json.loads(index.data)["documents"] if index else []
    versions = [each for each in documents if (each["code"], each["document"]) == (place.code, metadata.document)]
    said = metadata.model_dump(mode="json")
    newest = versions[0] if versions else None
    if newest is not None and all(newest[name] == said[name] for name in _SAID_ABOUT):
        return _standing(place, pair, newest) | _told(newest, versions)
    _require_latest(place, pair, newest)
    version = _store(place, metadata, data, media_type, versions, adapters.site)
    entry = {
        "region": place.region,
        "code": place.code,
        "version": version,
        **said,
        "href": f"/{_version_key(place, metadata, version, media_type)}",
        "media_type": media_type.partition(";")[0],
        "size_bytes": len(data),
        "published_at": now.isoformat(timespec="seconds"),
        "published_by": _publisher(place.region, pair, adapters.control),
        "file": place.file,
        "sent_at": pair.sent_at,
    }
    everything = sorted([entry, *documents], key=lambda each: (each["code"], each["document"], -each["version"]))
    text = json.dumps({"region": place.region, "documents": everything}, ensure_ascii=False)
    if not adapters.site.put_if(index_key(place.region), text.encode(), tag_of(index)):
        return None
    return _standing(place, pair, entry) | _told(entry, [entry, *versions])


def _standing(place: Place, pair: Pair, newest: Mapping[str, Any]) -> dict[str, Any]:
    """What is told once the newest version is what was dropped: by these very halves, though another event may have been
    first to publish them, or by earlier ones."""
    if (newest["file"], newest["sent_at"]) == (place.file, pair.sent_at):
        return {"outcome": "published", "message": f"已发布，为第 {newest['version']} 版。"}
    return {"outcome": "unchanged", "message": f"与已发布的第 {newest['version']} 版相同，没有新版本。"}


def _document_of(pair: Pair) -> bytes:
    assert pair.document is not None, "asked for a half that is missing"
    if pair.document.data is None:
        raise Refusal(f"政策文件超过 {MAX_DOCUMENT_BYTES // 2**20} MB，请压缩图片后再报送。", "too_large")
    return pair.document.data


def _metadata_of(pair: Pair) -> bytes:
    assert pair.metadata is not None, "asked for a half that is missing"
    if pair.metadata.data is None:
        raise Refusal(f"说明文件超过 {MAX_METADATA_BYTES // 2**10} kB。", "too_large")
    return pair.metadata.data


def _require_senders(place: Place, pair: Pair, control: Control) -> None:
    """Both halves were asked for by somebody who may, or came by the role that may write there without asking."""
    for half, key in ((pair.document, place.document_key), (pair.metadata, place.metadata_key)):
        sender_of(half.upload_id if half else "", key, UPLOAD_KIND, place.region, control)


def _media_type(place: Place, data: bytes) -> str:
    """By content; the name must not say otherwise. Raises Refusal for what is neither, or not safe to publish."""
    if data.startswith(b"%PDF-"):
        media_type = PDF
    elif is_html(data):
        media_type = HTML
    else:
        raise Refusal("政策文件应是 PDF 或 HTML 网页；这个文件的内容都不是，改扩展名不算。", "wrong_type")
    if place.file.rpartition(".")[2] not in _ENDINGS[media_type]:
        raise Refusal(
            f"文件名与内容不符：内容是 {media_type.partition(';')[0]}，请改正扩展名后一起报送。", "wrong_type"
        )
    {PDF: check_pdf, HTML: check_html}[media_type](data)
    return media_type


def _require_latest(place: Place, pair: Pair, newest: Mapping[str, Any] | None) -> None:
    """One name's versions come in the order they were dropped; two names of one document in that of S3's seconds."""
    if newest is None or newest["file"] == place.file or newest["sent_at"] < pair.sent_at:
        return
    raise Refusal(
        f"同一文件标识已由 {newest['file']} 发布了更晚报送的第 {newest['version']} 版，没有采用这一份；需要的请重新报送。",
        "outdated",
    )


def _version_key(place: Place, metadata: Metadata, version: int, media_type: str) -> str:
    return f"policies/{place.region}/{place.code}/{metadata.document}/{version:04d}.{_ENDINGS[media_type][0]}"


def _store(
    place: Place, metadata: Metadata, data: bytes, media_type: str, versions: list[dict[str, Any]], site: PublicSite
) -> int:
    """Keep the bytes under the next free number: one that a worker took and died before it wrote the index stays unused."""
    version = max((each["version"] for each in versions), default=0) + 1
    for number in range(version, version + MOST_TRIES):
        if site.put_once(_version_key(place, metadata, number, media_type), data):
            return number
    raise TimeoutError(f"{place.document_key}: no free version number")


def _publisher(region: str, pair: Pair, control: Control) -> str:
    """Who published, as the public may read it: a department or a region, never a person's account."""
    upload_id = pair.metadata.upload_id if pair.metadata else ""
    upload = control.read(Upload, *upload_key(upload_id)) if upload_id else None
    principal = control.read(Principal, *principal_key(upload.principal)) if upload else None
    return "、".join(principal.departments) if principal and principal.departments else name_of(region)


def _told(entry: Mapping[str, Any], versions: list[dict[str, Any]]) -> dict[str, Any]:
    """The version, and on which days each version of the document is in force from now on."""
    in_force = [
        {
            "version": each["version"],
            "from": since.isoformat(),
            "to": None if until == date.max else until.isoformat(),
        }
        for each, since, until in periods(versions)
    ]
    return {"version": entry["version"], "href": entry["href"], "in_force": in_force}
