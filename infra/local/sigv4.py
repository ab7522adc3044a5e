"""Checking AWS Signature Version 4, as API Gateway does for AWS_IAM methods.

The signature is recomputed from what arrived with the secret that moto's IAM holds, so that a forged, altered or
stale request is refused here as it would be there. See
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=5)


class BadSignature(Exception):
    """The request is not signed, or not by whom it says; the message is API Gateway's."""


@dataclass(frozen=True)
class Credential:
    """A user's key, as IAM holds it."""

    access_key: str
    secret: str
    user_arn: str
    user_id: str
    account: str


def verify(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    region: str,
    find: Callable[[str], Credential | None],
    now: datetime | None = None,
) -> Credential:
    """Return whose signature a request carries. `headers` has lower-case names. Raises BadSignature."""
    header = headers.get("authorization")
    if not header:
        raise BadSignature("Missing Authentication Token")
    parsed = re.fullmatch(
        rf"{ALGORITHM} Credential=([^/,]+)/([0-9]{{8}})/([^/,]+)/([^/,]+)/aws4_request, ?"
        r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})",
        header,
    )
    if not parsed:
        raise BadSignature("Authorization header is not an AWS Signature Version 4")
    access_key, day, scope_region, service, names, signature = parsed.groups()
    credential = find(access_key)
    if credential is None:
        raise BadSignature("The security token included in the request is invalid.")
    if (scope_region, service) != (region, "execute-api"):
        raise BadSignature(f"Credential should be scoped to region {region} and service execute-api.")
    stamp = headers.get("x-amz-date", "")
    _check_date(stamp, day, now or datetime.now(UTC))
    signed = names.split(";")
    if not {"host", "x-amz-date"} <= set(signed):
        raise BadSignature("'host' and 'x-amz-date' must be signed headers.")
    request = canonical_request(method, url, headers, signed, body)
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    expected = _sign(credential.secret, day, region, service, to_sign)
    if not hmac.compare_digest(expected, signature):
        raise BadSignature("The request signature we calculated does not match the signature you provided.")
    return credential


def canonical_request(method: str, url: str, headers: Mapping[str, str], signed: list[str], body: bytes) -> str:
    """Write a request down in the one form both sides sign; the body's digest is always our own."""
    parts = urlsplit(url)
    pairs = sorted(
        (quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(parts.query, keep_blank_values=True)
    )
    return "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{key}={value}" for key, value in pairs),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed),
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def _check_date(stamp: str, day: str, now: datetime) -> None:
    try:
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise BadSignature("Date must be in ISO-8601 'basic format'.") from None
    if abs(now - at) > MAX_SKEW or not stamp.startswith(day):
        raise BadSignature(f"Signature expired: {stamp} is not within five minutes of {now:%Y%m%dT%H%M%SZ}")


def _sign(secret: str, day: str, region: str, service: str, text: str) -> str:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
