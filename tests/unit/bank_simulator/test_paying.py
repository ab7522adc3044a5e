"""What the bank does with a message: every outcome, in the receipts, in the enquiry and in its own book."""

import json
from collections.abc import Callable

import pytest

from tests.unit.bank_simulator.conftest import RunningBank, statuses
from tests.unit.bank_simulator.messages import line, message

MESSAGE_ID = "F0123456789abcdef-0001"


def enquire(bank: RunningBank, message_id: str = MESSAGE_ID) -> dict[str, str]:
    status, body = bank.call("GET", f"/v1/messages/{message_id}")
    assert status == 200
    return statuses(body)


def status_of(bank: RunningBank) -> dict[str, str]:
    return {key: entry["status"] for key, entry in bank.book()["payments"].items()}


def test_a_plain_message_is_credited_once_and_answered_in_one_receipt(bank: RunningBank) -> None:
    assert bank.pay(message(line(1), line(2, 1))) == 202
    assert bank.answers() == [{"E1": "ACSC", "E2": "ACSC"}]
    book = bank.book()
    assert (book["moved_fen"], book["returned_fen"], book["duplicates"]) == (9501, 0, [])
    paid = book["payments"]["E1"]
    assert (paid["account"], paid["name"], paid["credited_times"], paid["credited_fen"]) == ("621", "张1", 1, 9500)
    assert bank.drop.objects[0][0].startswith("/box/inbound/agent-bank/")


def test_a_receipt_comes_by_itself_a_moment_later(bank: RunningBank) -> None:
    bank.pay(message(line(1)))
    for _ in range(100):
        if bank.drop.objects:
            return
        bank.call("GET", "/book")
    pytest.fail("no receipt came")


def test_a_rejected_account_is_never_credited_and_the_receipt_says_why_twice(bank: RunningBank) -> None:
    bank.tell(
        "/script", accounts={"621": {"outcome": "reject", "code": "AC04"}, "622": {"outcome": "reject", "code": "3028"}}
    )
    bank.pay(message(line(1), line(2), line(3)))
    (body,) = bank.delivered()
    assert statuses(body) == {"E1": "RJCT", "E2": "RJCT", "E3": "ACSC"}
    assert "<Cd>AC04</Cd></Rsn><AddtlInf>3018 " in body.decode()
    assert "<Prtry>3028</Prtry>" in body.decode()
    assert bank.book()["moved_fen"] == 9500
    assert bank.book()["payments"]["E1"]["code"] == "AC04"


def test_a_delayed_line_is_paid_and_answered_when_its_day_comes(bank: RunningBank) -> None:
    bank.tell(
        "/script",
        accounts={"621": {"outcome": "delay", "days": 2}, "623": {"outcome": "delay", "days": 2, "code": "AC06"}},
    )
    bank.pay(message(line(1), line(2), line(3)))
    bank.tell("/day", date="2023-01-04")
    assert bank.answers() == [{"E2": "ACSC"}]
    assert enquire(bank) == {"E1": "PDNG", "E2": "ACSC", "E3": "PDNG"}
    assert bank.book()["moved_fen"] == 9500
    bank.tell("/day", date="2023-01-09")
    assert bank.answers()[1:] == [{"E1": "ACSC", "E3": "RJCT"}]
    assert bank.book()["payments"]["E1"]["credited_on"] == ["2023-01-05"]


def test_an_announced_delay_is_pending_in_the_first_receipt(bank: RunningBank) -> None:
    bank.tell("/script", accounts={"621": {"outcome": "delay", "announce": True}})
    bank.pay(message(line(1)))
    assert bank.answers() == [{"E1": "PDNG"}]


def test_silence_is_never_answered_but_an_enquiry_tells_the_truth(bank: RunningBank) -> None:
    bank.tell(
        "/script",
        accounts={
            "621": {"outcome": "silence"},
            "622": {"outcome": "silence", "credited": False, "code": "AC01"},
            "623": {"outcome": "silence", "enquiry": False},
        },
    )
    bank.pay(message(line(1), line(2), line(3)))
    bank.tell("/day", date="2023-03-01")
    assert bank.answers() == []
    assert enquire(bank) == {"E1": "ACSC", "E2": "RJCT", "E3": "PDNG"}
    assert bank.book()["moved_fen"] == 2 * 9500


def test_a_return_is_settled_first_and_comes_back_later(bank: RunningBank) -> None:
    bank.tell("/script", accounts={"621": {"outcome": "return", "code": "AC04", "days": 3}})
    bank.pay(message(line(1), line(2)))
    bank.tell("/day", date="2023-01-06")
    assert bank.answers() == [{"E1": "ACSC", "E2": "ACSC"}, {"E1": "RETURN"}]
    book = bank.book()
    assert (book["moved_fen"], book["returned_fen"]) == (19000, 9500)
    assert status_of(bank) == {"E1": "returned", "E2": "settled"}


def test_a_bank_without_deduplication_pays_a_repeated_message_twice_and_its_book_shows_it(bank: RunningBank) -> None:
    assert [bank.pay(message(line(1))) for _ in range(2)] == [202, 202]
    book = bank.book()
    assert (book["moved_fen"], book["duplicates"], book["messages"][MESSAGE_ID]["posts"]) == (19000, ["E1"], 2)


def test_a_bank_with_deduplication_pays_a_repeated_message_once(start: Callable[..., RunningBank]) -> None:
    bank = start("--deduplicates")
    assert [bank.pay(message(line(1))) for _ in range(3)] == [202, 200, 200]
    assert bank.pay(message(line(2))) == 409
    assert (bank.book()["moved_fen"], bank.book()["duplicates"]) == (9500, [])
    assert len(bank.delivered()) == 1


def test_a_payment_id_in_another_message_is_paid_again_by_any_bank(start: Callable[..., RunningBank]) -> None:
    bank = start("--deduplicates")
    bank.pay(message(line(1)))
    bank.pay(message(line(1), message_id="F0123456789abcdef-0002"))
    assert bank.book()["duplicates"] == ["E1"]


def test_trial_money_never_touches_the_book_and_a_message_stays_on_its_channel(bank: RunningBank) -> None:
    trial = message(line(1), message_id="T0123456789abcdef-0001", trial=True)
    assert bank.pay(trial) == 400
    assert bank.pay(message(line(1)), trial=True) == 400
    assert bank.pay(trial, trial=True) == 202
    assert bank.answers() == [{"E1": "ACSC"}]
    book = bank.book()
    assert (book["moved_fen"], book["payments"], book["trial"]["moved_fen"]) == (0, {}, 9500)


def test_a_payee_under_another_name_is_rejected(bank: RunningBank) -> None:
    bank.tell("/accounts", **{"621": "李四", "622": "张2"})
    bank.pay(message(line(1), line(2), line(3)))
    (body,) = bank.delivered()
    assert statuses(body) == {"E1": "RJCT", "E2": "ACSC", "E3": "ACSC"}
    assert "<Cd>BE01</Cd></Rsn><AddtlInf>3031 " in body.decode()


def test_outcomes_drawn_from_a_seed_depend_on_the_account_alone(start: Callable[..., RunningBank]) -> None:
    rates = json.dumps({"reject": 0.2, "silence": 0.1, "return": 0.1, "delay": 0.1})
    lines = [line(number) for number in range(300)]
    one, other, unlike = start("--rates", rates), start("--rates", rates), start("--rates", rates, "--seed", "8")
    one.pay(message(*lines))
    for number, single in enumerate(reversed(lines), start=1):
        other.pay(message(single, message_id=f"F0123456789abcdef-{number:04d}"))
    unlike.pay(message(*lines))
    for running in (one, other, unlike):
        running.tell("/day", date="2023-02-01")
    drawn = status_of(one)
    assert drawn == status_of(other) != status_of(unlike)
    assert set(drawn.values()) == {"settled", "rejected", "returned"}
    assert 30 < sum(status == "rejected" for status in drawn.values()) < 120


def test_on_the_test_channel_nothing_moved_so_nothing_comes_back(bank: RunningBank) -> None:
    bank.tell("/script", accounts={"621": {"outcome": "return", "days": 1}})
    bank.pay(message(line(1), message_id="T0123456789abcdef-0001", trial=True), trial=True)
    bank.tell("/day", date="2023-01-10")
    assert bank.answers() == [{"E1": "ACSC"}]
    assert bank.book()["trial"]["returned_fen"] == 0


def test_a_second_copy_that_is_rejected_does_not_undo_the_first_in_an_enquiry(bank: RunningBank) -> None:
    bank.pay(message(line(1)))
    bank.tell("/script", accounts={"621": {"outcome": "reject", "code": "AC04"}})
    bank.pay(message(line(1)))
    assert bank.answers() == [{"E1": "ACSC"}, {"E1": "RJCT"}]
    assert enquire(bank) == {"E1": "ACSC"}
    assert bank.book()["moved_fen"] == 9500
