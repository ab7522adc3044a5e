"""The public records table as the adapter uses it: whole batches written, deleted and looked through, page by page."""

from typing import Any

import pytest

from yikatong.aws.records import BATCH_LIMIT, DynamoRecords, NotWritten


class Table:
    """A client of one table that takes a batch as DynamoDB does: some of it now, the rest on asking again."""

    def __init__(self, refuses: int = 0) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.refuses = refuses
        self.sizes: list[int] = []

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        ((table, requests),) = RequestItems.items()
        self.sizes.append(len(requests))
        least = 0 if self.refuses == BATCH_LIMIT else 1
        taken = requests[: max(len(requests) - self.refuses, least)]
        for request in taken:
            if "PutRequest" in request:
                item = request["PutRequest"]["Item"]
                self.items[item["pk"]["S"], item["sk"]["S"]] = item
            else:
                key = request["DeleteRequest"]["Key"]
                assert key.keys() == {"pk", "sk"}
                self.items.pop((key["pk"]["S"], key["sk"]["S"]), None)
        return {"UnprocessedItems": {table: requests[len(taken) :]} if len(taken) < len(requests) else {}}

    def scan(self, **asked: Any) -> dict[str, Any]:
        """Two items a page."""
        assert asked["ProjectionExpression"] == "pk, sk, key_mark"
        start = asked.get("ExclusiveStartKey")
        after = ("", "") if start is None else (start["pk"]["S"], start["sk"]["S"])
        left = sorted(key for key in self.items if key > after)
        page = [
            {name: self.items[key][name] for name in ("pk", "sk", "key_mark") if name in self.items[key]}
            for key in left[:2]
        ]
        last = {"LastEvaluatedKey": {"pk": page[-1]["pk"], "sk": page[-1]["sk"]}} if len(left) > 2 else {}
        return {"Items": page, **last}


def records(count: int) -> list[dict[str, Any]]:
    return [{"pk": f"{n:04d}", "sk": "2023-06#P-1#beneficiary", "amount_fen": n} for n in range(count)]


@pytest.mark.parametrize("refuses", [0, 3])
def test_any_number_is_written_and_deleted_though_the_table_takes_only_some_at_once(refuses: int) -> None:
    table = Table(refuses)
    stored = DynamoRecords(table, "records")  # type: ignore[arg-type]
    assert stored.put_all(iter(records(61))) == 61
    assert len(table.items) == 61
    assert max(table.sizes) == BATCH_LIMIT
    table.refuses = 0
    stored.delete_all([(item["pk"], item["sk"]) for item in records(60)])
    assert list(table.items) == [("0060", "2023-06#P-1#beneficiary")]
    stored.delete_all([])


def test_a_table_that_takes_nothing_is_told_of_without_what_it_should_have_taken() -> None:
    stored = DynamoRecords(Table(refuses=BATCH_LIMIT), "records")  # type: ignore[arg-type]
    with pytest.raises(NotWritten, match=r"^30 of 30 records$"):
        stored.put_all(records(30))


def test_everything_is_looked_through_once_from_wherever_one_stopped() -> None:
    table = Table()
    stored = DynamoRecords(table, "records")  # type: ignore[arg-type]
    stored.put_all([item | ({"key_mark": "0a1b2c3d"} if n % 2 else {}) for n, item in enumerate(records(5))])
    seen, after = list[Any](), None
    while True:
        page, after = stored.look_through(after)
        seen += page
        if after is None:
            break
    assert seen == [((item["pk"], item["sk"]), "0a1b2c3d" if n % 2 else "") for n, item in enumerate(records(5))]
