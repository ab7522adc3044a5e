"""Public records: a key only the person can form, words they understand, and nothing that names them."""

import json
import traceback
from dataclasses import replace

import pytest

from yikatong.bank.codes import REASONS, Reason, reason
from yikatong.records import (
    FOLLOWED,
    Outcome,
    RecordKeys,
    UnreadableKeys,
    as_told,
    key_mark,
    normalise_name,
    person_key,
    record_of,
    records_of,
)
from yikatong.states import PaymentState

SECRET = b"a secret of the tests"
ID, NAME, ACCOUNT = "230102199001011230", "张三丰", "6217001234567891234"
SETTLED = Outcome(
    role="beneficiary",
    code="urban-minimum-living",
    subsidy="城市最低生活保障金",
    plan_year=2023,
    region="230102",
    slot="2023-06",
    payment_id="P" * 26,
    attempt=1,
    amount_fen=65_000,
    state=PaymentState.SETTLED,
    channel="card",
    account_tail=ACCOUNT[-4:],
    seq=1,
    paid_on="2023-06-12",
)


@pytest.mark.parametrize(
    ("id_number", "name"),
    [
        ("23010219900101123x", "张三丰"),
        ("２３０１０２１９９００１０１１２３Ｘ", " 张三丰 "),
        (" 230102 19900101 123X ", "张 三丰"),
    ],
)
def test_the_key_does_not_depend_on_how_id_and_name_are_typed(id_number: str, name: str) -> None:
    assert person_key(SECRET, id_number, name) == person_key(SECRET, "23010219900101123X", "张三丰")


def test_a_fifteen_digit_id_is_the_same_person() -> None:
    assert person_key(SECRET, "230102900101123", NAME) == person_key(SECRET, ID, NAME)


@pytest.mark.parametrize("dot", "·•‧・･．.")
def test_every_dot_in_a_name_is_the_same_dot(dot: str) -> None:
    assert normalise_name(f"阿依古丽{dot}买买提") == "阿依古丽·买买提"


def test_another_name_id_or_secret_is_another_key() -> None:
    key = person_key(SECRET, ID, NAME)
    others = {
        person_key(SECRET, ID, "张三"),
        person_key(SECRET, "230102199001011249", NAME),
        person_key(b"rotated", ID, NAME),
    }
    assert key not in others
    assert len(others) == 3
    assert len(key) == 64


def test_a_record_holds_no_id_account_or_name() -> None:
    written = json.dumps(record_of(person_key(SECRET, ID, NAME), SETTLED), ensure_ascii=False)
    for secret in (ID, NAME, ACCOUNT, ID[:17], ACCOUNT[-5:]):
        assert secret not in written


def test_beneficiary_and_payee_see_the_same_payment_as_two_entries() -> None:
    one, two = record_of("k1", SETTLED), record_of("k2", replace(SETTLED, role="payee"))
    assert one["sk"] == f"2023-06#{'P' * 26}-1#beneficiary"
    assert two["sk"] == f"2023-06#{'P' * 26}-1#payee"


REJECTED = replace(SETTLED, state=PaymentState.REJECTED, paid_on="", failure="卡已挂失")


def told(*outcomes: Outcome) -> list[tuple[str, str]]:
    return [(record["state"], record["status"]) for record in as_told(record_of("k", one) for one in outcomes)]


def test_a_failed_attempt_that_was_followed_by_another_is_told_as_reissued() -> None:
    again = replace(SETTLED, attempt=2)
    assert told(REJECTED) == [("REJECTED", "银行退回：卡已挂失")]
    assert told(REJECTED, again) == [("SETTLED", "已发放到社保卡，尾号 1234"), ("REISSUED", FOLLOWED)]
    returned = replace(SETTLED, state=PaymentState.RETURNED)
    assert [state for state, _ in told(returned, replace(REJECTED, attempt=2))] == ["REJECTED", "REISSUED"]
    assert [state for state, _ in told(REJECTED, replace(REJECTED, attempt=2), replace(SETTLED, attempt=3))] == [
        "SETTLED",
        "REISSUED",
        "REISSUED",
    ]


def test_whatever_was_tried_a_payment_is_told_as_paid_once_at_most() -> None:
    """Its amount is in no sum of paid ones twice."""
    attempts = [replace(REJECTED, attempt=1), replace(REJECTED, attempt=2), replace(SETTLED, attempt=3)]
    assert [state for state, _ in told(*attempts)].count("SETTLED") == 1


def test_another_slot_role_or_payment_is_no_further_attempt_and_a_contradicted_one_is_told_as_it_is() -> None:
    others = [
        replace(SETTLED, attempt=2, slot="2023#FLOOD"),
        replace(SETTLED, attempt=2, role="payee"),
        replace(SETTLED, attempt=2, payment_id="Q" * 26),
    ]
    assert ("REJECTED", "银行退回：卡已挂失") in told(REJECTED, *others)
    frozen = replace(SETTLED, state=PaymentState.FROZEN)
    assert told(frozen, replace(SETTLED, attempt=2))[1] == ("FROZEN", "银行正在核实，请等待")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "已发放到社保卡，尾号 1234"),
        ({"channel": "account"}, "已发放到银行账户，尾号 1234"),
        ({"activated": False}, "卡未激活，钱已入账，激活后可用"),
        ({"account_tail": ""}, "已发放到社保卡"),
        (
            {"state": PaymentState.RETURNED, "failure": reason("account_closed").payee_text},
            "银行退回：账户已注销，请到服务银行办理",
        ),
        ({"state": PaymentState.REJECTED, "failure": "卡已挂失"}, "银行退回：卡已挂失"),
        ({"state": PaymentState.REJECTED}, "银行退回，请到服务银行查询"),
        (
            {"state": PaymentState.REJECTED, "failure": reason("account_closed").payee_text},
            "银行退回：账户已注销，请到服务银行办理",
        ),
        ({"state": PaymentState.RETURNED}, "银行退回，请到服务银行查询"),
        ({"state": PaymentState.FROZEN}, "银行正在核实，请等待"),
    ],
)
def test_the_status_says_in_words_where_the_money_is(changes: dict[str, object], words: str) -> None:
    assert record_of("k", replace(SETTLED, **changes))["status"] == words  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [PaymentState.REJECTED, PaymentState.RETURNED])
@pytest.mark.parametrize("why", [why for why in REASONS if why.final], ids=lambda why: why.code)
def test_whoever_was_not_paid_reads_why_and_what_to_do(state: PaymentState, why: Reason) -> None:
    """A sentence a villager can act on: no code, no Latin letter, and either where to go or that there is nothing to do."""
    words = record_of("k", replace(SETTLED, state=state, failure=why.payee_text))["status"]
    assert words == f"银行退回：{why.payee_text}"
    assert "请" in words or "无需您办理" in words
    assert not any(character.isascii() for character in words)
    assert words.count("退回") == 1, "it says so once"


def test_the_secret_is_a_plain_key_or_says_what_is_read_and_what_is_also_written() -> None:
    old, new = "the key of old, long enough", "the key that follows, long"
    assert RecordKeys.of_secret(old) == RecordKeys(old.encode())
    assert RecordKeys.of_secret(json.dumps({"read": old})) == RecordKeys(old.encode())
    assert RecordKeys.of_secret(json.dumps({"read": old, "also_write": None})) == RecordKeys(old.encode())
    both = RecordKeys.of_secret(json.dumps({"read": old, "also_write": new}))
    assert list(both.written.items()) == [(key_mark(key.encode()), key.encode()) for key in (old, new)]


@pytest.mark.parametrize(
    "text",
    [
        '{"read": "the key of old, long enough"',
        '{"also_write": "the key of old, long enough"}',
        '{"read": "short"}',
        '{"read": "the key of old, long enough", "also_write": ""}',
        '{"read": "the key of old, long enough", "also_write": "the key of old, long enough"}',
        '{"read": "the key of old, long enough", "write": "the key that follows, long"}',
    ],
)
def test_keys_that_cannot_be_read_are_refused_and_in_no_message(text: str) -> None:
    with pytest.raises(UnreadableKeys) as refused:
        RecordKeys.of_secret(text)
    assert "".join(traceback.format_exception(refused.value)).count("the key of old") == 0


def test_keys_are_in_no_printed_form_and_a_mark_is_of_one_key_alone() -> None:
    keys = RecordKeys(b"the key of old, long enough", b"the key that follows, long")
    assert "key of" not in repr(keys)
    marks = set(keys.written)
    assert len(marks) == 2
    assert {len(mark) for mark in marks} == {8}


def test_a_record_is_written_under_every_key_and_bears_its_mark() -> None:
    keys = RecordKeys(SECRET, b"another secret of the tests")
    one, two = records_of(keys.written, ID, NAME, SETTLED)
    assert (one["pk"], one["key_mark"]) == (person_key(SECRET, ID, NAME), key_mark(SECRET))
    assert one["pk"] != two["pk"]
    assert one["key_mark"] != two["key_mark"]
    assert {**one, "pk": "", "key_mark": ""} == {**two, "pk": "", "key_mark": ""}


@pytest.mark.parametrize("state", ["CLAIMED", "INSTRUCTED", "IN_DOUBT", "REISSUED"])
def test_an_outcome_that_is_not_final_makes_no_record(state: str) -> None:
    with pytest.raises(AssertionError, match="not told to the public"):
        record_of("k", replace(SETTLED, state=PaymentState(state)))


def test_a_longer_tail_than_four_digits_makes_no_record() -> None:
    with pytest.raises(AssertionError, match="four digits"):
        record_of("k", replace(SETTLED, account_tail=ACCOUNT[-5:]))
