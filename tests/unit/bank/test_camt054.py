"""Returns: money that came back, by the fen, with its day and its reason."""

from collections.abc import Callable
from datetime import date

import pytest
import xmlschema

from tests.unit.bank.writing import entry, return_line, returns
from yikatong.bank import camt054
from yikatong.bank.camt054 import Returns, parse_returns
from yikatong.bank.inbound import parse_inbound
from yikatong.errors import Refusal

Schema = Callable[[str], xmlschema.XMLSchema]


def test_the_tests_own_returns_are_valid_to_the_schema(schema: Schema) -> None:
    schema("camt.054.001.08").validate(returns(entry(return_line("A1"))).decode())


def test_a_return_gives_its_id_amount_reason_day_and_message() -> None:
    read = parse_inbound(
        returns(entry(return_line("B1")), entry(return_line("A1", None, "<Rsn><Prtry>3056</Prtry></Rsn>")))
    )
    assert isinstance(read, Returns)
    assert read.lines.rows() == [
        ("A1", 9500, "sent_back", "3056", date(2023, 6, 15), "F00-0001"),
        ("B1", 9500, "account_closed", "AC04", date(2023, 6, 15), "F00-0001"),
    ]
    assert (read.lines.schema, read.notification_id, read.other_entries) == (camt054.LINES, "N1", 0)


def test_several_returns_booked_as_one_entry_are_told_apart() -> None:
    read = parse_returns(returns(entry(return_line("A1", "1.00"), return_line("B1", "2.00"), amount="3.00")))
    assert read.lines["amount_fen"].to_list() == [100, 200]


@pytest.mark.parametrize(
    "other",
    [
        entry(return_line("A1"), side="DBIT"),
        entry(return_line("A1"), status="PDNG"),
        entry(return_line("A1", reason="")),
    ],
)
def test_what_is_no_booked_return_is_counted_and_left_alone(other: str) -> None:
    read = parse_returns(returns(other))
    assert (read.lines.height, read.other_entries) == (0, 1)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (entry(return_line("A1", "1.00"), return_line("B1", "1.00"), amount="3.00"), "合计"),
        (entry(return_line("A1"), return_line("B1", reason=""), amount="190.00"), "混在一起"),
        (entry(return_line("A1"), extra="<RvslInd>true</RvslInd>"), "冲正"),
        (entry(return_line("")), "EndToEndId"),
        (entry(return_line("A1", None), amount="0"), "金额"),
        (entry(return_line("A1")).replace("BookgDt", "Other"), "日期"),
        (entry(return_line("A1")) + entry(return_line("A1", "96.00"), amount="96.00"), "A1 有两条互相矛盾"),
    ],
)
def test_a_return_that_does_not_add_up_refuses_the_file_naming_what(bad: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        parse_returns(returns(bad))


def test_the_same_return_twice_in_a_file_counts_once() -> None:
    assert parse_returns(returns(entry(return_line("A1")), entry(return_line("A1")))).lines.height == 1
