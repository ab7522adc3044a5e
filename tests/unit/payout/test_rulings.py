"""When the bank contradicts itself: frozen until a person rules, and what was paid wrongly recovered (PROTOCOL B6, trace 14)."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from infra.local.bank.answers import Answer, receipt, returns
from tests.unit.payout.house import House
from tests.unit.payout.rosters import AGENT, BANKS, BOOK, PAYDAY, end_to_end, roster
from tests.unit.payout.test_receipts import THREE, answer_of, silent_run
from tests.unit.payout.test_reissue import FOUR, attempt, rejected, send
from tests.unit.payout.watching import WorkerDied
from yikatong.batches import Batch, Tally
from yikatong.errors import Refusal
from yikatong.rulings import RecoveryRequest, Ruled, Ruling, RulingRequest
from yikatong.settlement import KEPT_STATEMENTS, fold
from yikatong.states import BatchState, RunState
from yikatong.use_cases.receive_receipt import receive_receipt
from yikatong.use_cases.record_recovery import record_or_say_why, record_recovery
from yikatong.use_cases.rule_payment import rule_or_say_why, rule_payment

ONE = end_to_end(THREE[0])


def rule(
    house: House, batch_id: str, payment: str, ruled: Ruled, reason: str = "对账单", role: str = "treasurer"
) -> Batch:
    who = house.who(role)
    return rule_payment(
        batch_id,
        payment,
        RulingRequest(ruled=ruled, reason=reason),
        principal=who,
        reach=replace(house.reach, control=house.c_of(who)),
        workflow=house.w,
        banks=BANKS,
        now=house.now,
    )


def recover(house: House, batch_id: str, payment: str, fen: int, reference: str = "V1", **changes: object) -> Batch:
    request = {"amount_fen": fen, "on": house.now.date(), "reference": reference, "reason": "重复入账"} | changes
    return record_recovery(
        batch_id,
        payment,
        RecoveryRequest.model_validate(request),
        principal=house.who("treasurer"),
        control=house.c_of(house.who("treasurer")),
        lake=house.l,
        orders=house.o,
        book=BOOK,
        now=house.now,
    )


def frozen(first: str = "ACSC") -> tuple[House, str, str]:
    """A run that had closed, and of whose three payments the bank then contradicted the first."""
    house, batch_id, message = silent_run()
    then = "RJCT" if first == "ACSC" else "ACSC"
    codes = {"ACSC": "", "RJCT": "AC04"}
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, n, "ACSC") for n in (1, 2)]))
    house.receive(receipt("2", "2023-06-12", message, [answer_of(house, 0, first, codes[first])]))
    house.receive(receipt("3", "2023-06-12", message, [answer_of(house, 0, then, codes[then])]))
    assert house.settlement(batch_id)[ONE] == "FROZEN"
    assert house.runs()[0].state is RunState.CLOSED_OPEN_ITEMS
    return house, batch_id, message


@pytest.mark.parametrize("first", ["ACSC", "RJCT"])
def test_a_ruling_that_it_was_paid_settles_publishes_and_closes_the_run(first: str) -> None:
    house, batch_id, _ = frozen(first)
    rule(house, batch_id, ONE, "settled")
    house.check_at_rest(*THREE)
    assert {item["state"] for item in house.records.items.values()} == {"SETTLED"}


def test_a_ruling_that_it_was_not_paid_gives_the_money_back_and_says_so_publicly() -> None:
    house, batch_id, _ = frozen()
    before, amount = house.funds(), house.bank.book["payments"][ONE]["amount_fen"]
    rule(house, batch_id, ONE, "rejected")
    assert house.settlement(batch_id)[ONE] == "REJECTED"
    after = house.funds()
    assert (before.reserved_fen - after.reserved_fen, before.spent_fen - after.spent_fen) == (amount, 0)
    assert sorted(item["state"] for item in house.records.items.values()) == ["REJECTED", "SETTLED", "SETTLED"]
    assert house.runs()[0].state is RunState.CLOSED


def test_the_same_ruling_again_changes_nothing_and_another_one_later_counts() -> None:
    house, batch_id, _ = frozen()
    rule(house, batch_id, ONE, "rejected")
    assert rule(house, batch_id, ONE, "rejected") == house.batch(batch_id)
    assert len(house.lake.keys(f"rulings/{batch_id}/")) == 1
    rule(house, batch_id, ONE, "settled", "次日对账单已入账")
    assert house.lake.keys(f"rulings/{batch_id}/") == [f"rulings/{batch_id}/{ONE}-{n}.json" for n in (1, 2)]
    house.check_at_rest(*THREE)


def test_money_that_comes_back_after_the_ruling_is_a_return() -> None:
    house, batch_id, message = frozen()
    rule(house, batch_id, ONE, "settled")
    house.receive(returns("4", "2023-06-14", "6200", message, [answer_of(house, 0, "BOOK", "AC04")]))
    assert house.settlement(batch_id)[ONE] == "RETURNED"


def test_a_ruling_broken_off_before_it_took_effect_is_finished_by_the_same_word() -> None:
    house, batch_id, _ = frozen()
    dying = replace(house.reach, records=None)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        rule_payment(
            batch_id,
            ONE,
            RulingRequest(ruled="settled", reason="对账单"),
            principal=house.who("treasurer"),
            reach=dying,
            workflow=house.w,
            banks=BANKS,
            now=house.now,
        )
    rule(house, batch_id, ONE, "settled")
    assert len(house.lake.keys(f"rulings/{batch_id}/")) == 1
    house.check_at_rest(*THREE)


def test_only_a_contradicted_payment_is_ruled_on_and_only_by_the_provinces_treasurer() -> None:
    house, batch_id, _ = frozen()
    for payment, why in ((end_to_end(THREE[1]), "没有前后矛盾"), ("A" * 26 + "-1", "没有这笔支付")):
        with pytest.raises(Refusal, match=why):
            rule(house, batch_id, payment, "settled")
    with pytest.raises(Refusal, match="角色是运行"):
        rule(house, batch_id, ONE, "settled", role="operator")
    order = {"batch_id": batch_id, "end_to_end_id": ONE, "request": {"ruled": "settled", "reason": "r"}}
    answer = rule_or_say_why(
        order | {"ordered_by": "nobody"}, reach=house.reach, workflow=house.w, banks=BANKS, now=house.now
    )
    assert (answer["outcome"], answer["code"]) == ("refused", "forbidden")
    assert house.lake.keys("rulings/") == []


def test_trace_14_first_attempt_rejected_second_paid_then_the_first_settled_after_all() -> None:
    """Frozen and alarmed; the statement shows that it was paid twice; the second credit is recovered."""
    person = FOUR[0]
    house, batch_id = rejected(person)
    again = house.approve(send(house, batch_id)).batch_id
    house.on(date(2023, 6, 20))
    house.drain()
    assert house.settlement(again) == {attempt(person, 2): "SETTLED"}
    spent_fen = house.funds().spent_fen
    (message,) = house.messages(batch_id)
    first = house.bank.book["payments"][attempt(person, 1)]
    late = Answer(attempt(person, 1), first["amount_fen"], "ACSC", "", "2023-06-21")
    alarms: list[tuple[str, int]] = []
    reach = replace(house.reach, count=lambda name, value: alarms.append((name, value)))
    receive_receipt(receipt("late", "2023-06-21", message, [late]), AGENT.bank_id, reach, house.w)
    assert alarms == [("FrozenPayments", 1)]
    assert house.settlement(batch_id)[attempt(person, 1)] == "FROZEN"
    amount = first["amount_fen"]
    assert house.funds().reserved_fen == amount, "held until a person has looked"
    with pytest.raises(Refusal, match="请先裁定"):
        recover(house, batch_id, attempt(person, 1), amount)
    rule(house, batch_id, attempt(person, 1), "settled", "银行对账单：两笔都已入账")
    assert (house.funds().reserved_fen, house.funds().spent_fen) == (0, spent_fen + amount)
    batch = recover(house, batch_id, attempt(person, 1), amount)
    assert batch.recovered == Tally(count=1, fen=amount)
    assert house.funds().spent_fen == spent_fen
    assert {run.state for run in house.runs()} == {RunState.CLOSED}


def paid() -> tuple[House, str, int]:
    house, batch_id, message = silent_run()
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)]))
    return house, batch_id, house.bank.book["payments"][ONE]["amount_fen"]


def test_a_voucher_is_recorded_once_and_instalments_add_up_to_what_was_credited_at_most() -> None:
    house, batch_id, amount = paid()
    spent_fen = house.funds().spent_fen
    recover(house, batch_id, ONE, 100)
    assert recover(house, batch_id, ONE, 100).recovered == Tally(count=1, fen=100)
    with pytest.raises(Refusal, match="凭证 V1 已登记过"):
        recover(house, batch_id, ONE, 200)
    with pytest.raises(Refusal, match="还可追回"):
        recover(house, batch_id, ONE, amount - 99, "V2")
    assert recover(house, batch_id, ONE, amount - 100, "V2").recovered == Tally(count=2, fen=amount)
    assert house.funds().spent_fen == spent_fen - amount
    with pytest.raises(Refusal, match=r"还可追回 0\.00 元"):
        recover(house, batch_id, ONE, 1, "V3")


def test_a_recovery_kept_but_not_counted_is_counted_by_its_repetition() -> None:
    house, batch_id, _ = paid()
    spent_fen = house.funds().spent_fen
    before = house.control.items.copy()
    recover(house, batch_id, ONE, 100)
    house.control.items = before  # the worker died between the object and the transaction
    assert recover(house, batch_id, ONE, 100).recovered == Tally(count=1, fen=100)
    assert house.funds().spent_fen == spent_fen - 100


def test_what_was_recovered_pays_the_batch_that_was_carried_for_lack_of_funds() -> None:
    house = House()
    house.cards(FOUR)
    one = house.approved(roster(FOUR[:1]), name="one.csv")
    amount = house.batch(one).payable.fen
    house.set_funds(amount)
    house.pay()
    assert house.batch(one).state is BatchState.PUBLISHED
    two = house.approved(roster(FOUR[1:2]), name="two.csv")
    house.pay(house.order(cause="ord1"))
    assert "还差" in house.batch(two).carried
    recover(house, one, end_to_end(FOUR[0]), amount - 1)
    house.drain()
    assert "还差 0.01 元" in house.batch(two).carried
    recover(house, one, end_to_end(FOUR[0]), 1, "V2")
    house.drain()
    assert house.batch(two).state is BatchState.PUBLISHED, house.batch(two).carried


def test_a_bank_that_contradicts_or_returns_what_was_recovered_is_settled_all_the_same() -> None:
    """All three are recovered in full; then one is said to have been rejected, and another comes back as well."""
    house, batch_id, message = silent_run()
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, n) for n in range(3)]))
    for n, voucher in enumerate(("V1", "V2", "V3")):
        payment = end_to_end(THREE[n])
        recover(house, batch_id, payment, house.bank.book["payments"][payment]["amount_fen"], voucher)
    assert house.funds().spent_fen == 0
    house.receive(receipt("2", "2023-06-13", message, [answer_of(house, 0, "RJCT", "AC04")]))
    assert house.settlement(batch_id)[ONE] == "FROZEN"
    assert (house.funds().reserved_fen, house.funds().spent_fen) == (answer_of(house, 0).amount_fen, 0)
    house.receive(returns("3", "2023-06-14", "1", message, [answer_of(house, 1, "", "AC04")]))
    assert house.settlement(batch_id)[end_to_end(THREE[1])] == "RETURNED"
    assert house.funds().spent_fen == 0


def test_only_money_that_is_with_the_payee_is_recovered() -> None:
    house, batch_id, message = silent_run()
    with pytest.raises(Refusal, match="没有入账"):
        recover(house, batch_id, ONE, 1)
    house.receive(receipt("1", "2023-06-12", message, [answer_of(house, 0, "RJCT", "AC04"), answer_of(house, 1)]))
    with pytest.raises(Refusal, match="没有入账"):
        recover(house, batch_id, ONE, 1)
    with pytest.raises(Refusal, match="还没有到"):
        recover(house, batch_id, end_to_end(THREE[1]), 1, on=PAYDAY + timedelta(days=9))
    order = {"batch_id": batch_id, "end_to_end_id": ONE, "ordered_by": "nobody"}
    request = {"amount_fen": 1, "on": "2023-06-12", "reference": "V1", "reason": "r"}
    answer = record_or_say_why(
        order | {"request": request}, control=house.c, lake=house.l, orders=house.o, book=BOOK, now=house.now
    )
    assert answer["outcome"] == "refused"
    assert house.lake.keys("recoveries/") == []


def test_the_fold_takes_rulings_only_over_contradictions_it_was_given() -> None:
    columns = ["row", "payment_id", "attempt", "end_to_end_id", "message_id", "slot", "amount_fen"]
    payments = pl.DataFrame(
        [[1, "P", 1, "P-1", "M", "2023-06", 5], [2, "Q", 1, "Q-1", "M", "2023-06", 5]], columns, orient="row"
    )
    said = [("P-1", "settled"), ("P-1", "rejected"), ("Q-1", "rejected")]
    statements = pl.DataFrame(
        [
            {"end_to_end_id": one, "kind": kind, "reason": "AC04", "channel": "delivered", "source": "a file"}
            for one, kind in said
        ],
        schema_overrides=KEPT_STATEMENTS,
    ).with_columns(
        *(pl.lit(None, kind).alias(name) for name, kind in KEPT_STATEMENTS.items() if name in ("on", "raw_code"))
    )
    assert fold(payments, statements)["state"].to_list() == ["FROZEN", "REJECTED"]
    ruling = Ruling(end_to_end_id="P-1", ruled="settled", by="t", at="", reason="r", heard=("a file",))
    ruled = fold(payments, statements, {"P-1": ruling})
    assert ruled.select("state", "reason", "failed_by").rows() == [
        ("SETTLED", None, None),
        ("REJECTED", "AC04", "delivered"),
    ]
    unheard = fold(payments, statements, {"P-1": ruling.model_copy(update={"heard": ("another file",)})})
    assert unheard["state"].to_list() == ["FROZEN", "REJECTED"], "nobody has ruled on what came in another file"


def test_a_bank_that_contradicts_a_ruling_once_more_freezes_the_payment_again_until_it_is_ruled_on_again() -> None:
    """Ruled rejected, and so free to be paid again; then the bank says once more that it was paid after all."""
    house, batch_id, message = frozen()
    rule(house, batch_id, ONE, "rejected")
    assert house.settlement(batch_id)[ONE] == "REJECTED"
    house.receive(receipt("once-more", "2023-06-22", message, [answer_of(house, 0)]))
    assert house.settlement(batch_id)[ONE] == "FROZEN"
    rule(house, batch_id, ONE, "settled")
    assert house.settlement(batch_id)[ONE] == "SETTLED"
    assert len(house.lake.keys(f"rulings/{batch_id}/")) == 2


def break_off_at_every_call(
    world: Callable[[], tuple[House, str]], act: Callable[[House, str], object], check: Callable[[House, str], None]
) -> int:
    """The worker dies at each of its calls, before or after it takes effect; the person says the same again."""
    house, batch_id = world()
    before = house.watch.count
    act(house, batch_id)
    calls = house.watch.count - before
    check(house, batch_id)
    for ordinal, after in itertools.product(range(calls), (False, True)):
        house, batch_id = world()
        house.watch.dies_at, house.watch.after = house.watch.count + ordinal, after
        with pytest.raises(WorkerDied):
            act(house, batch_id)
        act(house, batch_id)
        check(house, batch_id)
    return calls


def test_a_ruling_broken_off_at_any_call_is_finished_by_the_same_word_and_counts_once() -> None:
    def settled_once(house: House, batch_id: str) -> None:
        assert len(house.lake.keys(f"rulings/{batch_id}/")) == 1
        house.check_at_rest(*THREE)

    assert break_off_at_every_call(lambda: frozen()[:2], lambda h, b: rule(h, b, ONE, "settled"), settled_once) > 10


def test_a_recovery_broken_off_at_any_call_is_counted_once() -> None:
    def world() -> tuple[House, str]:
        return paid()[:2]

    def recovered_once(house: House, batch_id: str) -> None:
        assert house.batch(batch_id).recovered == Tally(count=1, fen=100)
        assert house.funds().spent_fen == house.bank.book["moved_fen"] - 100

    assert break_off_at_every_call(world, lambda h, b: recover(h, b, ONE, 100), recovered_once) > 4
