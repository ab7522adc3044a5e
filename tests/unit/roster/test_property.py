"""Whatever faults are planted, wherever, in whatever file: the findings are exactly those planted."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.planting import Planted, planted_rosters
from yikatong.roster import csv_reading
from yikatong.roster.validation import Validation, validate

STRETCHES_BYTES = (200, 1000)
_SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def _assert_exactly(planted: Planted, validation: Validation) -> None:
    found = Counter((finding.row, finding.column, finding.code) for finding in validation.findings)
    assert planted.expected - found == Counter(), f"every planted fault is found ({planted.description})"
    assert found - planted.expected == Counter(), f"and nothing else ({planted.description})"
    sums = (validation.rows, validation.payable.rows, validation.payable.fen)
    assert sums == (planted.rows, planted.payable_rows, planted.payable_fen)


@settings(_SETTINGS, max_examples=300)
@given(planted=planted_rosters())
def test_the_findings_are_exactly_those_planted(planted: Planted) -> None:
    _assert_exactly(planted, validate(planted.data, "名册", planted.context))


@pytest.mark.parametrize("stretch_bytes", STRETCHES_BYTES)
@settings(_SETTINGS, max_examples=60)
@given(planted=planted_rosters(formats=("csv", "tsv")))
def test_a_file_read_in_many_stretches_is_the_same_file(
    planted: Planted, stretch_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(csv_reading, "STRETCH_BYTES", stretch_bytes)
        _assert_exactly(planted, validate(planted.data, "名册", planted.context))
