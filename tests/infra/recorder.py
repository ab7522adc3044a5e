"""A Pulumi engine that only writes down what it was asked to create.

Pulumi's own test style asserts inside `apply`, and a test that forgets its decorator passes without having run (FACTS).
Here the program runs to its end first; tests read plain dictionaries afterwards.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pulumi

from infra.archives import SourceTree
from infra.settings import Principal, SecretValues, StackSettings
from infra.stack import deploy

ACCOUNT, REGION, PARTITION = "123456789012", "cn-north-1", "aws-cn"
CLERK = Principal("harbin-clerk", "clerk", "230100", ("省民政厅",))


@dataclass(frozen=True)
class Resource:
    """One resource as it reached the engine: type without the provider's noise, name, inputs."""

    type: str
    name: str
    inputs: dict[str, Any]


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Answers like AWS in cn-north-1, and remembers."""

    resources: list[Resource] = field(default_factory=list)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(Resource(args.typ, args.name, args.inputs))
        name = args.inputs.get("name") or args.inputs.get("bucket") or args.name
        service, kind = args.typ.split(":")[1].split("/")[0], args.typ.split(":")[-1]
        arn = f"arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{kind}/{name}"
        known = {
            "arn": arn,
            "name": name,
            "url": f"https://queue/{name}",
            "rootResourceId": "root",
            "executionArn": f"{arn}/execute",
            "invokeArn": f"{arn}/invoke",
            "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com.cn",
            "domainName": f"{args.name}.cloudfront.cn",
            "websiteEndpoint": f"{args.inputs.get('bucket')}.s3-website.{REGION}.amazonaws.com.cn",
            "versionId": "v1",
        }
        return f"{args.name}-id", {**known, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answers = {
            "aws:index/getPartition:getPartition": {"partition": PARTITION, "dnsSuffix": "amazonaws.com.cn"},
            "aws:index/getRegion:getRegion": {"region": REGION},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
        }
        return answers[args.token], []

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs by name of every resource whose type ends with `:Kind`; an empty answer would make any test pass."""
        found = {resource.name: resource.inputs for resource in self.resources if resource.type.endswith(f":{kind}")}
        assert found, f"no {kind} was created"
        return found

    def aws_of(self, service: str, kind: str) -> dict[str, dict[str, Any]]:
        """As `of`, where two services have a kind of one name."""
        wanted = f"aws:{service}/"
        found = {r.name: r.inputs for r in self.resources if r.type.startswith(wanted) and r.type.endswith(f":{kind}")}
        assert found, f"no {service} {kind} was created"
        return found

    def policies(self) -> dict[str, list[dict[str, Any]]]:
        """The statements of every role, by the role's name."""
        return {name: json.loads(inputs["policy"])["Statement"] for name, inputs in self.of("RolePolicy").items()}


def settings(**changes: Any) -> StackSettings:
    """A small complete stack in the middle of the 2023 plan."""
    base: dict[str, Any] = {
        "stage": "test",
        "today": date(2023, 6, 1),
        "code": SourceTree(),
        "secrets": SecretValues("payment-key", "record-key", {"bank-a": "token"}),
        "bank_endpoints": {"bank-a": "https://bank-a.example.invalid"},
        "principals": (CLERK,),
        "site_domain": "butie.example.invalid",
        "site_certificate": "ASCAEXAMPLE",
    }
    return StackSettings(**(base | changes))


def record(program: Callable[[], object], recorder: Recorder | None = None) -> Recorder:
    """Run a Pulumi program to its end."""
    recorder = recorder or Recorder()
    pulumi.runtime.set_mocks(recorder, project="yikatong", stack="test", preview=False)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        program()

    run()
    return recorder


def deployed(**changes: Any) -> Recorder:
    """Everything `deploy` creates with these settings."""
    return record(lambda: deploy(settings(**changes)))
