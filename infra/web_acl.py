"""What stands before the public API: WAF, which blocks before a function runs. Nothing of a request is kept.

Questions (POST) are counted per address, because only they are about a person, and only they come from people's own addresses:
what is public is read through CloudFront, where many people share one. The function counts more finely, per person as well;
this is the wall for whoever does not care about its answers. A refusal says why, in problem details as the API does, with the
headers a browser needs to let the page read it.

WAF samples nothing and logs nothing: samples hold headers and addresses, logs whole requests.
"""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context

WINDOW_S = 300
MAX_BODY_BYTES = 4096
TOO_MANY, TOO_LONG = "too-many", "too-long"
PROBLEMS = {
    TOO_MANY: {
        "type": "urn:yikatong:problem:too_many_requests",
        "title": "查询过于频繁",
        "status": 429,
        "detail": "这个网络地址查询过于频繁，请五分钟后再试。",
    },
    TOO_LONG: {
        "type": "urn:yikatong:problem:too_large",
        "title": "请求内容过长",
        "status": 413,
        "detail": "请求内容过长，请只填写姓名和身份证号。",
    },
}


@dataclass(frozen=True)
class WebAclArgs:
    """`stage_arn`: what it stands before. `site_origin`: who may read a refusal."""

    stage_arn: pulumi.Input[str]
    site_origin: pulumi.Input[str]
    questions_per_window: int


class WebAcl(pulumi.ComponentResource):
    """A regional web ACL on one API's stage (in China WAF is regional only)."""

    def __init__(self, noun: str, args: WebAclArgs, context: Context) -> None:
        super().__init__("yikatong:api:WebAcl", noun, None, None)
        own = pulumi.ResourceOptions(parent=self)
        acl = aws.wafv2.WebAcl(
            noun,
            name=context.name(noun),
            scope="REGIONAL",
            default_action={"allow": {}},
            custom_response_bodies=[
                {"key": key, "content_type": "APPLICATION_JSON", "content": json.dumps(problem, ensure_ascii=False)}
                for key, problem in PROBLEMS.items()
            ],
            rules=[
                {
                    "name": "questions-per-address",
                    "priority": 0,
                    "action": _refuse(TOO_MANY, args.site_origin, {"Retry-After": str(WINDOW_S)}),
                    "statement": {
                        "rate_based_statement": {
                            "limit": args.questions_per_window,
                            "evaluation_window_sec": WINDOW_S,
                            "aggregate_key_type": "IP",
                            "scope_down_statement": {"byte_match_statement": _is_post()},
                        }
                    },
                    "visibility_config": _counted("questions-per-address"),
                },
                {
                    "name": "short-bodies",
                    "priority": 1,
                    "action": _refuse(TOO_LONG, args.site_origin, {}),
                    "statement": {"size_constraint_statement": _body_is_longer(MAX_BODY_BYTES)},
                    "visibility_config": _counted("short-bodies"),
                },
                {
                    "name": "common",
                    "priority": 2,
                    "override_action": {"none": {}},
                    "statement": {
                        "managed_rule_group_statement": {"vendor_name": "AWS", "name": "AWSManagedRulesCommonRuleSet"}
                    },
                    "visibility_config": _counted("common"),
                },
            ],
            visibility_config=_counted(noun),
            opts=own,
        )
        aws.wafv2.WebAclAssociation(noun, resource_arn=args.stage_arn, web_acl_arn=acl.arn, opts=own)
        self.register_outputs({})


def _refuse(problem: str, site_origin: pulumi.Input[str], headers: dict[str, str]) -> dict[str, Any]:
    named: list[tuple[str, pulumi.Input[str]]] = [
        ("Access-Control-Allow-Origin", site_origin),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Cache-Control", "no-store"),
        *headers.items(),
    ]
    return {
        "block": {
            "custom_response": {
                "response_code": PROBLEMS[problem]["status"],
                "custom_response_body_key": problem,
                "response_headers": [{"name": name, "value": value} for name, value in named],
            }
        }
    }


def _is_post() -> dict[str, Any]:
    return {
        "search_string": "POST",
        "positional_constraint": "EXACTLY",
        "field_to_match": {"method": {}},
        "text_transformations": [{"priority": 0, "type": "NONE"}],
    }


def _body_is_longer(than: int) -> dict[str, Any]:
    """`MATCH`: what is too long for WAF to look at is too long."""
    return {
        "comparison_operator": "GT",
        "size": than,
        "field_to_match": {"body": {"oversize_handling": "MATCH"}},
        "text_transformations": [{"priority": 0, "type": "NONE"}],
    }


def _counted(metric: str) -> dict[str, Any]:
    return {"metric_name": metric, "cloudwatch_metrics_enabled": True, "sampled_requests_enabled": False}
