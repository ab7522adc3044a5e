"""What changes between two runs, and what may never change with it: registry, withdrawals, trials, approvals, funds."""

from datetime import date, timedelta

import pytest

from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import BOOK, DAOLI, NANGANG, PAYDAY, SETTINGS, SHANGHAI, end_to_end, people, roster
from tests.unit.payout.watching import any_arguments, saves
from yikatong.batches import Batch
from yikatong.cards import CardState
from yikatong.funds import Funds
from yikatong.manifest import Manifest
from yikatong.runs import ATTEMPTS_BEFORE_A_PERSON_LOOKS, name_run
from yikatong.states import BatchState, RunState
from yikatong.use_cases.stop_run import resume_run

FOUR = people(4)
DISABLED = 17


def ready() -> tuple[House, str]:
    house = House()
    house.cards(FOUR)
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    return house, batch_id


def test_a_card_lost_after_approval_holds_its_row_and_the_others_are_paid() -> None:
    house, batch_id = ready()
    house.cards([*FOUR[:3], FOUR[3].with_card(CardState.LOST)])
    house.pay()
    assert house.selection(batch_id)[FOUR[3].id_number] == ("held", "card_lost")
    house.check_at_rest(*FOUR[:3])


def test_a_card_found_after_approval_is_paid_though_the_roster_held_it() -> None:
    house = House()
    house.cards(FOUR[:3])
    batch_id = house.approved(roster(FOUR))
    assert house.batch(batch_id).held.count == 1
    house.cards(FOUR)
    house.on(PAYDAY)
    house.pay()
    house.check_at_rest(*FOUR)


def test_a_run_judges_by_the_registry_it_froze_though_another_came_before_its_claims() -> None:
    house, batch_id = ready()
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    house.cards([FOUR[0].with_card(CardState.FROZEN), *FOUR[1:]])
    house.drain()
    assert set(house.selection(batch_id).values()) == {("sent", "")}
    house.check_at_rest(*FOUR)


def test_the_people_of_a_withdrawn_claimed_batch_are_free_for_another() -> None:
    house, batch_id = ready()
    order = house.order()
    house.start(order)
    house.open(name_run(order))
    house.claim(name_run(order))
    house.withdraw(batch_id)
    other = house.approved(roster(FOUR, NANGANG, seed=2), NANGANG)
    house.drain()
    house.pay(house.order(cause="ord1"))
    assert house.batch(other).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR)


def test_an_approval_nobody_took_up_in_time_no_longer_pays() -> None:
    house, batch_id = ready()
    days = SETTINGS.for_subsidy("urban-minimum-living").approval_expiry_days
    approved_on = date(2023, 6, 1)
    last = house.copy()
    last.on(approved_on + timedelta(days=days))
    late = house
    late.on(approved_on + timedelta(days=days + 1))
    assert late.pay().note.endswith("过期")
    assert late.batch(batch_id).state is BatchState.APPROVED
    assert late.bank.book["messages"] == {}
    assert last.pay().state is RunState.CLOSED
    last.check_at_rest(*FOUR)


def test_a_batch_claimed_in_time_is_paid_though_its_approval_has_expired_since() -> None:
    house, batch_id = ready()
    house.set_funds(1)
    assert house.pay().state is RunState.CLOSED_OPEN_ITEMS
    house.on(date(2023, 12, 28))
    house.set_funds(10_000_000)
    house.drain()
    assert house.batch(batch_id).state is BatchState.PUBLISHED
    house.check_at_rest(*FOUR)


# --- trials --------------------------------------------------------------------------------------------------------------


def trial_house() -> House:
    house = House(today=date(2023, 6, 1))
    house.cards(FOUR)
    return house


def trial_roster(seed: int = 1) -> bytes:
    return roster(FOUR, number=DISABLED, seed=seed)


def test_a_trial_claims_nothing_reserves_nothing_publishes_nothing_and_moves_no_money() -> None:
    house = trial_house()
    trial = house.approved(trial_roster(), mode="trial", number=DISABLED)
    run = house.pay(house.order(mode="trial", number=DISABLED))
    assert run.state is RunState.CLOSED
    assert house.batch(trial).state is BatchState.SETTLED
    assert house.control.query(Manifest, "MANIFEST#disabled-hardship-living") == []
    assert not any(pk.startswith("FUNDS#") for pk, _ in house.control.items)
    assert house.records.items == {}
    assert house.bank.book["moved_fen"] == 0
    assert all(key.startswith("T") for key in house.bank.book["trial"]["payments"])


def test_a_trial_reads_claims_so_that_it_shows_what_would_be_paid() -> None:
    house = trial_house()
    house.approved(trial_roster(), mode="trial", number=DISABLED)
    house.pay(house.order(mode="trial", number=DISABLED))
    house.approved(roster(FOUR[:2], number=DISABLED, seed=3), number=DISABLED, name="formal.csv")
    again = house.approved(trial_roster(seed=2), mode="trial", number=DISABLED, name="again.csv")
    house.pay(house.order(number=DISABLED))
    house.pay(house.order(mode="trial", number=DISABLED, cause="ord1"))
    assert [outcome for outcome, _ in house.selection(again).values()].count("not_sent") == 2
    told = house.upload(trial_roster(seed=4), mode="trial", number=DISABLED, name="later.csv")
    assert (told.payable.count, told.excluded.count) == (2, 2), "a roster that comes later is told at once"


def test_a_formal_run_binds_no_trial_batch_and_a_trial_run_no_formal_one() -> None:
    house = trial_house()
    trial = house.approved(trial_roster(), mode="trial", number=DISABLED)
    house.pay(house.order(number=DISABLED))
    assert house.batch(trial).state is BatchState.APPROVED
    formal = house.approved(trial_roster(), number=DISABLED, name="formal.csv")
    house.pay(house.order(mode="trial", number=DISABLED))
    assert house.batch(formal).state is BatchState.APPROVED
    assert house.bank.book["payments"] == {}


def test_a_regions_formal_run_waits_for_its_own_passed_trial() -> None:
    house = trial_house()
    formal = house.approved(trial_roster(), number=DISABLED)
    elsewhere = house.approved(trial_roster(seed=2), NANGANG, mode="trial", number=DISABLED)
    house.pay(house.order(mode="trial", number=DISABLED))
    assert house.batch(elsewhere).state is BatchState.SETTLED
    assert "模拟测试" in house.pay(house.order(number=DISABLED)).note
    house.approved(trial_roster(seed=3), mode="trial", number=DISABLED, name="trial.csv")
    house.pay(house.order(mode="trial", number=DISABLED, cause="ord1"))
    house.pay(house.order(number=DISABLED, cause="ord2"))
    assert house.batch(formal).state is BatchState.PUBLISHED
    assert {key for key, entry in house.bank.book["payments"].items() if entry["credited_times"] == 1} == {
        end_to_end(person, code="disabled-hardship-living") for person in FOUR
    }


def test_a_trial_the_bank_has_not_answered_has_not_passed() -> None:
    house = trial_house()
    house.approved(trial_roster(), mode="trial", number=DISABLED)
    formal = house.approved(trial_roster(), number=DISABLED, name="formal.csv")
    house.bank.script(accounts={FOUR[0].account: {"outcome": "silence", "enquiry": False}})
    house.pay(house.order(mode="trial", number=DISABLED))
    house.pay(house.order(number=DISABLED))
    assert house.batch(formal).state is BatchState.APPROVED


def test_a_trial_that_sent_nothing_has_tested_nothing() -> None:
    """History: nobody on the trial's roster had a card; "every payment was answered" held of no payment at all, and the
    gate opened for a formal run that no bank had ever been asked about."""
    house = House()
    house.cards(people(1, seed=50))
    trial = house.approved(trial_roster(), mode="trial", number=DISABLED)
    formal = house.approved(trial_roster(), number=DISABLED, name="formal.csv")
    house.pay(house.order(mode="trial", number=DISABLED))
    assert house.batch(trial).state is BatchState.SETTLED
    house.cards(FOUR)
    house.pay(house.order(number=DISABLED))
    assert house.batch(formal).state is BatchState.APPROVED


# --- funds ---------------------------------------------------------------------------------------------------------------


def test_too_little_money_pays_none_of_a_batch_and_says_what_is_missing() -> None:
    house, batch_id = ready()
    selection_fen = sum(fen for _, fen in amounts(house, batch_id))
    house.set_funds(selection_fen - 1)
    assert house.pay().state is RunState.CLOSED_OPEN_ITEMS
    assert house.batch(batch_id).carried == "资金额度不足，还差 0.01 元"
    assert house.funds().reserved_fen == 0
    assert house.bank.book["payments"] == {}
    house.later(60)
    house.set_funds(selection_fen)
    house.drain()
    assert house.funds().available_fen == 0
    house.check_at_rest(*FOUR)


def amounts(house: House, batch_id: str) -> list[tuple[int, int]]:
    batch = house.batch(batch_id)
    return [(batch.payable.count, batch.payable.fen)]


def test_two_batches_of_one_region_never_reserve_more_than_there_is() -> None:
    house = House()
    house.cards(FOUR)
    first = house.approved(roster(FOUR[:2]), name="1.csv")
    second = house.approved(roster(FOUR[2:], seed=2), name="2.csv")
    house.set_funds(house.batch(first).payable.fen + house.batch(second).payable.fen - 1)
    house.on(PAYDAY)
    assert house.pay().open_lines == (second,)
    assert house.batch(first).state is BatchState.PUBLISHED
    house.check_always()


def test_another_batch_takes_the_money_between_the_read_and_the_reservation() -> None:
    house = House()
    house.cards(FOUR)
    first = house.approved(roster(FOUR[:2]), name="1.csv")
    second = house.approved(roster(FOUR[2:], seed=2), name="2.csv")
    house.set_funds(max(house.batch(first).payable.fen, house.batch(second).payable.fen))
    house.on(PAYDAY)
    order = house.order()
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    house.claim(run_id)
    house.watch.acts.append(("control.save", saves(Funds), lambda: house.reserve(second, run_id)))
    assert house.reserve(first, run_id) == "short"
    assert house.batch(second).reserved_fen == house.funds().reserved_fen
    house.check_always()


def test_rejected_money_may_be_reserved_again() -> None:
    house, batch_id = ready()
    house.set_funds(house.batch(batch_id).payable.fen)
    house.bank.script(accounts={FOUR[0].account: {"outcome": "reject", "code": "AC04"}})
    house.pay()
    rejected = house.bank.book["payments"][end_to_end(FOUR[0])]["amount_fen"]
    assert house.funds().available_fen == rejected


def test_a_batch_with_nothing_to_send_passes_with_an_empty_instruction() -> None:
    house, batch_id = ready()
    house.cards(people(1, seed=50))
    assert house.pay().state is RunState.CLOSED
    batch = house.batch(batch_id)
    assert batch.state is BatchState.PUBLISHED
    assert batch.instruction is not None
    assert batch.instruction.messages == ()
    assert batch.selection is not None
    assert batch.selection.held.count == 4
    house.check_at_rest()


def test_as_of_is_the_day_that_was_scheduled_however_late_the_run_gets_to_it() -> None:
    house, batch_id = ready()
    order = house.order(as_of=PAYDAY)
    house.start(order)
    house.on(date(2023, 12, 1))
    house.drain()
    assert {outcome for outcome, _ in house.selection(batch_id).values()} == {"sent"}
    assert house.batch(batch_id).funds_year == 2023
    assert isinstance(house.batch(batch_id), Batch)
    assert house.now.tzinfo is SHANGHAI
    house.check_at_rest(*FOUR)


@pytest.mark.parametrize("region", [DAOLI, NANGANG])
def test_an_empty_tick_closes_itself(region: str) -> None:
    house = House()
    house.cards(FOUR)
    house.upload(roster(FOUR, region), region)  # nobody has approved it
    house.on(PAYDAY)
    run = house.pay()
    assert (run.state, run.note) == (RunState.CLOSED, "没有可发放的批次")
    assert house.executions.started == []


def test_a_run_whose_executions_keep_dying_is_left_to_a_person_who_then_resumes_it() -> None:
    """History: the news of its death started it again, for ever, whatever it died of."""
    house, batch_id = ready()
    roster_key = house.batch(batch_id).rows_key
    frozen = house.lake.objects.pop(roster_key)
    order = house.order()
    outcomes = []
    for _ in range(ATTEMPTS_BEFORE_A_PERSON_LOOKS + 2):
        outcomes.append(house.start(order))
        for execution in house.executions.executions:
            house.executions.executions[execution] = "ENDED"
    assert outcomes == ["started"] * ATTEMPTS_BEFORE_A_PERSON_LOOKS + ["given_up"] * 2
    house.lake.objects[roster_key] = frozen
    resume_run(house.c, house.o, BOOK, house.who("operator"), name_run(order))
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_run_does_not_close_over_a_batch_whose_item_gave_up() -> None:
    """History: the worker that publishes kept dying; the batch was settled, its line balanced, the run closed, and nobody
    ever published what had been paid. Or the bank was never told, and the run that could tell it had ended."""
    house, batch_id = ready()
    house.map_items_fail_alone, house.retries = True, 0
    house.watch.acts.append(("records.put_all", any_arguments, dying(house)))
    run = house.pay()
    assert (run.state, house.batch(batch_id).state) == (RunState.PAYING, BatchState.SETTLED)
    house.pay()
    house.check_at_rest(*FOUR)
