"""`pulumi up` starts here: read the stack's configuration, deploy, export. docs: `Pulumi.heilongjiang.yaml`."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pulumi

from infra.archives import REPOSITORY, BuiltLayers
from infra.settings import Principal, SecretValues, StackSettings
from infra.stack import deploy


def read_settings(config: pulumi.Config) -> StackSettings:
    """The stack's own choices; everything left out takes the default of `StackSettings`."""
    plans: list[str] | None = config.get_object("plans")
    principals: list[dict[str, Any]] = config.get_object("principals") or []
    bank_tokens = {bank_id: config.require_secret(f"bankToken-{bank_id}") for bank_id in _banks(config)}
    chosen: dict[str, int | str | None] = {
        "receipt_timeout_s": config.get_int("receiptTimeoutSeconds"),
        "enquiry_wait_s": config.get_int("enquiryWaitSeconds"),
        "enquiry_attempts": config.get_int("enquiryAttempts"),
        "map_concurrency": config.get_int("mapConcurrency"),
        "log_retention_days": config.get_int("logRetentionDays"),
        "audit_retention_days": config.get_int("auditRetentionDays"),
        "site_hosting": config.get("siteHosting"),
        "site_domain": config.get("siteDomain"),
        "site_certificate": config.get("siteCertificate"),
        "challenge": config.get("challenge"),
        "questions_per_five_minutes": config.get_int("questionsPerFiveMinutes"),
    }
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    return StackSettings(
        stage=config.require("stage"),
        # The one place that reads a clock: from here on the date is an input.
        today=datetime.now(ZoneInfo("Asia/Shanghai")).date(),
        code=BuiltLayers(REPOSITORY / (config.get("layers") or "build/layers")),
        secrets=SecretValues(
            payment_key=config.require_secret("paymentKey"),
            record_key=config.require_secret("recordKey"),
            bank_tokens=bank_tokens,
        ),
        plans=None if plans is None else tuple(REPOSITORY / Path(plan) for plan in plans),
        enable_past_plans=config.get_bool("enablePastPlans") or False,
        principals=tuple(
            Principal(
                name=principal["name"],
                role=principal["role"],
                region=str(principal["region"]),
                departments=tuple(principal.get("departments", ())),
            )
            for principal in principals
        ),
        bank_endpoints=_banks(config),
        **given,
    )


def _banks(config: pulumi.Config) -> dict[str, str]:
    endpoints: dict[str, str] = config.get_object("bankEndpoints") or {}
    return endpoints


deployment = deploy(read_settings(pulumi.Config()))
for field in fields(deployment):
    pulumi.export(field.name, getattr(deployment, field.name))
