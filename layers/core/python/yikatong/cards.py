"""社会保障卡: the registry of cards, and the one rule that says whether a payment may go to one (DESIGN §4).

The rule is asked twice of the same function: when a roster arrives, as advice, and at claim time against the registry
version the run froze, as law. The registry is kept in partitions by the first four digits of the id number (the city),
so that a batch reads only what it needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from yikatong import identity
from yikatong.errors import Refusal
from yikatong.roster.encoding import to_utf8
from yikatong.roster.findings import Unreadable
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
_YES = ("启用", "已启用", "激活", "已激活", "是", "1")
_NO = ("未启用", "停用", "未激活", "否", "0")
# The registry's typed columns, as its Parquet partitions hold them.
SCHEMA: dict[str, pl.DataType] = {
    "id_number": pl.String(),
    "name": pl.String(),
    "account": pl.String(),
    "service_bank": pl.String(),
    "card_state": pl.String(),
    "social_account": pl.Boolean(),
    "financial_account": pl.Boolean(),
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
# Why a row of a snapshot was left out; its holder is then without a card, and held, never paid on a guess.
FAULTS = {
    "card_id_invalid": "身份证号不正确",
    "card_name_empty": "姓名是空的",
    "card_state_unknown": f"卡状态不是 {'、'.join(CHINESE_STATES)} 之一",
    "card_account_invalid": "社保卡账号不是10至30位数字",
    "card_flag_unknown": "社保账户或金融账户不是“启用/未启用”“已激活/未激活”",
    "card_repeated": "同一身份证号有内容不同的多行",
}


@dataclass(frozen=True)
class CardSnapshot:
    """A registry snapshot: `frame` in SCHEMA, one row per id number; `faults` (row Int32, code) left out of it."""

    frame: pl.DataFrame
    faults: pl.DataFrame


def empty_registry() -> pl.DataFrame:
    return pl.DataFrame(schema=SCHEMA)


def partitions_of(ids: pl.Series | Iterable[str | None]) -> list[str]:
    """The partitions (first four digits, sorted) that hold these holders' cards."""
    series = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.String)
    return series.str.slice(0, PARTITION_DIGITS).unique().drop_nulls().sort().to_list()


def split_by_partition(registry: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The registry by partition, each sorted by id number so that equal snapshots give equal files."""
    keyed = registry.with_columns(pl.col("id_number").str.slice(0, PARTITION_DIGITS).alias("partition")).sort(
        "id_number"
    )
    parts = keyed.partition_by("partition", as_dict=True, include_key=False, maintain_order=True)
    return {str(key[0]): part for key, part in parts.items()}


def read_snapshot(data: bytes, on: date) -> CardSnapshot:
    """Read a registry CSV (columns by TITLES). Unreadable files and missing columns raise Refusal; bad rows are named.

    `on` is the day the snapshot speaks of: nobody is born after it.
    """
    try:
        text = to_utf8(data)
        raw = pl.read_csv(text, infer_schema=False)
    except Unreadable as error:
        raise Refusal(error.findings[0].message, "bad_cards") from None
    except pl.exceptions.PolarsError:
        raise Refusal("社会保障卡数据文件读不出来：请确认是 CSV，且每行的格数与表头相同", "bad_cards") from None
    raw = raw.rename({name: name.strip('\ufeff \t"') for name in raw.columns})
    if missing := [title for title in TITLES.values() if title not in raw.columns]:
        raise Refusal(f"社会保障卡数据缺少“{'、'.join(missing)}”列", "bad_cards")
    cells = raw.select(pl.col(title).str.strip_chars().alias(name) for name, title in TITLES.items())
    typed = _typed(cells.with_row_index("row", offset=2).with_columns(pl.col("row").cast(pl.Int32)), on)
    good = typed.filter(pl.col("fault").is_null())
    # The same row twice is one card; two different rows for one holder are nobody's word on where to pay.
    distinct = good.unique(subset=list(SCHEMA), keep="first", maintain_order=True)
    repeated = distinct.filter(pl.col("id_number").is_duplicated())
    faults = pl.concat(
        [
            typed.filter(pl.col("fault").is_not_null()).select("row", code="fault"),
            repeated.select("row", code=pl.lit("card_repeated")),
        ]
    ).sort("row")
    frame = distinct.join(repeated.select("id_number").unique(), on="id_number", how="anti").select(*SCHEMA)
    return CardSnapshot(frame.sort("id_number"), faults)


def _typed(cells: pl.DataFrame, on: date) -> pl.DataFrame:
    def flag(name: str) -> pl.Expr:
        return pl.when(pl.col(name).is_in(_YES)).then(True).when(pl.col(name).is_in(_NO)).then(False).alias(name)

    states = {**CHINESE_STATES, **{str(state): state for state in CardState}}
    state = pl.col("card_state").replace_strict(
        list(states), [str(value) for value in states.values()], default=None, return_dtype=pl.String
    )
    typed = cells.lazy().with_columns(
        identity.normalise_expression(pl.col("id_number")).alias("id_number"),
        normalise_name_expression(pl.col("name")).alias("name"),
        state.alias("card_state"),
        flag("social_account"),
        flag("financial_account"),
    )
    number = identity.number_expression(pl.col("id_number"))
    no_card = pl.col("card_state") == CardState.NONE
    flags_known = pl.col("social_account").is_not_null() & pl.col("financial_account").is_not_null()
    account_known = pl.col("account").str.contains(ACCOUNT_PATTERN).fill_null(False)
    fault = (
        pl.when(identity.fault_expression(pl.col("id_number"), number, on) != 0)
        .then(pl.lit("card_id_invalid"))
        .when(pl.col("name").is_null())
        .then(pl.lit("card_name_empty"))
        .when(pl.col("card_state").is_null())
        .then(pl.lit("card_state_unknown"))
        .when(~no_card & ~account_known)
        .then(pl.lit("card_account_invalid"))
        .when(~no_card & ~flags_known)
        .then(pl.lit("card_flag_unknown"))
    )
    return typed.with_columns(fault.alias("fault")).collect()


def judge_cards(rows: pl.DataFrame, registry: pl.DataFrame, *, account_allowed: bool) -> pl.DataFrame:
    """Where each row's money may go, by the registry (SCHEMA, one row per id number); row order is kept.

    `rows` needs `payee_id`, `payee_name`, `account` (the roster's own, null where none). Added: `pay_account`, `channel`
    (`card` | `account`), `service_bank` (of a card), all null where nothing can be paid; `card_level` (`pay`, `hold`,
    `review`); `card_code`, a finding's code or null. Names are compared after normalisation.

    A card that cannot be paid comes before a name that differs: a name may be accepted by an approver, and that word
    must never open a lost card.
    """
    joined = rows.hstack(_cards_of(rows, registry))
    joined = joined.with_columns(_names_differ(joined))
    known = pl.col("card_state").fill_null(CardState.NONE) != CardState.NONE
    usable = ((pl.col("card_state") == CardState.NORMAL) & pl.col("social_account")).fill_null(False)
    by_account = pl.lit(account_allowed) & pl.col("account").is_not_null() & ~usable
    differs = pl.col("name_differs") & known & (usable | by_account)
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
    judged = joined.lazy().with_columns(
        pl.when(usable).then(pl.col("card_account")).when(by_account).then(pl.col("account")).alias("pay_account"),
        pl.when(usable)
        .then(pl.lit(str(Channel.CARD)))
        .when(by_account)
        .then(pl.lit(str(Channel.ACCOUNT)))
        .alias("channel"),
        pl.when(usable).then(pl.col("card_service_bank")).alias("service_bank"),
        level.alias("card_level"),
        code.alias("card_code"),
    )
    added = ("pay_account", "channel", "service_bank", "card_level", "card_code")
    return judged.select(*rows.columns, *added).collect()


def _cards_of(rows: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Each row's card (nulls where none), by binary search: on sorted partitions several times faster than a join."""
    digits = identity.number_expression
    cards = registry.rechunk().with_columns(digits(pl.col("id_number")).alias("number"))
    if cards["number"].null_count():
        cards = cards.filter(pl.col("number").is_not_null())
    if not cards["number"].is_sorted():
        cards = cards.sort("number")
    numbers = cards["number"]
    assert not (numbers == numbers.shift(1)).any(), "a registry holds one row per id number"
    wanted = rows.select(digits(pl.col("payee_id")).fill_null(0)).to_series()
    place = numbers.search_sorted(wanted)
    place = place.to_frame("at").select(pl.when(pl.col("at") < cards.height).then(pl.col("at"))).to_series()
    # The 17 digits lead to the row; the whole id must agree.
    same = cards["id_number"].gather(place) == rows["payee_id"]
    place = pl.DataFrame({"at": place, "same": same}).select(pl.when(pl.col("same")).then(pl.col("at"))).to_series()
    return cards.select(
        *(pl.col(name).gather(place).alias(f"card_{name}") for name in ("name", "account", "service_bank")),
        *(pl.col(name).gather(place) for name in ("card_state", "social_account", "financial_account")),
    )


def _names_differ(joined: pl.DataFrame) -> pl.Series:
    """Whether registry and roster name the holder differently. Only names that differ as written are normalised."""
    differs = joined.select(
        pl.col("card_name").is_not_null() & pl.col("card_name").ne_missing(pl.col("payee_name"))
    ).to_series()
    at = differs.arg_true()
    if at.is_empty():
        return differs.alias("name_differs")
    names = joined.select("card_name", "payee_name")[at]
    normal = names.select(normalise_name_expression(pl.all()))
    truly = normal.select(pl.col("card_name").ne_missing(pl.col("payee_name"))).to_series()
    return differs.scatter(at, truly).alias("name_differs")
