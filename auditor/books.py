"""What the platform says of itself: the control table's items, sorted by what they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditor.source import CONTROL, Item, Source

INSTRUCTED = frozenset({"INSTRUCTED", "SETTLED", "PUBLISHED"})
"""States of a batch in which the bank has been told."""
ENDED = frozenset({"CLOSED", "CLOSED_OPEN_ITEMS"})
"""States of a run that has its closing file."""


@dataclass
class Books:
    """Items by their own names: batches and runs by id, funds by (code, region, year), manifests by (group, slot)."""

    batches: dict[str, Item] = field(default_factory=dict)
    runs: dict[str, Item] = field(default_factory=dict)
    funds: dict[tuple[str, str, int], Item] = field(default_factory=dict)
    manifests: dict[tuple[str, str], Item] = field(default_factory=dict)
    levers: dict[str, Item] = field(default_factory=dict)
    """Pauses and drained queues, by the id of their chain."""

    def chained(self) -> Iterable[tuple[str, Item]]:
        """(audit id, item) of everything that must have a chain."""
        yield from self.batches.items()
        yield from self.runs.items()
        yield from (("funds." + ".".join(map(str, key)), item) for key, item in self.funds.items())
        yield from self.levers.items()


def read_books(source: Source) -> Books:
    books = Books()
    for item in source.items(CONTROL):
        kind, _, name = item["pk"].partition("#")
        match kind:
            case "BATCHES":
                books.batches[item["batch_id"]] = item
            case "RUNS":
                books.runs[item["run_id"]] = item
            case "FUNDS":
                books.funds[item["code"], item["region"], int(item["year"])] = item
            case "MANIFEST":
                books.manifests[item["claim_group"], item["slot"]] = item
            case "PAUSE" | "QUEUE":
                books.levers[f"{kind.lower()}.{name}"] = item
    return books


def is_formal(batch: Item) -> bool:
    return bool(batch["mode"] == "formal")


def stands(batch: Item) -> bool:
    """Whether an approval stands behind it: its rows are paid or still to be paid."""
    return bool(batch.get("approval")) and batch["state"] not in ("WITHDRAWN", "REFUSED", "VALIDATED", "RECEIVED")
