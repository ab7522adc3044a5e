"""A dead-letter queue drained on a person's word: who did so last, why, and how many messages went back."""

from yikatong.ledger import Chained


class QueueDrain(Chained):
    """The last drain of one queue. Written before a message moves and again after: `moved` is None in between."""

    verb: str
    reason: str = ""
    by: str = ""
    at: str = ""
    most: int = 0
    moved: int | None = None

    @property
    def audit_id(self) -> str:
        return f"queue.{self.verb}"


VERBS = (
    "collect_policy_list",
    "import_cards",
    "import_departures",
    "publish_policy",
    "receive_receipt",
    "rekey_records",
    "schedules",
    "start_run",
    "validate_roster",
)
"""Whose dead-letter queues there are; `schedules` are ticks that could not be delivered to `start_run`."""


def drain_key(verb: str) -> tuple[str, str]:
    return f"QUEUE#{verb}", "DRAIN"
