"""The site's bucket as whoever publishes sees it: objects anybody may read, and an index that is put on condition."""

from collections.abc import Iterable
from typing import Protocol


class PublicSite(Protocol):
    """What is put here is public at once. A tag names what was read, as an S3 entity tag does."""

    def get(self, key: str) -> bytes | None: ...

    def get_tagged(self, key: str) -> tuple[bytes, str] | None:
        """The object and its tag."""
        ...

    def put(self, key: str, data: bytes) -> None: ...

    def put_if(self, key: str, data: bytes, tag: str | None) -> bool:
        """Put on condition that the object still has this tag (None: is absent); False when it does not.

        False may also be this very write whose answer was lost: whoever gets it reads again.
        """
        ...

    def keys(self, prefix: str) -> list[str]: ...

    def delete(self, keys: Iterable[str]) -> None:
        """Take objects away from the public; one that is gone already is no error."""
        ...
