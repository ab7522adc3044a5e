"""The people of the local cloud: invented, with keys that open nothing else.

They exist twice, as they would on AWS: as IAM users, by whose keys the gateway knows them, and as items of the
control table, which say what they may do (`infra.stack` puts those there).
"""

from dataclasses import dataclass

from infra.local.clients import Clients
from infra.local.sigv4 import Credential
from infra.settings import Principal

DEFAULT_PRINCIPALS: tuple[Principal, ...] = (
    Principal("harbin-clerk", "clerk", "230100"),
    Principal("harbin-approver", "approver", "230100"),
    Principal("qiqihar-clerk", "clerk", "230200"),
    Principal("qiqihar-approver", "approver", "230200"),
    Principal("province-approver", "approver", "230000"),
    Principal("province-treasurer", "treasurer", "230000"),
    Principal("province-department", "department", "230000"),
    Principal("province-operator", "operator", "230000"),
    Principal("province-auditor", "auditor", "230000"),
)
"""Enough people for two cities' payouts: nobody approves what they uploaded."""


@dataclass(frozen=True)
class AccessKey:
    """A principal's signing key."""

    access_key_id: str
    secret_access_key: str


def create_users(clients: Clients, principals: tuple[Principal, ...]) -> dict[str, AccessKey]:
    """Create an IAM user with one key for each principal."""
    iam = clients("iam")
    keys = {}
    for principal in principals:
        iam.create_user(UserName=principal.name)
        key = iam.create_access_key(UserName=principal.name)["AccessKey"]
        keys[principal.name] = AccessKey(key["AccessKeyId"], key["SecretAccessKey"])
    return keys


def find_credential(clients: Clients, access_key: str) -> Credential | None:
    """Look a key up in moto's IAM, the only place that keeps secrets; no API returns them."""
    from moto.iam.models import iam_backends

    for user in iam_backends[clients.account][clients.partition].users.values():
        for key in user.access_keys:
            if key.access_key_id == access_key and key.status == "Active":
                return Credential(access_key, key.secret_access_key, user.arn, user.id, clients.account)
    return None
