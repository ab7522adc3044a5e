"""The control table on DynamoDB: consistent reads, whole items written on condition of their version."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from yikatong.aws.items import deserialize, serialize
from yikatong.batches import scope_prefix
from yikatong.errors import Conflict
from yikatong.ports import Stored

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

S = TypeVar("S", bound=Stored)


class DynamoControl:
    """Implements `yikatong.ports.Control`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(self, model: type[S], pk: str, sk: str) -> S | None:
        found = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        ).get("Item")
        return None if found is None else model.model_validate(deserialize(found))

    def query(self, model: type[S], pk: str, sk_prefix: str = "") -> list[S]:
        condition = "pk = :pk" + (" AND begins_with(sk, :sk)" if sk_prefix else "")
        values = {":pk": {"S": pk}} | ({":sk": {"S": sk_prefix}} if sk_prefix else {})
        pages = self._pages(KeyConditionExpression=condition, ExpressionAttributeValues=values, ConsistentRead=True)
        return [model.model_validate(deserialize(item)) for item in pages]

    def query_region(self, model: type[S], region: str) -> list[S]:
        pages = self._pages(
            IndexName="by_region",
            KeyConditionExpression="province = :province AND begins_with(region_received, :prefix)",
            ExpressionAttributeValues={":province": {"S": f"{region[:2]}0000"}, ":prefix": {"S": scope_prefix(region)}},
        )
        return [model.model_validate(deserialize(item)) for item in pages]

    def save(self, *items: Stored) -> None:
        puts = [self._put(item) for item in items]
        try:
            if len(puts) == 1:
                self._client.put_item(**puts[0])
            else:
                self._client.transact_write_items(TransactItems=[{"Put": put} for put in puts])
        except (
            self._client.exceptions.ConditionalCheckFailedException,
            self._client.exceptions.TransactionCanceledException,
            # A single item that somebody's transaction is writing at this moment: the same race.
            self._client.exceptions.TransactionConflictException,
        ) as error:
            raise Conflict(
                f"另有操作先写入了 {', '.join(item.sk for item in items)}，请重新读取后再试。", "conflict"
            ) from error

    def _put(self, item: Stored) -> Any:
        dumped = item.model_dump(mode="json", exclude_none=True) | {"version": item.version + 1}
        put: dict[str, Any] = {"TableName": self._table, "Item": serialize(dumped)}
        if item.version == 0:
            return put | {"ConditionExpression": "attribute_not_exists(pk)"}
        return put | {
            "ConditionExpression": "version = :expected",
            "ExpressionAttributeValues": {":expected": {"N": str(item.version)}},
        }

    def _pages(self, **query: Any) -> Iterator[dict[str, Any]]:
        for page in self._client.get_paginator("query").paginate(TableName=self._table, **query):
            yield from page["Items"]
