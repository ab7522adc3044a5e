"""Import a card file, snapshot or changes, as a new version of the registry; readers see the old or the new one, never a
mixture.

Everything is put under names of its own first; naming the version current is one conditional write. Whoever loses that
race lays the file over the winner's version. The file's name says what is newer (`yikatong.card_drops`), so repeated,
late and re-ordered events end in the same registry, or in a refusal that says why.

Rows may have been held for a card that is mended now, or left out for an account that is another one now: a run is ordered
for every subsidy that has some (PROTOCOL R3).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from yikatong.card_drops import CHANGES_PREFIX, REPLACE_PREFIX, CardDrop, read_drop, words_of
from yikatong.card_files import FAULTS, CardFile, read_cards
from yikatong.errors import Conflict, Refusal
from yikatong.file_outcomes import left_out, tell
from yikatong.follow_ups import codes_of, formal_batches, order_follow_ups
from yikatong.payments import sha256_hex
from yikatong.plan import PlanBook, Settings
from yikatong.ports import Control, Lake, Orders, Reports
from yikatong.registry import RegistryIndex, read_index, read_partition, write_index, write_partition
from yikatong.registry_changes import Difference, lay_changes, lay_snapshot
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.sequencers import is_older

MAX_FILE_BYTES = 512 * 2**20
"""Some five million cards: what the function's memory holds with room to spare. Beyond, the rest comes as changes."""
SMALLEST_SHARE = 2
"""A snapshot with less than one in so many of those known is an export that broke."""
REMOVED_SHARE = 10
"""So are changes that take the card of more than one in so many away."""


@dataclass(frozen=True)
class CardArrival:
    """A dropped object: `read` fetches its bytes, `size` of them."""

    object_key: str
    sequencer: str
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Imported:
    """What an import came to. `rows` are the people in the registry now, `faults` the file's rows left out.

    `partitions` were written, the others are shared with the version before. `states` count those who are not as they
    were, by card state before and after ("": not there). `again`: this very file had been imported before.
    """

    registry_version: str
    kind: str
    as_of: str
    rows: int
    previous_rows: int
    faults: int
    partitions: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    older: int = 0
    states: list[dict[str, Any]] = field(default_factory=list)
    again: bool = False


def import_cards(
    arrival: CardArrival,
    *,
    control: Control,
    lake: Lake,
    reports: Reports,
    orders: Orders,
    book: PlanBook,
    settings: Settings,
    now: datetime,
) -> Imported | None:
    """Import, and write what came of it to `cards/{object_key}.json` in the reports bucket; None for a refused file.

    The orders come last, when the version is current and reported. Should one fail, the event is delivered again: the
    file is known by then, nothing is imported twice, and the same runs are ordered again.
    """
    outcome_key = f"cards/{arrival.object_key}.json"
    current = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    known: dict[str, Any] = {"previous_rows": current.rows if current else 0}
    try:
        drop = read_drop(arrival.object_key, now.date())
        if arrival.size > MAX_FILE_BYTES:
            limit = f"{MAX_FILE_BYTES // 2**20} MB"
            raise Refusal(
                f"文件超过 {limit}；请把一部分人作为快照，其余的作为变动（{CHANGES_PREFIX}）报送。", "too_large"
            )
        data = arrival.read()
        known["sha256"] = sha256_hex(data)
        file = read_cards(data, drop.day, changes=drop.changes)
        del data
        imported = _Import(arrival, drop, known["sha256"], file, control, lake, now).run()
    except Refusal as refusal:
        tell(reports, outcome_key, {"accepted": False, "refusal": refusal.message, **known})
        return None
    tell(reports, outcome_key, {"accepted": True, **known, **asdict(imported), **left_out(file.faults, FAULTS)})
    every = formal_batches(codes_of(book), control)
    order_follow_ups(every, imported.registry_version, orders=orders, settings=settings, today=now.date())
    return imported


@dataclass
class _Import:
    """One file on its way into the registry."""

    arrival: CardArrival
    drop: CardDrop
    sha256: str
    file: CardFile
    control: Control
    lake: Lake
    now: datetime

    def run(self) -> Imported:
        while True:
            current = self.control.read(CurrentRegistry, *CURRENT_REGISTRY)
            index = None if current is None else read_index(self.lake, current.registry_version)
            try:
                if current is not None and index is not None and self._is_in(index):
                    return self._again(current)
                self._require_turn(current, index)
                return self._lay_over(current, index)
            except Conflict:
                # Somebody else's file came first, or the answer to our own write was lost: the next look tells.
                continue

    def _is_in(self, index: RegistryIndex) -> bool:
        if self.drop.changes:
            return index.changes.get(self.drop.mark) == self.sha256
        return (index.snapshot_mark, index.snapshot_sha256) == (self.drop.mark, self.sha256)

    def _again(self, current: CurrentRegistry) -> Imported:
        """Imported before: by an earlier try of this very event, whose report may be missing, or by another sending."""
        if (
            not self.drop.changes
            and self._is_of_snapshot(current)
            and is_older(current.sequencer, self.arrival.sequencer)
        ):
            # What was sent between the two sendings is older than the second.
            self.control.save(current.model_copy(update={"sequencer": self.arrival.sequencer}))
        if current.outcome_of == self._event:
            return Imported(**json.loads(current.outcome))
        return self._imported(current.registry_version, current.rows, current.rows, 0, Difference(), again=True)

    def _require_turn(self, current: CurrentRegistry | None, index: RegistryIndex | None) -> None:
        """Refuse a file that an order cannot be found for, or that says what a newer one has replaced."""
        mark = words_of(self.drop.mark)
        if current is None or index is None:
            if self.drop.changes:
                raise Refusal("还没有整份的持卡信息，变动没有可依据的底数；请先报送快照，再报这份变动。", "no_snapshot")
            return
        snapshot = words_of(index.snapshot_mark)
        if self.drop.changes:
            if self.drop.mark <= index.snapshot_mark:
                raise Refusal(
                    f"这份变动（{mark}）不晚于现用的快照（{snapshot}），应当已包含在快照里，没有采用；"
                    "快照里没有的，请以今天的日期重新报送。",
                    "older",
                )
            if self.drop.mark in index.changes:
                raise Refusal(
                    f"{mark} 的变动已采用过另一份，内容与这份不同，分不出先后，没有采用；"
                    f"请把文件名改成同一天的下一个序号（如 {words_of(self.drop.mark + 1)}）后报送。",
                    "taken",
                )
            return
        if self.drop.mark < index.snapshot_mark:
            raise Refusal(f"这份快照（{mark}）早于现用的快照（{snapshot}），没有采用。", "older")
        if self.drop.mark == index.snapshot_mark:
            if not self._is_of_snapshot(current):
                raise Refusal(
                    f"{mark} 的快照已采用过另一份，内容与这份不同，分不出先后，没有采用；"
                    f"请把文件名改成同一天的下一个序号（如 {words_of(self.drop.mark + 1)}）后报送。",
                    "taken",
                )
            if is_older(self.arrival.sequencer, current.sequencer):
                raise Refusal("同名的文件后来又报送过一份，已采用那一份，没有采用这一份。", "older")

    def _is_of_snapshot(self, current: CurrentRegistry) -> bool:
        return current.object_key == self.arrival.object_key

    @property
    def _event(self) -> str:
        return f"{self.arrival.object_key}#{self.arrival.sequencer}#{self.sha256}"

    def _lay_over(self, current: CurrentRegistry | None, before: RegistryIndex | None) -> Imported:
        """Put what changes, then name the version current, judged against the one that is current at that very write."""
        known = current.rows if current else 0
        names = set(self.file.partitions)
        if before is not None and not self.drop.changes:
            names |= before.partitions.keys()
        partitions = dict(before.partitions) if before else {}
        difference, written = Difference(), 0
        for name in sorted(names):
            stored = read_partition(self.lake, name, partitions.get(name))
            lay = lay_changes if self.drop.changes else lay_snapshot
            after, changed = lay(stored, self.file.part(name), self.drop.mark)
            difference.add(changed)
            if after.is_empty():
                partitions.pop(name, None)
            elif not after.equals(stored):
                partitions[name] = write_partition(self.lake, name, after)
                written += 1
        index = self._index(before, partitions)
        self._refuse_losses(index.people, difference.removed, known)
        version = write_index(self.lake, index)
        imported = self._imported(version, index.people, known, written, difference)
        self._make_current(current, imported)
        return imported

    def _index(self, before: RegistryIndex | None, partitions: dict[str, Any]) -> RegistryIndex:
        changes = before.changes if before else {}
        if self.drop.changes:
            assert before is not None, "changes are laid over a registry"
            changes = changes | {self.drop.mark: self.sha256}
            return before.model_copy(update={"changes": changes, "partitions": partitions})
        later = {mark: sha256 for mark, sha256 in changes.items() if mark > self.drop.mark}
        return RegistryIndex(
            snapshot_mark=self.drop.mark, snapshot_sha256=self.sha256, changes=later, partitions=partitions
        )

    def _refuse_losses(self, people: int, removed: int, known: int) -> None:
        """A broken export must not take everybody's card away: that needs a person's word."""
        cure = f"确需采用的，请放在 {REPLACE_PREFIX} 之下"
        if people == 0:
            raise Refusal(f"持卡信息只有 0 人，原有 {known} 人，像是不完整，没有采用；请检查导出。", "shrunken")
        if self.drop.insisted:
            return
        if self.drop.changes and removed * REMOVED_SHARE > known:
            raise Refusal(f"这份变动使 {removed} 人没有卡，原有 {known} 人，超过一成，没有采用；{cure}。", "shrunken")
        if not self.drop.changes and people * SMALLEST_SHARE < known:
            raise Refusal(
                f"持卡信息只有 {people} 人，原有 {known} 人，像是不完整，没有采用。"
                f"只报有变动的人，请加 --changes（放在 {CHANGES_PREFIX} 之下）；全省确实只剩这些人，{cure}。",
                "shrunken",
            )

    def _imported(
        self, version: str, people: int, known: int, written: int, difference: Difference, *, again: bool = False
    ) -> Imported:
        states = [
            {"before": before, "after": after, "count": count}
            for (before, after), count in sorted(difference.states.items())
        ]
        return Imported(
            registry_version=version,
            kind="changes" if self.drop.changes else "snapshot",
            as_of=words_of(self.drop.mark),
            rows=people,
            previous_rows=known,
            faults=self.file.faults.height,
            partitions=written,
            added=difference.added,
            changed=difference.changed,
            removed=difference.removed,
            unchanged=difference.unchanged,
            older=difference.older,
            states=states,
            again=again,
        )

    def _make_current(self, current: CurrentRegistry | None, imported: Imported) -> None:
        pk, sk = CURRENT_REGISTRY
        named = current or CurrentRegistry(pk=pk, sk=sk, registry_version="")
        snapshot = {} if self.drop.changes else {
            "object_key": self.arrival.object_key, "sequencer": self.arrival.sequencer,
        }  # fmt: skip
        self.control.save(
            named.model_copy(
                update={
                    **snapshot,
                    "registry_version": imported.registry_version,
                    "rows": imported.rows,
                    "imported_at": self.now.isoformat(timespec="seconds"),
                    "outcome": json.dumps(asdict(imported)),
                    "outcome_of": self._event,
                }
            )
        )
