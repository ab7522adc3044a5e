"""A reissue's rows are failed payments, each for at most what failed; what was judged before is not judged again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from tests.unit.roster.conftest import csv_of, rows_of
from yikatong.roster.context import RosterContext
from yikatong.roster.elsewhere import CLAIMED
from yikatong.roster.failed import FAILED
from yikatong.roster.people import Person
from yikatong.roster.validation import Validation, validate

Make = Callable[..., RosterContext]
FEN = 52_000


def failed(people: Sequence[Person], *, reissued: bool = False, slot: str = "2023-06", fen: int = FEN) -> pl.DataFrame:
    rows = [(slot, person.id_number, person.id_number, fen, reissued) for person in people]
    return pl.DataFrame(rows, schema=FAILED, orient="row")


def judged(people: Sequence[Person], context: RosterContext, **changes: str) -> Validation:
    return validate(csv_of(rows_of(people, **changes)), "a.csv", context)


def statuses(validation: Validation) -> Mapping[str, int]:
    return {status: tally.rows for status, tally in validation.tallies.items() if tally.rows}


def test_rows_that_are_failed_payments_for_at_most_their_amount_are_payable(
    context: RosterContext, people: list[Person]
) -> None:
    for fen in (FEN, FEN + 1):
        validation = judged(people[:5], replace(context, failed=failed(people[:5], fen=fen)))
        assert validation.accepted
        assert statuses(validation) == {"payable": 5}


def test_more_than_failed_is_excluded_and_says_how_much_failed(context: RosterContext, people: list[Person]) -> None:
    some = pl.concat([failed(people[:19]), failed(people[19:20], fen=FEN - 1)])
    validation = judged(people[:20], replace(context, failed=some))
    (finding,) = [finding for finding in validation.findings if finding.code == "more_than_failed"]
    assert (finding.row, finding.column) == (21, "发放金额(元)")
    assert "519.99 元" in finding.message
    assert statuses(validation) == {"payable": 19, "excluded": 1}


@pytest.mark.parametrize("other", ["another slot", "another unit", "nothing"])
def test_what_did_not_fail_is_excluded_and_counts_towards_the_tenth(
    context: RosterContext, people: list[Person], other: str
) -> None:
    wrong = {
        "another slot": failed(people[:2], slot="2023-05"),
        "another unit": failed(people[:2]).with_columns(key=pl.lit(people[30].id_number)),
        "nothing": failed([]),
    }[other]
    validation = judged(people[:10], replace(context, failed=pl.concat([failed(people[2:10]), wrong])))
    assert validation.counts_by_code() == {"excluded_too_many": 1, "not_failed": 2}
    assert not validation.accepted


def test_what_was_reissued_already_is_excluded_but_refuses_no_file(
    context: RosterContext, people: list[Person]
) -> None:
    some = pl.concat([failed(people[:2]), failed(people[2:10], reissued=True, fen=1)])
    validation = judged(people[:10], replace(context, failed=some))
    assert validation.counts_by_code() == {"reissued_already": 8}
    assert validation.accepted
    assert statuses(validation) == {"payable": 2, "excluded": 8}


def test_neither_the_day_nor_the_slots_window_nor_its_own_claim_keeps_a_reissue_from_being_paid(
    context_for: Make, people: list[Person]
) -> None:
    late = context_for(2, as_of=date(2024, 1, 20))
    own = late.settings.code
    mine = [(person.id_number, person.id_number, f"{own}.formal.230102.0", own, "2023-06") for person in people[:5]]
    late = replace(
        late,
        settings=replace(late.settings, required_columns=()),
        claimed=lambda _: pl.DataFrame(mine, schema=CLAIMED, orient="row"),
    )
    ordinary = judged(people[:5], late)
    assert {"day_not_payable", "slot_not_payable", "already_claimed"} <= ordinary.counts_by_code().keys()
    again = judged(people[:5], replace(late, failed=failed(people[:5])))
    assert again.counts_by_code() == {}
    assert again.slots == ("2023-06",)


def test_a_subsidy_that_excludes_it_is_still_asked_about(context_for: Make, people: list[Person]) -> None:
    context = context_for(2)
    other = context.settings.exclusive_with[0]
    claim = [(people[0].id_number, people[0].id_number, f"{other}.formal.230102.0", other, "2023-06")]
    context = replace(
        context,
        settings=replace(context.settings, required_columns=()),
        claimed=lambda _: pl.DataFrame(claim, schema=CLAIMED, orient="row"),
        failed=failed(people[:5]),
    )
    assert judged(people[:5], context).counts_by_code() == {"exclusive_review": 1}


def test_ids_and_amounts_are_judged_as_ever(context: RosterContext, people: list[Person]) -> None:
    rows = rows_of(people[:20])
    rows[0][1] = rows[0][1][:17] + ("0" if rows[0][1][17] != "0" else "1")
    rows[1][3] = "0"
    validation = validate(csv_of(rows), "a.csv", replace(context, failed=failed(people[:20])))
    assert {"id_check_digit", "amount_not_positive"} == validation.counts_by_code().keys()
