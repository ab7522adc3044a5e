"""Child batches: rows held, and rows lost to a claim that is released, are paid later under the parent's approval.

PROTOCOL C4, W2 and R3, with traces 8 and 9.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache

import polars as pl
import pytest

from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import (
    BOOK,
    CODE,
    DAOLI,
    NANGANG,
    PAYDAY,
    SETTINGS,
    SHANGHAI,
    people,
    roster,
)
from tests.unit.payout.watching import Watch, WorkerDied, any_arguments, saves
from yikatong import parquet
from yikatong.batches import Batch, Tally
from yikatong.cards import CardState
from yikatong.closing import line_of
from yikatong.errors import Refusal
from yikatong.manifest import Manifest
from yikatong.plan import WorkingDays
from yikatong.ports import RunOrder
from yikatong.roster.people import Person
from yikatong.runs import name_run
from yikatong.states import BatchState, RunState
from yikatong.use_cases.list_batches import batch_view
from yikatong.use_cases.start_run import start_ordered_run

FOUR = people(4)
NEXT_DAY = date(2023, 6, 13)


def holding(approved_on: date = date(2023, 6, 1), paid_on: date = PAYDAY) -> tuple[House, str]:
    """A batch of four that was paid but for the fourth, who has no card yet."""
    house = House(approved_on)
    house.cards(FOUR[:3])
    batch_id = house.approved(roster(FOUR))
    house.on(paid_on)
    house.pay()
    assert house.batch(batch_id).state is BatchState.PUBLISHED
    assert house.batch(batch_id).children == ()
    return house, batch_id


def only_child(house: House, parent_id: str) -> Batch:
    (child,) = house.batch(parent_id).children
    return house.batch(child)


def other_name(person: Person) -> str:
    return next(other.name for other in people(20, seed=11) if other.name != person.name)


def rows_of(house: House, batch: Batch) -> pl.DataFrame:
    data = house.lake.get(batch.rows_key)
    assert data is not None
    return parquet.decode(data)


# --- held rows -----------------------------------------------------------------------------------------------------------


def test_a_held_row_is_paid_once_its_card_is_mended_and_nobody_presses_anything() -> None:
    house, batch_id = holding()
    house.on(NEXT_DAY)
    house.cards(FOUR)
    house.drain()
    house.check_at_rest(*FOUR)
    parent, child = house.batch(batch_id), only_child(house, batch_id)
    assert (child.parent, child.state, child.region) == (batch_id, BatchState.PUBLISHED, parent.region)
    assert parent.selection is not None
    assert parent.passed_on == parent.selection.held == child.held


def test_a_child_keeps_row_numbers_columns_and_the_approvers_word_for_its_own_rows_only() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    house.drain()
    parent, child = house.batch(batch_id), only_child(house, batch_id)
    whole, own = rows_of(house, parent), rows_of(house, child)
    assert own.equals(whole.filter(pl.col("beneficiary_id") == FOUR[3].id_number))
    assert parent.approval is not None
    assert child.approval is not None
    same = ("approver", "approved_at", "sha256", "object_version", "mode", "code", "slots")
    assert [getattr(child.approval, name) for name in same] == [getattr(parent.approval, name) for name in same]
    assert (child.approval.payable, child.approval.held.count) == (Tally(), 1)


def test_the_lines_of_parent_and_child_balance_each_by_itself() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    house.drain()
    parent, child = line_of(house.batch(batch_id)), line_of(only_child(house, batch_id))
    assert (parent.held.count, parent.settled.count, parent.approved.count) == (1, 3, 4)
    assert (child.held.count, child.settled.count, child.approved.count) == (0, 1, 1)
    assert child.settled == parent.held


def test_people_see_which_batch_passed_rows_on_to_which() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    house.drain()
    child = only_child(house, batch_id)
    shown = batch_view(house.batch(batch_id), BOOK)
    assert (shown["children"], shown["passed_on"]["count"], shown["parent"]) == ([child.batch_id], 1, "")
    assert batch_view(child, BOOK)["parent"] == batch_id


def test_rows_whose_cards_are_mended_one_after_the_other_are_each_passed_on_once() -> None:
    house = House()
    house.cards(FOUR[:2])
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    house.pay()
    for day, mended in enumerate((FOUR[:3], FOUR), start=13):
        house.on(date(2023, 6, day))
        house.cards(mended)
        house.drain()
    parent = house.batch(batch_id)
    children = [house.batch(child) for child in parent.children]
    assert [rows_of(house, child)["beneficiary_id"].to_list() for child in children] == [
        [FOUR[2].id_number],
        [FOUR[3].id_number],
    ]
    assert parent.passed_on == children[0].held + children[1].held
    house.check_at_rest(*FOUR)


def test_a_held_row_is_taken_up_by_the_next_tick_as_well() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    house.orders.runs.clear()
    house.on(date(2023, 7, 10))
    assert house.pay().state is RunState.CLOSED
    assert only_child(house, batch_id).run_id == name_run(house.order())
    house.check_at_rest(*FOUR)


def test_a_row_whose_card_is_as_bad_as_before_makes_no_child_however_many_ticks_pass() -> None:
    house, batch_id = holding()
    for day in (10, 11, 12):
        house.on(date(2023, 7, day))
        assert house.pay().state is RunState.CLOSED
    assert house.batch(batch_id).children == ()
    house.check_at_rest(*FOUR[:3])


def test_a_row_whose_slot_can_be_paid_no_more_makes_no_child_though_the_approval_holds() -> None:
    house, batch_id = holding(approved_on=date(2023, 7, 20), paid_on=date(2023, 8, 10))
    # June is payable until August (前后各2个月).
    house.on(date(2023, 9, 1))
    house.cards(FOUR)
    assert [order.again for order in house.orders.runs] == [True]
    house.drain()
    assert house.batch(batch_id).children == ()
    house.check_at_rest(*FOUR[:3])


def test_once_the_approval_has_expired_a_held_row_is_paid_no_more_under_it() -> None:
    house, batch_id = holding()
    expiry = SETTINGS.for_subsidy(CODE).approval_expiry_days
    house.on(house.batch(batch_id).approved_on + timedelta(days=expiry + 1))
    house.cards(FOUR)
    assert house.orders.runs == []
    assert house.pay(house.order(cause="again1")).note == "没有可发放的批次"
    assert house.batch(batch_id).children == ()
    house.check_at_rest(*FOUR[:3])


def test_a_child_made_in_time_but_bound_by_nobody_expires_with_the_parents_approval() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    (order,) = house.orders.runs
    house.orders.runs.clear()
    house.start(order)
    house.take_up(name_run(order))
    assert only_child(house, batch_id).state is BatchState.APPROVED
    house.executions.executions[house.run(order).execution] = "ENDED"
    expiry = SETTINGS.for_subsidy(CODE).approval_expiry_days
    house.on(house.batch(batch_id).approved_on + timedelta(days=expiry + 1))
    assert house.pay(house.order(cause="again1")).note == "1 个批次的审批已过期"


def test_a_name_accepted_by_the_approver_stays_accepted_in_the_child_which_holds_that_row_only() -> None:
    house = House()
    odd = people(2, seed=9)
    registered = [replace(one, name=other_name(one)) for one in odd]
    house.cards([*FOUR[:3], *registered])
    batch = house.upload(roster([*FOUR[:3], *odd]))
    under_review = rows_of(house, batch).filter(pl.col("status") == "review")
    house.approve(batch, accepted_reviews=tuple(under_review["row"]))
    house.cards([*FOUR[:3], registered[0], registered[1].with_card(CardState.LOST)])
    house.on(PAYDAY)
    house.pay()
    assert house.selection(batch.batch_id)[odd[1].id_number] == ("held", "card_lost")
    house.cards([*FOUR[:3], *registered])
    house.drain()
    child = only_child(house, batch.batch_id)
    (row,) = under_review.filter(pl.col("beneficiary_id") == odd[1].id_number).iter_rows(named=True)
    assert child.approval is not None
    assert child.approval.accepted_reviews == (row["row"],)
    assert child.approval.accepted == child.review == Tally(count=1, fen=row["amount_fen"])
    house.check_at_rest(*FOUR[:3], *odd)


def test_a_card_mended_while_the_batch_was_being_claimed_is_not_forgotten_when_the_run_ends() -> None:
    """History: the import found the batch not yet INSTRUCTED and ordered nothing; no tick came for 多次/年."""
    house = House()
    house.cards(FOUR[:3])
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    house.claim(name_run(order))
    house.cards(FOUR)
    assert house.orders.runs == []
    house.drain()
    assert only_child(house, batch_id).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR)


def test_an_import_whose_order_was_lost_orders_again_when_its_event_comes_again() -> None:
    house, _ = holding()
    house.watch.acts.append(("orders.order_run", any_arguments, dying(house)))
    with pytest.raises(WorkerDied):
        house.cards(FOUR)
    house.sequencer -= 1
    house.watch_with(Watch())
    house.cards(FOUR)
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_card_that_breaks_again_before_the_childs_claim_is_paid_by_a_child_of_the_child() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    (order,) = house.orders.runs
    house.orders.runs.clear()
    house.start(order)
    house.take_up(name_run(order))
    house.cards([*FOUR[:3], FOUR[3].with_card(CardState.FROZEN)])
    house.drain()
    child = only_child(house, batch_id)
    assert (child.state, house.selection(child.batch_id)[FOUR[3].id_number][0]) == (BatchState.PUBLISHED, "held")
    house.on(NEXT_DAY)
    house.cards(FOUR)
    house.drain()
    grandchild = only_child(house, child.batch_id)
    assert (grandchild.parent, len(house.batch(batch_id).children)) == (child.batch_id, 1)
    assert grandchild.approval is not None
    assert child.approval is not None
    assert grandchild.approval.approved_at == child.approval.approved_at
    house.check_at_rest(*FOUR)


# --- withdrawal ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [False, True])
def test_trace_08_what_a_withdrawn_parent_held_is_not_paid_and_never_becomes_a_child(claimed: bool) -> None:
    house = House()
    house.cards(FOUR[:3])  # the fourth has no card yet
    batch_id = house.approved(roster(FOUR))
    assert house.batch(batch_id).held.count == 1
    house.on(PAYDAY)
    order = house.order()
    if claimed:
        house.start(order)
        house.open(name_run(order))
        house.claim(name_run(order))
    house.cards(FOUR)
    # The card is in order, and the parent is not yet instructed: no run makes a child of it.
    other = house.order(cause="again1")
    house.start(other)
    assert house.take_up(name_run(other)).rows == 0
    assert house.batch(batch_id).children == ()
    house.withdraw(batch_id)
    house.drain()
    house.pay(house.order(cause="again2"))
    house.check_at_rest()
    assert len(house.batches()) == 1


def test_trace_08_a_parent_whose_child_exists_can_be_withdrawn_no_more() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    (order,) = house.orders.runs
    house.start(order)
    house.take_up(name_run(order))
    with pytest.raises(Refusal):
        house.withdraw(batch_id)
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_child_withdrawn_by_a_person_is_not_paid_and_its_rows_are_not_taken_up_again() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    (order,) = house.orders.runs
    house.orders.runs.clear()
    house.start(order)
    house.take_up(name_run(order))
    house.open(name_run(order))
    house.claim(name_run(order))
    child = only_child(house, batch_id)
    house.withdraw(child.batch_id)
    assert child.batch_id in house.manifest().releases
    house.drain()
    house.pay(house.order(cause="again1"))
    assert house.batch(batch_id).children == (child.batch_id,)
    house.check_at_rest(*FOUR[:3])
    # The way that is left: a new roster.
    house.approved(roster(FOUR[3:], seed=2), name="anew.csv")
    house.pay(house.order(cause="ord1"))
    house.check_at_rest(*FOUR)


def test_a_correction_of_the_parents_file_neither_withdraws_the_child_nor_is_stopped_by_it() -> None:
    house, batch_id = holding()
    house.cards(FOUR)
    (order,) = house.orders.runs
    house.start(order)
    house.take_up(name_run(order))
    corrected = house.upload(roster(FOUR, seed=5))
    assert corrected.state is BatchState.REFUSED
    assert "不能再更正" in corrected.refusal
    assert only_child(house, batch_id).state is BatchState.APPROVED
    house.drain()
    house.check_at_rest(*FOUR)


def two_regions(*, funds_fen: int) -> tuple[House, str, str]:
    """道里 has the first three and little money; 南岗, approved later, has the last two: the third is on both lists."""
    house = House()
    house.cards(FOUR)
    house.set_funds(funds_fen)
    first = house.approved(roster(FOUR[:3]), DAOLI)
    second = house.approved(roster(FOUR[2:], NANGANG, seed=2), NANGANG)
    house.on(PAYDAY)
    return house, first, second


def test_trace_09_who_was_lost_to_a_batch_that_is_withdrawn_is_paid_after_all() -> None:
    house, first, second = two_regions(funds_fen=100)
    house.pay()
    assert house.batch(first).state is BatchState.CLAIMED
    assert house.selection(second)[FOUR[2].id_number] == ("not_sent", "claimed_elsewhere")
    house.on(NEXT_DAY)
    house.withdraw(first)
    assert [order.again for order in house.orders.runs] == [True]
    house.drain()
    child = only_child(house, second)
    assert child.region == NANGANG
    house.check_at_rest(*FOUR[2:])


def test_trace_09_freed_while_the_losers_run_is_still_going_the_end_of_that_run_orders_another() -> None:
    house, first, second = two_regions(funds_fen=10_000_000)
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    house.claim(name_run(order))
    house.withdraw(first)
    # Nothing to take up yet: the bank has not been told of the loser.
    assert house.orders.runs == []
    house.drain()
    assert only_child(house, second).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR[2:])


def test_rows_lost_to_a_batch_that_stands_are_not_taken_up() -> None:
    house, first, second = two_regions(funds_fen=10_000_000)
    house.pay()
    assert house.pay(house.order(cause="again1")).state is RunState.CLOSED
    assert house.batch(first).children == house.batch(second).children == ()
    house.check_at_rest(*FOUR)


def test_a_withdrawal_cut_short_before_its_release_frees_its_rows_all_the_same() -> None:
    house, first, second = two_regions(funds_fen=100)
    house.pay()
    house.watch.acts.append(("control.save", saves(Manifest), dying(house)))
    with pytest.raises(WorkerDied):
        house.withdraw(first)
    house.watch_with(Watch())
    assert not house.batch(first).released
    house.pay(house.order(cause="again1"))
    assert only_child(house, second).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR[2:])


def test_a_withdrawal_repeated_after_its_order_was_lost_orders_again() -> None:
    house, first, second = two_regions(funds_fen=100)
    house.pay()
    house.watch.acts.append(("orders.order_run", any_arguments, dying(house)))
    with pytest.raises(WorkerDied):
        house.withdraw(first)
    house.watch_with(Watch())
    house.withdraw(first)
    house.drain()
    assert only_child(house, second).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR[2:])


def test_a_withdrawal_frees_people_in_every_subsidy_of_its_claim_group() -> None:
    house = House()
    house.cards(FOUR)
    house.set_funds(100)
    urban = house.approved(roster(FOUR[:2]))
    rural = house.approved(roster(FOUR[1:], NANGANG, seed=2, number=3), NANGANG, number=3)
    house.on(PAYDAY)
    house.pay()
    house.pay(house.order(number=3))
    assert house.selection(rural)[FOUR[1].id_number] == ("not_sent", "claimed_elsewhere")
    house.withdraw(urban)
    assert {order.code for order in house.orders.runs} == {BOOK.subsidy(2023, 3).code}
    house.drain()
    (child,) = house.batches(3)[rural].children
    assert house.batches(3)[child].state is BatchState.PUBLISHED


def test_of_two_parents_that_lost_the_same_person_one_child_is_made_and_the_other_waits() -> None:
    house = House()
    house.cards(FOUR)
    house.set_funds(100)
    first = house.approved(roster(FOUR[:1]), DAOLI)
    losers = [
        house.approved(roster(FOUR[:1], region, seed=seed), region)
        for seed, region in ((2, NANGANG), (3, "230104"))
    ]  # fmt: skip
    house.on(PAYDAY)
    house.pay()
    house.withdraw(first)
    house.drain()
    assert [len(house.batch(loser).children) for loser in losers] == [1, 0]
    house.check_at_rest(FOUR[0])


# --- crashes and races -------------------------------------------------------------------------------------------------------


@cache
def _all_held() -> tuple[House, tuple[str, ...]]:
    """Two batches of which the bank was told nothing, since nobody in them had a card; now they have, and a run is ordered."""
    house = House()
    house.cards(people(1, seed=8))
    batches = (
        house.approved(roster(FOUR[:2]), DAOLI),
        house.approved(roster(FOUR[2:], NANGANG, seed=2), NANGANG),
    )
    house.on(PAYDAY)
    house.pay()
    house.on(NEXT_DAY)
    house.cards([*FOUR, *people(1, seed=8)])
    return house, batches


def ready_to_take_up() -> tuple[House, tuple[str, ...], str]:
    built, batches = _all_held()
    house = built.copy()
    (order,) = house.orders.runs
    house.orders.runs.clear()
    house.start(order)
    house.watch_with(Watch())
    return house, batches, name_run(order)


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_dies_at_every_call_of_taking_up_and_every_row_is_passed_on_once(after: bool) -> None:
    house, _, run_id = ready_to_take_up()
    assert house.take_up(run_id).rows == 4
    calls = tuple(house.watch.calls)
    assert {"control.save", "lake.put_once"} <= set(calls)
    for k, call in enumerate(calls):
        house, batches, run_id = ready_to_take_up()
        house.watch_with(Watch(dies_at=k, after=after))
        with suppress(WorkerDied):
            house.take_up(run_id)
        assert house.watch.deaths == 1, (k, call)
        house.watch_with(Watch())
        house.drain()
        for batch_id in batches:
            parent = house.batch(batch_id)
            assert parent.selection is not None
            assert (len(parent.children), parent.passed_on) == (1, parent.selection.held), (k, call)
        house.check_at_rest(*FOUR)


def test_two_executions_at_once_make_one_child_of_each_parent() -> None:
    house, batches, run_id = ready_to_take_up()
    other = house.order(cause="again1")
    house.start(other)
    taken: list[int] = []
    house.watch.acts.append(("control.save", saves(Batch), lambda: taken.append(house.take_up(name_run(other)).rows)))
    assert house.take_up(run_id).rows == 0
    assert taken == [4]
    house.drain()
    assert [len(house.batch(batch_id).children) for batch_id in batches] == [1, 1]
    house.check_at_rest(*FOUR)


def test_what_a_child_holds_that_nobody_has_claimed_yet_is_not_passed_on_again() -> None:
    house = House()
    house.cards(FOUR[:2])
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    house.pay()
    for mended, cause in ((FOUR[:3], "again1"), (FOUR, "again2")):
        house.cards(mended)
        house.orders.runs.clear()
        house.start(house.order(cause=cause))
        assert house.take_up(name_run(house.order(cause=cause))).rows == 1
    assert [house.batch(child).state for child in house.batch(batch_id).children] == [BatchState.APPROVED] * 2
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_parent_that_changes_meanwhile_for_another_reason_still_gets_its_child() -> None:
    house, (first, _), run_id = ready_to_take_up()

    def touched() -> None:
        house.control.save(house.batch(first).changed(carried="x"))

    house.watch.acts.append(("control.save", saves(Batch), touched))
    assert house.take_up(run_id).rows == 4
    assert len(house.batch(first).children) == 1


def test_a_run_that_has_opened_takes_up_nothing_that_it_could_not_bind() -> None:
    house, batches, run_id = ready_to_take_up()
    house.open(run_id)
    assert house.take_up(run_id).rows == 0
    assert [house.batch(batch_id).children for batch_id in batches] == [(), ()]


def test_a_trial_takes_up_nothing() -> None:
    house, batches, run_id = ready_to_take_up()
    run = next(run for run in house.runs() if run.run_id == run_id)
    house.control.items[run.pk, run.sk]["mode"] = "trial"
    assert house.take_up(run_id).rows == 0
    assert [house.batch(batch_id).children for batch_id in batches] == [(), ()]


# --- runs that only follow up ------------------------------------------------------------------------------------------------


def test_a_run_that_follows_up_binds_no_ordinary_batch() -> None:
    house, batch_id = holding()
    waiting = house.approved(roster(people(2, seed=5), NANGANG), NANGANG)
    house.cards([*FOUR, *people(2, seed=5)])
    house.drain()
    assert only_child(house, batch_id).state is BatchState.PUBLISHED
    assert house.batch(waiting).state is BatchState.APPROVED


def test_a_run_that_follows_up_may_start_when_its_subsidys_time_for_paying_is_over() -> None:
    house = House()
    subsidy = next(
        subsidy
        for subsidy in BOOK.plan(2023).subsidies
        if subsidy.code and subsidy.formal.window.last < date(2023, 12, 1)
    )
    assert subsidy.code is not None
    day = date(2023, 12, 4)
    now = datetime(2023, 12, 4, 9, tzinfo=SHANGHAI)
    found = {}
    for cause in ("ord1", "again1"):
        order = RunOrder(2023, subsidy.code, "formal", day, cause)
        found[cause] = start_ordered_run(
            order, control=house.c, workflow=house.w, schedules=house.orders, book=BOOK, settings=SETTINGS,
            working_days=WorkingDays.committed(), now=now,
        )  # fmt: skip
    assert found == {"ord1": "not_a_day", "again1": "empty"}


def test_a_child_carried_for_lack_of_funds_is_paid_when_they_are_raised() -> None:
    house, batch_id = holding()
    house.set_funds(house.funds().spent_fen)
    house.cards(FOUR)
    house.drain()
    child = only_child(house, batch_id)
    assert "还差" in child.carried
    house.on(NEXT_DAY)
    house.set_funds(10_000_000)
    house.drain()
    house.check_at_rest(*FOUR)
