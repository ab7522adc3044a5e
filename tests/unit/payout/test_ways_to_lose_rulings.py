"""Histories of people's words on payments that once bent a rule, found by a hostile reader; each must hold now."""

from dataclasses import replace
from datetime import date

import pytest
from pydantic import BaseModel, ValidationError

from infra.local.bank.answers import Answer, receipt
from tests.unit.payout.histories import ONE, approved_on_payday, claimed, contradict, ended, never_sent
from tests.unit.payout.house import House
from tests.unit.payout.rosters import BANKS, BOOK, SETTINGS
from tests.unit.payout.test_reissue import FOUR, LATER, attempt, outcomes, rejected
from tests.unit.payout.test_rulings import rule
from yikatong.aws.bureau_api.common import Because
from yikatong.errors import Refusal
from yikatong.ports import RunOrder
from yikatong.receipts import receipts_prefix
from yikatong.rulings import RecoveryRequest, RulingRequest
from yikatong.trace_request import TraceRequest
from yikatong.use_cases.drain_queue import DrainRequest
from yikatong.use_cases.rule_payment import rule_payment
from yikatong.use_cases.set_funds import FundsRequest
from yikatong.use_cases.tell_story import Archive
from yikatong.use_cases.trace_payment import trace_payment


def message_that_never_left() -> tuple[House, str, str, RunOrder]:
    """ONE's batch, whose worker died between INSTRUCTED and the sent mark: the batch, its run and the run's order."""
    house, batch_id = approved_on_payday([ONE])
    order = house.order()
    run_id = claimed(house, order)
    house.reserve(batch_id, run_id)
    never_sent(house, batch_id, run_id)
    return house, batch_id, run_id, order


def test_a_ruling_does_not_overrule_a_statement_that_came_after_the_person_had_looked() -> None:
    """The treasurer reads `frozen: settled and rejected`, and orders `rejected`. Before the order is carried out a third
    file arrives: the bank confirms the credit. Once the ruling had `heard` it, so it counted for nothing: REJECTED, free to
    be sent again."""
    house, batch_id = rejected(ONE)
    house.on(LATER)
    contradict(house, batch_id)
    seen = house.batch(batch_id).settlement
    assert seen is not None
    contradict(house, batch_id, name="confirmed-once-more")
    assert house.batch(batch_id).settlement != seen
    who = house.who("treasurer")
    with pytest.raises(Refusal, match="新的答复"):
        rule_payment(
            batch_id, attempt(ONE, 1), RulingRequest(ruled="rejected", reason="对账单", settlement_seq=seen.seq),
            principal=who, reach=replace(house.reach, control=house.c_of(who)), workflow=house.w, banks=BANKS,
            now=house.now,
        )  # fmt: skip
    assert house.settlement(batch_id)[attempt(ONE, 1)] == "FROZEN", "nobody has ruled on what nobody had seen"


def test_the_one_silent_line_of_an_answered_message_has_a_way_out() -> None:
    """Three of four settled, one line PDNG for ever. Nothing may be sent again (the bank has the message); once nothing
    could be ruled on either (no contradiction): the payment was in doubt, its money reserved and its run open for ever,
    whatever the bank's statement of account said."""
    house, batch_id = approved_on_payday()
    house.bank.script(accounts=outcomes([ONE], "silence", credited=False, enquiry=False))
    house.pay()
    house.on(date(2023, 9, 20))
    rule(house, batch_id, attempt(ONE, 1), "rejected", "银行书面确认：未入账")
    assert house.settlement(batch_id)[attempt(ONE, 1)] == "REJECTED"


def test_a_ruling_before_the_first_settlement_is_refused_in_words() -> None:
    """Contradicted while the run still waits for other lines: the batch is INSTRUCTED without a settlement. Whoever rules
    is told to wait; once they were shown a fault."""
    house, batch_id = approved_on_payday()
    house.bank.script(accounts=outcomes(FOUR, "silence", enquiry=False))
    run_id = claimed(house, house.order())
    house.reserve(batch_id, run_id)
    house.instruct(batch_id, run_id)
    (message,) = house.messages(batch_id)
    amount_fen = house.bank.book["payments"][attempt(ONE, 1)]["amount_fen"]
    for name, status, code in (("a", "ACSC", ""), ("b", "RJCT", "AC04")):
        said = Answer(attempt(ONE, 1), amount_fen, status, code, "2023-06-12")
        house.receive(receipt(name, "2023-06-12", message, [said]))
    assert house.batch(batch_id).settlement is None
    with pytest.raises(Refusal, match="还没有结算"):
        rule(house, batch_id, attempt(ONE, 1), "settled")


def test_a_message_that_was_never_to_leave_is_told_in_a_story() -> None:
    """The sent mark of a message that a ruling closed before it left has no `at`; once the story of its payment read one,
    and broke."""
    house, batch_id, _, order = message_that_never_left()
    ended(house, order)
    house.on(LATER)
    rule(house, batch_id, attempt(ONE, 1), "rejected", "从未发出")
    archive = Archive(
        house.control, house.lake, house.audit, house.records, BOOK, SETTINGS, b"records", house.now.date()
    )
    asked = TraceRequest(id_number=ONE.id_number, name=ONE.name)
    assert trace_payment(asked, house.who("auditor"), archive)["stories"]


def test_a_refused_ruling_leaves_the_message_free_to_leave() -> None:
    """Once a ruling on a message that had not left yet marked it `never to leave` before it asked whether the person saw
    the latest settlement: refused, it had stopped the whole message all the same, and nobody had ruled on anything."""
    house, batch_id, run_id, _ = message_that_never_left()
    # A file that says nothing of this payment lies there, not settled yet.
    elsewhere = Answer("A" * 26 + "-1", 1, "ACSC", "", "2023-06-12")
    body = receipt("x", "2023-06-12", "F0000000000000000-0001", [elsewhere])
    house.lake.put_once(f"{receipts_prefix(batch_id)}delivered-x.xml", body, "d")
    with pytest.raises(Refusal, match="还没有结算"):
        rule(house, batch_id, attempt(ONE, 1), "rejected", "从未发出")
    house.instruct(batch_id, run_id)
    assert attempt(ONE, 1) in house.bank.book["payments"]


def test_what_never_left_is_not_ruled_paid() -> None:
    """Of a message that has no sent mark nobody can have been paid: `settled` on it is a slip, and would cost the payee
    their money."""
    house, batch_id, _, order = message_that_never_left()
    ended(house, order)
    house.on(LATER)
    with pytest.raises(Refusal, match="不可能已入账"):
        rule(house, batch_id, attempt(ONE, 1), "settled", "对账单")
    settlement = house.batch(batch_id).settlement
    assert settlement is None or not settlement.settled.count
    assert house.lake.keys("sent/") == [], "a slip that was refused does not keep the message from leaving"


REASONED: tuple[tuple[type[BaseModel], dict[str, object]], ...] = (
    (Because, {}),
    (RulingRequest, {"ruled": "settled"}),
    (RecoveryRequest, {"amount_fen": 1, "on": "2023-06-12", "reference": "V1"}),
    (FundsRequest, {"allocated_fen": 1}),
    (DrainRequest, {}),
)


@pytest.mark.parametrize(("model", "more"), REASONED)
def test_a_reason_typed_by_a_person_carries_no_id_number_or_account_into_the_books(
    model: type[BaseModel], more: dict[str, object]
) -> None:
    """Once a reason that named somebody by id number stayed readable in the audit chain for ten years."""
    for said in (
        f"{ONE.id_number} 已死亡",
        f"退回账号{ONE.account}",
        f"{ONE.id_number[:6]} {ONE.id_number[6:]} 已死亡",
    ):
        with pytest.raises(ValidationError, match="原因里不要写身份证号或账号"):
            model.model_validate({"reason": said} | more)


@pytest.mark.parametrize(("model", "more"), REASONED)
@pytest.mark.parametrize(
    "said",
    [
        "2023-06-12 对账单：没有入账",
        "多发 1,234,567.89 元，已退回",
        "批次 urban-minimum-living.formal.230102.07f63e7d0179bf1c 第 12 行有误",
        "批次 urban-minimum-living.formal.230102.1234567890123456 有误",
        "报文 F0123456789012345-0001 银行未收到",
        "2023-06-12 2023-06-20 两次，共 1,234,567.89 元",
    ],
)
def test_an_ordinary_reason_may_name_a_day_an_amount_or_a_batch(
    model: type[BaseModel], more: dict[str, object], said: str
) -> None:
    assert model.model_validate({"reason": said} | more).model_dump()["reason"] == said
