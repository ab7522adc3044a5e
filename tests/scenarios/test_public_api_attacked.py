"""Some of the attack with the API's own description goes the whole way: over HTTP, through the gateway, to the deployed function.

`tests/functions/test_public_api_fuzzed.py` sends the many. Here attempts are counted as they are for everybody, so a right query
may be told to answer a question or to wait: that is described as well.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from requests.adapters import HTTPAdapter
from schemathesis.checks import positive_data_acceptance
from schemathesis.config import SchemathesisConfig

from cli.api_docs import DOCUMENT
from infra.local.cloud import LocalCloud

pytestmark = pytest.mark.cloud

EXAMPLES = 10
# An address of its own on this machine: what it uses up of its attempts is nobody else's.
ADDRESS = "127.0.0.77"

answers: Counter[int] = Counter()
CONFIG = SchemathesisConfig.from_dict(
    {"generation": {"deterministic": True}, "phases": {"coverage": {"enabled": False}}}
)
schema = schemathesis.openapi.from_path(DOCUMENT, config=CONFIG)


class _From(HTTPAdapter):
    """Connects from one local address."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, source_address=(ADDRESS, 0))


@pytest.fixture(scope="module")
def visitor() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("http://", _From())
        yield session


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_over_http_is_one_that_was_described(
    case: schemathesis.Case, cloud: LocalCloud, visitor: requests.Session
) -> None:
    # A right query is refused once its free attempts are used up.
    answer = case.call_and_validate(cloud.endpoints["public"], visitor, excluded_checks=[positive_data_acceptance])
    assert answer.headers["x-correlation-id"]
    answers[answer.status_code] += 1


def test_the_function_really_answered(cloud: LocalCloud, visitor: requests.Session) -> None:
    assert sum(answers.values()) >= 70
    assert {200, 404, 422} <= set(answers)
    plan = visitor.get(f"{cloud.endpoints['public']}/v1/plan", timeout=30)
    known = {"If-None-Match": plan.headers["ETag"]}
    assert visitor.get(f"{cloud.endpoints['public']}/v1/plan", headers=known, timeout=30).status_code == 304
    site = cloud.endpoints["gateway"]
    allowed = visitor.options(f"{cloud.endpoints['public']}/v1/query", headers={"Origin": site}, timeout=30)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, site)
