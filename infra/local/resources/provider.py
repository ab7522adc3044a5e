"""Pulumi's own Python runtime, with a provider that creates every resource in moto.

Pulumi calls this "mocks"; here nothing is mocked but the engine's bookkeeping: each registration is one API call,
made in the order in which the program's dependencies resolve.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

from infra.local.clients import Clients
from infra.local.resources import api, compute, edge, events, storage
from infra.local.resources.context import REGISTRY, Context, Inputs, plain_values

_MAPPINGS = (api, compute, edge, events, storage)  # imported for what they register


class UnmappedResource(Exception):
    """The program creates a resource of a type the local cloud cannot make: map it in `infra/local/resources`, with
    its call."""


class LocalProvider(pulumi.runtime.Mocks):
    """Creates resources in moto and answers the program's invokes from it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.created: list[tuple[str, str]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Create one resource; a component is nothing but its children, a provider nothing but its region."""
        if not args.custom or args.typ.startswith("pulumi:providers:"):
            return args.name, args.inputs
        creator = REGISTRY.get(_type_of(args.typ))
        if creator is None:
            raise UnmappedResource(f"{args.typ} ({args.name}) is not mapped in infra/local/resources")
        self.created.append((args.typ, args.name))
        return creator(self.context, args.name, plain_values(args.inputs))

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[Any, Any]:  # type: ignore[override]  # a dict is taken as well
        """Answer an invoke: which partition, region, account."""
        clients = self.context.clients
        answers: dict[str, Callable[[], Inputs]] = {
            "aws:index/getPartition:getPartition": lambda: {
                "id": clients.partition,
                "partition": clients.partition,
                "dnsSuffix": clients.dns_suffix,
                "reverseDnsPrefix": "cn.com.amazonaws" if clients.partition == "aws-cn" else "com.amazonaws",
            },
            "aws:index/getRegion:getRegion": lambda: {
                "id": clients.region,
                "name": clients.region,
                "region": clients.region,
                "endpoint": clients.endpoint,
                "description": clients.region,
            },
            "aws:index/getCallerIdentity:getCallerIdentity": lambda: {
                "id": clients.account,
                "accountId": clients.account,
                "arn": f"arn:{clients.partition}:iam::{clients.account}:root",
                "userId": clients.account,
            },
        }
        if args.token not in answers:
            raise UnmappedResource(f"the invoke {args.token} is not answered in infra/local/resources")
        return answers[args.token]()


def _type_of(token: str) -> tuple[str, str]:
    """Split `aws:s3/bucketVersioning:BucketVersioning` into (`s3`, `BucketVersioning`); a V2 twin is the same
    resource."""
    _, module, resource_type = token.split(":")
    return module.split("/")[0], resource_type.removesuffix("V2")


def deploy(
    program: Callable[[], dict[str, Any]], clients: Clients, work_folder: Path
) -> tuple[dict[str, Any], Context]:
    """Run a Pulumi program against moto and return what it returned, outputs resolved, once every resource exists.

    Paths in the program are relative to the repository, as they are under the Pulumi CLI. Raises what the first
    failing call raised.
    """
    context = Context(clients=clients, work_folder=work_folder, program_folder=Path(__file__).resolve().parents[3])
    loop = asyncio.new_event_loop()
    # The first failure is raised below; those it entails would be reported by the garbage collector, at any moment, by
    # formatting tracebacks, which CPython 3.11 does not survive inside ast.parse (SystemError).
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    logging.getLogger("pulumi").setLevel(logging.CRITICAL)
    mocks.set_mocks(LocalProvider(context), project="yikatong", stack="local", preview=False)
    SETTINGS.outputs.clear()
    returned: list[dict[str, Any]] = []

    async def run() -> dict[str, Any]:
        await run_pulumi_func(lambda: returned.append(program()))
        resolved = await pulumi.Output.from_input(returned[0]).future()
        return dict(resolved or {})

    try:
        return loop.run_until_complete(run()), context
    finally:
        loop.close()
        asyncio.set_event_loop(None)
