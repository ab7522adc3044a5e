"""What the stories need to know of the site they visit: its address, its people and what was published about them."""

from typing import Any

from infra.local.cloud import LocalCloud
from tests.scenarios.people import People
from tests.site.payments import pay, stranger, visitors
from tests.site.publications import disclose, publish_policies


def prepare(cloud: LocalCloud) -> dict[str, Any]:
    """Pay people, publish policies and disclosure lists, and tell the stories of it."""
    pay(cloud)
    people = People(cloud)
    return {
        "address": cloud.endpoints["gateway"],
        "people": {
            role: {
                "name": person.name,
                "id_number": person.id_number,
                "account": person.account,
                "records": people.query(person),
            }
            for role, person in visitors().items()
        },
        "policy": publish_policies(cloud),
        "disclosure": disclose(cloud),
        "stranger": {"name": stranger().name, "id_number": stranger().id_number},
        # Publishing has moved the day.
        "now": cloud.now().isoformat(),
    }


def forget_attempts(cloud: LocalCloud) -> None:
    """Every story's visitor comes from an address that has not asked anything yet."""
    table, dynamodb = cloud.resources["tables"]["attempts"], cloud.client("dynamodb")
    for item in dynamodb.scan(TableName=table, ProjectionExpression="id")["Items"]:
        dynamodb.delete_item(TableName=table, Key=item)
