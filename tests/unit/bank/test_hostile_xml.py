"""Files no bank would send: each is refused before anything in it can count."""

import re
import time

import pytest

from tests.unit.bank.writing import receipt, receipt_line
from yikatong.bank.inbound import parse_inbound
from yikatong.bank.pain002 import parse_receipt
from yikatong.errors import Refusal

GOOD = receipt(receipt_line("A1", "ACSC")).decode()
BODY = GOOD.partition("\n")[2]


def refused(data: bytes, said: str) -> None:
    for parse in (parse_receipt, parse_inbound):
        with pytest.raises(Refusal, match=said) as error:
            parse(data)
        assert error.value.code == "bank_message_refused"


def test_an_entity_cannot_swap_an_amount() -> None:
    swap = '<!DOCTYPE Document [<!ENTITY sum "9999999">]>'
    refused((GOOD.replace("?>\n", f"?>\n{swap}", 1).replace("95.00", "&sum;")).encode(), "DOCTYPE")


def test_a_billion_laughs_are_not_laughed() -> None:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    refused(f'<!DOCTYPE d [<!ENTITY l0 "ha">{laughs}]>{BODY}'.encode(), "DOCTYPE")


def test_a_doctype_in_lower_case_is_one_too() -> None:
    refused(f"<!doctype d>{BODY}".encode(), "DOCTYPE")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp037", "utf-7", "iso-8859-1"])
def test_an_encoding_cannot_hide_a_doctype(encoding: str) -> None:
    hidden = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE d [<!ENTITY x "1">]>{BODY}'
    refused(hidden.encode(encoding, errors="replace"), "编码|XML|DOCTYPE")
    declared_only = f'<?xml version="1.0" encoding="{encoding}"?>{BODY}'
    refused(declared_only.encode(), "编码")


@pytest.mark.parametrize("cut", [0, 1, 40, 200, len(GOOD) - 1])
def test_a_truncated_file_is_refused_whole(cut: int) -> None:
    refused(GOOD[:cut].encode(), "XML")


def test_bytes_that_are_not_text_are_refused() -> None:
    refused(GOOD.encode().replace(b"A1", b"A\xff"), "编码")
    refused(GOOD.replace("A1", "A\x00").encode(), "XML")


def test_nesting_without_end_is_refused_quickly() -> None:
    started = time.perf_counter()
    refused(GOOD.replace("<GrpSts>", "<a>" * 1_000_000).encode(), "嵌套|XML")
    assert time.perf_counter() - started < 10


def test_another_message_or_a_stranger_inside_is_refused_by_name() -> None:
    refused(receipt(receipt_line("A1", "ACSC"), namespace="pain.002.001.03"), "pain.002.001.03")
    refused(b"<Document/>", "不在约定之内")
    with pytest.raises(Refusal, match="命名空间"):
        parse_receipt(GOOD.replace("<GrpSts>", '<x xmlns="urn:other"/><GrpSts>').encode())


def test_a_file_larger_than_any_receipt_is_refused_unread() -> None:
    refused(b" " * (64 * 1024 * 1024 + 1), "64 MB")


@pytest.mark.parametrize(
    "hostile",
    [
        GOOD.replace("<TxSts>ACSC", "<TxSts>张三6217000000000000001"),
        GOOD.replace("<TxSts>ACSC", "<TxSts>230102198001011234"),
        GOOD.replace(">A1<", ">6217000000000000001<").replace("<TxSts>ACSC</TxSts>", ""),
        GOOD.replace("pain.002.001.12", "6217000000000000001"),
        GOOD.replace("95.00", "6217000000000000001"),
    ],
)
def test_a_refusal_repeats_no_name_and_no_long_number(hostile: str) -> None:
    with pytest.raises(Refusal) as error:
        parse_inbound(hostile.encode())
    assert "张三" not in error.value.message
    assert not re.search(r"[0-9]{10}", error.value.message)
