"""Where the auditor reads: the objects and tables of one stack, and the bank's own book where a bank opens it."""

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

Item = dict[str, Any]

LAKE, AUDIT = "lake", "audit"
CONTROL, RECORDS = "control", "records"


class Source(Protocol):
    """Read-only. `bucket` is `lake` or `audit`, `table` is `control` or `records`: their nouns, not their deployed names."""

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """The keys that begin with this, sorted."""
        ...

    def read(self, bucket: str, key: str) -> bytes | None: ...

    def items(self, table: str) -> Iterable[Item]:
        """Every item as plain JSON values: numbers are ints."""
        ...

    def bank_books(self) -> list[Item] | None:
        """The banks' own books; None where no bank shows one, as no real bank does."""
        ...


class NoEvidence(Exception):
    """There is nothing to audit where the auditor was told to look; the message, in Chinese, says what is missing."""


class ExportFolder:
    """What `yikatong local export` or `yikatong demo --keep` wrote: `buckets/`, `tables/`, `bank/book.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / "buckets").is_dir() or not (folder / "tables").is_dir():
            raise NoEvidence(f"{folder} 不是导出的目录：其中应有 buckets 和 tables。")

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return [key for key in self._keys[bucket] if key.startswith(prefix)]

    def read(self, bucket: str, key: str) -> bytes | None:
        root = self._roots[bucket]
        if root is None:
            return None
        path = (root / key).resolve()
        # A key comes out of a table that may have been tampered with: it must not lead out of the export.
        return path.read_bytes() if path.is_relative_to(root.resolve()) and path.is_file() else None

    def items(self, table: str) -> Iterable[Item]:
        found = sorted((self._folder / "tables").glob(f"*-{table}.jsonl"))
        if len(found) != 1:
            raise NoEvidence(f"{self._folder / 'tables'} 里应有一份、只有一份 *-{table}.jsonl，现有 {len(found)} 份。")
        for line in found[0].read_text(encoding="utf-8").splitlines():
            yield json.loads(line)

    def bank_books(self) -> list[Item] | None:
        file = self._folder / "bank/book.json"
        return [json.loads(file.read_text(encoding="utf-8"))] if file.is_file() else None

    @cached_property
    def _roots(self) -> dict[str, Path | None]:
        found = {noun: sorted((self._folder / "buckets").glob(f"*-{noun}-[0-9]*")) for noun in (LAKE, AUDIT)}
        if not found[LAKE]:
            raise NoEvidence(f"{self._folder / 'buckets'} 里没有 lake 的对象，没有证据可查。")
        return {noun: folders[0] if folders else None for noun, folders in found.items()}

    @cached_property
    def _keys(self) -> dict[str, list[str]]:
        return {
            noun: sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file()) if root else []
            for noun, root in self._roots.items()
        }
