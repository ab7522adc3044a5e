"""What may be shown of a person."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikatong.card_files import KIND
from yikatong.cards import TITLES
from yikatong.masking import account_tail, mask_account, mask_id, mask_label, mask_name, mask_text, mask_title
from yikatong.roster.columns import REPORT_COLUMNS
from yikatong.roster.departed import DATE_TITLES

ROOT = Path(__file__).parents[2]
FOLDERS = ("layers/core/python/yikatong", "functions", "cli")
ID = "230102199001011230"
ACCOUNT = "6231012345678901234"


def test_an_id_shows_its_ends_and_never_the_birth_date() -> None:
    assert mask_id(ID) == "230***********1230"
    assert "19900101" not in mask_id(ID)
    assert mask_id("230102 1990－0101 123x") == "230***********123x"


def test_a_name_shows_one_character_however_short() -> None:
    assert [mask_name(name) for name in ("张三", "欧阳某某", "李", "", None)] == ["张*", "欧*", "李*", "", ""]


def test_an_account_shows_its_tail() -> None:
    assert mask_account("6231 0123 4567 8901 234") == mask_account(ACCOUNT) == "****1234"
    assert mask_account("1234") == "****"


def test_an_account_is_known_by_four_digits_and_nothing_else_has_a_tail() -> None:
    assert account_tail("6231 0123 4567 8901 234") == account_tail(ACCOUNT) == "1234"
    assert account_tail("６２３１０１２３４５６７８９０１２３４") == "1234"
    for text in ("1234", "12345678901", "道里区新发镇五星村欧阳张三", f"张三丰{ACCOUNT}", "", None):
        assert account_tail(text) == ""


def test_nobody_else_cuts_a_name_or_a_number_to_what_may_be_shown() -> None:
    """A star after a value, or the last four characters of one: only here."""
    cut = re.compile(r"\}\*[\"'，、]|\[-[48]:\]")
    sources = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if "__pycache__" not in file.parts]
    found = {file.name for file in sources if cut.search(file.read_text(encoding="utf-8"))}
    assert found == {"masking.py"}


def test_what_is_no_number_in_the_place_of_one_shows_its_length_only() -> None:
    assert mask_id(f"张三丰{ID}") == "*" * 21
    assert mask_id("道里区新发镇五星村三组住户张三丰") == "*" * 16
    assert mask_account("道里区新发镇五星村欧阳张三") == "*" * 13
    assert mask_account("z" * 1_000_000) == mask_id("z" * 1_000_000) == "*" * 24


@pytest.mark.parametrize("cell", ["2023年6月", "２０２３年６月", "2023Q2", "2000001.00", "１，５２０．００", "=1+1"])
def test_a_slot_and_an_amount_are_shown_as_they_were_written(cell: str) -> None:
    assert mask_text(cell) == cell


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("张三", "张*"),
        ("Zhang San", "Z*"),
        ("2023#ZHANG", "2023#Z*"),
        (ID, mask_id(ID)),
        (f"见{ID}", "见*"),
        ("2301-0219-9001-0112-30", mask_id(ID)),
        ("6217 0000 1111 2222 333", "621************2333"),
        ("139 0000 1111", "139 **** ****"),
        ("520.0000000001", "520.**********"),
        ("2023-01-01至2023-06-30", "202*-**-**至****-**-**"),
    ],
)
def test_a_name_or_number_in_the_place_of_a_slot_or_an_amount_is_not(cell: str, shown: str) -> None:
    assert mask_text(cell) == shown


def test_a_title_nobody_knows_shows_what_it_begins_with() -> None:
    assert [mask_title(title) for title in ("民族", "与户主关系", "家庭住址（详细）")] == [
        "民族",
        "与户主关系",
        "家庭住址（详细）",
    ]
    assert [mask_title(title) for title in ("填表人张三丰", "张三", "张三丰", f"编号{ID}")] == [
        "填表*",
        "张*",
        "张*",
        "编号*",
    ]


def test_the_titles_of_our_own_files_are_shown_whole_so_that_one_sent_as_a_roster_is_known_again() -> None:
    ours = [*TITLES.values(), KIND, *DATE_TITLES, *REPORT_COLUMNS]
    assert [mask_title(title) for title in ours] == ours


def test_the_name_of_a_sheet_or_file_is_shown_unless_it_holds_a_number() -> None:
    assert [mask_label(name) for name in ("Sheet1", "6月名册", f"{ID}.csv")] == ["Sheet1", "6月名册", "2*"]


NUMBERS = st.one_of(
    st.from_regex(r"230[1-9]0219[0-9]{2}0[1-9]1[0-9]{4}[0-9X]", fullmatch=True),
    st.from_regex(r"230[1-9]02[0-9]{2}0[1-9]1[0-9]{4}", fullmatch=True),
    st.from_regex(r"[1-9][0-9]{11,18}", fullmatch=True),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
)
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
NAMES = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=2, max_size=4)
AROUND = st.one_of(st.just(""), st.text(max_size=6), st.sampled_from(["元", "见", "户主", " ", "-", "¥", "2023年"]))


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, str, str]:
    """A cell, and the number and the name somewhere in it."""
    number, name = draw(NUMBERS), draw(st.one_of(st.just(""), NAMES))
    between = draw(st.sampled_from(["", "", " ", "-", "－", "\u3000", "\u200b", ".", "/"]))
    size = draw(st.integers(1, 6))
    grouped = between.join(number[at : at + size] for at in range(0, len(number), size))
    parts = draw(st.permutations([grouped.translate(WIDE) if draw(st.booleans()) else grouped, name]))
    return draw(AROUND).join(["", *parts, ""]), number, name


@given(planted())
def test_whatever_the_cell_no_seven_digits_of_a_number_and_no_whole_name_are_shown(cell: tuple[str, str, str]) -> None:
    text, number, name = cell
    for mask in (mask_id, mask_name, mask_account, mask_text, mask_title, mask_label):
        shown = re.sub("[^0-9Xx*]", "", unicodedata.normalize("NFKC", mask(text)))
        assert not [at for at in range(len(number) - 6) if number[at : at + 7] in shown], mask
    for mask in (mask_id, mask_name, mask_account):
        assert not name or name not in mask(text), mask


@given(st.text("0123456789Xx -－", min_size=11))
def test_no_number_longer_than_a_telephones_shows_more_than_its_ends(text: str) -> None:
    if sum(character.isdigit() for character in text) > 10:
        for mask in (mask_id, mask_account, mask_text):
            assert sum(character.isdigit() for character in mask(text)) <= 7
