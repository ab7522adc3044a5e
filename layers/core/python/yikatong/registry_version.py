"""Which version of the card registry is current. Apart from the registry itself, so that light functions can ask."""

from yikatong.ports import Stored


class CurrentRegistry(Stored):
    """Which registry version is current; readers see the old or the new one, never a mixture."""

    registry_version: str
    object_key: str = ""
    sequencer: str = ""
    """Of the object it came from: S3 orders the versions of one key, not different keys."""
    rows: int = 0
    imported_at: str = ""


CURRENT_REGISTRY = ("CARDS", "CURRENT")
