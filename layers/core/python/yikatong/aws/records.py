"""The public records table: one batch write per payment, read by one person's key."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from yikatong.aws.control import deserialize, serialize

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH_LIMIT = 25
"""BatchWriteItem takes at most 25 puts."""
_TRIES = 8


class NotWritten(Exception):
    """The table kept refusing items; the step fails and is retried as a whole, which changes nothing twice."""


class DynamoRecords:
    """Implements `yikatong.ports.Records`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_all(self, items: Iterable[dict[str, Any]]) -> int:
        pending: list[Any] = [{"PutRequest": {"Item": serialize(item)}} for item in items]
        total = len(pending)
        refusals = 0
        while pending:
            answer = self._client.batch_write_item(RequestItems={self._table: pending[:BATCH_LIMIT]})
            unprocessed = answer.get("UnprocessedItems", {}).get(self._table, [])
            refusals = refusals + 1 if len(unprocessed) == len(pending[:BATCH_LIMIT]) else 0
            if refusals == _TRIES:
                raise NotWritten(f"{len(pending)} of {total} records")
            pending = [*unprocessed, *pending[BATCH_LIMIT:]]
        return total

    def of_person(self, pk: str) -> Sequence[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}}
        )
        return [deserialize(item) for page in pages for item in page["Items"]]
