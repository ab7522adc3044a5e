"""The site behind CloudFront: TLS, the security headers, a cache near people, and a bucket nobody else can read.

Two things decide its shape. WAF counts per address, and behind CloudFront every address is one of CloudFront's: so what is
personal never comes this way, the pages send it to the API itself. Only GET and HEAD pass here; no question with a name in it
can lie in a cache or be counted against a neighbour. And error pages hold for the whole distribution: only S3's 403, which is
its answer for a key that is not there or not public, becomes the site's 404, never the API's own problem details.

China: own domain names only, with an ICP filing, and a certificate from IAM; no IPv6, no HTTP/3 (Getting Started with Amazon
Web Services in China, CloudFront).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.api import Api
from infra.context import Context
from infra.site_files import ERROR_PAGE, INDEX_PAGE
from infra.site_headers import (
    CUSTOM_HEADERS,
    DOCUMENT_POLICIES,
    FRAME_OPTIONS,
    HSTS_MAX_AGE_S,
    REFERRER_POLICY,
    page_policy,
)
from infra.storage import PrivateBucket

PUBLIC_PATH = "/public"
LONGEST_CACHE_S = 3600
MISSING_CACHE_S = 60


@dataclass(frozen=True)
class DistributionArgs:
    """`certificate`: an ACM ARN (in us-east-1, which CloudFront insists on), or an IAM certificate's id in China.
    `page_api_origin`: where the pages call the API by an address of its own; empty where they do not."""

    bucket: PrivateBucket
    api: Api
    domain: str | None
    certificate: str | None
    page_api_origin: pulumi.Input[str]


class Distribution(pulumi.ComponentResource):
    """One distribution over the bucket and, under `/public/`, the public API's GETs."""

    def __init__(self, args: DistributionArgs, context: Context) -> None:
        super().__init__("yikatong:site:Distribution", "site", None, None)
        self._own, self._context = pulumi.ResourceOptions(parent=self), context
        pages = self._headers("pages", pulumi.Output.from_input(args.page_api_origin).apply(page_policy))
        documents = {
            pattern: self._headers(f"documents-{pattern.rsplit('.', 1)[1]}", policy)
            for pattern, policy in DOCUMENT_POLICIES.items()
        }
        objects, answers = self._cache("objects", "none", 300), self._cache("answers", "all", 0)
        access = aws.cloudfront.OriginAccessControl(
            "site",
            name=context.name(f"site-{context.region}"),
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._own,
        )
        distribution = aws.cloudfront.Distribution(
            "site",
            comment=context.name("site"),
            enabled=True,
            is_ipv6_enabled=not self._in_china,
            http_version="http2" if self._in_china else "http2and3",
            price_class="PriceClass_All",
            default_root_object=INDEX_PAGE,
            aliases=[args.domain] if args.domain else [],
            origins=[
                aws.cloudfront.DistributionOriginArgs(
                    origin_id="site", domain_name=args.bucket.domain_name, origin_access_control_id=access.id
                ),
                aws.cloudfront.DistributionOriginArgs(
                    origin_id="public-api",
                    domain_name=args.api.host,
                    custom_origin_config=aws.cloudfront.DistributionOriginCustomOriginConfigArgs(
                        http_port=80,
                        https_port=443,
                        origin_protocol_policy="https-only",
                        origin_ssl_protocols=["TLSv1.2"],
                    ),
                ),
            ],
            default_cache_behavior=_behaviour("site", objects.id, pages.id),
            ordered_cache_behaviors=[
                {"path_pattern": f"{PUBLIC_PATH}/*", **_behaviour("public-api", answers.id, pages.id)},
                *(
                    {"path_pattern": f"/{pattern}", **_behaviour("site", objects.id, headers.id)}
                    for pattern, headers in documents.items()
                ),
            ],
            custom_error_responses=[
                {
                    "error_code": 403,
                    "response_code": 404,
                    "response_page_path": f"/{ERROR_PAGE}",
                    "error_caching_min_ttl": MISSING_CACHE_S,
                }
            ],
            viewer_certificate=_certificate(args.certificate),
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            opts=self._own,
        )
        self.domain_name: pulumi.Output[str] = distribution.domain_name
        self.reader: Mapping[str, Any] = {
            "Sid": "TheDistributionReads",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
        }
        self.register_outputs({"domain_name": self.domain_name})

    @property
    def _in_china(self) -> bool:
        return self._context.partition == "aws-cn"

    def _headers(self, noun: str, policy: pulumi.Input[str]) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            noun,
            name=self._context.name(f"{noun}-{self._context.region}"),
            security_headers_config={
                "content_security_policy": {
                    "content_security_policy": policy,
                    "override": True,
                },
                "referrer_policy": {"referrer_policy": REFERRER_POLICY, "override": True},
                "strict_transport_security": {
                    "access_control_max_age_sec": HSTS_MAX_AGE_S,
                    "include_subdomains": True,
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": FRAME_OPTIONS, "override": True},
            },
            custom_headers_config={
                "items": [{"header": name, "value": value, "override": True} for name, value in CUSTOM_HEADERS.items()]
            },
            opts=self._own,
        )

    def _cache(self, noun: str, queries: str, default_s: int) -> aws.cloudfront.CachePolicy:
        """Honours the origin's Cache-Control; keeps what has none for `default_s`. No header, no cookie reaches the origin."""
        return aws.cloudfront.CachePolicy(
            noun,
            name=self._context.name(f"{noun}-{self._context.region}"),
            min_ttl=0,
            default_ttl=default_s,
            max_ttl=LONGEST_CACHE_S,
            parameters_in_cache_key_and_forwarded_to_origin={
                "enable_accept_encoding_gzip": True,
                "enable_accept_encoding_brotli": True,
                "cookies_config": {"cookie_behavior": "none"},
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": {"query_string_behavior": queries},
            },
            opts=self._own,
        )


def _behaviour(origin: str, cache: pulumi.Output[str], headers: pulumi.Output[str]) -> dict[str, Any]:
    return {
        "target_origin_id": origin,
        "viewer_protocol_policy": "redirect-to-https",
        "allowed_methods": ["GET", "HEAD"],
        "cached_methods": ["GET", "HEAD"],
        "compress": True,
        "cache_policy_id": cache,
        "response_headers_policy_id": headers,
    }


def _certificate(certificate: str | None) -> dict[str, Any]:
    if certificate is None:
        return {"cloudfront_default_certificate": True}
    where = "acm_certificate_arn" if certificate.startswith("arn:") else "iam_certificate_id"
    return {where: certificate, "ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1.2_2021"}
