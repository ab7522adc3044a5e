"""Tables: on demand, encrypted, restorable to any second, protected from deletion."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement
from infra.settings import Principal


@dataclass(frozen=True)
class Index:
    """A global secondary index over two string attributes, with every attribute projected."""

    name: str
    hash_key: str
    range_key: str


@dataclass(frozen=True)
class TableArgs:
    """Keys are strings. `expires` names the attribute by which DynamoDB removes items."""

    variable: str
    hash_key: str
    range_key: str | None = None
    index: Index | None = None
    expires: str | None = None


class Table(pulumi.ComponentResource):
    """A DynamoDB table and the grants on it."""

    def __init__(self, noun: str, args: TableArgs, context: Context) -> None:
        super().__init__("yikatong:tables:Table", noun, None, None)
        self.variable, self.keys = args.variable, (args.hash_key, args.range_key)
        names = [args.hash_key, args.range_key, *((args.index.hash_key, args.index.range_key) if args.index else ())]
        table = aws.dynamodb.Table(
            noun,
            name=context.name(noun),
            billing_mode="PAY_PER_REQUEST",
            hash_key=args.hash_key,
            range_key=args.range_key,
            attributes=[aws.dynamodb.TableAttributeArgs(name=name, type="S") for name in names if name],
            global_secondary_indexes=[
                aws.dynamodb.TableGlobalSecondaryIndexArgs(
                    name=args.index.name,
                    key_schemas=[
                        {"attribute_name": args.index.hash_key, "key_type": "HASH"},
                        {"attribute_name": args.index.range_key, "key_type": "RANGE"},
                    ],
                    projection_type="ALL",
                )
            ]
            if args.index
            else None,
            ttl=aws.dynamodb.TableTtlArgs(attribute_name=args.expires, enabled=True) if args.expires else None,
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(enabled=True),
            deletion_protection_enabled=True,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        self.name: pulumi.Output[str] = table.name
        self.arn: pulumi.Output[str] = table.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _grant(self, *actions: str) -> Grant:
        return Grant(
            (Statement(tuple(f"dynamodb:{action}" for action in actions), (self.arn,)),), {self.variable: self.name}
        )

    def read_write(self) -> Grant:
        """Whole items, put on condition of their version; a transaction of puts needs no permission of its own.

        No DeleteItem: nothing in the books is taken back, it is countered.
        """
        return self._grant("GetItem", "PutItem")

    def read(self) -> Grant:
        return self._grant("GetItem")

    def query(self) -> Grant:
        return self._grant("Query")

    def update(self) -> Grant:
        return self._grant("UpdateItem")

    def batch_write(self) -> Grant:
        """Puts, and deletions for whoever may make them: DynamoDB asks for no other permission inside a batch."""
        return self._grant("BatchWriteItem")

    def scan(self) -> Grant:
        return self._grant("Scan")

    def query_index(self, index: str) -> Grant:
        return Grant(
            (Statement(("dynamodb:Query",), (pulumi.Output.concat(self.arn, "/index/", index),)),),
            {self.variable: self.name},
        )

    def remember_replies(self) -> Grant:
        """What Powertools' idempotency does to its own table, and there only."""
        return self._grant("GetItem", "PutItem", "UpdateItem", "DeleteItem")


@dataclass(frozen=True)
class Tables:
    """The system's tables (docs/architecture.md)."""

    control: Table
    records: Table
    attempts: Table
    idempotency: Table

    @classmethod
    def create(cls, context: Context) -> "Tables":
        by_region = Index("by_region", "province", "region_received")
        return cls(
            control=Table("control", TableArgs("CONTROL_TABLE", "pk", "sk", index=by_region), context),
            records=Table("records", TableArgs("RECORDS_TABLE", "pk", "sk"), context),
            attempts=Table("attempts", TableArgs("ATTEMPTS_TABLE", "id", expires="expires"), context),
            idempotency=Table("idempotency", TableArgs("IDEMPOTENCY_TABLE", "id", expires="expiration"), context),
        )


def register_principals(control: Table, principals: Sequence[Principal]) -> None:
    """Who may do what is deployed, not typed into a table by hand: a change of rights is reviewed like any other."""
    hash_key, range_key = control.keys
    for principal in principals:
        item: dict[str | None, Any] = {
            hash_key: {"S": f"PRINCIPAL#{principal.name}"},
            range_key: {"S": "PRINCIPAL"},
            "name": {"S": principal.name},
            "role": {"S": principal.role},
            "region": {"S": principal.region},
            "departments": {"L": [{"S": department} for department in principal.departments]},
            "version": {"N": "1"},
        }
        aws.dynamodb.TableItem(
            f"principal-{principal.name}",
            table_name=control.name,
            hash_key=hash_key,
            range_key=range_key,
            item=json.dumps(item, ensure_ascii=False),
            opts=pulumi.ResourceOptions(parent=control),
        )
