"""The closed list of reasons: every clearing code of FACTS, no code read two ways."""

import doctest

import pytest

from yikatong.bank import codes, pain001, reading
from yikatong.bank.codes import REASONS, reason, recognise


@pytest.mark.parametrize("module", [codes, pain001, reading])
def test_the_examples_in_the_documentation_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_no_code_means_two_things() -> None:
    every = [code for found in REASONS for code in (*found.iso, *found.raw)] + [found.code for found in REASONS]
    assert len(every) == len(set(every))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        *((raw, "name_mismatch") for raw in ("3031", "3065")),
        *((raw, "no_account") for raw in ("3009", "3030")),
        *((raw, "account_closed") for raw in ("3018", "3039")),
        *((raw, "account_frozen") for raw in ("3017", "3057")),
        *((raw, "wrong_account_type") for raw in ("3034", "3068")),
        ("3051", "duplicate"),
        ("3069", "account_dormant"),
        ("3006", "card_lost"),
        ("3056", "sent_back"),
        *((raw, "timeout") for raw in ("3028", "3059")),
        ("0000", "other"),
    ],
)
def test_every_clearing_code_of_the_table_is_recognised(raw: str, expected: str) -> None:
    assert recognise(None, raw).code == expected


def test_only_what_leaves_the_money_open_is_not_final() -> None:
    assert {found.code for found in REASONS if not found.final} == {"timeout", "duplicate"}


def test_doubt_wins_over_certainty_whichever_code_it_comes_by() -> None:
    assert not recognise("AB05", "3018").final
    assert not recognise("AC04", "3059").final


def test_a_payee_is_told_in_chinese_what_to_do() -> None:
    assert reason("account_closed").payee_text == "账户已注销，请到服务银行办理"
    assert all(not found.payee_text.isascii() for found in REASONS)
    with pytest.raises(KeyError):
        reason("unheard_of")
