"""Receipts: settled, rejected or still on the way; never failed on a word that leaves the money's whereabouts open."""

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.bank.writing import receipt, receipt_line
from yikatong.bank import pain002
from yikatong.bank.inbound import parse_inbound
from yikatong.bank.pain002 import Receipt, parse_receipt
from yikatong.errors import Refusal

Schema = Callable[[str], xmlschema.XMLSchema]


def rows(data: bytes) -> list[tuple[object, ...]]:
    return parse_receipt(data).lines.rows()


def code(iso: str, note: str = "") -> str:
    return f"<Rsn><Cd>{iso}</Cd></Rsn>" + (f"<AddtlInf>{note}</AddtlInf>" if note else "")


MIXED = receipt(
    receipt_line("B1", "RJCT", code("AC04", "3018 账户已销户")),
    receipt_line("A1", "ACSC", settled_on="2023-06-12"),
    receipt_line("C1", "PDNG", amount=None),
)


def test_the_tests_own_receipts_are_valid_to_the_schema(schema: Schema) -> None:
    schema("pain.002.001.12").validate(MIXED.decode())


def test_a_receipt_gives_one_row_a_line_sorted_by_id() -> None:
    assert rows(MIXED) == [
        ("A1", 9500, "settled", None, None, date(2023, 6, 12)),
        ("B1", 9500, "rejected", "account_closed", "3018", None),
        ("C1", None, "pending", None, None, None),
    ]
    read = parse_receipt(MIXED)
    assert (read.message_id, read.receipt_id, read.group_status, read.unnamed_lines) == ("F00-0001", "R1", "PART", None)
    assert read.lines.schema == pain002.LINES


def test_credited_to_the_payee_is_settled_and_its_day_is_read_in_shanghai() -> None:
    line = receipt_line("A1", "ACCC").replace(
        "<OrgnlTxRef>", "<AccptncDtTm>2023-06-12T16:30:00Z</AccptncDtTm><OrgnlTxRef>"
    )
    assert rows(receipt(line)) == [("A1", 9500, "settled", None, None, date(2023, 6, 13))]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (code("AB05"), ("pending", "timeout", "AB05")),
        (code("AC04", "3028 处理超时"), ("pending", "timeout", "3028")),
        ("<Rsn><Prtry>3059</Prtry></Rsn>", ("pending", "timeout", "3059")),
        ("<Rsn><Prtry>3051</Prtry></Rsn>", ("pending", "duplicate", "3051")),
        (code("AM05"), ("pending", "duplicate", "AM05")),
        ("<Rsn><Prtry>3065</Prtry></Rsn>", ("rejected", "name_mismatch", "3065")),
        (code("AC06", "3006 挂失"), ("rejected", "card_lost", "3006")),
        (code("ZZ99"), ("rejected", "other", "ZZ99")),
        ("", ("rejected", "other", None)),
    ],
)
def test_a_rejection_is_final_only_if_its_reason_says_the_money_did_not_move(
    reason: str, expected: tuple[str, str, str | None]
) -> None:
    assert rows(receipt(receipt_line("A1", "RJCT", reason)))[0][2:5] == expected


def test_a_whole_message_rejected_speaks_for_the_lines_it_does_not_name() -> None:
    read = parse_receipt(receipt(group=f"<GrpSts>RJCT</GrpSts><StsRsnInf>{code('FF01')}</StsRsnInf>"))
    assert (read.unnamed_lines, read.group_reason, read.lines.height) == ("rejected", "bad_message", 0)


def test_a_message_refused_as_a_duplicate_leaves_every_line_in_doubt() -> None:
    duplicate = f"<GrpSts>RJCT</GrpSts><StsRsnInf>{code('DU01')}</StsRsnInf>"
    read = parse_receipt(receipt(receipt_line("A1", "RJCT"), group=duplicate))
    assert read.unnamed_lines is None
    assert read.lines["status"].to_list() == ["pending"]


def test_a_line_that_contradicts_its_group_is_refused() -> None:
    with pytest.raises(Refusal, match="矛盾"):
        parse_receipt(receipt(receipt_line("A1", "ACSC"), group="<GrpSts>RJCT</GrpSts>"))


def test_a_line_said_twice_alike_counts_once_and_said_differently_is_refused() -> None:
    line = receipt_line("A1", "ACSC")
    assert len(rows(receipt(line, line))) == 1
    for other in (receipt_line("A1", "RJCT"), receipt_line("A1", "ACSC", amount="95.01"), receipt_line("A1", "PDNG")):
        with pytest.raises(Refusal, match="A1 有两条互相矛盾"):
            parse_receipt(receipt(line, other))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (receipt_line("", "ACSC"), "OrgnlEndToEndId"),
        (receipt_line("A" * 36, "ACSC"), "OrgnlEndToEndId"),
        (receipt_line("A1", ""), "缺少 TxSts"),
        (receipt_line("A1", "PAID"), "PAID"),
        (receipt_line("A1", "ACSC", amount="95.001"), "金额"),
        (receipt_line("A1", "ACSC", amount="-1"), "金额"),
        (receipt_line("A1", "ACSC", amount="1e3"), "金额"),
        (receipt_line("A1", "ACSC", amount="９５"), "金额"),
        (receipt_line("A1", "ACSC").replace("CNY", "USD"), "币种"),
        (receipt_line("A1", "ACSC", settled_on="2023-02-30"), "日期"),
    ],
)
def test_a_line_that_cannot_be_understood_refuses_the_file_naming_what(line: str, said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        parse_receipt(receipt(line))
    assert refused.value.code == "bank_message_refused"


def test_totals_the_bank_repeats_are_kept() -> None:
    totals = "<OrgnlNbOfTxs>3</OrgnlNbOfTxs><OrgnlCtrlSum>285.5</OrgnlCtrlSum><GrpSts>ACSP</GrpSts>"
    read = parse_receipt(receipt(group=totals))
    assert (read.original_count, read.original_sum_fen) == (3, 28550)


def test_a_receipt_in_the_banks_own_encoding_is_read() -> None:
    text = MIXED.decode().replace('encoding="UTF-8"', 'encoding="GBK"')
    assert rows(text.encode("gbk")) == rows(MIXED)


_TEXT_OF = {"settled": "ACSC", "rejected": "RJCT", "pending": "PDNG"}


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z0-9]{1,35}", fullmatch=True),
        st.tuples(
            st.integers(0, 10**14), st.sampled_from(sorted(_TEXT_OF)), st.dates(date(2020, 1, 1), date(2030, 1, 1))
        ),
        max_size=12,
    )
)
def test_every_line_written_is_the_line_read(lines: dict[str, tuple[int, str, date]]) -> None:
    written = receipt(
        *(
            receipt_line(key, _TEXT_OF[status], amount=f"{fen // 100}.{fen % 100:02d}", settled_on=day.isoformat())
            for key, (fen, status, day) in lines.items()
        )
    )
    read = parse_inbound(written)
    assert isinstance(read, Receipt)
    expected = [(key, fen, status, day if status == "settled" else None) for key, (fen, status, day) in lines.items()]
    columns = ["end_to_end_id", "amount_fen", "status", "settled_on"]
    assert read.lines.select(columns).rows() == sorted(expected)
    assert read.lines.schema["settled_on"] == pl.Date
