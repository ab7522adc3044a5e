"""The whole system, in the order it is built: the one description that AWS and the local cloud both deploy."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pulumi
import pulumi_aws as aws

from infra.alarms import Alarms, AlarmsArgs
from infra.api import Api, ApiArgs
from infra.context import Context
from infra.functions import PAYOUT, PAYOUT_STEPS, QUEUED, SIZES, Resources, create_functions
from infra.messaging import Queue, QueuedFunction, Route, object_created
from infra.public_site import Site
from infra.schedules import DailyTick, ScheduleGroup, Schedules, SchedulesArgs
from infra.secret_values import Secrets
from infra.settings import StackSettings
from infra.storage import Buckets
from infra.tables import Tables, register_principals
from infra.web_acl import WebAcl, WebAclArgs
from infra.workflow import Workflow, WorkflowArgs
from yikatong.plan import PlanBook, Settings, derive_schedules, require_registered


@dataclass(frozen=True)
class Deployment:
    """What others need to know of a deployed stack; names by the words of docs/architecture.md."""

    buckets: Mapping[str, pulumi.Output[str]]
    tables: Mapping[str, pulumi.Output[str]]
    functions: Mapping[str, pulumi.Output[str]]
    queues: Mapping[str, pulumi.Output[str]]
    dead_letter_queues: Mapping[str, pulumi.Output[str]]
    secrets: Mapping[str, pulumi.Output[str]]
    apis: Mapping[str, pulumi.Output[str]]
    api_urls: Mapping[str, pulumi.Output[str]]
    site_origin: pulumi.Output[str]
    event_bus: pulumi.Output[str]
    schedule_group: pulumi.Output[str]
    state_machine_arn: pulumi.Output[str]


def deploy(settings: StackSettings) -> Deployment:
    """Declare every resource. An unregistered subsidy, in a plan or in the settings, stops it before anything is declared."""
    book = PlanBook.committed() if settings.plans is None else PlanBook.load(settings.plans)
    policy = Settings.committed()
    require_registered(book, policy)
    derived = tuple(derive_schedules(book, policy))

    context = Context.current(settings)
    buckets = Buckets.create(context)
    public = Api(
        "public-api",
        ApiArgs("The public's plan, policies and record query", "public", "NONE", rate_per_s=50, burst=100),
        context,
    )
    bureau = Api(
        "bureau-api",
        ApiArgs("Bureaus' uploads, approvals and runs", "bureau", "AWS_IAM", rate_per_s=20, burst=40),
        context,
    )
    site = Site(buckets.site, public, settings, context)
    made = Resources(
        buckets=buckets,
        tables=Tables.create(context),
        secrets=Secrets.create(settings.secrets, context),
        bus=aws.cloudwatch.EventBus("bus", name=context.name("bus")),
        schedules=ScheduleGroup(context),
        queues={verb: Queue(verb, SIZES[verb].timeout_s, context) for verb in QUEUED},
        site_origin=site.origin,
    )
    register_principals(made.tables.control, settings.principals)
    functions = create_functions(made, settings, context)
    stage_arn = public.serve(functions["public_api"])
    WebAcl("public-api", WebAclArgs(stage_arn, site.origin, settings.questions_per_five_minutes), context)
    bureau.serve(functions["bureau_api"])

    payout = Workflow(
        PAYOUT,
        WorkflowArgs(
            template="payout.asl.json",
            substitutions={
                **{f"{_camel(verb)}Arn": functions[verb].arn for verb in PAYOUT_STEPS},
                "InvokeAndWait": context.service_integration("lambda:invoke.waitForTaskToken"),
                "ReadObject": context.service_integration("s3:getObject"),
                "UpdateItem": context.service_integration("dynamodb:updateItem"),
                "ControlTable": made.tables.control.name,
                "MaxConcurrency": settings.map_concurrency,
                "ReceiptTimeoutSeconds": settings.receipt_timeout_s,
                "EnquiryWaitSeconds": settings.enquiry_wait_s,
                "EnquiryAttempts": settings.enquiry_attempts,
            },
            invokes=tuple(functions[verb].arn for verb in PAYOUT_STEPS),
            grants=(made.buckets.lake.read("runs/*"), made.tables.control.update()),
        ),
        context,
    )
    for verb, routes in _routes(made, payout).items():
        QueuedFunction(made.queues[verb], functions[verb], routes, context)
    Schedules(
        SchedulesArgs(derived, settings.today, settings.enable_past_plans), made.schedules, functions["start_run"].arn
    )
    DailyTick("anchor_books", functions["anchor_books"].arn, made.schedules, context)
    # The export takes what the disclosure has published: it comes when that is surely done, however much there was.
    DailyTick("publish_disclosure", functions["publish_disclosure"].arn, made.schedules, context, hour=2)
    DailyTick("export_portal", functions["export_portal"].arn, made.schedules, context, hour=3)
    Alarms(
        AlarmsArgs(
            dead_letter_queues={verb: context.name(f"{verb}-dead") for verb in ("schedules", *made.queues)},
            functions={"close_run": functions["close_run"].name},
            state_machine_arn=payout.arn,
        ),
        context,
    )
    return Deployment(
        buckets={bucket.name: getattr(made.buckets, bucket.name).name for bucket in fields(made.buckets)},
        tables={table.name: getattr(made.tables, table.name).name for table in fields(made.tables)},
        functions={verb: function.name for verb, function in functions.items()},
        queues={verb: queue.url for verb, queue in made.queues.items()},
        dead_letter_queues={
            "schedules": made.schedules.dead_url,
            **{verb: queue.dead_url for verb, queue in made.queues.items()},
        },
        secrets={secret.name: getattr(made.secrets, secret.name).id for secret in fields(made.secrets)},
        apis={"public": public.id, "bureau": bureau.id},
        api_urls={"public": public.url, "bureau": bureau.url},
        site_origin=site.origin,
        event_bus=made.bus.name,
        schedule_group=made.schedules.name,
        state_machine_arn=payout.arn,
    )


def _routes(made: Resources, payout: Workflow) -> dict[str, tuple[Route, ...]]:
    """Which events wake which function."""
    return {
        "validate_roster": (Route("roster-dropped", object_created(made.buckets.roster_drop.name)),),
        "import_cards": (Route("cards-dropped", object_created(made.buckets.card_drop.name)),),
        "import_departures": (Route("departures-dropped", object_created(made.buckets.departure_drop.name)),),
        # Under a region's code lie policies, under `lists/` the departments' parts of the policy list.
        "publish_policy": (Route("policy-dropped", object_created(made.buckets.policy_drop.name, prefix="23")),),
        "collect_policy_list": (
            Route("policy-list-dropped", object_created(made.buckets.policy_drop.name, prefix="lists/")),
        ),
        "receive_receipt": (
            Route("bank-answered", object_created(made.buckets.bank_exchange.name, prefix="inbound/")),
        ),
        "rekey_records": (
            Route("rekeying-ordered", {"source": ["yikatong"], "detail-type": ["RekeyingOrdered"]}, bus=made.bus.name),
        ),
        "start_run": (
            Route("run-ordered", {"source": ["yikatong"], "detail-type": ["RunOrdered"]}, bus=made.bus.name),
            # A dead run orders itself again (PROTOCOL R3). AWS emits this event; moto never does, so the local cloud's
            # tests resume by order. A run that a person stopped is ABORTED too: start_run reads the run's state first.
            Route(
                "payout-died",
                {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {"stateMachineArn": [payout.arn], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
                },
            ),
        ),
    }


def _camel(verb: str) -> str:
    return "".join(word.capitalize() for word in verb.split("_"))
