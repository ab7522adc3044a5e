"""Writes each message's object key down; fails the first time it sees one that asks for it."""

import json
import os
from typing import Any

import boto3

seen: set[str] = set()


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    failures = []
    for record in event["Records"]:
        item = json.loads(record["body"])["detail"]["object"]
        key = item["key"]
        receives = int(record["attributes"]["ApproximateReceiveCount"])
        if key.startswith("poison/") or (key.startswith("flaky/") and receives == 1):
            failures.append({"itemIdentifier": record["messageId"]})
            continue
        boto3.client("s3").put_object(
            Bucket=os.environ["OUT_BUCKET"], Key=f"seen/{key}", Body=f"{receives} {item['sequencer']}"
        )
    return {"batchItemFailures": failures}
