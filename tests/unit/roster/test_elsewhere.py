"""Whoever was claimed elsewhere is named before any money moves: for this subsidy, or for one that excludes it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl
import pytest

from yikatong import identity
from yikatong.roster.context import RosterContext
from yikatong.roster.elsewhere import CLAIMED, elsewhere_hits
from yikatong.roster.findings import RULES
from yikatong.roster.people import Person

JUNE = "2023-06"
OWN = "urban-minimum-living"
OTHER_BATCH = f"{OWN}.formal.230202.0123456789abcdef"
Make = Callable[..., RosterContext]


def rows_for(people: Sequence[Person], slot: str | None = JUNE, heads: Sequence[Person] | None = None) -> pl.DataFrame:
    """The frame of the whole-file checks, as far as this check reads it."""
    ids = pl.Series([person.id_number for person in people])
    keys = pl.Series([person.id_number for person in heads or people])
    return pl.DataFrame(
        {
            "at": pl.Series(range(len(people)), dtype=pl.UInt32),
            "slot": pl.Series([slot] * len(people), dtype=pl.String),
            "beneficiary_number": identity.numbers_of(ids),
            "key_number": identity.numbers_of(keys),
        }
    )


def claims(people: Sequence[Person], code: str = OWN, slot: str = JUNE, head: Person | None = None) -> pl.DataFrame:
    batch_id = f"{code}.formal.230202.0123456789abcdef"
    rows = [((head or person).id_number, person.id_number, batch_id, code, slot) for person in people]
    return pl.DataFrame(rows, schema=CLAIMED, orient="row")


@pytest.fixture
def make(context_for: Make) -> Make:
    """A context of 城市低保 in which these claims stand, for June alone."""

    def made(standing: pl.DataFrame, slot: str = JUNE, **settings: object) -> RosterContext:
        context = context_for(2)
        nothing = pl.DataFrame(schema=CLAIMED)
        return replace(
            context,
            claimed=lambda asked: standing if asked == slot else nothing,
            settings=replace(context.settings, **settings),  # type: ignore[arg-type]
        )

    return made


def said(rows: pl.DataFrame, context: RosterContext) -> dict[str, dict[int, str]]:
    """Per code the message at each position."""
    found: dict[str, dict[int, str]] = {}
    for hit in elsewhere_hits(rows, context):
        assert callable(hit.details)
        texts = {at: RULES[hit.code].message(**hit.details(index)) for index, at in enumerate(hit.at.to_list())}
        found[hit.code] = found.get(hit.code, {}) | texts
    return found


def test_where_nobody_knows_the_claims_nothing_is_said(context: RosterContext, people: list[Person]) -> None:
    assert elsewhere_hits(rows_for(people[:3]), context) == []


def test_who_was_claimed_for_the_same_subsidy_and_slot_is_named_with_the_batch(
    make: Make, people: list[Person]
) -> None:
    found = said(rows_for(people[:5]), make(claims(people[3:8])))
    assert found.keys() == {"already_claimed"}
    assert found["already_claimed"].keys() == {3, 4}
    assert OTHER_BATCH in found["already_claimed"][3]
    assert people[3].id_number not in found["already_claimed"][3]


def test_another_slot_is_not_this_one(make: Make, people: list[Person]) -> None:
    assert said(rows_for(people[:5], "2023-05"), make(claims(people[:5]))) == {}


def test_a_person_is_met_through_their_household_and_a_household_through_its_person(
    make: Make, people: list[Person]
) -> None:
    head, member = people[0], people[1]
    found = said(rows_for([head, member, people[2]]), make(claims([member], head=head)))
    assert found["already_claimed"].keys() == {0, 1}
    found = said(rows_for([people[5], people[6]], heads=[member, people[6]]), make(claims([member])))
    assert found["already_claimed"].keys() == {0}
    assert OTHER_BATCH in found["already_claimed"][0]


def test_the_other_subsidy_of_the_claim_group_excludes_and_is_named(make: Make, people: list[Person]) -> None:
    found = said(rows_for(people[:2]), make(claims(people[:1], "rural-minimum-living")))
    assert found.keys() == {"exclusive_claimed"}
    assert "农村最低生活保障金" in found["exclusive_claimed"][0]


@pytest.mark.parametrize(("level", "code"), [("review", "exclusive_review"), ("exclude", "exclusive_claimed")])
def test_the_settings_say_what_an_exclusive_subsidy_means(
    make: Make, people: list[Person], level: str, code: str
) -> None:
    standing = claims(people[:1], "rural-destitute-living", "2023Q2")
    found = said(rows_for(people[:2]), make(standing, exclusive_level=level))
    assert found.keys() == {code}
    assert "2023Q2 属期“农村特困人员生活补贴”" in found[code][0]


def test_rows_without_a_right_id_or_a_slot_are_passed_over(make: Make, people: list[Person]) -> None:
    rows = rows_for(people[:3]).with_columns(
        slot=pl.Series([JUNE, None, JUNE]),
        **{
            name: pl.when(pl.col("at") == 2).then(None).otherwise(pl.col(name)).alias(name)
            for name in ("key_number", "beneficiary_number")
        },
    )
    assert said(rows, make(claims(people[:3])))["already_claimed"].keys() == {0}


def test_a_subsidy_that_no_plan_knows_any_more_is_named_by_its_code(make: Make, people: list[Person]) -> None:
    found = said(rows_for(people[:1]), make(claims(people[:1], "abolished")))
    assert "“abolished”" in found["exclusive_claimed"][0]
