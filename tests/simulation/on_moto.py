"""The same histories with DynamoDB and S3 of moto behind boto3's own clients: they must go the same way, call by call.

So the services in memory are held to what botocore accepts and moto does, and the simulation to both.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Any

import boto3
from moto import mock_aws

from tests.simulation.functions import VARIABLES
from tests.simulation.history import Told, play
from tests.simulation.platform import Platform
from tests.simulation.services.dynamodb import ITEMS_A_PAGE, Item, Key
from tests.simulation.services.s3 import KEYS_A_PAGE, Version

REGION = "cn-north-1"


class MotoDynamo:
    """A real client; what is stored can be looked at as in `MemoryDynamo`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.written: Any = None

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def get_paginator(self, operation: str) -> Any:
        return _Repaged(self._client.get_paginator(operation), "Items", ITEMS_A_PAGE)

    @property
    def tables(self) -> dict[str, dict[Key, Item]]:
        found: dict[str, dict[Key, Item]] = {}
        for name in ("control", "records"):
            pages = self._client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
            items = [item for page in pages for item in page["Items"]]
            if items:
                found[name] = {(item["pk"]["S"], item["sk"]["S"]): item for item in items}
        return found


class MotoS3:
    """A real client; the versions that moto makes up are told by number, as in `MemoryS3`."""

    def __init__(self, client: Any, platform: Platform) -> None:
        self._client = client
        self._platform = platform
        self.exceptions = client.exceptions
        self.created: Any = None
        self._numbers: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self.last = 0

    def put_object(self, **request: Any) -> Any:
        answer = self._client.put_object(**request)
        self.last += 1
        self.name(answer["VersionId"], self.last)
        now = self._platform.stage.now
        version = Version(request["Body"], dict(request.get("Metadata", {})), self.last, now)
        self.created(request["Bucket"], request["Key"], version)
        return answer

    def name(self, version_id: str, number: int) -> None:
        self._numbers[version_id] = number
        self._ids[f"v{number}"] = version_id

    def get_object(self, **request: Any) -> Any:
        if "VersionId" in request:
            request = request | {"VersionId": self._ids[request["VersionId"]]}
        found = self._client.get_object(**request)
        return found | {"VersionId": f"v{self._numbers[found['VersionId']]}", "LastModified": self._platform.stage.now}

    def get_paginator(self, operation: str) -> Any:
        return _Repaged(self._client.get_paginator(operation), "Contents", KEYS_A_PAGE)

    def generate_presigned_url(self, operation: str, **request: Any) -> Any:
        return self._client.generate_presigned_url(operation, **request)

    @property
    def buckets(self) -> dict[str, dict[str, list[tuple[bytes, dict[str, str]]]]]:
        found: dict[str, dict[str, list[tuple[bytes, dict[str, str]]]]] = {}
        for bucket in self._client.list_buckets()["Buckets"]:
            name = bucket["Name"]
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=name):
                for item in page.get("Contents", []):
                    got = self._client.get_object(Bucket=name, Key=item["Key"])
                    found.setdefault(name, {})[item["Key"]] = [(got["Body"].read(), got["Metadata"])]
        return found


class _Repaged:
    """Pages as small as those in memory, which moto has its own mind about."""

    def __init__(self, paginator: Any, name: str, size: int) -> None:
        self._paginator, self._name, self._size = paginator, name, size

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        every = [one for page in self._paginator.paginate(**request) for one in page.get(self._name, [])]
        for start in range(0, max(len(every), 1), self._size):
            yield {self._name: every[start : start + self._size]}


def _move_in(platform: Platform) -> None:
    """What the history begins with, put into moto; from then on everything is stored there."""
    memory = platform.clients["dynamodb"], platform.clients["s3"]
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    s3 = boto3.client("s3", region_name=REGION)
    for table in (VARIABLES["CONTROL_TABLE"], VARIABLES["RECORDS_TABLE"]):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        for item in memory[0].tables.get(table, {}).values():
            dynamodb.put_item(TableName=table, Item=item)
    moved = MotoS3(s3, platform)
    places = {"LocationConstraint": REGION}
    for bucket in sorted({*memory[1].buckets, "lake", "audit", "reports", "bank-exchange", "card-drop", "roster-drop"}):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=places)  # type: ignore[arg-type]
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        for key, versions in memory[1].buckets.get(bucket, {}).items():
            for version in versions:
                put = s3.put_object(Bucket=bucket, Key=key, Body=version.body, Metadata=version.metadata)
                moved.name(put["VersionId"], version.number)
                moved.last = max(moved.last, version.number)
    platform.use_stores(MotoDynamo(dynamodb), moved)


def stored(platform: Platform) -> tuple[Any, Any]:
    """Every item, and every object's newest version with its metadata; a report may differ from one writing to the next."""
    buckets = platform.clients["s3"].buckets
    objects = {
        (bucket, key): (versions[-1].body, versions[-1].metadata) if isinstance(versions[-1], Version) else versions[-1]
        for bucket, keys in buckets.items()
        for key, versions in keys.items()
        if bucket != "reports" and versions
    }
    return {name: items for name, items in platform.clients["dynamodb"].tables.items() if items}, objects


def differences(seed: int) -> tuple[list[str], Told]:
    """Where the history of this seed goes another way on moto, in words; empty when it does not."""
    ends: list[Any] = []
    here = play(seed, at_end=lambda platform: ends.append(stored(platform)))
    with mock_aws():
        there = play(seed, stores=_move_in, at_end=lambda platform: ends.append(stored(platform)))
    found = []
    if here.story != there.story:
        at = next(at for at, (one, other) in enumerate(zip(here.story, there.story, strict=False)) if one != other)
        found.append(f"step {at}: in memory {here.lines()[at]}, on moto {there.lines()[at]}")
    if here.violation != there.violation:
        found.append(f"in memory {here.violation or 'held'}, on moto {there.violation or 'held'}")
    for what, mine, other in zip(("items", "objects"), *ends, strict=True):
        if mine != other:
            found.append(f"other {what} are stored: {sorted(map(str, mine.keys() ^ other.keys()))[:5]}")
    return found, here


def compare(seeds: Iterable[int]) -> int:
    """Tell what differs; 1 if anything does."""
    different = 0
    for seed in seeds:
        found, told = differences(seed)
        different += bool(found)
        sys.stdout.write(f"seed {seed}: {len(told.story)} steps, {'; '.join(found) or 'the same on moto'}\n")
    return int(different > 0)
