"""Items of the control table: numbers come back as they were written, known to this version of the code or not."""

from decimal import Decimal

from yikatong.aws.items import deserialize, serialize
from yikatong.ports import Stored


def test_an_attribute_that_only_newer_code_knows_is_written_back_as_it_was() -> None:
    newer = {"pk": "BATCHES#a#formal", "sk": "b", "version": 3, "passed_on": {"count": 2, "fen": 300}, "names": ["x"]}
    stored = serialize(newer)
    older = Stored.model_validate(deserialize(stored))
    assert older.model_dump(mode="json", exclude_none=True) == newer
    assert serialize(older.model_dump(mode="json", exclude_none=True)) == stored


def test_a_fraction_stays_exact() -> None:
    assert deserialize({"x": {"N": "0.1"}}) == {"x": Decimal("0.1")}
