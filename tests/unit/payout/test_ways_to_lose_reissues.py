"""Histories of reissues that once paid twice, stranded or bent a rule, found by a hostile reader; each must hold now."""

from dataclasses import replace
from datetime import date

import pytest

from tests.unit.payout.histories import ONE, claimed, contradict, credited, ended, never_sent
from tests.unit.payout.house import House, dying
from tests.unit.payout.rosters import AGENT, BANKS, BOOK, DAOLI, NUMBER
from tests.unit.payout.test_levers import pause, resume
from tests.unit.payout.test_reissue import FOUR, LATER, as_csv, attempt, outcomes, rejected, rows_of, send
from tests.unit.payout.test_rulings import rule
from tests.unit.payout.watching import WorkerDied, key_starts
from yikatong.errors import Refusal
from yikatong.runs import name_run
from yikatong.states import BatchState, RunState
from yikatong.use_cases.enquire_bank import enquire_bank
from yikatong.use_cases.set_funds import FundsRequest, set_funds
from yikatong.use_cases.stop_run import resume_run


def reissued() -> tuple[House, str, str]:
    """ONE's payment was rejected, and is approved to be sent again: the first batch, and the reissue."""
    house, batch_id = rejected(ONE)
    house.on(LATER)
    return house, batch_id, house.approve(send(house, batch_id)).batch_id


# --- never paid twice ----------------------------------------------------------------------------------------------------


def test_a_reissues_lost_message_is_not_sent_again_once_its_first_attempt_was_paid_after_all() -> None:
    """The reissue's message is lost on its way (no crash needed). Then the bank says that the first attempt was paid
    after all: FROZEN, ruled `settled`. An operator, whose list says that the reissue's message was never answered, orders
    it sent again; the bank never received it, the deadline has passed. Once it was sent, and the person paid twice."""
    house, batch_id, again = reissued()
    house.bank.script(messages={"lose": 1})
    house.drain()
    assert house.settlement(again) == {attempt(ONE, 2): "IN_DOUBT"}
    contradict(house, batch_id)
    rule(house, batch_id, attempt(ONE, 1), "settled", "对账单：首笔已入账")
    assert house.settlement(batch_id)[attempt(ONE, 1)] == "SETTLED"
    (message,) = house.messages(again)
    house.later(AGENT.message_deadline_s + 1)
    with pytest.raises(Refusal, match="不再是失败"):
        house.resend(message)
    house.drain()
    assert not credited(house, attempt(ONE, 2))


def test_an_enquiry_does_not_send_the_reissue_that_the_instruction_refused_to_send() -> None:
    """A bank that deduplicates. The worker dies between INSTRUCTED and the sent mark; before the retry the bank
    contradicts the first attempt's rejection. The retry sees it and hands nothing over (B6); the state machine goes on to
    the receipts, times out, enquires: `never received`. Once the enquiry sent the stored bytes by itself, without a sent
    mark, so that the receipts were quarantined as nobody's as well."""
    house, batch_id, again = reissued()
    run_id = claimed(house, house.orders.runs.pop(0))
    house.reserve(again, run_id)
    never_sent(house, again, run_id)
    assert house.batch(again).state is BatchState.INSTRUCTED
    contradict(house, batch_id)
    assert house.instruct(again, run_id) == {"messages": 1, "sent": 0, "enquired": 0}
    banks = replace(BANKS, banks=tuple(replace(bank, deduplicates=True) for bank in BANKS.banks))
    enquire_bank(again, control=house.c, lake=house.l, bank=house.b, banks=banks, now=house.now)
    assert attempt(ONE, 2) not in house.bank.book["payments"]


def test_no_third_attempt_is_made_where_the_books_know_that_the_first_was_paid() -> None:
    """Attempt 1 rejected, attempt 2 (reissue R) rejected. The bank says, and a person rules, that attempt 1 was paid after
    all. Weeks later the bureau sends R's failed payment again: once only attempt 2 was looked at, at arrival, at the
    claim and at B6's last look. Paid twice, with everything known beforehand."""
    house, batch_id = rejected(ONE)
    house.on(LATER)
    house.bank.script(accounts=outcomes([ONE], "reject", code="AC06"))
    second = house.approve(send(house, batch_id)).batch_id
    house.drain()
    assert house.settlement(second) == {attempt(ONE, 2): "REJECTED"}
    contradict(house, batch_id)
    rule(house, batch_id, attempt(ONE, 1), "settled", "对账单：首笔已入账")
    assert house.settlement(batch_id)[attempt(ONE, 1)] == "SETTLED"
    house.bank.script(accounts=outcomes([ONE], "settle"))
    house.on(date(2023, 7, 10))
    third = send(house, second, name="third.xlsx")
    assert third.payable.count == 0
    house.drain()
    assert not credited(house, attempt(ONE, 3))


# --- never stranded ------------------------------------------------------------------------------------------------------


def test_a_reissue_never_sent_whose_first_attempt_was_paid_can_be_ruled_on_and_its_run_closes() -> None:
    """The worker dies between INSTRUCTED and the sent mark, and then the person rules that the first attempt was paid. Once
    the reissue could be neither withdrawn nor sent nor ruled on; its money stayed reserved, and its run never closed, and
    died again whenever somebody resumed it."""
    house, batch_id, again = reissued()
    order = house.orders.runs.pop(0)
    run_id = claimed(house, order)
    house.reserve(again, run_id)
    never_sent(house, again, run_id)
    contradict(house, batch_id)
    rule(house, batch_id, attempt(ONE, 1), "settled", "对账单：首笔已入账")
    for _ in range(6):
        house.drain()
        ended(house, order)
        house.start(order)
    house.on(date(2023, 6, 27))
    with pytest.raises(Refusal, match="不能撤回"):
        house.withdraw(again)
    rule(house, again, attempt(ONE, 2), "rejected", "从未发出")
    resume_run(house.c, house.o, BOOK, house.who("operator"), run_id)
    house.drain()
    assert (house.run(order).state, house.funds().reserved_fen) == (RunState.CLOSED, 0)
    assert attempt(ONE, 2) not in house.bank.book["payments"]


def test_a_reissues_claim_keeps_what_it_was_judged_under_when_its_worker_dies() -> None:
    """The reissue's claim of attempt 2 is committed; the worker dies before CLAIMED. The bank contradicts: FROZEN. Once the
    next try judged the claimed row by today's failures, `not_failed`, though its claim stood (an ordinary claim keeps what
    it was judged under, C3): the batch passed with an empty instruction. Then it is ruled that the first attempt did fail:
    no reissue could ever claim attempt 2 again, no child took the row up."""
    house, batch_id, again = reissued()
    house.watch.acts.append(("lake.put_once", key_starts("selections/"), dying(house)))
    order = house.orders.runs.pop(0)
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    with pytest.raises(WorkerDied):
        house.claim(run_id)
    contradict(house, batch_id)
    house.claim(run_id)  # the step's retry
    house.drain()
    rule(house, batch_id, attempt(ONE, 1), "rejected", "对账单：首笔没有入账")
    house.drain()
    assert house.batch(again).state is BatchState.PUBLISHED
    assert credited(house, attempt(ONE, 2))
    third = send(house, batch_id, as_csv(rows_of(house, batch_id)), "third.csv")
    assert third.payable.count == 0, "paid already"


def test_a_corrected_reissue_may_claim_what_its_predecessor_had_claimed_before_its_worker_died() -> None:
    """The predecessor is BOUND with its claims committed (the worker died before CLAIMED): it may still be replaced and is
    withdrawn. Once its claims counted against the correction, whose every row was excluded as `reissued_already`; an
    ordinary correction leaves out the claims of what it replaces. The file had to be sent under another name."""
    house, batch_id = rejected(*FOUR[:2])
    rows = rows_of(house, batch_id)
    first = house.approve(send(house, batch_id, as_csv(rows), "again.csv")).batch_id
    order = house.orders.runs.pop()
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    house.watch.acts.append(("lake.put_once", key_starts("selections/"), dying(house)))
    with pytest.raises(WorkerDied):
        house.claim(run_id)
    assert house.batch(first).state is BatchState.BOUND
    corrected = send(house, batch_id, as_csv(rows[::-1]), "again.csv")
    assert house.batch(first).state is BatchState.WITHDRAWN
    assert corrected.payable.count == 2, (corrected.state, corrected.excluded, corrected.refusal)


def test_a_reissue_stopped_by_a_contradiction_goes_on_by_itself_once_the_first_attempt_is_ruled_to_have_failed() -> (
    None
):
    """Carried by B6 with its money reserved; ruled `rejected`: the reason is gone. Once nobody ordered a run for it. For a
    subsidy paid once a year it waited, reserved, until somebody withdrew it and sent it anew."""
    house, batch_id, again = reissued()
    order = house.orders.runs.pop(0)
    run_id = claimed(house, order)
    house.reserve(again, run_id)
    contradict(house, batch_id)
    assert house.instruct(again, run_id) is None
    house.close(run_id)
    ended(house, order)
    house.drain()
    rule(house, batch_id, attempt(ONE, 1), "rejected", "对账单：没有入账")
    house.drain()
    assert house.batch(again).state is BatchState.PUBLISHED, house.batch(again).carried


def test_a_reissue_paused_after_its_reservation_whose_resumption_meets_the_closing_run_is_paid() -> None:
    """A reissue's run is paused after the reservation; the resumption finds its batch with the old run, still alive; that
    one, closing, must order another, as for any batch. Once the reservation was taken for a sign of B6."""
    house, _, again = reissued()
    order = house.orders.runs.pop(0)
    run_id = claimed(house, order)
    assert house.reserve(again, run_id) == "reserved"
    pause(house)
    assert house.reserve(again, run_id) == "paused"
    resume(house)
    assert [house.start(house.orders.runs.pop(0)) for _ in list(house.orders.runs)] == ["empty"]
    house.close(run_id)
    ended(house, order)
    house.drain()
    assert house.batch(again).state is BatchState.PUBLISHED, house.batch(again).carried


def test_a_limit_can_be_set_for_a_year_long_after_the_plans() -> None:
    """Plan 2023's failed payment is sent again in 2025: its funds year is 2025. Once no limit could be set for it under
    that plan (`bad_year`), so it was paid without any."""
    house, _ = rejected(ONE)
    who = house.who("treasurer")
    funds = set_funds(
        house.c_of(who), house.o, BOOK, who, plan_year=2023, number=NUMBER, region=DAOLI, year=2025,
        request=FundsRequest(allocated_fen=0, reason="无"), today=date(2025, 1, 2),
    )  # fmt: skip
    assert funds.allocated_fen == 0
