"""Secrets: the payment-id key that is never rotated, the public-record key, the banks' tokens.

(Not named `secrets.py`: Pulumi puts this folder first on the path, and the standard library's `secrets` would be
hidden.)
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.grants import Grant, Statement
from infra.settings import SecretValues
from yikatong.records import RecordKeys


@dataclass(frozen=True)
class SecretArgs:
    """`never_rotated`: the first value stays, whatever a later deployment says."""

    variable: str
    description: str
    value: pulumi.Input[str]
    never_rotated: bool = False


class Secret(pulumi.ComponentResource):
    """One secret with its value, and the grant to read it."""

    def __init__(self, noun: str, args: SecretArgs, context: Context) -> None:
        super().__init__("yikatong:secrets:Secret", noun, None, None)
        self.variable = args.variable
        secret = aws.secretsmanager.Secret(
            noun,
            name=context.name(noun),
            description=args.description,
            recovery_window_in_days=30,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect and args.never_rotated),
        )
        aws.secretsmanager.SecretVersion(
            noun,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(args.value),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=context.protect and args.never_rotated,
                ignore_changes=["secretString"] if args.never_rotated else None,
            ),
        )
        self.id: pulumi.Output[str] = secret.id
        self.arn: pulumi.Output[str] = secret.arn
        self.register_outputs({"id": self.id})

    def read(self) -> Grant:
        return Grant((Statement(("secretsmanager:GetSecretValue",), (self.arn,)),), {self.variable: self.id})


def _readable(record_key: str) -> str:
    """The deployment stops at keys that no function could read, and does not repeat them."""
    RecordKeys.of_secret(record_key)
    return record_key


@dataclass(frozen=True)
class Secrets:
    payment_key: Secret
    record_key: Secret
    bank_tokens: Secret

    @classmethod
    def create(cls, values: SecretValues, context: Context) -> "Secrets":
        return cls(
            payment_key=Secret(
                "payment-key",
                SecretArgs(
                    "PAYMENT_KEY_SECRET",
                    "HMAC key of payment ids. Never rotate: another key is another id, and pays everyone again.",
                    values.payment_key,
                    never_rotated=True,
                ),
                context,
            ),
            record_key=Secret(
                "record-key",
                SecretArgs(
                    "RECORD_KEY_SECRET",
                    "HMAC keys of public records: a key, or JSON while one is exchanged for another (docs/privacy.md).",
                    pulumi.Output.from_input(values.record_key).apply(_readable),
                ),
                context,
            ),
            bank_tokens=Secret(
                "bank-tokens",
                SecretArgs(
                    "BANK_TOKENS_SECRET",
                    "JSON object: bank id to bearer token.",
                    pulumi.Output.json_dumps(dict(values.bank_tokens)),
                ),
                context,
            ),
        )
