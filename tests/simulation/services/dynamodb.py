"""DynamoDB in memory: items as the adapters serialise them, and the conditions and queries that the adapters write."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from tests.simulation.services import errors

Item = dict[str, Any]
Key = tuple[str, str]
ITEMS_A_PAGE = 2
Written = Callable[[str, Item | None, Item], None]


class MemoryDynamo:
    """Implements of `DynamoDBClient` what is used. `written` is told of every committed write to a table: name, before, after."""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=errors.ConditionalCheckFailedException,
        TransactionCanceledException=errors.TransactionCanceledException,
        TransactionConflictException=errors.TransactionConflictException,
    )

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, Item]] = {}
        self.written: Written = lambda _table, _before, _after: None

    def copy(self) -> "MemoryDynamo":
        other = MemoryDynamo()
        # Items are replaced, never changed in place.
        other.tables = {name: dict(items) for name, items in self.tables.items()}
        return other

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Item:  # noqa: ARG002
        found = self._table(TableName).get((Key["pk"]["S"], Key["sk"]["S"]))
        return {} if found is None else {"Item": found}

    def put_item(self, **put: Any) -> Item:
        if not self._holds(put):
            raise errors.client_error(
                errors.ConditionalCheckFailedException, "ConditionalCheckFailedException", 400, "PutItem"
            )
        self._put(put)
        return {}

    def transact_write_items(self, *, TransactItems: list[Item]) -> Item:
        puts = [action["Put"] for action in TransactItems]
        keys = [(put["TableName"], put["Item"]["pk"]["S"], put["Item"]["sk"]["S"]) for put in puts]
        assert len(set(keys)) == len(keys) <= 100, "DynamoDB refuses two actions on one item, and more than 100"
        if not all(self._holds(put) for put in puts):
            reasons = [{"Code": "None" if self._holds(put) else "ConditionalCheckFailed"} for put in puts]
            raise errors.client_error(
                errors.TransactionCanceledException, "TransactionCanceledException", 400, "TransactWriteItems",
                CancellationReasons=reasons,
            )  # fmt: skip
        for put in puts:
            self._put(put)
        return {}

    def batch_write_item(self, *, RequestItems: dict[str, list[Item]]) -> Item:
        for table, requests in RequestItems.items():
            assert 0 < len(requests) <= 25, "BatchWriteItem takes 1 to 25 puts"
            for request in requests:
                self._put({"TableName": table, "Item": request["PutRequest"]["Item"]})
        return {"UnprocessedItems": {}}

    def update_item(self, **update: Any) -> Item:
        """Only what the state machine itself does: `SET last_failure = :failure` on an item that exists."""
        assert update["UpdateExpression"] == "SET last_failure = :failure", "the workflow's own write has changed"
        assert update["ConditionExpression"] == "attribute_exists(pk)"
        key = (update["Key"]["pk"]["S"], update["Key"]["sk"]["S"])
        table = self._table(update["TableName"])
        if key not in table:
            raise errors.client_error(
                errors.ConditionalCheckFailedException, "ConditionalCheckFailedException", 400, "UpdateItem"
            )
        table[key] = table[key] | {"last_failure": update["ExpressionAttributeValues"][":failure"]}
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "query"
        return SimpleNamespace(paginate=self.query_pages)

    def query_pages(self, **query: Any) -> Iterator[Item]:
        """So small that nobody forgets the second page."""
        items = self._found(**query)
        for start in range(0, max(len(items), 1), ITEMS_A_PAGE):
            yield {"Items": items[start : start + ITEMS_A_PAGE]}

    def _found(
        self,
        *,
        TableName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        IndexName: str = "",
        ConsistentRead: bool = False,
    ) -> list[Item]:
        names = ("province", "region_received") if IndexName else ("pk", "sk")
        assert not (IndexName and ConsistentRead), "an index has no consistent reads"
        values = [value["S"] for value in ExpressionAttributeValues.values()]
        holds = f"{names[0]} = {next(iter(ExpressionAttributeValues))}"
        assert KeyConditionExpression.startswith(holds), KeyConditionExpression
        prefix = values[1] if len(values) > 1 else ""
        assert not prefix or f"begins_with({names[1]}," in KeyConditionExpression, KeyConditionExpression
        absent = {"S": ""}
        found = [
            item
            for item in self._table(TableName).values()
            if item.get(names[0], absent)["S"] == values[0] and item.get(names[1], absent)["S"].startswith(prefix)
        ]
        return sorted(found, key=lambda item: str(item[names[1]]["S"]))

    def _table(self, name: str) -> dict[Key, Item]:
        return self.tables.setdefault(name, {})

    def _holds(self, put: Item) -> bool:
        standing = self._table(put["TableName"]).get((put["Item"]["pk"]["S"], put["Item"]["sk"]["S"]))
        match put.get("ConditionExpression"):
            case None:
                return True
            case "attribute_not_exists(pk)":
                return standing is None
            case "version = :expected":
                return standing is not None and standing["version"] == put["ExpressionAttributeValues"][":expected"]
        raise NotImplementedError(put["ConditionExpression"])

    def _put(self, put: Item) -> None:
        item = put["Item"]
        key = (item["pk"]["S"], item["sk"]["S"])
        table = self._table(put["TableName"])
        before, table[key] = table.get(key), item
        self.written(put["TableName"], before, item)
