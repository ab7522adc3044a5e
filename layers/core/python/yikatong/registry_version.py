"""Which version of the card registry is current. Apart from the registry itself, so that light functions can ask."""

from yikatong.ports import Stored


class CurrentRegistry(Stored):
    """Which registry version is current; readers see the old or the new one, never a mixture."""

    registry_version: str
    object_key: str = ""
    sequencer: str = ""
    """Of the object the snapshot came from: S3 orders the versions of one key, not different keys."""
    rows: int = 0
    """The people in it, those without a card left out."""
    imported_at: str = ""
    outcome: str = ""
    """What the import that made this version current changed, as JSON: written in the same write, so that a worker that died
    before its report can still make it."""
    outcome_of: str = ""
    """Which sending of which file that was."""


CURRENT_REGISTRY = ("CARDS", "CURRENT")
