"""An occasion is bounded by its region and its dates."""

from datetime import date

import pytest

from yikatong.batches import Occasion, occasion_key, scope_prefix


@pytest.mark.parametrize(
    ("opened_in", "region", "day", "covered"),
    [
        ("230102", "230102", "2023-06-01", True),
        ("230102", "230102", "2023-06-30", True),
        ("230102", "230102", "2023-05-31", False),
        ("230102", "230102", "2023-07-01", False),
        ("230102", "230103", "2023-06-15", False),
        ("230100", "230103", "2023-06-15", True),
        ("230100", "230202", "2023-06-15", False),
        ("230000", "230202", "2023-06-15", True),
    ],
)
def test_an_occasion_covers_its_own_region_between_its_dates(
    opened_in: str, region: str, day: str, covered: bool
) -> None:
    pk, sk = occasion_key("temporary-relief", "2023#FLOOD")
    occasion = Occasion(
        pk=pk,
        sk=sk,
        code="temporary-relief",
        slot="2023#FLOOD",
        title="洪涝",
        region=opened_in,
        first="2023-06-01",
        last="2023-06-30",
        opened_by="department",
    )
    assert occasion.covers(region, date.fromisoformat(day)) is covered


def test_a_region_contains_those_that_share_its_digits() -> None:
    assert [scope_prefix(region) for region in ("230000", "230100", "230102")] == ["23", "2301", "230102"]
