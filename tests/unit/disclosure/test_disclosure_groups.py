"""Nothing that is published tells fewer than five people apart: no cell, and no sum of cells less another sum of cells."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as some

from yikatong.disclosure_groups import PROVINCE, Atom, K, Published, arrange_sums, city_of, form_atoms, shown

REGIONS = ("230102", "230103", "230104", "230202", "230203", "230100", "230000")
COUNTS = some.dictionaries(some.sampled_from(REGIONS), some.integers(0, 12))


def unions(cells: Iterable[frozenset[object]]) -> Iterator[frozenset[object]]:
    """Everything that sums of whole cells can count."""
    each = list(cells)
    for chosen in chain.from_iterable(combinations(each, count) for count in range(len(each) + 1)):
        yield frozenset[object]().union(*chosen)


def test_a_county_with_five_stands_alone_and_smaller_ones_stand_in_the_rest_of_their_city() -> None:
    people = {"230102": 5, "230103": 4, "230104": 1, "230202": 9}
    assert form_atoms(people, (), over=people) == (
        Atom("230100", frozenset({"230103", "230104"})),
        Atom("230102", frozenset({"230102"})),
        Atom("230202", frozenset({"230202"})),
    )


def test_a_citys_rest_that_is_still_small_stands_in_the_provinces_rest() -> None:
    people = {"230102": 2, "230202": 3, "230303": 7}
    assert form_atoms(people, (), over=people) == (
        Atom(PROVINCE, frozenset({"230102", "230202"})),
        Atom("230303", frozenset({"230303"})),
    )


def test_a_rest_that_is_small_in_the_whole_province_takes_in_the_smallest_cell_beside_it() -> None:
    people = {"230102": 2, "230202": 8, "230303": 7}
    assert form_atoms(people, (), over=people) == (
        Atom(PROVINCE, frozenset({"230102", "230303"})),
        Atom("230202", frozenset({"230202"})),
    )


def test_four_people_in_the_whole_province_are_shown_nowhere() -> None:
    assert form_atoms({"230102": 4}, (), over={"230102"}) == ()


def test_a_region_with_few_people_waits_while_more_may_come() -> None:
    assert form_atoms({"230102": 3, "230103": 4}, (), over=()) == ()


def test_what_is_shown_already_takes_in_nobody_so_few_that_the_difference_is_theirs() -> None:
    seen = Atom("230102", frozenset({"230102"}))
    assert form_atoms({"230102": 9, "230103": 4}, [seen], over={"230103"}) == ()


def test_an_atom_with_fewer_than_five_left_is_taken_down_and_its_cell_shows_the_others() -> None:
    atoms = [Atom("230100", frozenset({"230102", "230103"})), Atom("230100", frozenset({"230104"}))]
    assert shown({"230102": 2, "230103": 2, "230104": 6}, atoms) == {"230100": {"230104"}}
    assert shown({"230102": 2, "230103": 3, "230104": 6}, atoms) == {"230100": {"230102", "230103", "230104"}}
    assert shown({"230102": 1, "230104": 4}, atoms) == {}


@given(some.lists(some.tuples(COUNTS, some.sets(some.sampled_from(REGIONS))), max_size=6))
@settings(max_examples=300, deadline=None)
def test_whatever_versions_of_lists_follow_one_another_no_fewer_than_five_are_told_apart(
    versions: list[tuple[Mapping[str, int], set[str]]],
) -> None:
    """Regions are told apart by what one version keeps together and another does not."""
    atoms: tuple[Atom, ...] = ()
    published: list[tuple[Mapping[str, int], list[frozenset[str]]]] = []
    for people, over in versions:
        formed = form_atoms(people, atoms, over)
        for atom in formed:
            assert sum(people[region] for region in atom.regions) >= K
            assert all(city_of(region) == atom.cell or atom.cell in (region, PROVINCE) for region in atom.regions)
        atoms += formed
        everywhere = [region for atom in atoms for region in atom.regions]
        assert len(everywhere) == len(set(everywhere)), "a region stands in one place"
        cells = shown(people, atoms)
        assert all(sum(people[region] for region in regions) >= K for regions in cells.values())
        published.append((people, list(cells.values())))
    for people, now in published:
        for _, then in published:
            for ours in unions(now):
                for theirs in unions(then):
                    # Those of ours whom theirs does not count: a region's own coming and going is each row's, not a group's.
                    apart = sum(people[str(region)] for region in ours if not _stood(str(region), then, atoms, theirs))
                    assert apart == 0 or apart >= K


def _stood(region: str, then: list[frozenset[str]], atoms: tuple[Atom, ...], theirs: frozenset[object]) -> bool:
    """Whether the sum then counted the place where the region stands, whoever of it was paid then."""
    (atom,) = [atom for atom in atoms if region in atom.regions]
    return any(other in theirs for other in atom.regions) and any(atom.regions & cell for cell in then)


@given(COUNTS, some.sets(some.sampled_from(REGIONS)))
@settings(max_examples=200, deadline=None)
def test_whoever_is_in_no_cell_is_fewer_than_five_or_waits(people: Mapping[str, int], over: set[str]) -> None:
    atoms = form_atoms(people, (), over)
    placed = {region for atom in atoms for region in atom.regions}
    left = {region: count for region, count in people.items() if count and region not in placed}
    assert all(count < K for count in left.values())
    assert not atoms or not set(left) & over
    assert sum(count for region, count in left.items() if region in over) < K


# --- sums ------------------------------------------------------------------------------------------------------------------

PEOPLE = [f"p{number}" for number in range(60)]
FEW = PEOPLE[:24]
HOME = {person: REGIONS[number % 5] for number, person in enumerate(PEOPLE)}
PAID_THEN = some.lists(
    some.tuples(some.sampled_from(["2023-06", "2023-07", "2023-08"]), some.sets(some.sampled_from(FEW))),
    min_size=1,
    max_size=5,
)


def paid_frame(who: Iterable[str], fen: int = 100) -> pl.DataFrame:
    rows = [(HOME[person], person, fen) for person in sorted(who)]
    return pl.DataFrame(rows, schema={"region": pl.String, "person": pl.String, "amount_fen": pl.Int64}, orient="row")


def publish(slot: str, who: Iterable[str], before: list[Published], fen: int = 100) -> dict[str, frozenset[str]]:
    """Arrange a slot's sums, and keep what was published beside the others."""
    paid = paid_frame(who, fen)
    cells = arrange_sums(slot, paid, before, over=REGIONS)
    place = {region: cell for cell, regions in cells.items() for region in regions}
    people = paid.with_columns(cell=pl.col("region").replace_strict(place, default=None, return_dtype=pl.String))
    people = people.filter(pl.col("cell").is_not_null())
    if not people.is_empty():
        before.append(Published(slot, people))
    return {str(cell): frozenset(rows["person"]) for (cell,), rows in people.group_by("cell")}


def steps(first: set[str], changes: list[set[str]]) -> Iterator[set[str]]:
    """Slots in which mostly the same people are paid."""
    yield first
    for change in changes:
        first = first ^ change
        yield first


def check_differences(before: list[Published]) -> None:
    sums = [
        list(unions(frozenset(rows["person"]) for _, rows in publication.people.group_by("cell")))
        for publication in before
    ]
    for publication in before:
        assert all(rows.height >= K for _, rows in publication.people.group_by("cell"))
    for ours, theirs in combinations(sums, 2):
        for one in ours:
            for other in theirs:
                apart = len(one ^ other)
                assert apart == 0 or apart >= K, f"{sorted(map(str, one ^ other))} are told apart"


@given(PAID_THEN)
@settings(max_examples=150, deadline=None)
def test_no_difference_of_sums_published_ever_is_of_fewer_than_five_people(
    published: list[tuple[str, set[str]]],
) -> None:
    before: list[Published] = []
    for slot, who in published:
        publish(slot, who, before)
    check_differences(before)


@given(some.sets(some.sampled_from(FEW), min_size=12), some.lists(some.sets(some.sampled_from(FEW), max_size=6)))
@settings(max_examples=150, deadline=None)
def test_nor_where_mostly_the_same_people_are_paid_from_slot_to_slot(first: set[str], changes: list[set[str]]) -> None:
    before: list[Published] = []
    for number, who in enumerate(steps(first, changes[:5])):
        publish(f"2023-{number % 3 + 1:02d}", who, before)
    check_differences(before)


def test_where_one_person_came_and_nobody_else_the_next_slot_waits() -> None:
    before: list[Published] = []
    june = publish("2023-06", PEOPLE[1:], before)
    assert june["230103"] == {person for person in PEOPLE if HOME[person] == "230103"}
    assert publish("2023-07", PEOPLE, before) == {}


def test_where_a_few_came_and_went_in_several_counties_those_are_summed_up_together_and_the_others_as_before() -> None:
    before: list[Published] = []
    one, other = ([person for person in PEOPLE if HOME[person] == region] for region in ("230102", "230103"))
    not_in_june, not_in_july = {*one[:2], other[0]}, {one[2], *other[1:3]}
    june = publish("2023-06", set(PEOPLE) - not_in_june, before)
    july = publish("2023-07", set(PEOPLE) - not_in_july, before)
    assert june.keys() == {"230102", "230103", "230104", "230202", "230203"}
    assert july == {
        PROVINCE: {*one, *other} - not_in_july,
        "230104": june["230104"],
        "230202": june["230202"],
        "230203": june["230203"],
    }
    check_differences(before)


def test_a_changed_amount_is_a_change() -> None:
    before: list[Published] = []
    who = set(PEOPLE)
    assert publish("2023-06", who, before)
    paid = paid_frame(who)
    other = paid.with_columns(amount_fen=pl.when(pl.col("person") == "p0").then(pl.lit(999)).otherwise("amount_fen"))
    assert arrange_sums("2023-06", other, before, over=REGIONS) == {}
    assert arrange_sums("2023-07", paid_frame(who, 105), before, over=REGIONS), "another slot's amounts may all differ"
