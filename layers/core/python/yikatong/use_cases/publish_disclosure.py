"""公示: every night, and on demand, what was paid becomes what the public may see of it.

A subsidy's objects are made from its published formal batches (control), their settlements and payments files (lake); only
what those changed is made anew. In this order: what is decided (`yikatong.disclosed`), the cells under new names, the index by a
put on condition, then what it no longer shows is deleted. Whoever dies in between leaves objects that nothing names; whoever
comes second reads again.

A list is shown anew when five rows differ, or when the month has turned: one person's coming or going is not announced on its
day. Sums follow the stricter rule of `yikatong.disclosure_groups`, and stand until they may be replaced.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from yikatong import parquet
from yikatong.batches import Batch, batches_pk
from yikatong.disclosed import Summed, keep_atoms, keep_sums, read_atoms, read_sums, summed
from yikatong.disclosure import PAID, Cell, Objects, masked_rows, rows_changed, subsidy_index, superseded, year_index
from yikatong.disclosure_groups import Atom, K, arrange_sums, form_atoms, shown
from yikatong.disclosure_keys import AGGREGATE, LIST, Document, encode, folder_of, index_key, key_of, year_index_key
from yikatong.payments import sha256_hex, sorted_digest
from yikatong.plan import Mode, PlanBook, Settings, Subsidy
from yikatong.ports import Control, DigestMismatch, Lake
from yikatong.public_site import PublicSite, tag_of
from yikatong.settlement import AlteredInstruction, payments_of
from yikatong.states import PaymentState


class AlteredSettlement(Exception):
    """A settlement is missing or is not the one its batch names: nothing can be shown from it."""


@dataclass(frozen=True)
class Disclosed:
    """What a publication did: how many subsidies' indexes it put, how many cells they show, whose evidence was altered."""

    published: int = 0
    cells: int = 0
    altered: tuple[str, ...] = ()


@dataclass
class _Evidence:
    """One subsidy's published formal batches of one plan year, and who was paid by them. While one slot is looked at each file is
    read once; of the next slot's millions nothing is held yet."""

    batches: Sequence[Batch]
    lake: Lake
    _slot: str = ""
    _paid: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def slots(self) -> list[str]:
        return sorted({slot for batch in self.batches for slot in batch.slots})

    def regions(self, slot: str) -> frozenset[str]:
        return frozenset(batch.region for batch in self.batches if slot in batch.slots)

    def follows(self, slot: str, regions: Iterable[str]) -> str:
        """A digest of the settlements that say who was paid in that slot there."""
        wanted = frozenset(regions)
        return sorted_digest(
            [
                f"{batch.batch_id} {batch.settlement.seq}"
                for batch in self.batches
                if batch.settlement and slot in batch.slots and batch.region in wanted
            ]
        )[:16]

    def paid(self, slot: str, regions: Iterable[str]) -> pl.DataFrame:
        """The people paid, as `disclosure.PAID`."""
        wanted = frozenset(regions)
        if slot != self._slot:
            self._slot, self._paid = slot, {}
        frames = [
            self._of(batch).filter(pl.col("slot") == slot).drop("slot")
            for batch in self.batches
            if slot in batch.slots and batch.region in wanted
        ]
        return pl.concat([pl.DataFrame(schema=PAID), *frames])

    def _of(self, batch: Batch) -> pl.DataFrame:
        if batch.batch_id not in self._paid:
            self._paid[batch.batch_id] = _paid_by(batch, self.lake)
        return self._paid[batch.batch_id]


def _paid_by(batch: Batch, lake: Lake) -> pl.DataFrame:
    """Settled and not returned: a payment that the bank contradicts meanwhile is not shown as paid."""
    assert batch.settlement is not None, "asked of published batches"
    data = lake.get(batch.settlement.key)
    if data is None or (batch.settlement.sha256 and sha256_hex(data) != batch.settlement.sha256):
        raise AlteredSettlement(batch.batch_id)
    people = payments_of(batch, lake).select("end_to_end_id", person="beneficiary_id", name="beneficiary_name")
    settled = parquet.decode(data).filter(pl.col("state") == PaymentState.SETTLED.value)
    paid = settled.join(people, on="end_to_end_id", how="inner", maintain_order="left")
    if paid.height != settled.height:
        raise AlteredSettlement(batch.batch_id)
    return paid.with_columns(region=pl.lit(batch.region), paid_on="settled_on").select("slot", *PAID)


def publish_disclosure(
    on: date,
    *,
    control: Control,
    lake: Lake,
    site: PublicSite,
    book: PlanBook,
    settings: Settings,
    only: frozenset[str] | None = None,
) -> Disclosed:
    """Publish what changed, of every subsidy or of those with the codes `only`. Altered evidence stops its own subsidy."""
    done = Disclosed()
    for year in book.years:
        for subsidy in book.plan(year).subsidies:
            if subsidy.code is not None and (only is None or subsidy.code in only):
                done = _published(done, on, subsidy, control, lake, site, settings)
        _put_year_index(year, on, site, book)
    return done


def _published(
    done: Disclosed, on: date, subsidy: Subsidy, control: Control, lake: Lake, site: PublicSite, settings: Settings
) -> Disclosed:
    try:
        lines = _Publication(on, subsidy, control, lake, site, settings).publish()
    except (AlteredSettlement, AlteredInstruction) as altered:
        return Disclosed(done.published, done.cells, (*done.altered, str(altered)))
    return done if lines is None else Disclosed(done.published + 1, done.cells + lines, done.altered)


class _Publication:
    """One subsidy of one plan year."""

    def __init__(
        self, on: date, subsidy: Subsidy, control: Control, lake: Lake, site: PublicSite, settings: Settings
    ) -> None:
        assert subsidy.code is not None, "asked for by the caller"
        self._on, self._year, self._code, self._name = on, subsidy.plan_year, subsidy.code, subsidy.name
        self._control, self._lake, self._site = control, lake, site
        self._kind = AGGREGATE if settings.for_subsidy(subsidy.code).sensitive else LIST

    def publish(self) -> int | None:
        """How many cells the index that was put shows; None when nothing had changed."""
        while True:
            found = self._site.get_tagged(index_key(self._year, self._code))
            standing: Document | None = None if found is None else json.loads(found.data)
            evidence = self._evidence()
            if standing is None and not evidence.batches:
                return None
            try:
                index, objects = self._made(standing, evidence)
            except DigestMismatch:
                # Somebody else decided meanwhile: what they decided must be looked at first.
                continue
            if index is None:
                self._sweep(standing)
                return None
            for key, data in objects.items():
                self._site.put(key, data)
            if self._site.put_if(index_key(self._year, self._code), encode(index), tag_of(found)):
                self._sweep(index)
                return len(index["cells"])

    def _evidence(self) -> _Evidence:
        batches = self._control.query(Batch, batches_pk(self._code, Mode.FORMAL))
        mine = [each for each in batches if each.plan_year == self._year and each.published_seq and each.settlement]
        return _Evidence(mine, self._lake)

    def _sweep(self, index: Document | None) -> None:
        """What the index no longer shows, nobody shall find; a publication that died before this is swept up after."""
        if index is not None:
            keys = self._site.keys(f"{folder_of(self._year, self._code)}/")
            self._site.delete(superseded(keys, index))

    def _made(self, standing: Document | None, evidence: _Evidence) -> tuple[Document | None, Objects]:
        """The next index and its new objects; None where everything stands as it should."""
        number = standing["number"] + 1 if standing else 1
        old = [line for line in (standing or {}).get("cells", []) if line["kind"] == self._kind]
        lines, objects = self._lists(old, evidence, number) if self._kind == LIST else self._sums(old, evidence, number)
        index = subsidy_index(self._year, self._code, self._name, self._kind, number, self._on, lines)
        unchanged = standing is not None and all(standing[name] == index[name] for name in ("cells", "kind", "subsidy"))
        return (None, {}) if unchanged or (standing is None and not lines) else (index, objects)

    # --- lists -------------------------------------------------------------------------------------------------------------

    def _lists(self, old: list[Document], evidence: _Evidence, number: int) -> tuple[list[Document], Objects]:
        decided, kept = read_atoms(self._year, self._code, self._lake)
        atoms = dict(kept)
        lines: list[Document] = []
        objects: Objects = {}
        for slot in evidence.slots:
            known = frozenset[str]().union(*(atom.regions for atom in atoms.get(slot, ())))
            others = evidence.paid(slot, evidence.regions(slot) - known)
            formed = form_atoms(_people(others), (), self._over(others))
            if formed:
                atoms[slot] = (*atoms.get(slot, ()), *formed)
            before = {line["region"]: line for line in old if line["slot"] == slot}
            for line, made in self._cells(slot, atoms.get(slot, ()), before, evidence, number):
                lines.append(line)
                objects |= made
        if atoms != kept:
            keep_atoms(self._year, self._code, decided + 1, atoms, self._lake)
        return lines, objects

    def _cells(
        self, slot: str, atoms: Sequence[Atom], before: dict[str, Document], evidence: _Evidence, number: int
    ) -> Iterator[tuple[Document, Objects]]:
        for region in sorted({atom.cell for atom in atoms}):
            own = [atom for atom in atoms if atom.cell == region]
            regions = frozenset[str]().union(*(atom.regions for atom in own))
            follows, line = evidence.follows(slot, regions), before.get(region)
            if line is not None and line["follows"] == follows:
                yield line, {}
                continue
            paid = evidence.paid(slot, regions)
            now = shown(_people(paid), own).get(region)
            if now is None:
                continue
            paid = paid.filter(pl.col("region").is_in(list(now)))
            rows = masked_rows(paid)
            changed = K if line is None else rows_changed(self._shown_rows(line), rows)
            if line is not None and changed < K and not (changed and self._month_has_turned_since(line)):
                # Nothing to tell: look again only when there may be. Too little to tell: look again until it may be told.
                yield (line if changed else line | {"follows": follows}), {}
                continue
            yield self._cell(slot, region, now, paid, follows, self._on).objects(number, rows)

    def _shown_rows(self, line: Document) -> list[Document]:
        """The rows of a list as the public has them."""
        cell = self._object(line["href"])
        return [*cell["rows"], *(row for part in cell["parts"] for row in self._object(part)["rows"])]

    def _object(self, href: str) -> Document:
        data = self._site.get(key_of(href))
        # Swept away between the index and this: another publication has put a later index, and ours will not be taken.
        loaded: Document = json.loads(data) if data is not None else {"rows": [], "parts": []}
        return loaded

    def _month_has_turned_since(self, line: Document) -> bool:
        shown_on = date.fromisoformat(line["as_of"])
        return (shown_on.year, shown_on.month) != (self._on.year, self._on.month)

    def _over(self, paid: pl.DataFrame) -> frozenset[str]:
        """Regions that were last paid in an earlier month, or of which nobody knows the day."""
        last = paid.group_by("region").agg(pl.col("paid_on").max())
        earlier = (pl.col("paid_on") < self._on.replace(day=1)).fill_null(True)
        return frozenset(last.filter(earlier)["region"])

    def _cell(
        self, slot: str, region: str, regions: frozenset[str], paid: pl.DataFrame, follows: str, as_of: date
    ) -> Cell:
        return Cell(
            self._year, self._code, self._name, slot, region, regions, self._kind, paid["person"].n_unique(),
            int(paid["amount_fen"].sum()), as_of, follows,
        )  # fmt: skip

    # --- sums ----------------------------------------------------------------------------------------------------------------

    def _sums(self, old: list[Document], evidence: _Evidence, number: int) -> tuple[list[Document], Objects]:
        decided = read_sums(self._code, self._lake)
        for slot in evidence.slots:
            if (new := self._decide(slot, decided, evidence)) is not None:
                keep_sums(self._code, len(decided) + 1, new, self._lake)
                decided.append(new)
        standing = {each.slot: each for each in decided if each.plan_year == self._year}
        lines: list[Document] = []
        objects: Objects = {}
        for slot, sums in standing.items():
            for (region,), paid in sums.people.group_by("cell", maintain_order=True):
                cell = self._cell(slot, str(region), frozenset(paid["region"]), paid, sums.follows, sums.as_of)
                line, made = cell.objects(number)
                same = next((each for each in old if _same(each, line)), None)
                lines.append(same or line)
                objects |= {} if same else made
        return lines, objects

    def _decide(self, slot: str, decided: Sequence[Summed], evidence: _Evidence) -> Summed | None:
        """What is now to be shown of a slot; None where what stands, stands."""
        regions = evidence.regions(slot)
        follows = evidence.follows(slot, regions)
        mine = [each for each in decided if (each.plan_year, each.slot) == (self._year, slot)]
        standing = mine[-1] if mine else None
        if standing is not None and standing.follows == follows and not standing.left_out:
            return None
        everybody = evidence.paid(slot, regions)
        paid = everybody.group_by("region", "person").agg(pl.col("amount_fen").sum())
        this = f"{self._year}#{slot}"
        cells = arrange_sums(this, paid, [each.published for each in decided], self._over(everybody))
        new = Summed(self._year, slot, self._on, follows, paid.height - (people := summed(paid, cells)).height, people)
        if standing is None:
            return new if cells else None
        if new.people.equals(standing.people):
            return None
        # What may not be replaced stands, unless five who are counted in it are no longer paid: then it says too much.
        return new if cells or standing.people.join(paid, on=["region", "person"], how="anti").height >= K else None


def _people(paid: pl.DataFrame) -> dict[str, int]:
    """How many people each region has."""
    return dict(paid.group_by("region").agg(pl.col("person").n_unique()).iter_rows())


def _same(one: Document, other: Document) -> bool:
    return all(one[name] == other[name] for name in one if name not in ("href", "sha256"))


def _put_year_index(plan_year: int, on: date, site: PublicSite, book: PlanBook) -> None:
    key = year_index_key(plan_year)
    while True:
        found = site.get_tagged(key)
        codes = [subsidy.code for subsidy in book.plan(plan_year).subsidies if subsidy.code is not None]
        stored = [data for code in codes if (data := site.get(index_key(plan_year, code))) is not None]
        index = year_index(plan_year, on, [json.loads(data) for data in stored])
        standing = json.loads(found.data) if found else None
        if not index["subsidies"] and standing is None:
            return
        if standing is not None and standing["subsidies"] == index["subsidies"]:
            return
        if site.put_if(key, encode(index), tag_of(found)):
            return
