"""Ids of payments and messages: made before the bank sees them, the same on every retry (PROTOCOL B1)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

PAYMENT_ID_LENGTH = 26


def payment_id(secret: bytes, code: str, slot: str, key: str) -> str:
    """26 characters naming what is owed to one entitled unit for one slot of one subsidy.

    The HMAC key is never rotated: the id must come out the same for ever. 26 base-32 characters carry 130 bits.
    """
    digest = hmac.digest(secret, f"{code}|{slot}|{key}".encode(), "sha256")
    return base64.b32encode(digest[:17]).decode("ascii")[:PAYMENT_ID_LENGTH]


def trial_payment_id(secret: bytes, code: str, slot: str, key: str, batch_id: str) -> str:
    """A trial's id: marked `T`, and of that batch alone, since a trial may be repeated for the same people."""
    return "T" + payment_id(secret, code, slot, f"{key}|{batch_id}")


def end_to_end_id(payment: str, attempt: int) -> str:
    """At most 35 characters (ISO 20022 Max35Text): the payment and the attempt at paying it, counted from 1."""
    return f"{payment}-{attempt}"


def digest_of(*parts: object) -> str:
    """SHA-256, in hex, over named inputs: what an object written once was made from (PROTOCOL O1)."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def content_sha256(content: bytes | Path) -> str:
    """SHA-256, in hex, of bytes or of the file where they lie, which is never held whole."""
    if isinstance(content, bytes):
        return sha256_hex(content)
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def batch_id(
    plan_year: int, code: str, region: str, mode: str, object_key: str, content_sha256: str, reissues: str = ""
) -> str:
    """A batch's identity (DESIGN §2): the same file under the same key is the same batch, whenever it arrives.

    Unless it is sent as a reissue of the batch `reissues` names: the same bytes as an ordinary roster ask for something else.
    """
    said = (plan_year, code, region, mode, object_key, content_sha256)
    digest = digest_of(*said, reissues) if reissues else digest_of(*said)
    return f"{code}.{mode}.{region}.{digest[:16]}"


def split_batch_id(identity: str) -> tuple[str, str, str]:
    """(code, mode, region) of a batch id."""
    code, mode, region, _ = identity.split(".")
    return code, mode, region


def run_id(code: str, as_of_compact: str, mode: str, cause: str) -> str:
    return f"{code}-{as_of_compact}-{mode}-{cause}"


def sorted_digest(items: Sequence[str]) -> str:
    return digest_of(*sorted(items))
