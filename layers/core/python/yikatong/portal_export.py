"""The export for the province's official portal: a folder of JSON lines with a manifest, described in docs/portal-export.md.

It holds what is public already, and nothing else. The manifest is put last and names every file by its SHA-256, with what is
counted and summed in it: a folder without one is no export. A full export is everything; an incremental one is what differs from
the last full one, each item whole, and the names of what is shown no more.
"""

import gzip
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from yikatong.disclosure_keys import LIST
from yikatong.payments import sha256_hex

FORMAT, FORMAT_VERSION = "yikatong-portal-export", "1.0"
FULL, INCREMENTAL = "full", "incremental"
EXPORTS = "exports/"
MANIFEST = "manifest.json"
STATE = "state.jsonl.gz"
POLICIES, POLICY_LISTS, DISCLOSURE = (
    "policies.jsonl.gz",
    "policy-lists.jsonl.gz",
    "disclosure-{plan_year}-{code}.jsonl.gz",
)
_ID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{2,}-(?:full|incremental)")

Record = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Item:
    """Something the portal shows, under a name that stays; `sha256` is of its content."""

    kind: str
    id: str
    sha256: str


@dataclass
class Counts:
    """What a file holds. `amount_fen` and `people` are summed over its cells, `payments` counts the rows of its lists."""

    records: int = 0
    cells: int = 0
    payments: int = 0
    people: int = 0
    amount_fen: int = 0

    def add(self, record: Record) -> None:
        self.records += 1
        if record["record"] == "cell":
            self.cells += 1
            self.people += record["people"]
            self.amount_fen += record["amount_fen"]
        elif record["record"] == "payment":
            self.payments += 1

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(mine + theirs for mine, theirs in zip(_values(self), _values(other), strict=True)))


def _values(counts: Counts) -> tuple[int, ...]:
    return counts.records, counts.cells, counts.payments, counts.people, counts.amount_fen


@dataclass
class Lines:
    """A file of JSON lines, compressed: the same records are the same bytes."""

    name: str
    counts: Counts = field(default_factory=Counts)
    _buffer: io.BytesIO = field(default_factory=io.BytesIO)

    def __post_init__(self) -> None:
        self._stream = gzip.GzipFile(filename="", mode="wb", fileobj=self._buffer, compresslevel=6, mtime=0)

    def add(self, record: Record) -> None:
        self.counts.add(record)
        self._stream.write(
            json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        )

    def close(self) -> tuple[dict[str, Any], bytes]:
        """The file's entry in the manifest, and its bytes."""
        self._stream.close()
        data = self._buffer.getvalue()
        return {"name": self.name, "bytes": len(data), "sha256": sha256_hex(data)} | asdict(self.counts), data


def read_lines(data: bytes) -> list[dict[str, Any]]:
    """The records of a file of JSON lines."""
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def state_of(data: bytes) -> dict[tuple[str, str], str]:
    """What an export's state file says was shown: SHA-256 by kind and id."""
    return {(line["kind"], line["id"]): line["sha256"] for line in read_lines(data)}


def export_id(day: str, number: int, kind: str) -> str:
    return f"{day}-{number:02d}-{kind}"


def is_export_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def in_order(exports: Iterable[str]) -> list[str]:
    """Ids of exports, the oldest first: by day, then by number."""
    return sorted(exports, key=lambda export: (export[:10], int(export.split("-")[3])))


def folder_of(export: str) -> str:
    return f"{EXPORTS}{export}/"


def complete(keys: Iterable[str]) -> list[str]:
    """The exports that have their manifest, the oldest first."""
    return in_order(key.split("/")[1] for key in keys if key.endswith(f"/{MANIFEST}"))


def kind_of(export: str) -> str:
    return export.rsplit("-", 1)[1]


def manifest(
    export: str,
    made_at: str,
    files: Sequence[Mapping[str, Any]],
    follows: Mapping[str, str] | None,
    withdrawn: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """`follows` names the full export that an incremental one is to be laid over, by its id and its manifest's SHA-256."""
    assert (kind_of(export) == INCREMENTAL) == (follows is not None), "an incremental export follows a full one"
    totals = Counts()
    for each in files:
        if each["name"] != STATE:
            totals = totals.plus(Counts(*(each[name] for name in asdict(totals))))
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "export": export,
        "kind": kind_of(export),
        "made_at": made_at,
        "follows": follows,
        "files": list(files),
        "totals": asdict(totals),
        "withdrawn": [{"kind": kind, "id": name} for kind, name in sorted(withdrawn)],
    }


def check(read: Callable[[str], bytes | None], names: Iterable[str]) -> list[str]:
    """Everything that is wrong with an export in a folder, in Chinese; nothing where it is whole.

    `read` gives a file of the folder, `names` are those that lie in it.
    """
    told = read(MANIFEST)
    if told is None:
        return [f"没有 {MANIFEST}：导出没有完成，或没有取全，不能使用。"]
    try:
        said = json.loads(told)
        return _check_head(said) or _check_files(said, read, names)
    except (ValueError, KeyError, TypeError):
        return [f"{MANIFEST} 或其中的文件格式不对，读不懂。"]


def _check_files(said: Mapping[str, Any], read: Callable[[str], bytes | None], names: Iterable[str]) -> list[str]:
    files = {each["name"]: each for each in said["files"]}
    wrong = [f"{name}：清单里没有这个文件。" for name in sorted(set(names) - {MANIFEST, *files})]
    totals = Counts()
    for name, entry in files.items():
        counts, faults = _check_file(entry, read(name))
        wrong += [f"{name}：{fault}" for fault in faults]
        if name != STATE:
            totals = totals.plus(counts)
    if asdict(totals) != said["totals"]:
        wrong.append("清单的合计与各文件之和不符。")
    return wrong


def _check_head(said: Mapping[str, Any]) -> list[str]:
    if said["format"] != FORMAT or str(said["format_version"]).split(".")[0] != FORMAT_VERSION.split(".")[0]:
        return [f"格式是 {said['format']} {said['format_version']}，本程序核对的是 {FORMAT} {FORMAT_VERSION}。"]
    if not is_export_id(said["export"]) or kind_of(said["export"]) != said["kind"]:
        return ["导出的编号与类型不符。"]
    if (said["kind"] == INCREMENTAL) != (said["follows"] is not None):
        return ["增量导出须写明所依据的全量导出，全量导出不依据别的导出。"]
    return []


def _check_file(entry: Mapping[str, Any], data: bytes | None) -> tuple[Counts, list[str]]:
    if data is None:
        return Counts(), ["缺少这个文件。"]
    if sha256_hex(data) != entry["sha256"]:
        return Counts(), ["内容与清单的 SHA-256 不符。"]
    counts = Counts()
    owed: dict[str, list[int]] = {}
    for record in read_lines(data):
        counts.add(record)
        if record["record"] == "cell" and record["kind"] == LIST:
            owed[record["id"]] = [record["rows_count"], record["amount_fen"]]
        elif record["record"] == "payment":
            if record["cell"] not in owed:
                return counts, ["有一行不属于任何公示表。"]
            owed[record["cell"]][0] -= 1
            owed[record["cell"]][1] -= record["amount_fen"]
    faults = [f"{cell} 的行数或金额与其合计不符。" for cell, left in owed.items() if left != [0, 0]]
    if asdict(counts) != {part: entry[part] for part in asdict(counts)}:
        faults.append("记录数或金额与清单不符。")
    return counts, faults
