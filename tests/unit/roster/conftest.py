"""One subsidy to judge rosters for, and a way to write small ones."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date

import polars as pl
import pytest

from yikatong.card_files import read_cards
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.roster.context import RosterContext
from yikatong.roster.people import Person, invent_people
from yikatong.roster.sample import cards_csv

JUNE_10 = date(2023, 6, 10)
HEADER = ("姓名", "身份证号", "属期", "发放金额(元)")
Csv = Callable[..., bytes]


@pytest.fixture(scope="session")
def book() -> PlanBook:
    return PlanBook.committed()


@pytest.fixture(scope="session")
def people() -> list[Person]:
    return invent_people(40, region="230102", seed=11, on=JUNE_10)


@pytest.fixture(scope="session")
def registry(people: list[Person]) -> pl.DataFrame:
    return read_cards(cards_csv(people), JUNE_10).frame


@pytest.fixture
def context_for(book: PlanBook, registry: pl.DataFrame) -> Callable[..., RosterContext]:
    """The context of a subsidy by its 序号; formal, on 2023-06-10, with everybody's card, unless told otherwise."""

    def make(number: int = 6, **changes: object) -> RosterContext:
        subsidy = book.subsidy(2023, number)
        values: dict[str, object] = {
            "book": book,
            "subsidy": subsidy,
            "region": "230102",
            "mode": Mode.FORMAL,
            "as_of": JUNE_10,
            "settings": Settings.committed().for_subsidy(subsidy.code),
            "registry_for": lambda _: registry,
        }
        return RosterContext(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture
def context(context_for: Callable[..., RosterContext]) -> RosterContext:
    return context_for()


def csv_of(rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER, encoding: str = "utf-8") -> bytes:
    """A small CSV roster."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode(encoding)


HOUSEHOLD_HEADER = (*HEADER, "户主姓名", "户主身份证号")


def household_rows_of(people: Sequence[Person], **changes: str) -> list[list[str]]:
    """A good row for each of these people, each the head of a household, under HOUSEHOLD_HEADER."""
    return [
        [*row, person.name, person.id_number] for row, person in zip(rows_of(people, **changes), people, strict=True)
    ]


FARM_HEADER = (*HOUSEHOLD_HEADER, "补贴标准", "补贴面积(亩)")


def farm_rows_of(people: Sequence[Person], **changes: str) -> list[list[str]]:
    """A good row of 520 yuan for each of these people, each the head of a household, under FARM_HEADER."""
    return [[*row, "52", "10.00"] for row in household_rows_of(people, **changes)]


def rows_of(people: Sequence[Person], slot: str = "2023-06", amount: str = "520.00") -> list[list[str]]:
    """A good row for each of these people."""
    return [[person.name, person.id_number, slot, amount] for person in people]
