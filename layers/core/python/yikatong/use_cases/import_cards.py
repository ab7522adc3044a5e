"""Import a card registry snapshot as a new version; readers see the old or the new one, never a mixture."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl

from yikatong import cards, parquet
from yikatong.errors import Conflict, Refusal
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Control, Lake, Reports
from yikatong.registry import partition_key
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.sequencers import is_older

REPLACE_PREFIX = "replace/"
"""A snapshot under this prefix of the drop bucket replaces the registry however much smaller it is."""


@dataclass(frozen=True)
class Imported:
    """What an import came to: rows taken, rows left out because they cannot be believed, partitions written."""

    registry_version: str
    rows: int
    faults: int
    partitions: int


def import_cards(
    data: bytes, object_key: str, sequencer: str, *, control: Control, lake: Lake, reports: Reports, now: datetime
) -> Imported | None:
    """Import, and write what came of it to `cards/{object_key}.json` in the reports bucket; None for a refused file.

    The report names the file by its SHA-256 and tells how many people the registry held before: a snapshot replaces it
    whole, and whoever is not in it has no card from then on.
    """
    before = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    known = {"sha256": sha256_hex(data), "previous_rows": before.rows if before else 0}
    try:
        imported, faults = _import(data, object_key, sequencer, control, lake, now)
    except Refusal as refusal:
        _report(object_key, {"accepted": False, "refusal": refusal.message, **known}, reports)
        return None
    rows = [{"row": row, "code": code, "message": cards.FAULTS[code]} for row, code in faults.iter_rows()]
    _report(object_key, {"accepted": True, **asdict(imported), "left_out": rows, **known}, reports)
    return imported


def _report(object_key: str, document: dict[str, object], reports: Reports) -> None:
    reports.put(f"cards/{object_key}.json", json.dumps(document, ensure_ascii=False, indent=1).encode())


def _import(
    data: bytes, object_key: str, sequencer: str, control: Control, lake: Lake, now: datetime
) -> tuple[Imported, pl.DataFrame]:
    """Write every partition under the new version's own keys, then name that version current.

    The version is the content's own hash, so the same snapshot again changes nothing. A snapshot older than the current
    one (S3 events come unordered) is written but does not become current. Returns the rows left out (row, code) beside.
    Raises `Refusal` for an unreadable file.
    """
    snapshot = cards.read_snapshot(data, now.date())
    version = sha256_hex(data)[:16]
    parts = cards.split_by_partition(snapshot.frame)
    for partition, frame in parts.items():
        key = partition_key(version, partition)
        lake.put_once(key, parquet.encode(frame), digest_of("import_cards", key))
    _make_current(version, object_key, sequencer, snapshot.frame.height, control, now)
    return Imported(version, snapshot.frame.height, snapshot.faults.height, len(parts)), snapshot.faults


def _refuse_shrunken(rows: int, object_key: str, known: int) -> None:
    """A broken export must not take everybody's card away: less than half of those known needs a person's word."""
    if rows == 0 or (rows * 2 < known and not object_key.startswith(REPLACE_PREFIX)):
        cure = f"确需整体替换的，请放在 {REPLACE_PREFIX} 之下" if rows else "请检查导出"
        raise Refusal(f"持卡信息只有 {rows} 人，原有 {known} 人，像是不完整，没有采用；{cure}。", "shrunken")


def _make_current(version: str, object_key: str, sequencer: str, rows: int, control: Control, now: datetime) -> None:
    """Name the version current, judged against the one that is current at that very write."""
    pk, sk = CURRENT_REGISTRY
    while True:
        current = control.read(CurrentRegistry, pk, sk)
        if current is not None and current.object_key == object_key and is_older(sequencer, current.sequencer):
            return
        _refuse_shrunken(rows, object_key, current.rows if current else 0)
        named = CurrentRegistry(
            pk=pk,
            sk=sk,
            version=current.version if current else 0,
            registry_version=version,
            object_key=object_key,
            sequencer=sequencer,
            rows=rows,
            imported_at=now.isoformat(timespec="seconds"),
        )
        try:
            control.save(named)
        except Conflict:
            continue
        return
