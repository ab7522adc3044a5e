"""The registry that people's cards stand in, without the way through a file."""

from collections.abc import Iterable

import polars as pl

from yikatong import cards
from yikatong.cards import CardState
from yikatong.roster.people import Person


def registry_of(people: Iterable[Person]) -> pl.DataFrame:
    """Each person's card as the registry knows it."""
    rows = [
        {
            "id_number": person.id_number,
            "name": person.name,
            "account": None if person.card_state is CardState.NONE else person.account,
            "service_bank": person.service_bank,
            "card_state": str(person.card_state),
            "social_account": person.social_account,
            "financial_account": person.financial_account,
        }
        for person in people
    ]
    kinds = {name: kind for name, kind in cards.SCHEMA.items() if name != "number"}
    return cards.as_registry(pl.DataFrame(rows, schema=kinds))
