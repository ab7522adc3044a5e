"""What may be shown of a person."""

from hypothesis import given
from hypothesis import strategies as st

from yikatong.masking import mask_account, mask_id, mask_name, mask_text

ID = "230102199001011230"


def test_an_id_shows_its_ends_and_never_the_birth_date() -> None:
    assert mask_id(ID) == "230***********1230"
    assert "19900101" not in mask_id(ID)


def test_a_name_shows_one_character_however_short() -> None:
    assert [mask_name(name) for name in ("张三", "欧阳某某", "李", "", None)] == ["张*", "欧*", "李*", "", ""]


def test_an_account_shows_its_tail() -> None:
    assert mask_account("6231012345678901234") == "****1234"
    assert mask_account("1234") == "****"


def test_a_slot_is_shown_but_a_name_or_number_in_its_place_is_not() -> None:
    assert mask_text("2023年6月") == "2023年6月"
    assert mask_text("张三") == "张*"
    assert ID not in mask_text(f"见{ID}")
    assert mask_text(ID) == mask_id(ID)


@given(st.text(max_size=60))
def test_no_run_of_seven_digits_survives_masking(text: str) -> None:
    masked = mask_text(text)
    digits = "".join(character if character in "0123456789" else " " for character in masked)
    assert max(map(len, digits.split()), default=0) < 7
