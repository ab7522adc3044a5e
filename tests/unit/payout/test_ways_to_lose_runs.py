"""Histories of pauses, funds, stops and deaths that once stranded a batch, found by a hostile reader; each must hold now."""

from datetime import date

import pytest

from tests.unit.payout.histories import (
    CORN,
    CORN_CODE,
    approved_on_payday,
    claimed,
    corn,
    corn_house,
    ended,
    fund_corn,
    never_sent,
    pause_corn,
    played,
    resume_corn,
)
from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import BOOK, CODE, DAOLI, NANGANG, NUMBER, PAYDAY, SETTINGS, roster
from tests.unit.payout.test_levers import pause, resume
from tests.unit.payout.test_reissue import FOUR, LATER
from tests.unit.payout.watching import WorkerDied
from yikatong.funds import Funds, funds_key
from yikatong.roster.sample import make_sample
from yikatong.runs import name_run
from yikatong.states import BatchState
from yikatong.use_cases.close_run import Unfinished
from yikatong.use_cases.stop_run import stop_run


def missed_in_august() -> tuple[House, str]:
    """Corn's August run did not begin because of a pause."""
    house = corn_house()
    house.cards(FOUR)
    batch_id = house.approved(corn(FOUR), DAOLI, number=CORN)
    house.on(date(2023, 8, 14))
    pause_corn(house)
    house.on(date(2023, 8, 15))
    assert house.start(house.order(number=CORN)) == "paused"
    return house, batch_id


# --- pauses, and days that are over --------------------------------------------------------------------------------------


def test_a_resumption_after_the_formal_time_does_not_date_the_missed_run_on_a_follow_up_runs_day() -> None:
    """Corn, formal until 30 September. A batch of another region is carried for lack of funds in August. On 9 October a held
    row's child is carried for lack of funds as well, by a run that only follows up. Pause; the August batch's funds are
    raised (its run does not begin, its day is noted); resume. Once the day due was the latest of all, 9 October, the
    follow-up's, which is no formal day: `not_a_day`, and the August batch was never paid."""
    house = corn_house()
    house.cards(FOUR[:3])
    short = house.approved(corn(FOUR[:2], NANGANG, 6), NANGANG, number=CORN)
    whole = house.approved(corn(FOUR[2:]), DAOLI, number=CORN)
    fund_corn(house, 100, NANGANG)
    house.on(date(2023, 8, 15))
    house.pay(house.order(number=CORN))
    assert "还差" in house.batch(short).carried
    house.on(date(2023, 10, 9))
    funds = house.control.read(Funds, *funds_key(CORN_CODE, DAOLI, 2023))
    assert funds is not None
    fund_corn(house, funds.spent_fen)
    house.orders.runs.clear()
    house.cards(FOUR)
    house.drain()
    (child,) = house.batch(whole).children
    assert "还差" in house.batch(child).carried
    house.on(date(2023, 10, 10))
    pause_corn(house)
    fund_corn(house, 100_000_000, NANGANG)
    house.drain()
    house.on(date(2023, 10, 11))
    resume_corn(house)
    house.drain()
    assert house.batch(short).state is BatchState.PUBLISHED, house.batch(short).carried


def test_a_resumption_in_the_holiday_that_ends_the_formal_time_pays_what_the_pause_had_missed() -> None:
    """Corn, formal until Saturday 30 September 2023; the banks' holiday lasts from 29 September to 6 October. Paused since
    August, resumed on 29 September: a formal day, so the run is dated today. Once it was put off to the next working day and
    dated on it: `not_a_day`. Nobody was paid, and the missed day was not used."""
    house, batch_id = missed_in_august()
    house.on(date(2023, 9, 29))
    resume_corn(house)
    said = played(house)
    assert house.batch(batch_id).state is BatchState.PUBLISHED, said


def test_who_was_approved_in_the_holiday_that_ends_the_formal_time_is_paid_too() -> None:
    """Approved on 29 September itself, in time: once the run was dated on the working day before (28th), before the
    approval, and bound nothing."""
    house = corn_house()
    house.cards(FOUR)
    house.on(date(2023, 8, 14))
    pause_corn(house)
    house.on(date(2023, 9, 29))
    batch_id = house.approved(corn(FOUR), DAOLI, number=CORN)
    resume_corn(house)
    said = played(house)
    assert house.batch(batch_id).state is BatchState.PUBLISHED, said


def test_a_second_pause_keeps_the_day_that_a_resumption_broken_off_had_not_ordered_yet() -> None:
    """The August run did not begin because of a pause, the day is noted. Resumed in October; the worker dies between the
    state and the orders. Before anybody repeats the resumption the subsidy is paused again: once `missed={}`. The next
    resumption knew of no day: the batch, approved and never bound, was never paid."""
    house, batch_id = missed_in_august()
    house.on(date(2023, 10, 10))
    resume_corn(house)
    house.orders.runs.clear()  # the worker died before its orders
    pause_corn(house)
    house.on(date(2023, 10, 11))
    resume_corn(house)
    house.drain()
    assert house.batch(batch_id).state is BatchState.PUBLISHED


def test_a_batch_is_paid_after_two_pauses_in_a_row_that_each_met_the_closing_run() -> None:
    """A resumption finds the batch still with its run, twice: once the run ordered by the first closing was named by batch
    and funds version; carried by the next pause it ordered itself again, and it had ended."""
    house, batch_id = approved_on_payday()
    order = house.order()
    for _ in range(2):
        run_id = claimed(house, order)
        pause(house)
        assert house.reserve(batch_id, run_id) == "paused"
        resume(house)
        assert [house.start(house.orders.runs.pop(0)) for _ in list(house.orders.runs)] == ["empty"]
        house.close(run_id)
        ended(house, order)
        (order,) = house.orders.runs
        house.orders.runs.clear()
    house.orders.runs.append(order)
    house.drain()
    house.check_at_rest(*FOUR)


def test_a_batch_carried_by_a_pause_and_instructed_by_the_same_run_later_keeps_that_run_open() -> None:
    """Reserved, then paused: `carried`. The same run dies of something else and is started again after the resumption:
    it reserves and instructs, and once `carried` was left standing. The item's workers die between INSTRUCTED and the sent
    mark; `close_run` took `carried` for `left to the next run` and closed: nobody would ever have sent that message, and no
    operator could (it has no sent mark)."""
    house, batch_id = approved_on_payday()
    order = house.order()
    run_id = claimed(house, order)
    assert house.reserve(batch_id, run_id) == "reserved"
    pause(house)
    assert house.reserve(batch_id, run_id) == "paused"
    ended(house, order)  # died before it closed
    resume(house)
    house.orders.runs.clear()  # the resumption's run, delivered later, finds the batch with a live run again
    assert house.start(order) == "started"
    house.open(run_id)
    house.claim(run_id)
    assert house.reserve(batch_id, run_id) == "reserved"
    never_sent(house, batch_id, run_id)
    assert house.batch(batch_id).state is BatchState.INSTRUCTED
    with pytest.raises(Unfinished):
        house.close(run_id)


# --- funds, files, stops and deaths --------------------------------------------------------------------------------------


def test_an_altered_claim_file_of_one_slot_stops_no_other_slot() -> None:
    """June's batch holds a row without a card and June's claim file is damaged: `claim_payments` would stop the June slot
    only, but once the run died one step earlier, at taking up rows, for every slot and region of the subsidy, until the
    approval expired."""
    house = House()
    house.cards(FOUR[:3])
    house.approved(roster(FOUR[:1] + FOUR[3:]))
    house.on(PAYDAY)
    house.pay()
    house.cards(FOUR)
    house.orders.runs.clear()
    sample = make_sample(
        subsidy=BOOK.subsidy(2023, NUMBER), settings=SETTINGS.for_subsidy(CODE), region=NANGANG, rows=2,
        slots=["2023-05"], seed=8, include=FOUR[1:3],
    )  # fmt: skip
    may = house.approved(sample.roster_csv(), NANGANG, name="may.csv")
    (file,) = house.manifest().files
    data, digest = house.lake.objects[file.key]
    house.lake.objects[file.key] = (data[:-8], digest)
    house.on(LATER)
    house.pay(house.order(cause="ord1"))
    assert house.batch(may).state is BatchState.PUBLISHED


def test_funds_given_back_by_a_withdrawal_pay_the_batch_that_was_carried_for_lack_of_them() -> None:
    """Two batches of one region, funds for one. The first has reserved when the second is carried. The first is withdrawn:
    its funds are free and the second fits, but once only `set_funds` ordered. The last run of a subsidy's year: never paid,
    unless the treasurer set the same allocation again."""
    house = House()
    house.cards(FOUR)
    one = house.approved(roster(FOUR[:2]), name="one.csv")
    probe = house.upload(roster(FOUR[2:], seed=2), name="probe.csv")
    house.set_funds(max(house.batch(one).payable.fen, probe.payable.fen))
    house.withdraw(probe.batch_id)
    house.orders.runs.clear()
    house.on(PAYDAY)
    first_run = claimed(house, house.order(cause="ord0"))
    assert house.reserve(one, first_run) == "reserved"
    # The second batch was approved after the first run had begun.
    two = house.approved(roster(FOUR[2:], seed=2), name="two.csv")
    second = house.order(cause="ord1")
    second_run = claimed(house, second)
    assert house.reserve(two, second_run) == "short"
    house.close(second_run)
    ended(house, second)
    house.withdraw(one)
    house.drain()
    assert house.batch(two).state is BatchState.PUBLISHED, house.batch(two).carried


def test_a_stopped_runs_batches_are_not_paid_by_the_next_run_that_begins_by_itself() -> None:
    """An operator stops a run because something is wrong with it. Once the next automatic run (a tick, an import of cards
    that leaves rows over, a card file) found its batches free and paid them: the stop held until the next order only."""
    house, batch_id = approved_on_payday()
    order = house.order()
    run_id = claimed(house, order)
    stop_run(house.c, house.w, BOOK, house.who("operator"), run_id, "名册可能有误，先停")
    ended(house, order)
    house.on(date(2023, 6, 13))
    house.pay(house.order(cause="sched"))
    assert house.bank.book["payments"] == {}
    assert house.batch(batch_id).run_id == run_id


def test_a_batch_withdrawn_after_its_next_runs_opening_died_leaves_no_open_line_in_the_former_run() -> None:
    """Run A left the batch open (short of funds). Run B binds it and dies before it closes A's line. The batch is
    withdrawn: once B's line was struck, A's was not; B's retry finds the batch no longer free. A had an open item for
    ever."""
    house = House()
    house.cards(FOUR)
    batch_id = house.approved(roster(FOUR))
    house.set_funds(100)
    house.orders.runs.clear()
    house.on(PAYDAY)
    first = house.pay()
    assert first.open_lines == (batch_id,)
    house.on(date(2023, 6, 13))
    order = house.order(cause="ord1")
    house.start(order)
    run_id = name_run(order)
    house.watch.acts.append(("lake.put_once", lambda args: "passed-on" in str(args[0]), dying(house)))
    with pytest.raises(WorkerDied):
        house.open(run_id)
    assert house.batch(batch_id).run_id == run_id
    house.withdraw(batch_id)
    house.drain()
    states = {run.run_id: (run.state.value, run.open_lines) for run in house.runs()}
    assert {state for state, _ in states.values()} == {"CLOSED"}, states
