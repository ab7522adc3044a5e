"""The wall before the public API: what it blocks, what it says, and that it remembers nothing."""

import json
from typing import Any

import pytest

from tests.infra.recorder import Recorder, deployed, settings


@pytest.fixture(scope="module")
def acl(stack: Recorder) -> dict[str, Any]:
    return stack.of("WebAcl")["public-api"]


def rule(acl: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in acl["rules"] if each["name"] == name]
    return dict(found)


def test_it_stands_before_the_public_apis_stage_and_no_other(stack: Recorder) -> None:
    (association,) = stack.of("WebAclAssociation").values()
    assert association["webAclArn"].endswith("WebAcl/yikatong-test-public-api")
    assert association["resourceArn"].endswith("Stage/public-api")
    assert stack.of("WebAcl").keys() == {"public-api"}


def test_questions_are_counted_per_address_and_reading_is_not(acl: dict[str, Any]) -> None:
    statement = rule(acl, "questions-per-address")["statement"]["rateBasedStatement"]
    assert (statement["limit"], statement["evaluationWindowSec"], statement["aggregateKeyType"]) == (300, 300, "IP")
    only = statement["scopeDownStatement"]["byteMatchStatement"]
    assert (only["searchString"], only["positionalConstraint"], only["fieldToMatch"]) == (
        "POST",
        "EXACTLY",
        {"method": {}},
    )


def test_how_many_questions_is_the_stacks_choice() -> None:
    chosen = deployed(questions_per_five_minutes=50).of("WebAcl")["public-api"]
    assert rule(chosen, "questions-per-address")["statement"]["rateBasedStatement"]["limit"] == 50
    with pytest.raises(ValueError, match="questions_per_five_minutes"):
        settings(questions_per_five_minutes=9)


def test_a_body_beyond_four_kilobytes_is_refused_even_where_waf_stops_reading(acl: dict[str, Any]) -> None:
    statement = rule(acl, "short-bodies")["statement"]["sizeConstraintStatement"]
    assert (statement["comparisonOperator"], statement["size"]) == ("GT", 4096)
    assert statement["fieldToMatch"] == {"body": {"oversizeHandling": "MATCH"}}


def test_the_common_attacks_are_amazons_to_know(acl: dict[str, Any]) -> None:
    common = rule(acl, "common")
    assert common["statement"]["managedRuleGroupStatement"] == {
        "vendorName": "AWS",
        "name": "AWSManagedRulesCommonRuleSet",
    }
    assert common["overrideAction"] == {"none": {}}, "its rules block, they do not only count"


def test_a_refusal_says_why_in_chinese_to_the_sites_pages_only(acl: dict[str, Any]) -> None:
    bodies = {body["key"]: json.loads(body["content"]) for body in acl["customResponseBodies"]}
    for name, status in (("questions-per-address", 429), ("short-bodies", 413)):
        response = rule(acl, name)["action"]["block"]["customResponse"]
        problem = bodies[response["customResponseBodyKey"]]
        assert response["responseCode"] == problem["status"] == status
        assert problem.keys() == {"type", "title", "status", "detail"}
        headers = {header["name"]: header["value"] for header in response["responseHeaders"]}
        assert headers["Access-Control-Allow-Origin"] == "https://butie.example.invalid"
        assert headers["Cache-Control"] == "no-store"
        assert (headers.get("Retry-After") == "300") == (status == 429)


def test_nothing_of_a_request_is_sampled_or_logged(stack: Recorder, acl: dict[str, Any]) -> None:
    configurations = [acl["visibilityConfig"], *(each["visibilityConfig"] for each in acl["rules"])]
    assert len(configurations) == 4
    assert not [each for each in configurations if each["sampledRequestsEnabled"]]
    assert not [resource for resource in stack.resources if "LoggingConfiguration" in resource.type]
