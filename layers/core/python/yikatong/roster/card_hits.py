"""The card rule as advice, when a roster arrives: what the registry says of each payee."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from yikatong import cards
from yikatong.plan import SubsidySettings
from yikatong.roster import repeats
from yikatong.roster.columns import Column
from yikatong.roster.context import RegistryFor
from yikatong.roster.findings import Level
from yikatong.roster.hits import NOWHERE, Hit
from yikatong.roster.side_by_side import pieces, side_by_side


def card_hits(rows: pl.DataFrame, registry_for: RegistryFor, settings: SubsidySettings) -> list[Hit]:
    """What is found of the payees' cards. Rows without a right payee id have no card to look for."""
    payees = rows.select("at", "payee_id", "payee_name", "account", "payee_number", "beneficiary_number")
    right = payees["payee_number"].is_not_null()
    registry = registry_for(payees["payee_id"] if right.all() else payees["payee_id"].filter(right))

    def judge(some: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        # In the registry's order: to jump about in it costs several times more than to sort.
        judged = cards.judge_cards(some.sort("payee_number"), registry, account_allowed=settings.account_allowed)
        spoken = judged.filter(pl.col("card_code").is_not_null() & pl.col("payee_number").is_not_null())
        return spoken.select("at", "card_code", "payee_number", "beneficiary_number"), judged.select(
            "at", "payee_id", "pay_account"
        )

    parts = side_by_side(judge, pieces(payees))
    spoken = pl.concat([part for part, _ in parts])
    own = spoken["payee_number"].eq(spoken["beneficiary_number"]).fill_null(False)
    found: list[Hit] = []
    for code in spoken["card_code"].unique().sort().to_list():
        # Where the beneficiary is the payee, the clerk looks for the fault in the beneficiary's own columns.
        for mine, columns in ((own, (Column.NAME, Column.ID)), (~own, (Column.PAYEE_NAME, Column.PAYEE_ID))):
            at = spoken["at"].filter((spoken["card_code"] == code) & mine)
            found.append(Hit(code, columns[code != "card_name_differs"], at))
    # The registry may give one account to two holders, and a roster's own account may be somebody else's card.
    paid = pl.concat([part for _, part in parts])
    return found + [replace(hit, column=Column.ID) for hit in repeats.shared_accounts(paid, "pay_account")]


def without_consequences(hits: Sequence[Hit]) -> list[Hit]:
    """The hits without what only follows from others.

    A name that is wrong in itself, or missing, has been named; that it also differs from the registry's says nothing more. And
    what the roster's own accounts share need not be said again of the cards'.
    """
    said = _positions(hit for hit in hits if hit.code == "account_shared" and hit.column is Column.ACCOUNT)
    kept: list[Hit] = []
    for hit in hits:
        if hit.code == "card_name_differs":
            named = _positions(other for other in hits if _names(other, hit.column))
            kept.append(replace(hit, at=hit.at.filter(~hit.at.is_in(named.implode()))))
        elif hit.code != "account_shared" or hit.column is Column.ACCOUNT or not hit.at.is_in(said.implode()).all():
            kept.append(hit)
    return kept


def _names(hit: Hit, column: Column) -> bool:
    """Whether a hit says of names in a column that they are wrong."""
    wrong = hit.column is column and hit.code.startswith("name_") and hit.level is not Level.REMARK
    return wrong or (hit.code == "payee_incomplete" and column is Column.PAYEE_NAME)


def _positions(hits: Iterable[Hit]) -> pl.Series:
    return pl.concat([NOWHERE, *(hit.at for hit in hits)])
