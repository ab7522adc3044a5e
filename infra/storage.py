"""Buckets: private, versioned, encrypted, TLS only. What proves a payment is never deleted and never expires.

Lifecycle rules never expire anything: they only clear away uploads that were never finished. Claims, instructions,
sent marks, receipts and settlements are the books, and `If-None-Match: *` succeeds over a delete marker (FACTS), so a
deleted claim would be a second payment (PROTOCOL O1). The audit bucket is locked as well: until its retention is over
nobody deletes or shortens anything in it, not even the account's owner (PROTOCOL O2).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement

WRITTEN_ONCE = (
    "claims/*",
    "instructions/*",
    "sent/*",
    "sent-again/*",
    "receipts/*",
    "rulings/*",
    "recoveries/*",
    "disclosed/*",
)


CHAINS = ("audit/*", "roots/*")


@dataclass(frozen=True)
class BucketArgs:
    """`variable` is the environment variable that names the bucket to the functions it is granted to."""

    variable: str
    keeps_books: bool = False  # nobody deletes from it, by policy
    notifies: bool = False  # object events go to EventBridge
    written_once: tuple[str, ...] = ()  # keys that S3 itself refuses to overwrite
    locked_days: int | None = None  # Object Lock: how long each version stays, whatever anybody's rights
    opens: bool = False  # `open` puts its policy, with an Allow
    to_the_world: bool = False  # ... for everybody, in the clear


class PrivateBucket(pulumi.ComponentResource):
    """A bucket that is safe when nothing is said, and the grants on it."""

    def __init__(self, noun: str, args: BucketArgs, context: Context) -> None:
        super().__init__("yikatong:storage:PrivateBucket", noun, None, None)
        own = pulumi.ResourceOptions(parent=self)
        keep = pulumi.ResourceOptions(parent=self, protect=context.protect and args.keeps_books)
        self.variable = args.variable
        bucket = aws.s3.Bucket(
            noun, bucket=context.bucket_name(noun), object_lock_enabled=args.locked_days is not None, opts=keep
        )
        blocked = aws.s3.BucketPublicAccessBlock(
            noun,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=not args.to_the_world,
            ignore_public_acls=True,
            restrict_public_buckets=not args.to_the_world,
            opts=own,
        )
        versioning = aws.s3.BucketVersioning(
            noun,
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=own,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            noun,
            bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=own,
        )
        aws.s3.BucketLifecycleConfiguration(
            noun,
            bucket=bucket.id,
            rules=[
                {
                    "id": "abandoned-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                }
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        if args.locked_days is not None:
            # S3 asks puts under a lock for a checksum; botocore sends one with every put (CRC32, by default).
            aws.s3.BucketObjectLockConfiguration(
                noun,
                bucket=bucket.id,
                rule={"default_retention": {"mode": "COMPLIANCE", "days": args.locked_days}},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
            )
        if args.notifies:
            aws.s3.BucketNotification(noun, bucket=bucket.id, eventbridge=True, opts=own)
        self.name: pulumi.Output[str] = bucket.bucket
        self.arn: pulumi.Output[str] = bucket.arn
        self.domain_name: pulumi.Output[str] = bucket.bucket_regional_domain_name
        self._noun, self._blocked = noun, blocked
        self._denials = _denials(bucket.arn, args, context.strict_bucket_policies)
        if self._denials and not args.opens:
            self._put_policy(self._denials)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def open(self, allow: Mapping[str, Any], *patterns: str) -> None:
        """Let somebody outside the account's roles get these keys, and no other: `allow` is the statement's `Sid`,
        `Principal` and perhaps `Condition`. Nobody may list."""
        statement = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": list(self._keys(patterns)), **allow}
        self._put_policy([*self._denials, statement])

    def _put_policy(self, statements: list[dict[str, Any]]) -> None:
        aws.s3.BucketPolicy(
            self._noun,
            bucket=self.name,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            # S3 refuses a policy for everybody while public policies are blocked.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self._blocked]),
        )

    def _keys(self, patterns: tuple[str, ...]) -> tuple[pulumi.Input[str], ...]:
        return tuple(pulumi.Output.concat(self.arn, "/", pattern) for pattern in patterns)

    def _grant(self, *statements: Statement) -> Grant:
        return Grant(statements, {self.variable: self.name})

    def read(self, *patterns: str, versions: bool = False) -> Grant:
        """Get and list: without ListBucket, S3 answers 403 for a missing key, as if it were forbidden."""
        actions = ("s3:GetObject", "s3:GetObjectVersion") if versions else ("s3:GetObject",)
        return self._grant(Statement(actions, self._keys(patterns)), Statement(("s3:ListBucket",), (self.arn,)))

    def put(self, *patterns: str) -> Grant:
        return self._grant(Statement(("s3:PutObject",), self._keys(patterns)))


def _denials(arn: pulumi.Output[str], args: BucketArgs, strict: bool) -> list[dict[str, Any]]:
    """The bucket's own law, over any role's. Conditional Denies are left out where they block every put."""
    objects = pulumi.Output.concat(arn, "/*")
    statements: list[dict[str, Any]] = []
    if args.keeps_books:
        statements.append(_deny("NobodyDeletesTheBooks", ["s3:DeleteObject", "s3:DeleteObjectVersion"], [objects]))
    if strict:
        encrypted = _deny(
            "EncryptedTransportOnly", ["s3:*"], [arn, objects], {"Bool": {"aws:SecureTransport": "false"}}
        )
        if args.to_the_world:  # an S3 website speaks http and nothing else
            encrypted = {name: value for name, value in encrypted.items() if name != "Action"}
            encrypted["NotAction"] = ["s3:GetObject"]
        statements.append(encrypted)
    if strict and args.written_once:
        once = [pulumi.Output.concat(arn, "/", pattern) for pattern in args.written_once]
        # The parts of an upload cannot carry the header: ObjectCreationOperation exempts them, not the whole object
        # (S3 user guide, "Enforce conditional writes").
        condition = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
        statements.append(_deny("WrittenOnce", ["s3:PutObject"], once, condition))
    return statements


def _deny(
    sid: str, actions: list[str], resources: list[pulumi.Output[str]], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": resources,
    }
    return statement | ({"Condition": condition} if condition else {})


@dataclass(frozen=True)
class Buckets:
    """The system's buckets (docs/architecture.md)."""

    roster_drop: PrivateBucket
    card_drop: PrivateBucket
    departure_drop: PrivateBucket
    policy_drop: PrivateBucket
    bank_exchange: PrivateBucket
    lake: PrivateBucket
    audit: PrivateBucket
    reports: PrivateBucket
    site: PrivateBucket
    portal_export: PrivateBucket

    @classmethod
    def create(cls, context: Context) -> "Buckets":
        return cls(
            roster_drop=PrivateBucket("roster-drop", BucketArgs("ROSTER_BUCKET", notifies=True), context),
            card_drop=PrivateBucket("card-drop", BucketArgs("CARD_BUCKET", notifies=True), context),
            departure_drop=PrivateBucket("departure-drop", BucketArgs("DEPARTURE_BUCKET", notifies=True), context),
            policy_drop=PrivateBucket("policy-drop", BucketArgs("POLICY_BUCKET", notifies=True), context),
            bank_exchange=PrivateBucket(
                "bank-exchange", BucketArgs("BANK_BUCKET", keeps_books=True, notifies=True), context
            ),
            lake=PrivateBucket("lake", BucketArgs("LAKE_BUCKET", keeps_books=True, written_once=WRITTEN_ONCE), context),
            audit=PrivateBucket(
                "audit",
                BucketArgs(
                    "AUDIT_BUCKET", keeps_books=True, written_once=CHAINS, locked_days=context.audit_retention_days
                ),
                context,
            ),
            reports=PrivateBucket("reports", BucketArgs("REPORTS_BUCKET"), context),
            site=PrivateBucket(
                "site",
                BucketArgs("SITE_BUCKET", opens=True, to_the_world=context.site_hosting == "website"),
                context,
            ),
            portal_export=PrivateBucket("portal-export", BucketArgs("PORTAL_BUCKET"), context),
        )
