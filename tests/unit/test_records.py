"""Public records: a key only the person can form, words they understand, and nothing that names them."""

import json
from dataclasses import replace

import pytest

from yikatong.bank.codes import reason
from yikatong.records import Outcome, as_told, normalise_name, person_key, record_of
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
    assert told(REJECTED) == [("REJECTED", "银行未能入账：卡已挂失")]
    assert told(REJECTED, again) == [("SETTLED", "已发放到社保卡，尾号1234"), ("REISSUED", "已重新发放")]
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
    assert ("REJECTED", "银行未能入账：卡已挂失") in told(REJECTED, *others)
    frozen = replace(SETTLED, state=PaymentState.FROZEN)
    assert told(frozen, replace(SETTLED, attempt=2))[1] == ("FROZEN", "银行正在核实")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "已发放到社保卡，尾号1234"),
        ({"channel": "account"}, "已发放到银行账户，尾号1234"),
        ({"activated": False}, "已发放到社保卡，尾号1234；卡未激活，钱已入账，激活后可用"),
        ({"account_tail": ""}, "已发放到社保卡"),
        (
            {"state": PaymentState.RETURNED, "failure": reason("account_closed").payee_text},
            "银行退回：账户已注销，请到服务银行办理",
        ),
        ({"state": PaymentState.REJECTED, "failure": "卡已挂失"}, "银行未能入账：卡已挂失"),
        ({"state": PaymentState.REJECTED}, "银行未能入账"),
        ({"state": PaymentState.FROZEN}, "银行正在核实"),
    ],
)
def test_the_status_says_in_words_where_the_money_is(changes: dict[str, object], words: str) -> None:
    assert record_of("k", replace(SETTLED, **changes))["status"] == words  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["CLAIMED", "INSTRUCTED", "IN_DOUBT", "REISSUED"])
def test_an_outcome_that_is_not_final_makes_no_record(state: str) -> None:
    with pytest.raises(AssertionError, match="not told to the public"):
        record_of("k", replace(SETTLED, state=PaymentState(state)))


def test_a_longer_tail_than_four_digits_makes_no_record() -> None:
    with pytest.raises(AssertionError, match="four digits"):
        record_of("k", replace(SETTLED, account_tail=ACCOUNT[-5:]))
