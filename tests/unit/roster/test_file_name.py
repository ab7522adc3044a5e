"""A file named after another region is remarked upon; one named after a date, a subsidy or the bureau's own is not."""

import pytest

from yikatong.roster.file_name import region_findings


@pytest.mark.parametrize(
    ("file_name", "region"),
    [
        ("道里区6月低保.csv", "230102"),
        ("哈尔滨市道里区.csv", "230102"),
        ("哈尔滨市低保.csv", "230102"),
        ("南岗区.csv", "230100"),
        ("哈尔滨市.csv", "230000"),
        ("230602低保.csv", "230102"),
        ("城郊区域低保.csv", "230102"),
        ("向阳区.csv", "230803"),
    ],
)
def test_a_name_that_fits_the_region_or_names_none_says_nothing(file_name: str, region: str) -> None:
    assert region_findings(file_name, region) == []


@pytest.mark.parametrize(
    ("file_name", "named"), [("南岗区6月低保.csv", "南岗区"), ("齐齐哈尔市汇总.xlsx", "齐齐哈尔市")]
)
def test_a_name_of_another_region_is_remarked_upon(file_name: str, named: str) -> None:
    (finding,) = region_findings(file_name, "230102")
    assert (finding.code, finding.level, finding.row) == ("region_named", "remark", None)
    assert f"“{named}”" in finding.message
    assert "哈尔滨市道里区" in finding.message
