"""The card rule (DESIGN §4): which card can be paid, which waits, which the approver must accept."""

from datetime import date

import polars as pl
import pytest

from yikatong.cards import (
    SCHEMA,
    TITLES,
    CardState,
    as_registry,
    empty_registry,
    judge_cards,
    partitions_of,
    read_snapshot,
    split_by_partition,
)
from yikatong.errors import Refusal
from yikatong.roster.people import invent_people
from yikatong.roster.sample import cards_csv

ON = date(2023, 6, 10)
ID, OTHER = (person.id_number for person in invent_people(2, region="230102", seed=1, on=ON))
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


def test_judging_finds_cards_in_an_unsorted_registry_and_keeps_the_rows_order() -> None:
    people = invent_people(50, region="230102", seed=3, on=ON)
    registry = read_snapshot(cards_csv(people), ON).frame.sample(fraction=1, shuffle=True, seed=1)
    rows = pl.DataFrame({"payee_id": [p.id_number for p in people], "payee_name": [p.name for p in people]})
    judged = judge_cards(rows.with_columns(account=pl.lit(None, dtype=pl.String)), registry, account_allowed=True)
    assert judged["pay_account"].to_list() == [person.account for person in people]


def test_a_snapshot_is_typed_and_split_by_city() -> None:
    people = [*invent_people(20, region="230102", seed=3, on=ON), *invent_people(20, region="231202", seed=3, on=ON)]
    snapshot = read_snapshot(cards_csv(people), ON)
    assert snapshot.faults.is_empty()
    assert snapshot.frame.schema == SCHEMA
    parts = split_by_partition(snapshot.frame)
    assert list(parts) == partitions_of(person.id_number for person in people)
    assert sum(part.height for part in parts.values()) == 40
    assert all(part["id_number"].str.starts_with(city).all() for city, part in parts.items())


def test_a_snapshots_bad_rows_are_named_and_their_holders_left_without_a_card() -> None:
    good = f"张三,{ID},{CARD},龙江银行,口头挂失,启用,未激活"
    lines = [
        good,
        good,
        f"李四,{OTHER},{CARD},龙江银行,正常,启用,已激活",
        f"李四,{OTHER},{OWN},龙江银行,正常,启用,已激活",
        f"王五,{ID[:-2]},{CARD},龙江银行,正常,启用,已激活",
        f"王五,{ID},{CARD},龙江银行,好的,启用,已激活",
        f"王五,{ID},12,龙江银行,正常,启用,已激活",
        f"王五,{ID},{CARD},龙江银行,正常,也许,已激活",
    ]
    snapshot = read_snapshot("\n".join([",".join(TITLES.values()), *lines]).encode("gb18030"), ON)
    assert snapshot.frame.rows() == [(ID, "张三", CARD, "龙江银行", "lost", True, False, int(ID[:17]))]
    assert snapshot.faults.rows() == [
        (4, "card_repeated"),
        (5, "card_repeated"),
        (6, "card_id_invalid"),
        (7, "card_state_unknown"),
        (8, "card_account_invalid"),
        (9, "card_flag_unknown"),
    ]


def test_a_snapshot_without_a_column_is_refused_by_name() -> None:
    with pytest.raises(Refusal, match="卡状态"):
        read_snapshot("姓名,身份证号,社保卡账号,服务银行,社保账户,金融账户\n".encode(), ON)
