"""Known faults, planted one per row, each with exactly the findings a validation must report for it.

A planted fault is a promise: `validate` finds these (row, column, code) and nothing else. Kinds that exclude their row
stay below a tenth of the roster, or the file itself would be refused.
"""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from yikatong.cards import CardState
from yikatong.identity import check_digit
from yikatong.plan import Frequency, Subsidy, SubsidySettings
from yikatong.roster.columns import Column, required_columns_of
from yikatong.roster.findings import RULES, Level
from yikatong.roster.people import Person

# A cell is text; a float stands for a workbook's numeric cell.
Row = dict[Column, str | float]
# Rows excluded by planting stay below this share (a tenth refuses the file).
EXCLUDED_SHARE = 0.09
_HEADER_ROWS = 1
# More than 120 years before any plan of ours, and yet a date an id number may hold (from 1900 on).
_BIRTH_NOBODY_OUTLIVES = "19000101"


@dataclass(frozen=True)
class PlantedFault:
    """What a validation must report: row as the clerk sees it, the header's name, the finding's code."""

    row: int
    column: str
    code: str


@dataclass
class Field:
    """The roster being spoiled: rows, the registry by id, people in neither, and what has been planted."""

    rows: list[Row]
    registry: dict[str, Person]
    subsidy: Subsidy
    settings: SubsidySettings
    slots: tuple[str, ...]
    chance: random.Random
    spares: list[Person]
    planted: list[PlantedFault]

    def expect(self, index: int, column: Column, *codes: str) -> None:
        self.planted += [PlantedFault(index + 1 + _HEADER_ROWS, column.label, code) for code in codes]

    def pay(self, row: Row, written: str, yuan: str) -> None:
        """Another amount, and factors that agree with it where the subsidy multiplies."""
        row[Column.AMOUNT] = written
        if self.settings.amount_is_quantity_times_standard:
            row[Column.STANDARD], row[Column.QUANTITY] = yuan, "1"

    def append(self, row: Row) -> int:
        self.rows.append(row)
        return len(self.rows) - 1


Plant = Callable[[Field, int], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: the code it must be reported by, how it is planted, and for which subsidies and files there is one."""

    code: str
    plant: Plant
    suits: Callable[[SubsidySettings], bool] = lambda _: True
    workbook_only: bool = False
    uses_spare: bool = False

    def excluded(self, field: Field) -> int:
        """How many rows end excluded."""
        both = self.code in ("repeated_different", "person_and_household")
        if both or (self.code == "person_two_names" and len(field.slots) == 1):
            return 2
        return int(RULES[self.code].level is Level.EXCLUDE)


def _cell(code: str, column: Column, change: Callable[[str], str | float]) -> Kind:
    def plant(field: Field, index: int) -> None:
        field.rows[index][column] = change(str(field.rows[index][column]))
        field.expect(index, column, code)

    return Kind(code, plant, lambda settings: column in required_columns_of(settings))


def _card(code: str, change: Callable[[Person], Person], column: Column = Column.ID) -> Kind:
    def plant(field: Field, index: int) -> None:
        id_number = str(field.rows[index][Column.ID])
        field.registry[id_number] = change(field.registry[id_number])
        field.expect(index, column, code)

    return Kind(code, plant)


def _wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if character.isdigit() else character.lower() for character in text)


def _other(digit: str) -> str:
    return "1" if digit != "1" else "2"


def _repeat_identical(field: Field, index: int) -> None:
    field.expect(field.append(dict(field.rows[index])), Column.ID, "repeated_identical")


def _repeat_different(field: Field, index: int) -> None:
    again = dict(field.rows[index])
    whole, _, cents = str(again[Column.AMOUNT]).partition(".")
    other = f"{whole}.{'73' if cents == '37' else '37'}"
    field.pay(again, other, other)
    field.expect(index, Column.ID, "repeated_different")
    field.expect(field.append(again), Column.ID, "repeated_different")


def _two_names(field: Field, index: int) -> None:
    again = dict(field.rows[index])
    again[Column.NAME] = "改" + str(again[Column.NAME])
    other = next((slot for slot in field.slots if slot != again[Column.SLOT]), None)
    second = field.append(again)
    for place in (index, second):
        field.expect(place, Column.NAME, "person_two_names")
        if other is None:
            field.expect(place, Column.ID, "repeated_different")
    again[Column.SLOT] = other or again[Column.SLOT]
    field.expect(second, Column.NAME, "card_name_differs")


def _shared_account(field: Field, index: int) -> None:
    """Two beneficiaries of their own under one account: perhaps one person whose id was corrected."""
    stranger = field.spares.pop()
    field.registry[stranger.id_number] = stranger
    row = field.rows[index]
    row[Column.ACCOUNT] = field.registry[str(row[Column.ID])].account
    partner = {**row, Column.NAME: stranger.name, Column.ID: stranger.id_number}
    if Column.HEAD_ID in row:
        partner |= {Column.HEAD_NAME: stranger.name, Column.HEAD_ID: stranger.id_number}
    for place in (index, field.append(partner)):
        field.expect(place, Column.ACCOUNT, "account_shared")


def _under_a_second_head(field: Field, index: int) -> None:
    """One person in two households: the entitled units differ, and yet the person would be paid twice."""
    head = field.spares.pop()
    again = {**field.rows[index], Column.HEAD_NAME: head.name, Column.HEAD_ID: head.id_number}
    for place in (index, field.append(again)):
        field.expect(place, Column.ID, "person_and_household")


def _born_long_ago(field: Field, index: int) -> None:
    row = field.rows[index]
    person = field.registry.pop(str(row[Column.ID]))
    first_17 = f"{person.id_number[:6]}{_BIRTH_NOBODY_OUTLIVES}{person.id_number[14:17]}"
    aged = replace(person, id_number=first_17 + check_digit(first_17))
    field.registry[aged.id_number] = aged
    if row.get(Column.HEAD_ID) == person.id_number:
        row[Column.HEAD_ID] = aged.id_number
    row[Column.ID] = aged.id_number
    field.expect(index, Column.ID, "age_implausible")


def _account_used(field: Field, index: int) -> None:
    id_number = str(field.rows[index][Column.ID])
    person = field.registry.pop(id_number)
    field.rows[index][Column.ACCOUNT] = person.account
    field.expect(index, Column.ID, "account_used")


def _over_limit(field: Field, index: int) -> None:
    limit = field.settings.amount_limit_fen
    assert limit is not None
    over = f"{limit // 100 + 1}.00"
    field.pay(field.rows[index], over, over)
    field.expect(index, Column.AMOUNT, "amount_over_limit")


def _amount_normalised(field: Field, index: int) -> None:
    field.pay(field.rows[index], "1,234.50", "1234.50")
    field.expect(index, Column.AMOUNT, "amount_normalised")


def _amount_mismatch(field: Field, index: int) -> None:
    """Two fen more than the product: one might be a bureau's rounding."""
    row = field.rows[index]
    field.pay(row, "714.52", "714.50")
    field.expect(index, Column.AMOUNT, "amount_mismatch")


def _value_missing(field: Field, index: int) -> None:
    field.rows[index][Column.QUANTITY] = field.chance.choice(("", " "))
    field.expect(index, Column.QUANTITY, "value_missing")


def _multiplies(settings: SubsidySettings) -> bool:
    return settings.amount_is_quantity_times_standard


def _account(code: str, change: Callable[[str], str | float]) -> Kind:
    def plant(field: Field, index: int) -> None:
        field.rows[index][Column.ACCOUNT] = change(field.registry[str(field.rows[index][Column.ID])].account)
        field.expect(index, Column.ACCOUNT, code)

    return Kind(code, plant)


def _payee_incomplete(field: Field, index: int) -> None:
    field.rows[index][Column.PAYEE_NAME] = "赵某"
    field.expect(index, Column.PAYEE_ID, "payee_incomplete")


_SLOT_LONG_AGO = {
    Frequency.MONTHLY: "{}-01", Frequency.QUARTERLY: "{}Q1", Frequency.HALF_YEARLY: "{}H1", Frequency.YEARLY: "{}",
    Frequency.PER_OCCASION: "{}#NEVER",
}  # fmt: skip


def _slot_outside(field: Field, index: int) -> None:
    field.rows[index][Column.SLOT] = _SLOT_LONG_AGO[field.subsidy.frequency].format(field.subsidy.plan_year - 9)
    field.expect(index, Column.SLOT, "slot_not_payable")


def _old_id(id_number: str) -> str:
    return id_number[:6] + id_number[8:17]


# The order of planting: kinds that exclude are spread among the others.
KINDS: tuple[Kind, ...] = (
    _cell("id_empty", Column.ID, lambda _: ""),
    _card("card_none", lambda person: person.with_card(CardState.NONE)),
    _cell("id_length", Column.ID, lambda text: text[:-1]),
    _cell("id_normalised", Column.ID, lambda text: f" {text[:6]} {_wide(text[6:])}"),
    _cell("id_characters", Column.ID, lambda text: text[:4] + "O" + text[5:]),
    _card("card_inactive", lambda person: person.with_card(CardState.INACTIVE, social=False, financial=False)),
    _cell("id_date", Column.ID, lambda text: f"{text[:10]}13{text[12:]}"),
    _cell("id_check_digit", Column.ID, lambda text: text[:-1] + _other(text[-1])),
    _cell("id_upgraded", Column.ID, _old_id),
    _card("card_lost", lambda person: person.with_card(CardState.LOST)),
    _cell("name_empty", Column.NAME, lambda _: ""),
    _cell("name_control", Column.NAME, lambda text: f"{text[0]}\u200b{text[1:]}"),
    _card("card_frozen", lambda person: person.with_card(CardState.FROZEN)),
    _cell("name_formula", Column.NAME, lambda text: f"={text}"),
    _cell("name_damaged", Column.NAME, lambda text: f"{text[0]}?"),
    _cell("name_normalised", Column.NAME, lambda text: f"{text[0]}　{text[1:]} "),
    _card("card_cancelled", lambda person: person.with_card(CardState.CANCELLED)),
    _cell("name_too_long", Column.NAME, lambda text: text * 26),
    _cell("amount_empty", Column.AMOUNT, lambda _: ""),
    _card("card_social_off", lambda person: person.with_card(CardState.NORMAL, social=False)),
    _cell("amount_unreadable", Column.AMOUNT, lambda _: "五百元整"),
    _cell("amount_decimals", Column.AMOUNT, lambda _: "520.125"),
    _cell("amount_not_positive", Column.AMOUNT, lambda _: "0.00"),
    Kind("amount_normalised", _amount_normalised),
    _card("card_financial_inactive", lambda person: person.with_card(CardState.NORMAL, financial=False)),
    Kind("amount_over_limit", _over_limit, lambda settings: settings.amount_limit_fen is not None),
    Kind("amount_mismatch", _amount_mismatch, _multiplies),
    _cell("standard_unreadable", Column.STANDARD, lambda _: "见文件"),
    _cell("quantity_unreadable", Column.QUANTITY, lambda text: f"{text}00001"),
    Kind("value_missing", _value_missing, lambda settings: "quantity" in settings.required_columns),
    _cell("slot_empty", Column.SLOT, lambda _: ""),
    _cell("slot_unreadable", Column.SLOT, lambda _: "六月份"),
    Kind("slot_not_payable", _slot_outside),
    _cell("slot_normalised", Column.SLOT, lambda text: unicodedata.normalize("NFKC", text).replace("2", "２")),
    _card(
        "card_name_differs",
        lambda person: Person("又" + person.name, person.id_number, person.account, person.service_bank),
        Column.NAME,
    ),
    Kind("repeated_identical", _repeat_identical),
    Kind("repeated_different", _repeat_different),
    Kind("person_two_names", _two_names),
    Kind("person_and_household", _under_a_second_head, lambda settings: settings.household, uses_spare=True),
    Kind("age_implausible", _born_long_ago),
    Kind("account_shared", _shared_account, uses_spare=True),
    Kind("account_used", _account_used, lambda settings: settings.account_allowed),
    _account("account_normalised", lambda text: f"{text[:4]} {text[4:8]}-{text[8:]}"),
    _account("account_unreadable", lambda text: text[:6] + "X"),
    Kind("payee_incomplete", _payee_incomplete),
    _cell("id_empty", Column.HEAD_ID, lambda _: ""),
    _cell("id_check_digit", Column.HEAD_ID, lambda text: text[:-1] + _other(text[-1])),
    _cell("id_normalised", Column.HEAD_ID, lambda text: f"{text[:6]} {_wide(text[6:])}"),
    replace(_cell("id_numeric", Column.ID, lambda text: float(text[:17] + "0")), workbook_only=True),
    replace(_account("account_numeric", float), workbook_only=True),
)  # fmt: skip


def kinds_for(settings: SubsidySettings, *, workbook: bool) -> list[Kind]:
    """The kinds of fault a roster of this subsidy can have."""
    return [kind for kind in KINDS if kind.suits(settings) and (workbook or not kind.workbook_only)]


def plant_faults(field: Field, count: int, *, workbook: bool) -> None:
    """Plant up to `count` faults on different rows, every kind in turn, while the excluded rows stay below a tenth."""
    kinds = kinds_for(field.settings, workbook=workbook)
    room = int(len(field.rows) * EXCLUDED_SHARE)
    seen = Counter(row[Column.ID] for row in field.rows)
    payees = {row.get(Column.PAYEE_ID) for row in field.rows}
    # A row of somebody who stands in no other: a fault must have its own findings only.
    suitable = [
        index
        for index, row in enumerate(field.rows)
        if not row[Column.PAYEE_ID] and seen[row[Column.ID]] == 1 and row[Column.ID] not in payees
    ]
    field.chance.shuffle(suitable)
    for turn in range(count):
        kind = kinds[turn % len(kinds)]
        excluded = kind.excluded(field)
        if excluded > room or (kind.uses_spare and not field.spares):
            continue
        index = _take(suitable, kind.code, field.rows)
        if index is None:
            continue
        room -= excluded
        kind.plant(field, index)


def _take(suitable: list[int], code: str, rows: list[Row]) -> int | None:
    """A row for this fault: a 15-digit id needs somebody born before 2000."""
    for place, index in enumerate(suitable):
        if code != "id_upgraded" or str(rows[index][Column.ID])[6:8] == "19":
            return suitable.pop(place)
    return None
