"""GB 11643: an id number is right or wrong for a reason, and both spellings of the rule agree."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikatong.identity import (
    FAULTS,
    IdFault,
    check_digit,
    fault_expression,
    id_fault,
    normalise_expression,
    normalise_id,
    number_expression,
    numbers_of,
    right_whole_expression,
    whole_expression,
)

ON = date(2023, 6, 10)
# Assigned characters only: what others normalise to depends on the Unicode version of each library.
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cn", "Co")), max_size=20)
FIRST_17 = "23010219900101123"
GOOD = FIRST_17 + check_digit(FIRST_17)


@pytest.mark.parametrize(
    ("id_number", "fault"),
    [
        (GOOD, None),
        # The county of this number did not exist in the birth year; it is a right number all the same (FACTS).
        ("230306196304054513", None),
        ("", IdFault.EMPTY),
        (GOOD[:17], IdFault.LENGTH),
        (GOOD + "0", IdFault.LENGTH),
        ("23O10219900101123" + GOOD[-1], IdFault.CHARACTERS),
        ("+3010219900101123" + GOOD[-1], IdFault.CHARACTERS),
        ("２３010219900101123" + GOOD[-1], IdFault.CHARACTERS),
        (FIRST_17 + "x", IdFault.CHARACTERS),
        ("230102199013011234", IdFault.DATE),
        ("230102190102291234", IdFault.DATE),
        ("230102202306111234", IdFault.DATE),
        ("230102189912311234", IdFault.DATE),
        (FIRST_17 + ("1" if GOOD[-1] != "1" else "2"), IdFault.CHECK_DIGIT),
    ],
)
def test_an_id_number_is_wrong_only_for_length_characters_date_or_check_digit(
    id_number: str, fault: IdFault | None
) -> None:
    assert id_fault(id_number, ON) == fault
    assert _by_expression([id_number]) == [fault]


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (f" {GOOD[:6]} {GOOD[6:]}　", GOOD),
        ("２３０１０２１９９００１０１１２３" + GOOD[-1], GOOD),
        ("23010219900101002x", "23010219900101002X"),
        ("230102900101123", GOOD),
        ("", ""),
    ],
)
def test_blanks_full_width_digits_a_small_x_and_fifteen_digits_become_one_spelling(written: str, normal: str) -> None:
    assert normalise_id(written) == normal
    column = pl.DataFrame({"id": [written]}).select(normalise_expression(pl.col("id"))).to_series()
    assert (column[0] or "") == normal


@given(st.lists(st.one_of(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True), TEXTS), min_size=1))
def test_the_columnar_rule_says_what_the_plain_rule_says(texts: list[str]) -> None:
    normal = [normalise_id(text) for text in texts]
    assert _by_expression(normal) == [id_fault(text, ON) for text in normal]


@given(
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), ON),
    st.integers(0, 999),
)
def test_every_number_with_a_real_date_and_its_check_digit_is_right(region: int, birth: date, order: int) -> None:
    first_17 = f"{region}{birth:%Y%m%d}{order:03d}"
    assert id_fault(first_17 + check_digit(first_17), ON) is None
    assert _by_expression([first_17 + check_digit(first_17)]) == [None]


@given(st.lists(TEXTS, min_size=1))
def test_normalising_a_column_says_what_normalising_one_says(texts: list[str]) -> None:
    column = pl.DataFrame({"id": texts}, schema={"id": pl.String}).select(normalise_expression(pl.col("id")))
    assert [text or "" for text in column.to_series()] == [normalise_id(text) for text in texts]


@given(
    st.lists(
        st.one_of(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True), st.sampled_from([GOOD, "+" + GOOD[1:]]), TEXTS)
    )
)
def test_eighteen_digits_read_as_one_integer_are_right_when_the_plain_rule_says_so(texts: list[str]) -> None:
    whole = pl.DataFrame({"id": texts}, schema={"id": pl.String}).select(whole=whole_expression(pl.col("id")))
    right = whole.select(right_whole_expression(pl.col("whole"), ON)).to_series()
    assert right.to_list() == [id_fault(text, ON) is None and not text.endswith("X") for text in texts]


@given(st.lists(st.one_of(st.from_regex(r"[0-9]{17}[0-9X]", fullmatch=True), TEXTS)))
def test_the_numbers_of_a_column_are_those_of_its_ids(texts: list[str]) -> None:
    ids = pl.Series("id", texts, dtype=pl.String)
    assert numbers_of(ids).to_list() == ids.to_frame().select(number_expression(pl.col("id"))).to_series().to_list()


def _by_expression(texts: list[str]) -> list[IdFault | None]:
    frame = pl.DataFrame({"id": texts}, schema={"id": pl.String})
    number = number_expression(pl.col("id"))
    codes = frame.lazy().select(fault_expression(pl.col("id"), number, ON)).collect().to_series()
    return [FAULTS[code - 1] if code else None for code in codes]
