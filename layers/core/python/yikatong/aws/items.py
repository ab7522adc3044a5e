"""DynamoDB's typed attributes to Python values and back."""

from decimal import Decimal
from functools import cache
from typing import Any


def serialize(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _serializer().serialize(value) for name, value in item.items()}


def deserialize(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _deserializer().deserialize(value) for name, value in item.items()}


@cache
def _serializer() -> Any:
    # Imported when it is first asked, here and below: all of boto3 hangs on it.
    from boto3.dynamodb.types import TypeSerializer

    return TypeSerializer()


@cache
def _deserializer() -> Any:
    from boto3.dynamodb.types import TypeDeserializer

    class WholeNumbers(TypeDeserializer):
        """boto3 reads every number as a Decimal, and an attribute that this version of the code does not know would be
        written back as a string: two code versions share the table, and what the other one's events say must stay."""

        def _deserialize_n(self, value: str) -> int | Decimal:
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else number

    return WholeNumbers()
