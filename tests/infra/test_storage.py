"""Buckets: what is private stays private, what is booked stays booked."""

import json
from typing import Any

import pytest

from tests.infra.recorder import Recorder, deployed, settings

DROPS = {"roster-drop", "card-drop", "departure-drop", "policy-drop"}
BUCKETS = DROPS | {"bank-exchange", "lake", "audit", "reports", "site", "portal-export"}
BOOKS = {"lake", "audit", "bank-exchange"}


def statements(stack: Recorder, bucket: str) -> dict[str, dict[str, Any]]:
    policy = json.loads(stack.of("BucketPolicy")[bucket]["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def test_the_buckets_are_those_of_the_architecture(stack: Recorder) -> None:
    assert stack.of("Bucket").keys() == BUCKETS


def test_every_bucket_blocks_the_public_in_all_four_ways(stack: Recorder) -> None:
    blocks = stack.of("BucketPublicAccessBlock")
    assert blocks.keys() == BUCKETS
    ways = {"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}
    assert all({way for way in ways if block.get(way) is True} == ways for block in blocks.values())


def test_every_bucket_is_versioned(stack: Recorder) -> None:
    versionings = stack.of("BucketVersioning")
    assert {name for name, v in versionings.items() if v["versioningConfiguration"] == {"status": "Enabled"}} == BUCKETS


def test_every_bucket_is_encrypted(stack: Recorder) -> None:
    rules = {
        name: inputs["rules"][0]["applyServerSideEncryptionByDefault"]["sseAlgorithm"]
        for name, inputs in stack.of("BucketServerSideEncryptionConfiguration").items()
    }
    assert rules == dict.fromkeys(BUCKETS, "AES256")


def test_every_bucket_refuses_plain_http(stack: Recorder) -> None:
    for bucket in BUCKETS:
        denied = statements(stack, bucket)["EncryptedTransportOnly"]
        assert denied["Effect"] == "Deny"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(denied["Resource"]) == 2, "the bucket and its objects"


def test_nobody_deletes_from_the_lake_the_audit_bucket_or_the_bank_exchange(stack: Recorder) -> None:
    for bucket in BUCKETS:
        denied = statements(stack, bucket).get("NobodyDeletesTheBooks")
        assert (denied is not None) == (bucket in BOOKS)
        if denied is not None:
            assert set(denied["Action"]) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
            assert denied["Principal"] == "*"
            assert "Condition" not in denied


@pytest.mark.parametrize("prefix", ["claims", "instructions", "sent", "receipts"])
def test_s3_itself_refuses_to_overwrite_what_is_written_once(stack: Recorder, prefix: str) -> None:
    denied = statements(stack, "lake")["WrittenOnce"]
    assert denied["Action"] == ["s3:PutObject"]
    assert denied["Condition"]["Null"] == {"s3:if-none-match": "true"}
    assert any(resource.endswith(f"/{prefix}/*") for resource in denied["Resource"])


def test_s3_itself_refuses_to_overwrite_an_event_or_a_root(stack: Recorder) -> None:
    denied = statements(stack, "audit")["WrittenOnce"]
    assert denied["Action"] == ["s3:PutObject"]
    assert [resource[resource.rindex("/", 0, -2) :] for resource in denied["Resource"]] == ["/audit/*", "/roots/*"]


def test_the_audit_bucket_and_no_other_is_locked_for_ten_years_against_everybody(stack: Recorder) -> None:
    assert {name for name, inputs in stack.of("Bucket").items() if inputs.get("objectLockEnabled")} == {"audit"}
    (lock,) = stack.of("BucketObjectLockConfiguration").values()
    assert lock["rule"] == {"defaultRetention": {"mode": "COMPLIANCE", "days": 3653}}


def test_how_long_the_audit_bucket_is_locked_is_the_stacks_choice_but_never_not_at_all() -> None:
    stack = deployed(audit_retention_days=30)
    (lock,) = stack.of("BucketObjectLockConfiguration").values()
    assert lock["rule"]["defaultRetention"]["days"] == 30
    with pytest.raises(ValueError, match="audit_retention_days"):
        settings(audit_retention_days=0)


def test_no_lifecycle_rule_expires_anything(stack: Recorder) -> None:
    configurations = stack.of("BucketLifecycleConfiguration")
    assert configurations.keys() == BUCKETS
    for inputs in configurations.values():
        for rule in inputs["rules"]:
            assert not rule.keys() & {"expiration", "noncurrentVersionExpiration"}


def test_the_local_deployment_leaves_out_conditional_denies_and_nothing_else(local_stack: Recorder) -> None:
    policies = local_stack.of("BucketPolicy")
    assert policies.keys() == BOOKS | {"site"}
    assert statements(local_stack, "site").keys() == {"TheDistributionReads"}
    assert all(statements(local_stack, bucket).keys() == {"NobodyDeletesTheBooks"} for bucket in BOOKS)


def test_only_the_drops_and_the_bank_exchange_tell_of_new_objects(stack: Recorder) -> None:
    notifying = stack.of("BucketNotification")
    assert notifying.keys() == DROPS | {"bank-exchange"}
    assert all(inputs["eventbridge"] is True for inputs in notifying.values())
