"""The public records table: written in batches, read by one person's key; looked through only to remove a former key's."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from yikatong.aws.items import deserialize, serialize
from yikatong.ports import RecordKey

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

BATCH_LIMIT = 25
"""BatchWriteItem takes at most 25 puts or deletions."""
_TRIES = 8


class NotWritten(Exception):
    """The table kept refusing items; the step fails and is retried as a whole, which changes nothing twice."""


class DynamoRecords:
    """Implements `yikatong.ports.Records`."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def put_all(self, items: Iterable[dict[str, Any]]) -> int:
        return self._write([{"PutRequest": {"Item": serialize(item)}} for item in items])

    def delete_all(self, keys: Sequence[RecordKey]) -> None:
        self._write([{"DeleteRequest": {"Key": serialize({"pk": pk, "sk": sk})}} for pk, sk in keys])

    def _write(self, pending: list[Any]) -> int:
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

    def look_through(self, after: RecordKey | None) -> tuple[Sequence[tuple[RecordKey, str]], RecordKey | None]:
        start: Any = (
            {} if after is None else {"ExclusiveStartKey": serialize(dict(zip(("pk", "sk"), after, strict=True)))}
        )
        page = self._client.scan(TableName=self._table, ProjectionExpression="pk, sk, key_mark", **start)
        found = [deserialize(item) for item in page["Items"]]
        last = page.get("LastEvaluatedKey")
        return (
            [((item["pk"], item["sk"]), item.get("key_mark", "")) for item in found],
            None if last is None else (last["pk"]["S"], last["sk"]["S"]),
        )
