"""Which regions' people are shown together, so that nothing published tells fewer than five people apart (k = 5).

Within a slot the cells are disjoint and each holds five people at least; whatever is added up or subtracted there is made of
whole cells. Versions of a slot follow one another, and so do slots, with nearly the same people in them: what one publication
keeps together another must not separate.

* Lists show every person's row by law, so only regions are kept together: they join in *atoms*, each of five people when it is
  formed, and an atom is for ever. A cell shows those of its atoms that have five people now.
* Aggregates (sensitive subsidies) are sums, of people who mostly stay from slot to slot: a sum less another is one person's
  amount where one person came. So between any two sums of cells, each of one slot and version, nobody differs or at least
  five do.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from yikatong.regions import PROVINCE

K = 5

Cells = dict[str, frozenset[str]]
"""By the region it is shown under (a county, a city's rest, the province's rest): the regions whose people it holds."""


@dataclass(frozen=True)
class Atom:
    """Regions that stand in one cell together, for ever."""

    cell: str
    regions: frozenset[str]


def city_of(region: str) -> str:
    return f"{region[:4]}00"


def form_atoms(people: Mapping[str, int], standing: Sequence[Atom], over: Collection[str]) -> tuple[Atom, ...]:
    """The new atoms for regions that are in none yet; each has K people at least.

    `people` counts each region's; `over` are the regions where no more are expected: fewer than K people wait until then, lest
    the first three of a thousand are merged for ever. A small region joins the rest of its city, then that of the province;
    what is still small there takes in the smallest cell beside it that nobody has seen yet.
    """
    known = frozenset().union(*(atom.regions for atom in standing))
    new = {region: count for region, count in people.items() if count and region not in known}
    cells: Cells = {region: frozenset({region}) for region, count in new.items() if count >= K}
    small = {region for region, count in new.items() if count < K and region in over}

    def size(regions: Iterable[str]) -> int:
        return sum(new[region] for region in regions)

    def join(cell: str, regions: Collection[str]) -> bool:
        """Whether they are at least K together, with what is new in that cell."""
        together = cells.get(cell, frozenset()).union(regions)
        if size(together) < K:
            return False
        cells[cell] = together
        return True

    left: set[str] = set()
    for city in sorted({city_of(region) for region in small} - {PROVINCE}):
        rest = {region for region in small if city_of(region) == city}
        if not join(city, rest):
            left |= rest
    left |= small & {PROVINCE}
    if left and not join(PROVINCE, left) and cells:
        beside = smallest(cells, new)
        join(PROVINCE, left | cells.pop(beside))
    return tuple(Atom(cell, regions) for cell, regions in sorted(cells.items()))


def shown(people: Mapping[str, int], atoms: Sequence[Atom]) -> Cells:
    """What may be shown now: of each cell those atoms that have K people; the others are taken down until they have."""
    cells: dict[str, set[str]] = defaultdict(set)
    for atom in atoms:
        if sum(people.get(region, 0) for region in atom.regions) >= K:
            cells[atom.cell] |= {region for region in atom.regions if people.get(region)}
    return {cell: frozenset(regions) for cell, regions in sorted(cells.items())}


def smallest(cells: Mapping[str, Collection[str]], people: Mapping[str, int]) -> str:
    """The cell with the fewest people."""
    return min(cells, key=lambda cell: (sum(people[region] for region in cells[cell]), cell))


@dataclass(frozen=True)
class Published:
    """What one publication summed up: `people` has the columns `cell`, `person` and `amount_fen`."""

    slot: str
    people: pl.DataFrame


Overlaps = list[tuple[str | None, str | None, int]]
"""How many people a region now shares with a cell then; None is nowhere."""


def arrange_sums(slot: str, paid: pl.DataFrame, before: Sequence[Published], over: Collection[str]) -> Cells:
    """The cells of one slot's sums: county, city's rest, province's rest, and as few of these as need be; none where no
    arrangement is safe yet.

    `paid` has the columns `region`, `person`, `amount_fen`. Cells of which a few came or went since anything published before
    are pooled for the whole province, where enough may differ; a pool that is still not safe takes in the smallest cell.
    """
    people = dict(paid.group_by("region").len().iter_rows())
    overlaps = [_overlaps(slot, paid, publication) for publication in before]
    cells: Cells = {atom.cell: atom.regions for atom in form_atoms(people, (), over)}
    while cells:
        unsafe = frozenset().union(*(_told_apart(cells, each) for each in overlaps))
        if not unsafe:
            break
        if unsafe == {PROVINCE}:
            others = {cell: regions for cell, regions in cells.items() if cell != PROVINCE}
            if not others:
                return {}
            unsafe |= {smallest(others, people)}
        pool = frozenset().union(*(cells[cell] for cell in {*unsafe, PROVINCE} & cells.keys()))
        cells = {cell: regions for cell, regions in cells.items() if cell not in unsafe} | {PROVINCE: pool}
    return cells


def _overlaps(slot: str, paid: pl.DataFrame, before: Published) -> Overlaps:
    """Of two versions of one slot, a person whose amount changed is somebody else: their sums differ by it."""
    who = ["person", "amount_fen"] if before.slot == slot else ["person"]
    joined = paid.select("region", *who).join(before.people.select("cell", *who), on=who, how="full")
    return joined.group_by("region", "cell").len().rows()


def _told_apart(cells: Cells, overlaps: Overlaps) -> frozenset[str]:
    """The cells that a sum of cells then, taken from a sum of cells now, tells from others by fewer than K people.

    Nodes are the cells now, the cells then and nowhere; an edge is the number of people they share. A sum now less a sum then
    is a cut through this graph, and who differs are the edges it cuts. An edge of K people or more is in no cut of fewer, so its
    ends are one; when no such edge is left, every node that still has one can be cut off by it, or by too few of them.
    """
    place = {region: cell for cell, regions in cells.items() for region in regions}
    joined: dict[Hashable, Hashable] = {}

    def end_of(node: Hashable) -> Hashable:
        while node in joined:
            node = joined[node]
        return node

    nowhere: Hashable = None
    edges = [
        (("now", place[region]) if region in place else nowhere, ("then", cell) if cell is not None else nowhere, count)
        for region, cell, count in overlaps
    ]
    while True:
        weights: dict[frozenset[Hashable], int] = defaultdict(int)
        for one, other, count in edges:
            ends = frozenset({end_of(one), end_of(other)})
            if len(ends) == 2:
                weights[ends] += count
        strong = [tuple(ends) for ends, weight in weights.items() if weight >= K]
        if not strong:
            break
        for one, other in strong:
            if (end := end_of(one)) != (other_end := end_of(other)):
                joined[end] = other_end
    loose = frozenset().union(*weights) - {end_of(nowhere)}
    return frozenset(cell for cell in cells if end_of(("now", cell)) in loose)
