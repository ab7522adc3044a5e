"""Regions by name: what a code says to people, and codes that say nothing."""

import pytest

from yikatong.errors import Refusal
from yikatong.regions import known, name_of, require_known


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("230000", "黑龙江省"),
        ("230200", "齐齐哈尔市"),
        ("230102", "哈尔滨市道里区"),
        ("231282", "绥化市肇东市"),
        ("232721", "大兴安岭地区呼玛县"),
    ],
)
def test_a_county_is_named_after_its_city(code: str, name: str) -> None:
    assert name_of(code) == name
    assert known(code)


@pytest.mark.parametrize("code", ["230199", "110101", "239999", "2301", "", "23010²", "230105"])
def test_a_code_that_names_nothing_in_force_is_refused_by_itself(code: str) -> None:
    assert not known(code)
    assert name_of(code) == code
    with pytest.raises(Refusal, match="行政区划代码") as refused:
        require_known(code)
    assert refused.value.code == "unknown_region"
