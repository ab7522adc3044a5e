"""Queries of the local cloud's tables find what DynamoDB's would, in its order."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

pytestmark = pytest.mark.cloud


def test_a_query_finds_its_partition_in_order_and_an_index_whatever_has_its_key(cloud: "LocalCloud") -> None:
    tables = cloud.client("dynamodb")
    keys: dict[str, Any] = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}
    keys["KeySchema"].append({"AttributeName": "sk", "KeyType": "RANGE"})
    by_group = {"IndexName": "by-group", "KeySchema": [{"AttributeName": "group", "KeyType": "HASH"}]}
    tables.create_table(
        TableName="shelf",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "group")],
        GlobalSecondaryIndexes=[by_group | {"Projection": {"ProjectionType": "ALL"}}],
        **keys,
    )
    for pk in ("a", "b"):
        for sk in ("2", "1", "10"):
            item = {"pk": {"S": pk}, "sk": {"S": sk}, "group": {"S": f"of {sk}"}}
            tables.put_item(TableName="shelf", Item=item)

    def found(condition: str, index: str = "", **values: str) -> list[str]:
        named = {f":{name}": {"S": value} for name, value in values.items()}
        where: dict[str, Any] = {"IndexName": index} if index else {}
        where |= {"ExpressionAttributeNames": {"#g": "group"}} if index else {}
        answer = tables.query(
            TableName="shelf", KeyConditionExpression=condition, ExpressionAttributeValues=named, **where
        )
        return [item["pk"]["S"] + item["sk"]["S"] for item in answer["Items"]]

    assert found("pk = :pk", pk="a") == ["a1", "a10", "a2"]
    assert found("pk = :pk AND begins_with(sk, :sk)", pk="b", sk="1") == ["b1", "b10"]
    assert found("pk = :pk", pk="nobody") == []
    assert sorted(found("#g = :g", "by-group", g="of 2")) == ["a2", "b2"]
    assert tables.scan(TableName="shelf")["Count"] == 6
