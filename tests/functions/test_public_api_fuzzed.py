"""The public API attacked with its own description: whatever is sent, the answer is one that was described, and never a 5xx.

schemathesis makes right and wrong requests from docs/openapi.json and checks every answer against it: status, content type,
headers, body; that wrong ones are refused and right ones are not. Here they reach the handler in this process, through a
thin WSGI application that makes API Gateway's events; `tests/scenarios/test_public_api_attacked.py` sends some over HTTP.
"""

import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from cli.api_docs import DOCUMENT
from functions.public_api.handler import handler
from tests.functions.test_public_query import ID, NAME, outcome
from tests.public_service import CONTEXT, LAVISH, PublicWiring, api_event, publish_everything
from yikatong.records import person_key, record_of

EXAMPLES = 200
"""For each operation; with what the coverage phase makes of every limit, well over 2,000 in all."""
LEAST_CASES = 2_000

answers: Counter[int] = Counter()
found: set[str] = set()


def gateway(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """API Gateway, as far as a request's way to the function and back goes."""
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    if path == "/openapi.json":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [DOCUMENT.read_bytes()]
    headers = {
        name[5:].replace("_", "-").title(): str(value) for name, value in environ.items() if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    event = api_event(
        environ["REQUEST_METHOD"],
        path.removeprefix("/public"),
        _text_or_bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))),
        parse_qsl(environ["QUERY_STRING"], keep_blank_values=True),
        headers,
    )
    answer = handler(json.loads(json.dumps(event)), CONTEXT)
    answers[answer["statusCode"]] += 1
    if answer["statusCode"] == 200:
        found.add(path.removeprefix("/public/v1/").split("/")[0])
    told = [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
    start_response(f"{answer['statusCode']} -", told)
    return [answer["body"].encode()]


def _text_or_bytes(body: bytes) -> str | bytes | None:
    try:
        return body.decode() or None
    except UnicodeDecodeError:
        return body


CONFIG = SchemathesisConfig.from_dict({"generation": {"deterministic": True}})
schema = schemathesis.openapi.from_wsgi("/openapi.json", gateway, config=CONFIG)


# What is there: invented codes and regions are right in form and lead to 404, so every other right one becomes a real one.
REAL: Mapping[str, tuple[str, Any]] = {
    "code": ("[a-z][a-z0-9]*(-[a-z0-9]+)*", "urban-minimum-living"),
    "region": ("23[0-9]{4}", "230102"),
    "slot": ("20[0-9]{2}.*", "2023-06"),
    "year": ("20[0-9]{2}", 2023),
}


def real(parameters: Any) -> Any:
    """The parameters with every other right one a real one; wrong ones stay as wrong as they are."""
    return (
        {name: _real(name, value) for name, value in parameters.items()} if isinstance(parameters, dict) else parameters
    )


def _real(name: str, value: Any) -> Any:
    pattern, known = REAL.get(name, ("", None))
    right = pattern and re.fullmatch(pattern, str(value)) and type(value) is type(known)
    return known if right and zlib.crc32(str(value).encode()) % 2 else value


@schema.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    return real(path_parameters)


@schema.hook
def map_query(_context: Any, query: Any) -> Any:
    return real(query)


@schema.hook
def map_body(_context: Any, body: Any) -> Any:
    asked = (
        isinstance(body, dict)
        and set(body) == {"name", "id_number"}
        and all(isinstance(each, str) for each in body.values())
    )
    # Only of a right question, or a wrong one would be made right.
    right = asked and 0 < len(body["name"]) <= 60 and 0 < len(body["id_number"]) <= 40
    return (
        {"name": NAME, "id_number": ID} if right and zlib.crc32(body["name"].encode("utf-8", "replace")) % 2 else body
    )


@pytest.fixture(scope="module", autouse=True)
def service() -> Iterator[None]:
    """Everything is published, somebody was paid, and nobody is stopped for asking too often: limits have tests of their own."""
    made = PublicWiring(LAVISH)
    publish_everything(made.site)
    made.records.put_all([record_of(person_key(made.record_secret, ID, NAME), outcome())])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yikatong.aws.wiring._wiring", made)
        yield


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_was_described(case: schemathesis.Case) -> None:
    case.call_and_validate()


def test_the_attack_was_as_large_as_it_claims_and_met_every_kind_of_answer() -> None:
    assert sum(answers.values()) >= LEAST_CASES
    assert {200, 404, 405, 415, 422} <= set(answers)
    assert not [status for status in answers if status >= 500]
    assert found == {path.split("/")[2] for path in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]}
