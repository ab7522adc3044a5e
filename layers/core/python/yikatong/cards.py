"""社会保障卡: the registry of cards, and the one rule that says whether a payment may go to one (DESIGN §4).

The rule is asked twice of the same function: when a roster arrives, as advice, and at claim time against the registry
version the run froze, as law. The registry is kept in partitions by the first four digits of the id number (the city),
so that a batch reads only what it needs.
"""

from collections.abc import Iterable
from enum import StrEnum

import polars as pl

from yikatong import identity
from yikatong.roster.names import normalise_name_expression

PARTITION_DIGITS = 4
ACCOUNT_PATTERN = r"^[0-9]{10,30}$"


class CardState(StrEnum):
    """A card's state in the registry; only a normal card with its social account on can be paid."""

    NONE = "none"
    INACTIVE = "inactive"
    NORMAL = "normal"
    LOST = "lost"
    FROZEN = "frozen"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """Where a payment goes: the holder's card account, or the bank account the roster names."""

    CARD = "card"
    ACCOUNT = "account"


class CardLevel(StrEnum):
    """What the card means for the payment."""

    PAY = "pay"
    HOLD = "hold"
    REVIEW = "review"


CHINESE_STATES = {
    "无卡": CardState.NONE,
    "未激活": CardState.INACTIVE,
    "正常": CardState.NORMAL,
    "挂失": CardState.LOST,
    "书面挂失": CardState.LOST,
    "口头挂失": CardState.LOST,
    "冻结": CardState.FROZEN,
    "注销": CardState.CANCELLED,
}
STATE_WORDS = {str(state): title for title, state in reversed(CHINESE_STATES.items())}
# The registry as it is judged by: one row per id number, ascending by `number`, the id's first 17 digits. A row without
# a name stands for a holder whose card a change took away.
SCHEMA: dict[str, pl.DataType] = {
    "id_number": pl.String(),
    "name": pl.String(),
    "account": pl.String(),
    "service_bank": pl.String(),
    "card_state": pl.String(),
    "social_account": pl.Boolean(),
    "financial_account": pl.Boolean(),
    "number": pl.Int64(),
}
TITLES = {
    "name": "姓名",
    "id_number": "身份证号",
    "account": "社保卡账号",
    "service_bank": "服务银行",
    "card_state": "卡状态",
    "social_account": "社保账户",
    "financial_account": "金融账户",
}


def empty_registry() -> pl.DataFrame:
    return pl.DataFrame(schema=SCHEMA)


def as_registry(cards: pl.DataFrame) -> pl.DataFrame:
    """Cards (SCHEMA but for `number`; right ids, each once) as a registry. Every registry is made here."""
    numbers = identity.numbers_of(cards["id_number"]).alias("number")
    return cards.with_columns(numbers).sort("number").select(*SCHEMA)


def partitions_of(ids: pl.Series | Iterable[str | None]) -> list[str]:
    """The partitions (first four digits, sorted) that hold these holders' cards."""
    series = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.String)
    return series.str.slice(0, PARTITION_DIGITS).unique().drop_nulls().sort().to_list()


def judge_cards(rows: pl.DataFrame, registry: pl.DataFrame, *, account_allowed: bool) -> pl.DataFrame:
    """Where each row's money may go, by the registry (SCHEMA, one row per id number); row order is kept.

    `rows` needs `payee_id`, `payee_name`, `account` (the roster's own, null where none), and may have `payee_number`, the
    ids' `number_expression` if they are right. Added: `pay_account`, `channel`
    (`card` | `account`), `service_bank` (of a card), all null where nothing can be paid; `card_level` (`pay`, `hold`,
    `review`); `card_code`, a finding's code or null. Names are compared after normalisation.

    A card that cannot be paid comes before a name that differs: a name may be accepted by an approver, and that word
    must never open a lost card.
    """
    if "payee_number" in rows.columns:
        place = _places(rows["payee_number"], registry)
    else:
        place = _places(identity.numbers_of(rows["payee_id"]), registry)
        # The 17 digits lead to a card, but the whole id must agree.
        same = registry["id_number"].gather(place) == rows["payee_id"]
        place = place.zip_with(same.fill_null(False), _nowhere(place))
    cards = registry.select(pl.exclude("id_number", "number").gather(place))
    # Nearly every card is in order and its name as written. Those rows have one answer; the others are looked at.
    in_order = (cards["card_state"] == CardState.NORMAL) & cards["social_account"] & cards["financial_account"]
    others = (~(in_order & (cards["name"] == rows["payee_name"])).fill_null(False)).arg_true()
    judged = _judge_closely(rows[others], cards[others], account_allowed)
    every = {
        "pay_account": cards["account"],
        "channel": pl.repeat(str(Channel.CARD), rows.height, eager=True),
        "service_bank": cards["service_bank"],
        "card_level": pl.repeat(str(CardLevel.PAY), rows.height, eager=True),
        "card_code": pl.repeat(None, rows.height, dtype=pl.String, eager=True),
    }
    added = [column.scatter(others, judged[name]).alias(name) for name, column in every.items()]
    return rows.with_columns(added)


def _judge_closely(rows: pl.DataFrame, cards: pl.DataFrame, account_allowed: bool) -> pl.DataFrame:
    """The rule in full, for rows and beside each its card (nulls where none)."""
    joined = rows.select("payee_name", own_account="account").hstack(cards)
    normal = [normalise_name_expression(pl.col(name)) for name in ("name", "payee_name")]
    name_differs = pl.col("name").is_not_null() & normal[0].ne_missing(normal[1])
    known = pl.col("card_state").fill_null(CardState.NONE) != CardState.NONE
    usable = ((pl.col("card_state") == CardState.NORMAL) & pl.col("social_account")).fill_null(False)
    by_account = pl.lit(account_allowed) & pl.col("own_account").is_not_null() & ~usable
    differs = name_differs & known & (usable | by_account)
    held = (
        pl.when(~known)
        .then(pl.lit("card_none"))
        .when(pl.col("card_state") == CardState.NORMAL)
        .then(pl.lit("card_social_off"))
        .otherwise(pl.concat_str(pl.lit("card_"), pl.col("card_state")))
    )
    code = (
        pl.when(differs)
        .then(pl.lit("card_name_differs"))
        .when(usable & pl.col("financial_account"))
        .then(pl.lit(None, dtype=pl.String))
        .when(usable)
        .then(pl.lit("card_financial_inactive"))
        .when(by_account)
        .then(pl.lit("account_used"))
        .otherwise(held)
    )
    level = (
        pl.when(differs)
        .then(pl.lit(str(CardLevel.REVIEW)))
        .when(usable | by_account)
        .then(pl.lit(str(CardLevel.PAY)))
        .otherwise(pl.lit(str(CardLevel.HOLD)))
    )
    channel = pl.when(usable).then(pl.lit(str(Channel.CARD))).when(by_account).then(pl.lit(str(Channel.ACCOUNT)))
    judged = joined.lazy().select(
        pl.when(usable).then(pl.col("account")).when(by_account).then(pl.col("own_account")).alias("pay_account"),
        channel.alias("channel"),
        pl.when(usable).then(pl.col("service_bank")).alias("service_bank"),
        level.alias("card_level"),
        code.alias("card_code"),
    )
    return judged.collect()


def _places(wanted: pl.Series, registry: pl.DataFrame) -> pl.Series:
    """Where in the registry the cards of these id numbers (17 digits) stand (null: nowhere).

    By binary search: on an ascending registry several times faster than a join, most of all for numbers that ascend as well
    and need not jump about in it.
    """
    numbers = registry["number"]
    assert numbers.is_sorted(), "a registry stands in the order of its numbers"
    place = numbers.search_sorted(wanted.fill_null(0))
    # Beyond the last there is no card.
    inside = place.zip_with(place < len(numbers), _nowhere(place))
    return inside.zip_with((numbers.gather(inside) == wanted).fill_null(False), _nowhere(place))


def _nowhere(places: pl.Series) -> pl.Series:
    return pl.repeat(None, len(places), dtype=places.dtype, eager=True)
