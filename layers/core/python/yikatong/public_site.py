"""The site's bucket as whoever publishes sees it: objects anybody may read, and an index that is put on condition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Tagged:
    """A public object and the tag by which a conditional put knows it, as an S3 entity tag does."""

    data: bytes
    tag: str


def tag_of(found: Tagged | None) -> str | None:
    """What a put is conditional on after this was read: its tag, or that nothing lies there."""
    return None if found is None else found.tag


class PublicSite(Protocol):
    """What is put here is public at once, as the media type that its key ends in."""

    def get(self, key: str) -> bytes | None: ...

    def get_tagged(self, key: str) -> Tagged | None: ...

    def put(self, key: str, data: bytes) -> None: ...

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """Put on condition that the object still has this tag (None: is absent); False when it does not.

        False may also be this very write whose answer was lost: whoever gets it reads again.
        """
        ...

    def put_once(self, key: str, data: bytes) -> bool:
        """Put if absent; False when other bytes lie there already, which stay."""
        ...

    def keys(self, prefix: str) -> list[str]: ...

    def delete(self, keys: Iterable[str]) -> None:
        """Take objects away from the public; one that is gone already is no error."""
        ...
