"""The functions: one line of size and one table of grants each. Change a function's needs here, and nowhere else.

Rows follow docs/architecture.md. A grant carries its environment variable, so a function is told the names of exactly
what it may touch; the local cloud compares what each function used with what this table gave it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from infra import workflow
from infra.context import Context
from infra.function import Function, FunctionArgs
from infra.grants import Grant, Statement
from infra.layer_versions import create_layers
from infra.messaging import MAX_RECEIVES, Queue
from infra.schedules import ScheduleGroup
from infra.secret_values import Secrets
from infra.settings import StackSettings
from infra.storage import Buckets, PrivateBucket
from infra.tables import Tables

PAYOUT = "payout"


@dataclass(frozen=True)
class Size:
    """`columnar`: the function handles whole batches with polars, and carries that layer. A vCPU is had at 1,769 MB.

    `storage_mb` is for files; 512 come with every function."""

    memory_mb: int
    timeout_s: int
    columnar: bool = False
    storage_mb: int = 512


STEP = Size(memory_mb=1024, timeout_s=300)
API = Size(memory_mb=1024, timeout_s=29)  # API Gateway waits 29 s
BATCH = Size(memory_mb=3538, timeout_s=900, columnar=True)
# A roster, 256 MB at most, is read from disk and deleted when it is done. What a killed worker leaves behind stays with its
# environment (AWS does not clear /tmp), and a message that kills may come back to it until it is received no more.
ROSTER = replace(BATCH, storage_mb=256 * MAX_RECEIVES)

SIZES: Mapping[str, Size] = {
    "validate_roster": ROSTER,
    "import_cards": BATCH,
    "import_departures": BATCH,
    "start_run": STEP,
    "take_up_rows": BATCH,
    "open_run": STEP,
    "claim_payments": BATCH,
    "reserve_funds": STEP,
    "instruct_bank": BATCH,
    "await_receipts": BATCH,
    "receive_receipt": BATCH,
    "enquire_bank": BATCH,
    "settle_batch": BATCH,
    "publish_records": BATCH,
    "close_run": STEP,
    "resend_message": BATCH,
    "rule_payment": replace(BATCH, timeout_s=API.timeout_s),
    "record_recovery": replace(BATCH, timeout_s=API.timeout_s),
    "trace_payment": replace(BATCH, timeout_s=API.timeout_s),
    "rekey_records": BATCH,
    "anchor_books": STEP,
    # A PDF of 20 MB, looked through object by object.
    "publish_policy": replace(BATCH, timeout_s=STEP.timeout_s),
    "collect_policy_list": replace(STEP, columnar=True),
    "publish_disclosure": BATCH,
    "export_portal": replace(BATCH, columnar=False),  # it reads what is public, and compresses
    "bureau_api": API,
    "public_api": API,
}
QUEUED = (
    "validate_roster",
    "import_cards",
    "import_departures",
    "start_run",
    "receive_receipt",
    "publish_policy",
    "collect_policy_list",
    "rekey_records",
)
PAYOUT_STEPS = (
    "take_up_rows",
    "open_run",
    "claim_payments",
    "reserve_funds",
    "instruct_bank",
    "await_receipts",
    "enquire_bank",
    "settle_batch",
    "publish_records",
    "close_run",
)


@dataclass(frozen=True)
class Resources:
    """What functions are granted access to."""

    buckets: Buckets
    tables: Tables
    secrets: Secrets
    bus: aws.cloudwatch.EventBus
    schedules: ScheduleGroup
    queues: Mapping[str, Queue]
    site_origin: pulumi.Output[str]


def grants(made: Resources, settings: StackSettings, context: Context) -> dict[str, tuple[Grant, ...]]:
    """Who may do what."""
    lake, control, records = made.buckets.lake, made.tables.control, made.tables.records
    buckets, secrets, queues = made.buckets, made.secrets, made.queues
    banks = Grant(environment={"BANK_ENDPOINTS": json.dumps(dict(settings.bank_endpoints), sort_keys=True)})
    plans = _plan_paths(settings)
    # Whoever writes a state puts its event first, and reads only the slots that another worker has taken (PROTOCOL O2).
    chain = (buckets.audit.put("audit/*"), buckets.audit.read("audit/*"))
    # Whoever lets a bank's or a person's word take effect wakes the waiting task, or settles, publishes and amends the run.
    takes_effect = (
        plans,
        control.read_write(),
        control.query(),
        lake.read("instructions/*", "receipts/*", "rulings/*", "settlements/*", "runs/*", "rosters/*", "selections/*"),
        lake.put("settlements/*", "runs/*"),
        records.batch_write(),
        buckets.reports.put("*/result.xlsx"),
        secrets.record_key.read(),
        put_events(made.bus),
        workflow.answer_task(PAYOUT, context),
        workflow.describe(PAYOUT, context),
    )
    return {
        "validate_roster": (
            *chain,
            plans,
            queues["validate_roster"].consume(),
            buckets.roster_drop.read("*", versions=True),
            lake.read("cards/*", "rosters/*", "claims/*", "departures/*", "instructions/*", "settlements/*"),
            lake.put("rosters/*"),
            buckets.reports.put("*"),
            control.read_write(),
            control.query(),
            put_events(made.bus),
        ),
        "import_cards": (
            plans,
            queues["import_cards"].consume(),
            buckets.card_drop.read("*", versions=True),
            lake.read("cards/*"),
            lake.put("cards/*"),
            buckets.reports.put("cards/*"),
            control.read_write(),
            control.query(),
            put_events(made.bus),
        ),
        "import_departures": (
            queues["import_departures"].consume(),
            buckets.departure_drop.read("*", versions=True),
            lake.read("departures/*"),
            lake.put("departures/*"),
            buckets.reports.put("departures/*", "misplaced/*"),
            control.read_write(),
        ),
        "start_run": (
            *chain,
            plans,
            queues["start_run"].consume(),
            control.read_write(),
            control.query(),
            workflow.start(PAYOUT, context),
            workflow.describe(PAYOUT, context),
            made.schedules.order(),
        ),
        "take_up_rows": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            lake.read("runs/*", "rosters/*", "cards/*", "claims/*", "selections/*"),
            lake.put("rosters/*"),
        ),
        "open_run": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            lake.read("runs/*"),
            lake.put("runs/*"),
            workflow.describe(PAYOUT, context),
        ),
        "claim_payments": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            lake.read("runs/*", "rosters/*", "cards/*", "claims/*", "selections/*", "instructions/*", "settlements/*"),
            lake.read("sent/*", "sent-again/*"),
            lake.put("claims/*", "selections/*"),
        ),
        "reserve_funds": (*chain, control.read_write()),
        "instruct_bank": (
            *chain,
            plans,
            banks,
            control.read_write(),
            lake.read(
                "rosters/*",
                "selections/*",
                "claims/*",
                "instructions/*",
                "sent/*",
                "sent-again/*",
                "receipts/*",
                "settlements/*",
            ),
            lake.put("instructions/*", "sent/*", "sent-again/*", "receipts/*"),
            secrets.payment_key.read(),
            secrets.bank_tokens.read(),
        ),
        "await_receipts": (
            control.read_write(),
            lake.read("instructions/*", "receipts/*"),
            workflow.answer_task(PAYOUT, context),
        ),
        "receive_receipt": (
            *chain,
            queues["receive_receipt"].consume(),
            buckets.bank_exchange.read("inbound/*", versions=True),
            buckets.bank_exchange.put("quarantine/*"),
            *takes_effect,
            lake.read("sent/*"),
            lake.put("receipts/*"),
        ),
        "enquire_bank": (
            banks,
            control.read(),
            lake.read("instructions/*", "receipts/*", "sent/*", "sent-again/*", "selections/*", "settlements/*"),
            lake.put("receipts/*", "sent-again/*"),
            secrets.bank_tokens.read(),
        ),
        "settle_batch": (
            *chain,
            control.read_write(),
            lake.read("instructions/*", "receipts/*", "rulings/*", "settlements/*"),
            lake.put("settlements/*"),
        ),
        "publish_records": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            lake.read("settlements/*", "instructions/*", "rosters/*", "selections/*"),
            records.batch_write(),
            buckets.reports.put("*/result.xlsx"),
            secrets.record_key.read(),
            put_events(made.bus),
        ),
        "close_run": (
            *chain,
            control.read_write(),
            lake.read("runs/*", "sent/*"),
            lake.put("runs/*"),
            put_events(made.bus),
        ),
        "resend_message": (
            *chain,
            banks,
            *takes_effect,
            lake.read("sent/*", "asked/*", "sent-again/*"),
            lake.put("asked/*", "sent-again/*", "receipts/*"),
            secrets.bank_tokens.read(),
        ),
        "rule_payment": (
            *chain,
            *takes_effect,
            lake.read("sent/*", "sent-again/*", "asked/*"),
            lake.put("rulings/*", "sent/*", "asked/*"),
        ),
        "record_recovery": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            lake.read("settlements/*", "recoveries/*"),
            lake.put("recoveries/*"),
            put_events(made.bus),
        ),
        "trace_payment": (
            plans,
            control.read(),
            control.query_index("by_region"),
            lake.read(
                "rosters/*",
                "claims/*",
                "selections/*",
                "instructions/*",
                "sent/*",
                "sent-again/*",
                "receipts/*",
                "rulings/*",
                "recoveries/*",
                "settlements/*",
            ),
            records.query(),
            secrets.record_key.read(),
            buckets.audit.read("audit/*"),
        ),
        "bureau_api": (
            *chain,
            plans,
            control.read_write(),
            control.query(),
            control.query_index("by_region"),
            made.tables.idempotency.remember_replies(),
            buckets.roster_drop.put("*"),  # a presigned upload carries this role's permission
            buckets.departure_drop.put("*"),  # likewise
            buckets.policy_drop.put("*"),  # likewise
            buckets.reports.read("*"),
            lake.read("rosters/*.review.json", "runs/*"),  # what an approver sees of a roster holds no person
            put_events(made.bus),
            workflow.describe(PAYOUT, context),
            workflow.stop(PAYOUT, context),
            invoke("resend_message", context),
            invoke("rule_payment", context),
            invoke("record_recovery", context),
            invoke("trace_payment", context),
            invoke("publish_disclosure", context),
            invoke("export_portal", context),
            buckets.portal_export.read("exports/*"),
            buckets.bank_exchange.read("quarantine/*"),  # which files a person must look at
            dead_letters(queues, made.schedules),
        ),
        "rekey_records": (
            plans,
            queues["rekey_records"].consume(),
            control.read_write(),
            control.query(),
            lake.read("settlements/*", "instructions/*"),
            records.batch_write(),  # and deletes what a former key left
            records.scan(),
            secrets.record_key.read(),
            put_events(made.bus),
        ),
        "anchor_books": (
            plans,
            control.query(),
            buckets.audit.read("roots/*"),
            buckets.audit.put("roots/*"),
        ),
        "publish_disclosure": (
            plans,
            control.query(),
            lake.read("settlements/*", "instructions/*", "disclosed/*"),
            lake.put("disclosed/*"),
            buckets.site.read("published/disclosure/*"),
            buckets.site.put("published/disclosure/*"),
            take_down(buckets.site, "published/disclosure/*"),
        ),
        "export_portal": (
            plans,
            buckets.site.read("published/*"),
            buckets.portal_export.read("exports/*"),
            buckets.portal_export.put("exports/*", "numbers/*"),
        ),
        "publish_policy": (
            plans,
            queues["publish_policy"].consume(),
            buckets.policy_drop.read("23*"),
            buckets.site.read("policies/*", "published/policies/*"),
            buckets.site.put("policies/*", "published/policies/*"),
            buckets.reports.put("policies/*"),
            control.read(),
        ),
        "collect_policy_list": (
            plans,
            queues["collect_policy_list"].consume(),
            buckets.policy_drop.read("lists/*", versions=True),
            buckets.site.read("published/policy-lists/*"),
            buckets.site.put("published/policy-lists/*"),
            buckets.reports.put("policies/*"),
            control.read_write(),
            control.query(),
        ),
        "public_api": (
            plans,
            Grant(environment={"SITE_ORIGIN": made.site_origin, "CHALLENGE": settings.challenge}),
            records.query(),
            made.tables.attempts.update(),
            secrets.record_key.read(),
            buckets.site.read("published/*"),
        ),
    }


def create_functions(made: Resources, settings: StackSettings, context: Context) -> dict[str, Function]:
    """Every function, by verb."""
    layers = create_layers(settings.code, context)
    needs = grants(made, settings, context)
    assert needs.keys() == SIZES.keys(), "a function without a size, or without grants"
    return {
        verb: Function(
            verb,
            FunctionArgs(
                code=settings.code.function(verb),
                layers=(layers["core"], layers["columnar"]) if size.columnar else (layers["core"],),
                memory_mb=size.memory_mb,
                timeout_s=size.timeout_s,
                storage_mb=size.storage_mb,
                grants=needs[verb],
                # Scheduler calls start_run asynchronously: a tick that fails three times must not vanish.
                dead_letters=made.queues[verb].dead_arn if verb == "start_run" else None,
            ),
            context,
        )
        for verb, size in SIZES.items()
    }


def put_events(bus: aws.cloudwatch.EventBus) -> Grant:
    return Grant((Statement(("events:PutEvents",), (bus.arn,)),), {"EVENT_BUS": bus.name})


def take_down(bucket: PrivateBucket, pattern: str) -> Grant:
    """Take away from the public what may no longer be shown: the only objects that anything deletes."""
    return Grant((Statement(("s3:DeleteObject",), (pulumi.Output.concat(bucket.arn, "/", pattern),)),))


def dead_letters(queues: Mapping[str, Queue], schedules: ScheduleGroup) -> Grant:
    """Count what waits in the dead-letter queues, and put it back; ticks that could not be delivered go to start_run's."""
    dead_arns = (schedules.dead_arn, *(queue.dead_arn for queue in queues.values()))
    live_arns = tuple(queue.arn for queue in queues.values())
    addresses = {"schedules": (schedules.dead_url, queues["start_run"].url)}
    addresses |= {verb: (queue.dead_url, queue.url) for verb, queue in queues.items()}
    return Grant(
        (
            Statement(("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"), dead_arns),
            Statement(("sqs:SendMessage",), live_arns),
        ),
        {"DEAD_LETTER_QUEUES": pulumi.Output.json_dumps({verb: list(pair) for verb, pair in addresses.items()})},
    )


def invoke(verb: str, context: Context) -> Grant:
    """Call another function and wait; its ARN is built from its name, since both are made in one go."""
    return Grant(
        (Statement(("lambda:InvokeFunction",), (context.function_arn(verb),)),), {verb.upper(): context.name(verb)}
    )


def _plan_paths(settings: StackSettings) -> Grant:
    """More plans than the committed one: told to whoever reads the plan, as paths at run time."""
    if settings.plans is None:
        return Grant()
    return Grant(environment={"PLAN_PATHS": ":".join(settings.code.plan_path(path) for path in settings.plans)})
