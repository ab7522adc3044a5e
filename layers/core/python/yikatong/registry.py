"""The versions of the card registry: each an index that names the object of every partition, written once, kept for ever.

A version shares the partitions it did not change with those before it. A run that froze a version reads it however many
came since (PROTOCOL C3). Only the partitions that the ids at hand need are read.
"""

import json
from collections.abc import Iterable

import polars as pl
from pydantic import BaseModel, ConfigDict

from yikatong import parquet
from yikatong.cards import SCHEMA, empty_registry, partitions_of
from yikatong.payments import digest_of, sha256_hex
from yikatong.ports import Lake

# As the partitions are stored: `told` is the mark of the change file that last spoke of the holder, null for the snapshot.
PARTITION_SCHEMA: dict[str, pl.DataType] = {**SCHEMA, "told": pl.Int64()}


class AlteredRegistry(Exception):
    """An object of a registry version is missing, or is not what its index says: nobody may be judged by it."""


class Partition(BaseModel):
    """One partition of a version: the SHA-256 of its object, which is its name as well, and the people in it."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    people: int


class RegistryIndex(BaseModel):
    """What a version is made of. Marks order card files (`yikatong.card_drops`); `changes` are those since the snapshot."""

    model_config = ConfigDict(frozen=True)

    snapshot_mark: int
    snapshot_sha256: str
    changes: dict[int, str]
    partitions: dict[str, Partition]

    @property
    def people(self) -> int:
        return sum(partition.people for partition in self.partitions.values())

    def encode(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()


def partition_key(partition: str, sha256: str) -> str:
    return f"cards/partitions/{partition}/{sha256}.parquet"


def index_key(registry_version: str) -> str:
    return f"cards/versions/{registry_version}.json"


def write_partition(lake: Lake, partition: str, frame: pl.DataFrame) -> Partition:
    """Put a partition (PARTITION_SCHEMA, ascending by number) under its content's own name."""
    data = parquet.encode(frame)
    sha256 = sha256_hex(data)
    lake.put_once(partition_key(partition, sha256), data, digest_of("import_cards", sha256))
    return Partition(sha256=sha256, people=frame["name"].count())


def write_index(lake: Lake, index: RegistryIndex) -> str:
    """Put the index; the version it is."""
    data = index.encode()
    version = sha256_hex(data)[:16]
    lake.put_once(index_key(version), data, digest_of("import_cards", sha256_hex(data)))
    return version


def read_index(lake: Lake, registry_version: str) -> RegistryIndex:
    data = lake.get(index_key(registry_version))
    if data is None:
        raise AlteredRegistry(index_key(registry_version))
    return RegistryIndex.model_validate_json(data)


def read_partition(lake: Lake, partition: str, named: Partition | None) -> pl.DataFrame:
    """A partition in PARTITION_SCHEMA; one that a version does not name is empty."""
    if named is None:
        return pl.DataFrame(schema=PARTITION_SCHEMA)
    key = partition_key(partition, named.sha256)
    data = lake.get(key)
    if data is None or sha256_hex(data) != named.sha256:
        raise AlteredRegistry(key)
    return parquet.decode(data)


class RegistryReader:
    """Partitions of one version, each read once. The version "" is that of a house which has no registry yet."""

    def __init__(self, lake: Lake, registry_version: str) -> None:
        self._lake = lake
        self._version = registry_version
        self._index: RegistryIndex | None = None
        self._frames: dict[str, pl.DataFrame] = {}

    def rows_for(self, ids: pl.Series | Iterable[str | None]) -> pl.DataFrame:
        """Registry rows (cards.SCHEMA, ascending by number) of the partitions in which these 18-character ids lie."""
        if not self._version:
            return empty_registry()
        return pl.concat([empty_registry(), *(self._partition(partition) for partition in partitions_of(ids))])

    def _partition(self, partition: str) -> pl.DataFrame:
        if self._index is None:
            self._index = read_index(self._lake, self._version)
        if partition not in self._frames:
            found = read_partition(self._lake, partition, self._index.partitions.get(partition))
            self._frames[partition] = found.select(*SCHEMA)
        return self._frames[partition]
