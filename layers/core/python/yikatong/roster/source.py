"""A file's bytes, in memory or on disk: a roster of hundreds of megabytes need not be held whole to be read."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Source:
    """`content` is the bytes or where they lie. A file on disk must stay there, unchanged, for as long as this is used."""

    content: bytes | Path

    @cached_property
    def size(self) -> int:
        """In bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` on and before `end`, fewer where the file ends."""
        if isinstance(self.content, bytes):
            return self.content[start:end]
        with self.content.open("rb") as file:
            file.seek(start)
            return file.read(max(0, end - start))

    def all(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()
