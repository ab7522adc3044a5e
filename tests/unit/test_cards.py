"""The card rule (DESIGN §4): which card can be paid, which waits, which the approver must accept."""

from datetime import date

import polars as pl
import pytest

from yikatong.card_files import read_cards
from yikatong.cards import (
    SCHEMA,
    CardState,
    as_registry,
    empty_registry,
    judge_cards,
)
from yikatong.roster.people import invent_people
from yikatong.roster.sample import cards_csv

ON = date(2023, 6, 10)
ID = invent_people(1, region="230102", seed=1, on=ON)[0].id_number
CARD, OWN = "6231000000000000001", "6217000000000000002"


def _registry(state: CardState = CardState.NORMAL, social: bool = True, financial: bool = True) -> pl.DataFrame:
    columns = [name for name in SCHEMA if name != "number"]
    return as_registry(
        pl.DataFrame([[ID, "张三", CARD, "龙江银行", str(state), social, financial]], schema=columns, orient="row")
    )


def _judge(
    registry: pl.DataFrame, *, name: str = "张三", account: str | None = None, allowed: bool = True
) -> tuple[object, ...]:
    rows = pl.DataFrame(
        {"payee_id": [ID], "payee_name": [name], "account": [account]},
        schema={"payee_id": pl.String, "payee_name": pl.String, "account": pl.String},
    )
    judged = judge_cards(rows, registry, account_allowed=allowed)
    return judged.select("card_level", "card_code", "channel", "pay_account").row(0)


def test_a_normal_card_is_paid() -> None:
    assert _judge(_registry()) == ("pay", None, "card", CARD)


def test_a_card_whose_financial_account_is_not_activated_is_paid_with_a_remark() -> None:
    assert _judge(_registry(financial=False)) == ("pay", "card_financial_inactive", "card", CARD)


@pytest.mark.parametrize(
    ("registry", "code"),
    [
        (empty_registry(), "card_none"),
        (_registry(CardState.NONE), "card_none"),
        (_registry(CardState.INACTIVE, social=False, financial=False), "card_inactive"),
        (_registry(social=False), "card_social_off"),
        (_registry(CardState.LOST), "card_lost"),
        (_registry(CardState.FROZEN), "card_frozen"),
        (_registry(CardState.CANCELLED), "card_cancelled"),
    ],
)
def test_a_card_that_cannot_be_used_holds_the_row(registry: pl.DataFrame, code: str) -> None:
    assert _judge(registry) == ("hold", code, None, None)


def test_the_rosters_account_is_used_only_where_it_is_allowed_and_no_card_can_be() -> None:
    lost = _registry(CardState.LOST)
    assert _judge(lost, account=OWN) == ("pay", "account_used", "account", OWN)
    assert _judge(lost, account=OWN, allowed=False) == ("hold", "card_lost", None, None)
    assert _judge(_registry(), account=OWN) == ("pay", None, "card", CARD)


def test_a_name_that_differs_is_for_the_approver_to_accept() -> None:
    assert _judge(_registry(), name="李四") == ("review", "card_name_differs", "card", CARD)


def test_names_are_compared_after_normalisation() -> None:
    assert _judge(_registry(), name=" 张　三 ") == ("pay", None, "card", CARD)


def test_accepting_a_name_never_opens_a_lost_card() -> None:
    assert _judge(_registry(CardState.LOST), name="李四") == ("hold", "card_lost", None, None)


def test_an_id_that_shares_seventeen_digits_but_not_the_check_digit_has_no_card() -> None:
    wrong = ID[:17] + ("1" if ID[17] != "1" else "2")
    rows = pl.DataFrame({"payee_id": [wrong, ID, None], "payee_name": ["张三"] * 3}).with_columns(
        account=pl.lit(None, dtype=pl.String)
    )
    assert judge_cards(rows, _registry(), account_allowed=True)["card_code"].to_list() == [
        "card_none",
        None,
        "card_none",
    ]


def test_a_registry_out_of_its_order_is_noticed_and_nobody_is_held_for_it() -> None:
    people = invent_people(50, region="230102", seed=3, on=ON)
    registry = read_cards(cards_csv(people), ON).frame.sample(fraction=1, shuffle=True, seed=1)
    rows = pl.DataFrame({"payee_id": [p.id_number for p in people], "payee_name": [p.name for p in people]})
    with pytest.raises(AssertionError, match="order"):
        judge_cards(rows.with_columns(account=pl.lit(None, dtype=pl.String)), registry, account_allowed=True)
