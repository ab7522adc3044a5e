"""Payment messages: valid to the schema, the same bytes every time, no amount or name changed on the way."""

import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import polars as pl
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from yikatong.bank import pain001
from yikatong.bank.debtor import Debtor
from yikatong.bank.pain001 import build_message, message_id, message_plan
from yikatong.bank.settings import committed_banks
from yikatong.errors import Refusal

Schema = Callable[[str], xmlschema.XMLSchema]

GOLDEN = Path(__file__).parent / "golden"
CREATED_AT = datetime(2023, 6, 12, 9, 30, tzinfo=timezone(timedelta(hours=8)))
DIGEST = "00112233445566778899aabbccddeeff"
NS = {"p": pain001.NAMESPACE}


def lines(*rows: tuple[str, int, str, str, str | None, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=pain001.LINES, orient="row")


THREE = lines(
    ("A2B3C4D5E6F7G2H3J4K5M6N7P8A1", 9500, "张三", "6217000000000000001", "龙江农信", "困难残疾人生活补贴 2023-06"),
    ("B2B3C4D5E6F7G2H3J4K5M6N7P8A1", 1, "阿依古丽·买买提", "6217000000000000002", None, "困难残疾人生活补贴 2023-06"),
    ("C2B3C4D5E6F7G2H3J4K5M6N7P8A2", 123456789, '䶮<&>"𬎆', "6217000000000000003", "工行", "耕地地力保护补贴 2023"),
)


def build(frame: pl.DataFrame, trial: bool = False, debtor: Debtor | None = None) -> bytes:
    debtor = debtor or committed_banks().debtor("230102")
    return build_message(frame, message_id(DIGEST, 1, trial), CREATED_AT, debtor, date(2023, 6, 12), trial)


@pytest.mark.parametrize("trial", [False, True])
def test_a_message_is_valid_to_the_iso_schema(schema: Schema, trial: bool) -> None:
    schema("pain.001.001.09").validate(build(THREE, trial).decode())


@pytest.mark.parametrize(("trial", "name"), [(False, "pain001-formal.xml"), (True, "pain001-trial.xml")])
def test_a_message_is_byte_for_byte_the_golden_one(trial: bool, name: str) -> None:
    assert build(THREE, trial) == (GOLDEN / name).read_bytes()


def test_the_same_input_gives_the_same_bytes_and_another_order_gives_others() -> None:
    assert build(THREE) == build(THREE.clone().rechunk())
    assert build(THREE) != build(THREE.reverse())


def test_extra_columns_do_not_change_a_message() -> None:
    assert build(THREE.with_columns(slot=pl.lit("2023"))) == build(THREE)


def test_counts_and_control_sums_are_those_of_the_lines() -> None:
    root = ElementTree.fromstring(build(THREE))
    assert [found.text for found in root.iterfind(".//p:NbOfTxs", NS)] == ["3", "3"]
    assert [found.text for found in root.iterfind(".//p:CtrlSum", NS)] == ["1234662.90", "1234662.90"]


def test_a_payee_without_a_known_bank_gets_no_agent() -> None:
    root = ElementTree.fromstring(build(THREE))
    agents = [line.find("p:CdtrAgt", NS) is not None for line in root.iterfind(".//p:CdtTrfTxInf", NS)]
    assert agents == [True, False, True]


def test_a_treasury_named_with_markup_is_escaped(schema: Schema) -> None:
    built = build(THREE, debtor=Debtor("A<b>&财政局", "1", "B&C 银行", "102261000012"))
    schema("pain.001.001.09").validate(built.decode())
    assert ElementTree.fromstring(built).findtext(".//p:Dbtr/p:Nm", namespaces=NS) == "A<b>&财政局"


PRINTABLE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=140
)


@given(
    st.lists(
        st.tuples(st.integers(1, pain001.MAX_AMOUNT_FEN), PRINTABLE, st.none() | PRINTABLE, PRINTABLE),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_goes_in_is_what_a_bank_reads(rows: list[tuple[int, str, str | None, str]]) -> None:
    frame = lines(*((f"E{i}", fen, name, f"62{i}", bank, note) for i, (fen, name, bank, note) in enumerate(rows)))
    read = []
    for line in ElementTree.fromstring(build(frame)).iterfind(".//p:CdtTrfTxInf", NS):
        whole, _, cents = (line.findtext("p:Amt/p:InstdAmt", namespaces=NS) or "").partition(".")
        read.append(
            (
                int(whole) * 100 + int(cents),
                line.findtext("p:Cdtr/p:Nm", namespaces=NS),
                line.findtext("p:CdtrAgt/p:FinInstnId/p:Nm", namespaces=NS),
                line.findtext("p:RmtInf/p:Ustrd", namespaces=NS),
            )
        )
    assert read == rows


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount_fen", 0, "金额"),
        ("amount_fen", None, "金额"),
        ("amount_fen", pain001.MAX_AMOUNT_FEN + 1, "金额"),
        ("payee_name", "", "收款人姓名"),
        ("payee_name", "张\r三", "收款人姓名"),
        ("payee_name", "张\uffff", "收款人姓名"),
        ("payee_name", None, "收款人姓名"),
        ("payee_name", "张" * 141, "收款人姓名"),
        ("service_bank", "", "服务银行"),
        ("pay_account", "6217\n", "账号"),
        ("pay_account", "６２１７", "账号"),
        ("pay_account", None, "账号"),
        ("end_to_end_id", "A" * 36, "付款号"),
        ("remittance", "x" * 141, "附言"),
    ],
)
def test_a_line_no_bank_could_read_is_refused_by_row_and_column_without_its_content(
    column: str, value: object, said: str
) -> None:
    bad = THREE.with_columns(
        pl.when(pl.int_range(pl.len()) == 1)
        .then(pl.lit(value, dtype=pain001.LINES[column]))
        .otherwise(pl.col(column))
        .alias(column)
    )
    with pytest.raises(Refusal, match=rf"{said}.*1行，首见第2行") as refused:
        build(bad)
    assert "6217" not in refused.value.message


def test_all_faults_are_reported_at_once() -> None:
    with pytest.raises(Refusal, match=r"付款号.*金额.*收款人姓名"):
        build(THREE.with_columns(end_to_end_id=pl.lit("SAME"), amount_fen=pl.lit(-1), payee_name=pl.lit("\t")))


def test_a_message_id_and_its_channel_must_agree() -> None:
    debtor = committed_banks().debtor("23")
    with pytest.raises(ValueError, match="channel"):
        build_message(THREE, message_id(DIGEST, 1, True), CREATED_AT, debtor, date(2023, 6, 12), trial=False)


def test_a_creation_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        build_message(
            THREE,
            message_id(DIGEST, 1, False),
            CREATED_AT.replace(tzinfo=None),
            committed_banks().debtor("23"),
            date.max,
            False,
        )


@given(st.integers(0, 30_000), st.integers(5, 5_000))
def test_a_plan_covers_every_row_once_in_order_within_the_limit(n_rows: int, max_lines: int) -> None:
    covered = [row for offset, length in message_plan(n_rows, max_lines) for row in range(offset, offset + length)]
    assert covered == list(range(n_rows))
    assert all(0 < length <= max_lines for _, length in message_plan(n_rows, max_lines))


def test_message_ids_fit_are_distinct_and_name_the_channel() -> None:
    ids = {message_id("f" * 64, ordinal, trial) for ordinal in (1, 9_999) for trial in (False, True)}
    assert len(ids) == 4
    assert max(map(len, ids)) <= 35
    assert {found[0] for found in ids} == {"F", "T"}
    for digest, ordinal in (("XYZ", 1), ("f" * 15, 1), ("f" * 16, 0), ("f" * 16, 10_000)):
        with pytest.raises(ValueError, match=r"digest|outside"):
            message_id(digest, ordinal, False)


def test_ten_thousand_lines_are_built_well_under_a_second() -> None:
    many = lines(*((f"E{i}", 100 + i, "张三", f"62170000{i:08d}", "龙江农信", "补贴 2023") for i in range(10_000)))
    started = time.perf_counter()
    build(many)
    assert time.perf_counter() - started < 1.0
