"""Tables, and the principals deployed into one of them."""

import json

import pytest

from infra.settings import Principal
from tests.infra.recorder import CLERK, Recorder


def test_every_table_is_on_demand_encrypted_restorable_and_protected(stack: Recorder) -> None:
    tables = stack.of("Table")
    tables = {name: inputs for name, inputs in tables.items() if "hashKey" in inputs}
    assert tables.keys() == {"control", "records", "attempts", "idempotency"}
    for inputs in tables.values():
        assert inputs["billingMode"] == "PAY_PER_REQUEST"
        assert inputs["serverSideEncryption"] == {"enabled": True}
        assert inputs["pointInTimeRecovery"] == {"enabled": True}
        assert inputs["deletionProtectionEnabled"] is True


def test_only_the_replies_and_the_counted_attempts_of_the_apis_ever_expire(stack: Recorder) -> None:
    tables = stack.aws_of("dynamodb", "Table")
    expiring = {name: inputs["ttl"]["attributeName"] for name, inputs in tables.items() if "ttl" in inputs}
    assert expiring == {"idempotency": "expiration", "attempts": "expires"}


def test_a_county_a_city_or_the_province_is_one_query_of_the_index(stack: Recorder) -> None:
    (index,) = stack.aws_of("dynamodb", "Table")["control"]["globalSecondaryIndexes"]
    assert index["name"] == "by_region"
    assert [(key["attributeName"], key["keyType"]) for key in index["keySchemas"]] == [
        ("province", "HASH"),
        ("region_received", "RANGE"),
    ]


def test_principals_are_items_of_the_control_table(stack: Recorder) -> None:
    (item,) = stack.of("TableItem").values()
    assert item["tableName"] == "yikatong-test-control"
    assert json.loads(item["item"]) == {
        "pk": {"S": f"PRINCIPAL#{CLERK.name}"},
        "sk": {"S": "PRINCIPAL"},
        "name": {"S": CLERK.name},
        "role": {"S": "clerk"},
        "region": {"S": "230100"},
        "departments": {"L": [{"S": "省民政厅"}]},
        "version": {"N": "1"},
    }


def test_a_role_nobody_defined_is_refused_before_deployment() -> None:
    with pytest.raises(ValueError, match="uploader"):
        Principal("someone", "uploader", "230100")
