"""The attempts table: counters that count atomically and forget themselves."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


class DynamoAttempts:
    """Its `count` is the `Count` of `yikatong.attempts`. Two queries at once are two attempts: DynamoDB adds, nobody reads first.

    A retry after a lost answer counts twice: too strict by one, never too lax.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def count(self, name: str, expires: int) -> int:
        answer = self._client.update_item(
            TableName=self._table,
            Key={"id": {"S": name}},
            UpdateExpression="ADD attempts :one SET expires = :expires",
            ExpressionAttributeValues={":one": {"N": "1"}, ":expires": {"N": str(expires)}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["attempts"]["N"])
