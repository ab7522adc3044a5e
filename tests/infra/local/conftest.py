"""The bench is deployed once, beside the system, into the session's local cloud."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud


@dataclass(frozen=True)
class Bench:
    """The local cloud with the bench's resources, and the few things tests do to them."""

    cloud: "LocalCloud"
    resources: dict[str, Any]

    def invoke(self, **event: Any) -> tuple[dict[str, Any], str | None]:
        """Call the probe; return its JSON and Lambda's FunctionError."""
        import json

        answer = self.cloud.client("lambda").invoke(FunctionName=self.resources["probe"], Payload=json.dumps(event))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def keys(self, prefix: str) -> list[str]:
        """Keys in the outbox."""
        found = self.cloud.client("s3").list_objects_v2(Bucket=self.resources["outbox"], Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]


@pytest.fixture(scope="session")
def bench(cloud: "LocalCloud") -> Bench:
    from tests.infra.local.bench import deploy_bench

    return Bench(cloud, cloud.deploy(deploy_bench))
