"""Paying again what failed, as the bureau does it: the result comes back, is corrected, sent, approved and paid (PROTOCOL B5)."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from python_calamine import CalamineWorkbook

from tests.unit.payout.house import House
from tests.unit.payout.rosters import (
    AGENT,
    BOOK,
    CODE,
    DAOLI,
    NANGANG,
    PAYDAY,
    PAYMENT_SECRET,
    RECORD_SECRET,
    SETTINGS,
    SLOT,
    end_to_end,
    people,
    roster,
)
from tests.unit.payout.test_crash_everywhere import GIVES_UP, RECOVERIES, recover
from tests.unit.payout.watching import Watch
from yikatong.batches import Batch, PassedTrial, Tally, trial_key
from yikatong.cards import CardState
from yikatong.errors import Refusal
from yikatong.payments import payment_id
from yikatong.principals import Principal, Role, principal_key
from yikatong.roster.people import Person
from yikatong.roster.sample import make_sample
from yikatong.runs import name_run
from yikatong.states import BatchState, RunState
from yikatong.uploads import sender_of
from yikatong.use_cases.list_batches import batch_details, batch_view
from yikatong.use_cases.query_records import RecordQuery, query_records
from yikatong.use_cases.request_upload import UploadRequest, request_upload

FOUR = people(4)
FAILED = FOUR[:2]
LATER = date(2023, 6, 20)


def attempt(person: Person, number: int) -> str:
    return f"{payment_id(PAYMENT_SECRET, CODE, SLOT, person.id_number)}-{number}"


def outcomes(who: Sequence[Person], outcome: str, **more: object) -> dict[str, object]:
    return {person.account: {"outcome": outcome, **more} for person in who}


def rejected(*who: Person) -> tuple[House, str]:
    """A batch of which the bank has rejected these people's payments, and paid the others'."""
    house = House()
    house.cards(FOUR)
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    house.bank.script(accounts=outcomes(who, "reject", code="AC04"))
    house.pay()
    # What was wrong with the accounts is put right.
    house.bank.script(accounts=outcomes(who, "settle"))
    return house, batch_id


def result_of(house: House, batch_id: str) -> bytes:
    return house.reports.objects[f"{batch_id}/result.xlsx"]


def rows_of(house: House, batch_id: str) -> list[dict[str, str]]:
    """The rows to be sent again, as the workbook hands them back."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(result_of(house, batch_id)))
    _how, header, *rows = book.get_sheet_by_name("名册").to_python()
    return [dict(zip(map(str, header), map(str, row), strict=True)) for row in rows]


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def send(house: House, batch_id: str, data: bytes | None = None, name: str = "again.xlsx") -> Batch:
    return house.upload(result_of(house, batch_id) if data is None else data, name=name, reissues=batch_id)


def findings(house: House, batch: Batch) -> bytes:
    return house.reports.objects[f"{batch.batch_id}/findings.json"]


def check_paid(house: House, paid: Mapping[str, Person]) -> None:
    """When all has come to rest: exactly these attempts were credited and have not come back, and funds say the same."""
    house.check_always()
    book = house.bank.book
    for batch in house.batches().values():
        assert batch.state in (BatchState.PUBLISHED, BatchState.WITHDRAWN, BatchState.REFUSED), batch.state
        assert batch.settlement is None or batch.settlement.complete
    assert {run.state for run in house.runs()} == {RunState.CLOSED}
    assert {
        key: entry["account"]
        for key, entry in book["payments"].items()
        if entry["credited_times"] and entry["status"] != "returned"
    } == {key: person.account for key, person in paid.items()}
    assert house.funds().spent_fen == book["moved_fen"] - book["returned_fen"]
    assert house.funds().reserved_fen == 0


def first(who: Sequence[Person]) -> dict[str, Person]:
    return {end_to_end(person): person for person in who}


def test_what_was_rejected_comes_back_is_sent_as_it_is_approved_and_paid_once_as_the_second_attempt() -> None:
    house, batch_id = rejected(*FAILED)
    assert {row["身份证号"] for row in rows_of(house, batch_id)} == {person.id_number for person in FAILED}
    house.on(LATER)
    again = send(house, batch_id)
    assert (again.state, again.reissue_of, again.payable.count) == (BatchState.VALIDATED, batch_id, 2)
    settlement = house.batch(batch_id).settlement
    assert settlement is not None
    assert again.payable == settlement.rejected
    assert b"sheet_not_read" not in findings(house, again)
    house.approve(again)
    (order,) = house.orders.runs
    assert (order.again, order.as_of) == (True, LATER)
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})
    told = query_records(house.records, RECORD_SECRET, RecordQuery(name=FAILED[0].name, id_number=FAILED[0].id_number))
    assert [record["state"] for record in told] == ["SETTLED", "REISSUED"]


def test_a_payee_is_corrected_and_less_may_be_asked_but_not_more() -> None:
    house, batch_id = rejected(*FAILED)
    less, more = rows_of(house, batch_id)
    guardian = FOUR[3]
    less |= {"收款人姓名": guardian.name, "收款人身份证号": guardian.id_number, "发放金额(元)": "1.00"}
    more["发放金额(元)"] = "99999.00"
    refused = send(house, batch_id, as_csv([less, more]), "more.csv")
    assert refused.state is BatchState.REFUSED
    assert b'"more_than_failed"' in findings(house, refused)
    again = send(house, batch_id, as_csv([less]), "less.csv")
    assert again.payable == Tally(count=1, fen=100)
    house.approve(again)
    house.drain()
    paid = next(person for person in FAILED if person.id_number == less["身份证号"])
    assert house.settlement(again.batch_id) == {attempt(paid, 2): "SETTLED"}
    assert house.bank.book["payments"][attempt(paid, 2)]["account"] == guardian.account


@pytest.mark.parametrize("who", [FOUR[2], people(5)[4]], ids=["who was paid", "who was never on the roster"])
def test_whoever_has_no_failed_payment_makes_of_the_file_no_reissue(who: Person) -> None:
    house, batch_id = rejected(*FAILED)
    house.cards(people(5))
    row = rows_of(house, batch_id)[0] | {"姓名": who.name, "身份证号": who.id_number}
    again = send(house, batch_id, as_csv([*rows_of(house, batch_id), row]), "another.csv")
    assert again.state is BatchState.REFUSED
    assert "一成" in again.refusal
    assert b'"not_failed"' in findings(house, again)


def test_the_same_bytes_as_an_ordinary_roster_are_another_batch_and_pay_nobody_twice() -> None:
    house, batch_id = rejected(*FAILED)
    data = as_csv([row | {"户主身份证号": row["身份证号"]} for row in rows_of(house, batch_id)])
    again = send(house, batch_id, data, "same.csv")
    ordinary = house.upload(data, name="same.csv")
    assert again.batch_id != ordinary.batch_id
    assert (again.state, house.batch(again.batch_id).state) == (BatchState.VALIDATED, BatchState.VALIDATED)
    assert (ordinary.state, ordinary.payable.count) == (BatchState.VALIDATED, 0)
    assert b"already_claimed" in findings(house, ordinary)
    house.approve(again)
    house.drain()
    assert set(house.settlement(again.batch_id).values()) == {"SETTLED"}


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "in two runs"])
def test_two_reissues_at_once_pay_once(together: bool) -> None:
    house, batch_id = rejected(*FAILED)
    rows = rows_of(house, batch_id)
    both = [send(house, batch_id), send(house, batch_id, as_csv(rows), "again.csv")]
    assert [batch.payable.count for batch in both] == [2, 2]
    for batch in both:
        house.approve(batch)
        if not together:
            order = house.orders.runs[-1]
            house.start(order)
            house.open(name_run(order))
    house.drain()
    sent = [len(house.settlement(batch.batch_id)) for batch in both if house.batch(batch.batch_id).settlement]
    assert sorted(sent) in ([2], [0, 2])
    lost = [reason for batch in both for _, reason in house.selection(batch.batch_id).values() if reason]
    assert lost == ["claimed_elsewhere"] * 2
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


def test_who_is_reissued_already_is_left_out_without_the_file_being_refused_for_it() -> None:
    house, batch_id = rejected(*FAILED)
    house.approve(send(house, batch_id, as_csv(rows_of(house, batch_id)[:1]), "one.csv"))
    house.drain()
    again = send(house, batch_id)
    assert (again.state, again.payable.count, again.excluded.count) == (BatchState.VALIDATED, 1, 1)
    assert b'"reissued_already"' in findings(house, again)
    house.approve(again)
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


def test_a_reissue_withdrawn_after_its_claim_leaves_the_attempt_to_another() -> None:
    house, batch_id = rejected(*FAILED)
    again = house.approve(send(house, batch_id))
    order = house.orders.runs.pop()
    house.start(order)
    run_id = name_run(order)
    house.open(run_id)
    house.claim(run_id)
    house.withdraw(again.batch_id)
    house.drain()
    other = send(house, batch_id, as_csv(rows_of(house, batch_id)), "other.csv")
    assert other.payable.count == 2
    house.approve(other)
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


def test_a_reissue_that_fails_is_itself_reissued_as_the_third_attempt_and_its_first_no_more() -> None:
    house, batch_id = rejected(*FAILED)
    house.bank.script(accounts=outcomes(FAILED[:1], "reject", code="AC06"))
    second = house.approve(send(house, batch_id))
    house.drain()
    assert sorted(house.settlement(second.batch_id).values()) == ["REJECTED", "SETTLED"]
    house.bank.script(accounts=outcomes(FAILED[:1], "settle"))
    # The first batch's failures were paid again, well or ill.
    old = send(house, batch_id, name="old.xlsx")
    assert (old.payable.count, old.excluded.count) == (0, 2)
    house.withdraw(old.batch_id)
    third = house.approve(send(house, second.batch_id, name="third.xlsx"))
    house.drain()
    assert house.settlement(third.batch_id) == {attempt(FAILED[0], 3): "SETTLED"}
    check_paid(house, first(FOUR[2:]) | {
        attempt(FAILED[0], 3): FAILED[0], attempt(FAILED[1], 2): FAILED[1]
    })  # fmt: skip


def test_what_came_back_days_later_is_paid_again_out_of_the_funds_it_gave_back() -> None:
    house = House()
    house.cards(FOUR)
    batch_id = house.approved(roster(FOUR))
    whole = house.batch(batch_id).payable.fen
    house.set_funds(whole)
    house.on(PAYDAY)
    house.bank.script(accounts=outcomes(FAILED, "return", days=4, code="AC06"))
    house.pay()
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(result_of(house, batch_id))).sheet_names) == 1
    house.on(LATER)
    house.drain()
    house.bank.script(accounts=outcomes(FAILED, "settle"))
    house.approve(send(house, batch_id))
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})
    assert house.funds().spent_fen == whole


def test_trace_06_a_rejection_known_by_enquiry_alone_may_be_reissued_once_no_other_word_can_come() -> None:
    house = House()
    house.cards(FOUR)
    batch_id = house.approved(roster(FOUR))
    house.on(PAYDAY)
    house.bank.script(accounts=outcomes(FAILED, "reject", code="AC04"), messages={"lose_receipts": 1})
    house.pay()
    house.bank.script(accounts=outcomes(FAILED, "settle"))
    assert sorted(house.settlement(batch_id).values()) == ["REJECTED"] * 2 + ["SETTLED"] * 2
    assert {"过了银行的期限" in row["要改正的问题"] for row in rows_of(house, batch_id)} == {True}
    early = send(house, batch_id, name="early.xlsx")
    assert early.state is BatchState.REFUSED
    assert b'"not_failed"' in findings(house, early)
    house.on(date(PAYDAY.year, PAYDAY.month, PAYDAY.day + AGENT.answer_final_after_days))
    house.approve(send(house, batch_id, name="in-time.xlsx"))
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


def test_the_year_of_a_reissue_may_be_long_past_its_slots_window() -> None:
    """Nobody loses what was owed because the bank took its time: the slot was judged when it was first claimed."""
    house, batch_id = rejected(*FAILED)
    house.on(date(2023, 12, 20))
    again = send(house, batch_id)
    assert (again.payable.count, again.excluded.count) == (2, 0)
    house.approve(again)
    house.drain()
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


def test_a_farm_subsidys_reissue_asks_for_no_area_and_says_whose_household_it_is() -> None:
    """What the amount came from is not in the payment; that it is no greater than what failed is."""
    corn = BOOK.subsidy(2023, 39)
    sample = make_sample(
        subsidy=corn,
        settings=SETTINGS.for_subsidy(corn.code),
        region=DAOLI,
        rows=4,
        slots=["2023"],
        seed=5,
        include=FOUR,
    )
    house = House(date(2023, 8, 1))
    pk, sk = trial_key(str(corn.code), 2023, DAOLI)
    house.control.save(PassedTrial(pk=pk, sk=sk, batch_id="", passed_at=""))
    house.cards(FOUR)
    batch_id = house.approved(sample.roster_csv(), number=39)
    house.on(date(2023, 8, 15))
    house.bank.script(accounts=outcomes(FOUR, "reject", code="AC04"))
    house.pay(house.order(number=39))
    house.bank.script(accounts=outcomes(FOUR, "settle"))
    house.on(date(2023, 11, 1))
    again = house.upload(result_of(house, batch_id), number=39, name="again.xlsx", reissues=batch_id)
    assert (again.payable, again.excluded.count) == (house.batch(batch_id).payable, 0)
    house.approve(again)
    house.drain()
    assert set(house.settlement(again.batch_id).values()) == {"SETTLED"}


def test_a_reissues_held_row_is_paid_by_a_child_batch_as_the_same_second_attempt() -> None:
    house, batch_id = rejected(*FAILED)
    house.cards([FOUR[0].with_card(CardState.LOST), *FOUR[1:]])
    again = house.approve(send(house, batch_id))
    assert (again.payable.count, again.held.count) == (1, 1)
    house.drain()
    assert house.settlement(again.batch_id) == {attempt(FAILED[1], 2): "SETTLED"}
    house.on(LATER)
    house.cards(FOUR)
    house.drain()
    (child,) = house.batch(again.batch_id).children
    assert (house.batch(child).reissue_of, house.settlement(child)) == (batch_id, {attempt(FAILED[0], 2): "SETTLED"})
    check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})


STRIDE = 5


def test_a_worker_dies_anywhere_in_a_reissues_run_and_what_failed_is_paid_once_more() -> None:
    """A stride of the calls, their sides and the recoveries in turn; what is done at each call is crashed in full elsewhere."""

    def approved() -> House:
        house, batch_id = rejected(*FAILED)
        house.approve(send(house, batch_id))
        house.watch_with(Watch())
        return house

    whole = approved()
    whole.drain()
    for n, k in enumerate(range(0, whole.watch.count, STRIDE)):
        recovery = list(RECOVERIES)[n % len(RECOVERIES)]
        house = approved()
        house.retries, house.map_items_fail_alone = RECOVERIES[recovery], recovery == GIVES_UP
        house.watch_with(Watch(dies_at=k, after=bool(n % 2)))
        house.drain()
        recover(house)
        try:
            assert house.watch.deaths == 1
            check_paid(house, first(FOUR[2:]) | {attempt(person, 2): person for person in FAILED})
        except AssertionError as error:
            raise AssertionError(f"died at call {k}, {whole.watch.calls[k]}; {recovery}") from error


def misplaced(house: House, name: str) -> str:
    (told,) = [data for key, data in house.reports.objects.items() if key.endswith(f"{name}.txt")]
    return told.decode()


def test_a_file_dropped_by_hand_for_an_unknown_or_foreign_batch_is_refused_with_the_reason() -> None:
    house, batch_id = rejected(*FAILED)
    unpaid = house.approved(roster(people(5)[4:], NANGANG), NANGANG)
    for name, reissues, words in (
        ("unknown.csv", batch_id[:-1] + "z", "没有这个可以补发的批次"),
        ("nonsense.csv", "../x", "没有这个可以补发的批次"),
        ("foreign.csv", unpaid, "没有这个可以补发的批次"),
    ):
        with pytest.raises(AssertionError, match="no new batch"):
            send_to(house, reissues, name)
        assert words in misplaced(house, name)
    with pytest.raises(AssertionError, match="no new batch"):
        house.upload(result_of(house, batch_id), NANGANG, name="unsent.xlsx", reissues=unpaid)
    assert "还没有向银行发出" in misplaced(house, "unsent.xlsx")


def send_to(house: House, reissues: str, name: str) -> Batch:
    return house.upload(b"x", name=name, reissues=reissues)


def clerk() -> Principal:
    pk, sk = principal_key("the-clerk")
    return Principal(pk=pk, sk=sk, name="the-clerk", role=Role.CLERK, region="230102")


def test_an_upload_is_granted_as_a_reissue_where_something_failed_and_only_there() -> None:
    house, batch_id = rejected(*FAILED)
    asked = {"plan_year": 2023, "number": 2, "region": "230102", "file_name": "again.xlsx", "reissues": batch_id}
    grant = request_upload(house.control, BOOK, clerk(), UploadRequest.model_validate(asked), "u" * 32)
    assert grant.metadata["reissues"] == batch_id
    where = ("u" * 32, grant.object_key, "formal", DAOLI, house.control)
    assert sender_of(*where, reissues=batch_id) == "the-clerk"
    # What was granted as a reissue is not put as anything else.
    with pytest.raises(Refusal, match="补发的批次"):
        sender_of(*where)
    whole, paid = rejected()
    for deployment, change, words in (
        (house, {"number": 1}, "同一补贴"),
        (house, {"reissues": "nothing.formal.230102.0"}, "没有这个可以补发的批次"),
        (whole, {"reissues": paid}, "没有拒付或退票"),
    ):
        request = UploadRequest.model_validate(asked | change)
        with pytest.raises(Refusal, match=words):
            request_upload(deployment.control, BOOK, clerk(), request, "v" * 32)


def test_a_batch_tells_what_it_reissues_and_by_what_it_is_reissued() -> None:
    house, batch_id = rejected(*FAILED)
    again = send(house, batch_id)
    assert batch_view(again, BOOK)["reissue_of"] == batch_id
    assert batch_details(house.batch(batch_id), house.control, house.lake, BOOK)["reissues"] == [
        {"batch_id": again.batch_id, "rows": 2, "state_words": "校验完成，待审批"}
    ]
