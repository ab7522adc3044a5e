"""Everything a deployment may choose, typed, with limits; units end the names.

`today` is an input like any other: whether a plan's year is over decides if its schedules are enabled, and no rule
reads a clock (DESIGN §2). The entry point gives it, the local cloud gives its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import pulumi

from infra.archives import REPOSITORY, CodeSource
from yikatong.principals import Role

# The only retentions CloudWatch Logs knows (PutRetentionPolicy).
LOG_RETENTIONS_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
Challenge = Literal["none", "local"]  # what asks too frequent a caller whether they are a person
SiteHosting = Literal["cloudfront", "website"]
YEAR_S = 365 * 24 * 3600  # the longest a standard Step Functions execution may live


@dataclass(frozen=True)
class Principal:
    """One person or system that may call the bureau API: what they may do, where, for which departments (DESIGN §2)."""

    name: str
    role: str
    region: str
    departments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        Role(self.role)  # a role nobody defined would be found out at the first request, by the person
        if not re.fullmatch(r"[0-9]{6}", self.region):
            raise ValueError(f"principal {self.name!r}: region {self.region!r} is not a GB/T 2260 code")


@dataclass(frozen=True)
class SecretValues:
    """For Secrets Manager. `payment_key` is never rotated (PROTOCOL B1): a new one would pay everyone again."""

    payment_key: pulumi.Input[str]
    record_key: pulumi.Input[str]
    bank_tokens: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """One stack. `plans` is None for the plans committed in the core layer."""

    stage: str
    today: date
    code: CodeSource
    secrets: SecretValues
    plans: tuple[Path, ...] | None = None
    enable_past_plans: bool = False
    principals: tuple[Principal, ...] = ()
    bank_endpoints: Mapping[str, str] = field(default_factory=dict)
    receipt_timeout_s: int = 24 * 3600
    enquiry_wait_s: int = 900  # doubled after each enquiry
    enquiry_attempts: int = 6
    map_concurrency: int = 40
    log_retention_days: int = 400
    audit_retention_days: int = 3653  # ten years; what the audit bucket holds cannot be deleted sooner, by anybody
    site_folder: Path = REPOSITORY / "site"
    site_hosting: SiteHosting = "cloudfront"
    site_domain: str | None = (
        None  # CloudFront only, as is its certificate: an ACM ARN, in China an IAM certificate's id
    )
    site_certificate: str | None = None
    site_front: str | None = None  # the local cloud only: its gateway's address, which serves site and APIs alike
    challenge: Challenge = "none"
    questions_per_five_minutes: int = 300  # from one address; whole villages share one behind a mobile carrier's
    redelivery_s: int | None = (
        None  # None: six times the function's timeout, as AWS advises; the local cloud is less patient
    )
    strict_bucket_policies: bool = True  # conditional Denies; off in the local cloud only, where they block every put
    protect: bool = True  # Pulumi refuses to delete what holds money's records

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9]{1,15}", self.stage):
            raise ValueError(f"stage {self.stage!r}: 2 to 16 lower-case letters and digits, it is part of bucket names")
        if self.log_retention_days not in LOG_RETENTIONS_DAYS:
            raise ValueError(
                f"log_retention_days {self.log_retention_days}: CloudWatch Logs knows {sorted(LOG_RETENTIONS_DAYS)}"
            )
        _within("receipt_timeout_s", self.receipt_timeout_s, 1, YEAR_S)
        _within("enquiry_wait_s", self.enquiry_wait_s, 1, 24 * 3600)
        _within("enquiry_attempts", self.enquiry_attempts, 1, 12)
        _within("map_concurrency", self.map_concurrency, 1, 1000)
        _within("audit_retention_days", self.audit_retention_days, 1, 36500)  # S3: at most a hundred years
        _within("questions_per_five_minutes", self.questions_per_five_minutes, 10, 2_000_000_000)  # WAF's own limits
        self._require_a_site()
        if self.redelivery_s is not None:
            _within("redelivery_s", self.redelivery_s, 1, 12 * 3600)  # SQS: a message may be invisible for 12 hours
        if len({principal.name for principal in self.principals}) != len(self.principals):
            raise ValueError("principals: a name is given twice")
        without_token = self.bank_endpoints.keys() - self.secrets.bank_tokens.keys()
        if without_token:
            raise ValueError(f"banks without a token: {sorted(without_token)}")

    def _require_a_site(self) -> None:
        if self.site_hosting not in get_args(SiteHosting):
            raise ValueError(f"site_hosting {self.site_hosting!r}: one of {get_args(SiteHosting)}")
        if self.challenge not in get_args(Challenge):
            raise ValueError(f"challenge {self.challenge!r}: one of {get_args(Challenge)}")
        if (self.site_domain is None) != (self.site_certificate is None):
            raise ValueError(
                "site_domain and site_certificate: both or neither, a browser would refuse one without the other"
            )
        if self.site_domain is not None:
            if self.site_hosting != "cloudfront":
                raise ValueError("site_domain: an S3 website has no certificate, so it gets no name people would trust")
            if not re.fullmatch(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}", self.site_domain):
                raise ValueError(f"site_domain {self.site_domain!r}: a host name in lower case")


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} {value}: {least} to {most}")
