"""A roster and its card registry, made up: the same for a seed, with ids that check and real region codes.

For demos, tests and benchmarks, and for a clerk who wants to see what a good file looks like. `--faults` plants known
mistakes and says where (`faults`).
"""

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from yikatong.cards import TITLES
from yikatong.errors import Refusal
from yikatong.money import yuan
from yikatong.plan import Frequency, Slot, Subsidy, SubsidySettings
from yikatong.roster.columns import Column, required_columns_of
from yikatong.roster.faults import Field, PlantedFault, Row, kinds_for, plant_faults
from yikatong.roster.people import Person, invent_people

MAX_ROWS = 1_000_000
# What every sample has; a subsidy's own required columns come to these.
COLUMNS = (
    Column.NAME, Column.ID, Column.PAYEE_NAME, Column.PAYEE_ID, Column.BANK, Column.ACCOUNT, Column.TOWNSHIP,
    Column.VILLAGE, Column.SLOT, Column.AMOUNT, Column.REMARK,
)  # fmt: skip
# Of the people a further slot (an arrear) is owed to, of the wards paid through a guardian, and of the beneficiaries
# who are not the heads of their households.
ARREAR_SHARE = 0.04
WARD_SHARE = 0.02
OTHER_HEAD_SHARE = 0.05
GUARDIAN_EVERY = 10
# What a mu earns, in fen.
_STANDARD_FEN = 71_45
_TOWNSHIPS = ("向阳镇", "红旗乡", "永安镇", "双河乡", "新立街道")
_VILLAGES = ("东升村", "兴隆村", "太平村", "长山村", "前进社区")
# Plausible yuan per slot: month, quarter, half-year, year, occasion.
_YUAN = {
    Frequency.MONTHLY: (180, 900),
    Frequency.QUARTERLY: (600, 2_400),
    Frequency.HALF_YEARLY: (500, 2_000),
    Frequency.YEARLY: (300, 4_500),
    Frequency.PER_OCCASION: (300, 3_000),
}


@dataclass(frozen=True)
class Sample:
    """A made-up roster: `people` are everybody in the registry, `faults` what a validation must find, and nothing else."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    people: tuple[Person, ...]
    faults: tuple[PlantedFault, ...]

    def roster_csv(self, encoding: str = "utf-8-sig") -> bytes:
        """The roster as CSV, CRLF as office programs write it."""
        lines = [[str(row.get(column, "")) for column in self.columns] for row in self.rows]
        return _csv([[column.label for column in self.columns], *lines]).encode(encoding)

    def roster_xlsx(self) -> bytes:
        """The roster as a workbook: text cells, except where a fault is a numeric cell."""
        import xlsxwriter

        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
            sheet = book.add_worksheet("名册")
            text = book.add_format({"num_format": "@"})
            for place, column in enumerate(self.columns):
                sheet.write_string(0, place, column.label)
            for index, row in enumerate(self.rows, start=1):
                for place, column in enumerate(self.columns):
                    cell = row.get(column, "")
                    if isinstance(cell, float):
                        sheet.write_number(index, place, cell)
                    elif cell:
                        sheet.write_string(index, place, cell, text)
        return buffer.getvalue()

    def cards_csv(self) -> bytes:
        """The card registry snapshot these people's cards stand in."""
        return cards_csv(self.people)

    def faults_json(self) -> list[dict[str, Any]]:
        """The planted faults as plain data: row, column, code."""
        return [{"row": fault.row, "column": fault.column, "code": fault.code} for fault in self.faults]


def make_sample(
    *,
    subsidy: Subsidy,
    settings: SubsidySettings,
    region: str,
    rows: int,
    slots: Sequence[str],
    seed: int,
    faults_share: float = 0.0,
    workbook: bool = False,
    include: Sequence[Person] = (),
) -> Sample:
    """A roster of `rows` people for `slots[0]`, with a few also owed each further slot (`ARREAR_SHARE` of them).

    `include` are people who must be in it (of `rows`), so that rosters of two regions can overlap. `faults_share` is
    the share of rows to spoil, every kind in turn (0.2 of 500 rows reaches each); `workbook` also plants faults only a
    workbook can have. Slots, regions and sizes that make no sense raise Refusal.
    """
    if not 1 <= rows <= MAX_ROWS or not slots or not 0 <= faults_share <= 0.5 or len(include) > rows:
        raise Refusal(f"样例名册须有1至{MAX_ROWS}行、至少一个属期，错误不超过一半", "bad_sample")
    texts = tuple(str(Slot.parse(slot, subsidy.frequency)) for slot in slots)
    on = date(subsidy.plan_year, 1, 1)
    chance = random.Random(f"roster {subsidy.number} {region} {seed}")
    adults = [*include, *invent_people(rows - len(include), region=region, seed=seed, on=on)]
    count = round(rows * faults_share)
    kinds = kinds_for(settings, workbook=workbook)
    wanted = (count // len(kinds) + 1) * sum(kind.uses_spare for kind in kinds)
    spares = invent_people(wanted if count else 0, region=region, seed=seed + 1_000_003, on=on)
    known = {person.id_number for person in adults}
    spares = [person for person in spares if person.id_number not in known]
    wards = invent_people(round(rows * WARD_SHARE), region=region, seed=seed + 2_000_003, on=on, youngest=6, eldest=17)
    lines = [_row(person, texts[0], subsidy, settings, chance) for person in adults]
    if settings.household:
        heads = invent_people(round(rows * OTHER_HEAD_SHARE), region=region, seed=seed + 3_000_003, on=on)
        _set_heads(lines, adults, [head for head in heads if head.id_number not in known], len(include), chance)
    _make_wards(lines[len(include) :], wards, adults[::GUARDIAN_EVERY], chance)
    for slot in texts[1:]:
        owed = chance.sample(range(rows), round(rows * ARREAR_SHARE))
        lines += [{**lines[index], Column.SLOT: slot} for index in sorted(owed)]
    field = Field(lines, {person.id_number: person for person in adults}, subsidy, settings, texts, chance, spares, [])
    if count:
        plant_faults(field, count, workbook=workbook)
    planted = tuple(sorted(field.planted, key=lambda fault: (fault.row, fault.code)))
    return Sample(columns_of(settings), tuple(field.rows), tuple(field.registry.values()), planted)


def cards_csv(people: Sequence[Person]) -> bytes:
    """A card registry snapshot of these people (UTF-8 with BOM)."""
    return _csv([list(TITLES.values()), *(person.card_cells() for person in people)]).encode("utf-8-sig")


def columns_of(settings: SubsidySettings) -> tuple[Column, ...]:
    """The columns of a sample for this subsidy: every sample's, those required, and a required head's name."""
    wanted = {*COLUMNS, *required_columns_of(settings)} | ({Column.HEAD_NAME} if settings.household else set())
    return tuple(column for column in Column if column in wanted)


def _row(person: Person, slot: str, subsidy: Subsidy, settings: SubsidySettings, chance: random.Random) -> Row:
    low, high = _YUAN[subsidy.frequency]
    row: Row = {
        Column.NAME: person.name,
        Column.ID: person.id_number,
        Column.PAYEE_NAME: "",
        Column.PAYEE_ID: "",
        Column.BANK: "",
        Column.ACCOUNT: "",
        Column.TOWNSHIP: chance.choice(_TOWNSHIPS),
        Column.VILLAGE: chance.choice(_VILLAGES),
        Column.SLOT: slot,
        Column.AMOUNT: f"{chance.randrange(low, high)}.{chance.choice(('00', '50'))}",
        Column.REMARK: "",
    }
    if settings.amount_is_quantity_times_standard:
        hundredths = chance.randrange(low, high) * 10_000 // _STANDARD_FEN
        row |= {
            Column.STANDARD: yuan(_STANDARD_FEN),
            Column.QUANTITY: f"{hundredths // 100}.{hundredths % 100:02d}",
            Column.AMOUNT: yuan((hundredths * _STANDARD_FEN + 50) // 100),
        }
    return row


def _set_heads(
    rows: list[Row], adults: list[Person], heads: list[Person], included: int, chance: random.Random
) -> None:
    """Most people head their own household; some live in another's, who is not on the roster themselves."""
    for row, person in zip(rows, adults, strict=True):
        row |= {Column.HEAD_NAME: person.name, Column.HEAD_ID: person.id_number}
    others = rows[included:]
    for row, head in zip(chance.sample(others, min(len(heads), len(others))), heads, strict=False):
        row |= {Column.HEAD_NAME: head.name, Column.HEAD_ID: head.id_number}


def _make_wards(rows: list[Row], wards: list[Person], guardians: list[Person], chance: random.Random) -> None:
    """Some beneficiaries are children, paid on a guardian's card; a guardian may have several wards."""
    for row, ward in zip(chance.sample(rows, len(wards)) if len(wards) <= len(rows) else [], wards, strict=False):
        guardian = chance.choice(guardians)
        row |= {
            Column.NAME: ward.name,
            Column.ID: ward.id_number,
            Column.PAYEE_NAME: guardian.name,
            Column.PAYEE_ID: guardian.id_number,
        }


def _csv(lines: list[list[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(lines)
    return buffer.getvalue()
