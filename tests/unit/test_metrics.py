"""What an alarm hangs on: one line of CloudWatch's embedded metric format, and nothing when there is nothing."""

import json

import pytest

from yikatong.aws.metrics import count


def test_a_number_is_one_line_under_one_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    count("FrozenPayments", 2)
    count("QuarantinedFiles", 1)
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["FrozenPayments"], first["service"]) == ([2.0], "payout")
    assert first["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "yikatong"
    assert first["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert set(second) == {"_aws", "service", "QuarantinedFiles"}


def test_zero_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    count("FrozenPayments", 0)
    assert capsys.readouterr().out == ""
