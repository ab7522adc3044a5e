"""A template for every subsidy: what a clerk fills in passes the check, and nothing in it is taken for a roster."""

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import fastexcel
import pytest
from typer.testing import CliRunner

from cli import roster
from yikatong.card_files import read_cards
from yikatong.errors import Refusal
from yikatong.plan import Frequency, PlanBook, Settings, Subsidy
from yikatong.roster.columns import ID_COLUMNS, Column, find_header, match_header, required_columns_of
from yikatong.roster.context import RosterContext
from yikatong.roster.sample import make_sample
from yikatong.roster.template import (
    LAST_ROW,
    MAX_LIST,
    NOTES_SHEET,
    ROSTER_SHEET,
    notes,
    slots_on_offer,
    template_columns,
    template_xlsx,
)
from yikatong.roster.validation import validate

ContextFor = Callable[..., RosterContext]
SETTINGS = Settings.committed()
NUMBERS = range(1, 46)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def _template(book: PlanBook, number: int, **changes: object) -> tuple[Subsidy, bytes]:
    subsidy = book.subsidy(2023, number)
    return subsidy, template_xlsx(book, subsidy, SETTINGS.for_subsidy(subsidy.code), **changes)  # type: ignore[arg-type]


def _part(workbook: bytes, name: str) -> Element:
    return fromstring(zipfile.ZipFile(io.BytesIO(workbook)).read(name))


def _checks(workbook: bytes) -> Iterator[tuple[int, Element]]:
    """Each cell check of the roster sheet, with the place of its column."""
    for check in _part(workbook, "xl/worksheets/sheet1.xml").iter(f"{_MAIN}dataValidation"):
        first, last = check.attrib["sqref"].split(":")
        assert last.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == str(LAST_ROW + 1)
        yield ord(first[0]) - ord("A"), check


@pytest.mark.parametrize("number", NUMBERS)
def test_a_filled_template_of_any_subsidy_passes_the_check_without_a_word(
    number: int, book: PlanBook, context_for: ContextFor
) -> None:
    subsidy = book.subsidy(2023, number)
    occasions = ["FLOOD-08"] if subsidy.frequency is Frequency.PER_OCCASION else []
    settings = SETTINGS.for_subsidy(subsidy.code)
    slots = slots_on_offer(book, subsidy, occasions)
    sample = make_sample(subsidy=subsidy, settings=settings, region="230102", rows=60, slots=slots[:1], seed=number)
    _, filled = _template(book, number, occasions=occasions, rows=sample.rows)
    registry = read_cards(sample.cards_csv(), subsidy.formal.window.first).frame
    context = context_for(
        number, as_of=subsidy.formal.window.first, occasions=occasions, registry_for=lambda _: registry
    )
    validation = validate(filled, "名册.xlsx", context)
    assert validation.findings == ()
    assert validation.payable.rows == 60
    assert validation.payable == validate(sample.roster_csv(), "名册.csv", context).payable


@pytest.mark.parametrize("number", NUMBERS)
def test_an_unfilled_template_is_told_where_to_write(number: int, book: PlanBook, context_for: ContextFor) -> None:
    _, empty = _template(book, number)
    (finding,) = validate(empty, "模板.xlsx", context_for(number)).findings
    assert finding.code == "rows_none"
    assert "从表头的下一行起" in finding.message


@pytest.mark.parametrize("number", NUMBERS)
def test_the_required_columns_come_first_and_are_marked(number: int, book: PlanBook) -> None:
    subsidy, workbook = _template(book, number)
    reader = fastexcel.read_excel(workbook)
    assert reader.sheet_names == [ROSTER_SHEET, NOTES_SHEET]
    (titles,) = reader.load_sheet(ROSTER_SHEET, header_row=None).to_polars().rows()
    header = match_header(titles)
    assert header.unknown == ()
    assert header.doubled == {}
    required = required_columns_of(SETTINGS.for_subsidy(subsidy.code))
    marked = [title.startswith("*") for title in titles]
    assert marked == [True] * len(required) + [False] * (len(titles) - len(required))
    assert {column for column, place in header.places.items() if marked[place]} == set(required)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_notes_explain_every_column_and_are_never_taken_for_a_roster(number: int, book: PlanBook) -> None:
    subsidy = book.subsidy(2023, number)
    settings = SETTINGS.for_subsidy(subsidy.code)
    lines = notes(subsidy, settings, slots_on_offer(book, subsidy))
    assert find_header(lines) is None
    said = dict(lines)
    assert said["发放频次"] == subsidy.frequency
    assert all(said[column.label] for column in template_columns(settings))
    assert ("按户发放" in said, "金额怎么算" in said) == (
        settings.household,
        settings.amount_is_quantity_times_standard,
    )


def test_no_digit_of_an_id_an_account_a_telephone_or_a_slot_can_be_eaten(book: PlanBook) -> None:
    _, workbook = _template(book, 2)
    columns = template_columns(SETTINGS.for_subsidy("urban-minimum-living"))
    formats = [form.attrib["numFmtId"] for form in _part(workbook, "xl/styles.xml").find(f"{_MAIN}cellXfs") or ()]
    styles = {
        columns[int(column.attrib["min"]) - 1]: formats[int(column.attrib["style"])]
        for column in _part(workbook, "xl/worksheets/sheet1.xml").iter(f"{_MAIN}col")
        if column.attrib["min"] == column.attrib["max"]
    }
    for column in (*ID_COLUMNS, Column.ACCOUNT, Column.TELEPHONE, Column.SLOT):
        assert styles[column] == "49", "Excel's own text format"
    assert styles[Column.AMOUNT] == "2", "0.00"


def test_typed_cells_are_checked_on_the_spot_down_to_the_last_row(book: PlanBook) -> None:
    subsidy, workbook = _template(book, 2)
    columns = template_columns(SETTINGS.for_subsidy(subsidy.code))
    checks = {columns[place]: check for place, check in _checks(workbook)}
    for column in ID_COLUMNS:
        check = checks[column]
        assert (check.attrib["type"], check.attrib["operator"], check.findtext(f"{_MAIN}formula1")) == (
            "textLength", "equal", "18",
        )  # fmt: skip
        assert "18位" in check.attrib["error"]
    slots = checks[Column.SLOT]
    assert slots.findtext(f"{_MAIN}formula1") == '"' + ",".join(f"2023-{month:02d}" for month in range(1, 13)) + '"'
    assert slots.attrib["errorStyle"] == "warning", "a slot under review may still be typed"
    assert checks[Column.AMOUNT].attrib["type"] == "decimal"


def test_the_slots_on_offer_are_those_a_formal_run_of_the_year_may_pay(book: PlanBook) -> None:
    def offered(number: int, *occasions: str) -> list[str]:
        return slots_on_offer(book, book.subsidy(2023, number), occasions)

    assert offered(17) == [f"2023-{month:02d}" for month in range(6, 13)]
    assert offered(39) == ["2023"]
    assert offered(45) == ["2023Q1", "2023Q2", "2023Q3", "2023Q4"]
    assert offered(27) == ["2023H1", "2023H2"]
    assert offered(11) == []
    assert offered(11, "FLOOD-08", "FIRE") == ["2023#FIRE", "2023#FLOOD-08"]


def test_more_occasions_than_a_drop_down_can_hold_stand_in_the_notes(book: PlanBook) -> None:
    occasions = [f"OCCASION-NUMBER-{index:03d}" for index in range(MAX_LIST // 20)]
    _, workbook = _template(book, 11, occasions=occasions)
    columns = template_columns(SETTINGS.for_subsidy("temporary-relief"))
    assert Column.SLOT not in {columns[place] for place, _ in _checks(workbook)}
    told = fastexcel.read_excel(workbook).load_sheet(NOTES_SHEET, header_row=None).to_polars().rows()
    assert f"2023#{occasions[-1]}" in dict(told)["可以填写的属期"]


def test_a_template_does_not_ask_for_what_would_only_be_put_aside() -> None:
    care = template_columns(SETTINGS.for_subsidy("orphan-basic-living"))
    assert not {Column.ACCOUNT, Column.BANK, Column.HEAD_ID, Column.STANDARD} & set(care)
    corn = template_columns(SETTINGS.for_subsidy("corn-producer"))
    assert corn[:7] == (
        Column.NAME, Column.ID, Column.HEAD_ID, Column.SLOT, Column.STANDARD, Column.QUANTITY, Column.AMOUNT,
    )  # fmt: skip


def test_the_command_writes_the_template_and_refuses_a_subsidy_no_plan_has(tmp_path: Path) -> None:
    out = tmp_path / "模板.xlsx"
    made = CliRunner().invoke(roster.app, ["template", "--subsidy", "39", "--out", str(out)])
    assert made.exit_code == 0, made.output
    assert "玉米生产者补贴" in made.output
    reader = fastexcel.read_excel(out.read_bytes())
    assert reader.load_sheet(ROSTER_SHEET, header_row=None).to_polars().width == len(
        template_columns(SETTINGS.for_subsidy("corn-producer"))
    )
    refused = CliRunner().invoke(roster.app, ["template", "--subsidy", "46", "--out", str(out)])
    assert isinstance(refused.exception, Refusal)
    assert "没有第46项" in refused.exception.message
