"""Reading one frozen version of the card registry: only the partitions that the ids at hand need."""

from collections.abc import Iterable

import polars as pl

from yikatong import parquet
from yikatong.cards import empty_registry, partitions_of
from yikatong.ports import Lake


def partition_key(registry_version: str, partition: str) -> str:
    return f"cards/{registry_version}/{partition}.parquet"


class RegistryReader:
    """Partitions of one version, each read once."""

    def __init__(self, lake: Lake, registry_version: str) -> None:
        self._lake = lake
        self._version = registry_version
        self._frames: dict[str, pl.DataFrame] = {}

    def rows_for(self, ids: pl.Series | Iterable[str | None]) -> pl.DataFrame:
        """Registry rows of the partitions in which these 18-character ids lie; no version, or none there: no rows."""
        frames = [empty_registry()]
        if self._version:
            frames += [self._partition(partition) for partition in sorted(partitions_of(ids))]
        return pl.concat(frames)

    def _partition(self, partition: str) -> pl.DataFrame:
        if partition not in self._frames:
            data = self._lake.get(partition_key(self._version, partition))
            found = empty_registry() if data is None else parquet.decode(data)
            self._frames[partition] = found
        return self._frames[partition]
