"""CloudFront and WAF: moto keeps them and nothing passes through either; the gateway does CloudFront's part.

What moto does not know at all (policies of caches and headers) is built as the call AWS would get and checked by botocore
against the service's own model, then recorded.
"""

import uuid
from typing import Any

from botocore.validate import validate_parameters

from infra.local.resources.context import Context, Created, Inputs, creates, given, pascal


def _listed(items: list[Any]) -> dict[str, Any]:
    """CloudFront's lists say how long they are."""
    return {"Quantity": len(items), "Items": items}


@creates("cloudfront", "OriginAccessControl")
def origin_access_control(context: Context, _name: str, inputs: Inputs) -> Created:
    created = context.clients("cloudfront").create_origin_access_control(OriginAccessControlConfig=pascal(inputs))
    return created["OriginAccessControl"]["Id"], inputs


@creates("cloudfront", "CachePolicy")
def cache_policy(context: Context, _name: str, inputs: Inputs) -> Created:
    key = inputs["parametersInCacheKeyAndForwardedToOrigin"]
    config = {
        **given(inputs, Name="name", MinTTL="minTtl", DefaultTTL="defaultTtl", MaxTTL="maxTtl"),
        "ParametersInCacheKeyAndForwardedToOrigin": pascal(key),
    }
    return _checked(context, "CreateCachePolicy", {"CachePolicyConfig": config}), inputs


@creates("cloudfront", "ResponseHeadersPolicy")
def response_headers_policy(context: Context, _name: str, inputs: Inputs) -> Created:
    security = pascal(inputs["securityHeadersConfig"])
    custom = [pascal(item) for item in inputs["customHeadersConfig"]["items"]]
    config = {"Name": inputs["name"], "SecurityHeadersConfig": security, "CustomHeadersConfig": _listed(custom)}
    return _checked(context, "CreateResponseHeadersPolicy", {"ResponseHeadersPolicyConfig": config}), inputs


@creates("cloudfront", "Distribution")
def distribution(context: Context, name: str, inputs: Inputs) -> Created:
    created = context.clients("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": name,
            "Aliases": _listed(inputs.get("aliases") or []),
            "Origins": _listed([_origin(origin) for origin in inputs["origins"]]),
            "DefaultCacheBehavior": _behaviour(inputs["defaultCacheBehavior"]),
            "CacheBehaviors": _listed([_behaviour(one) for one in inputs["orderedCacheBehaviors"]]),
            "CustomErrorResponses": _listed([_error_response(one) for one in inputs["customErrorResponses"]]),
            "ViewerCertificate": _certificate(inputs["viewerCertificate"]),
            "Restrictions": {
                "GeoRestriction": {
                    "RestrictionType": inputs["restrictions"]["geoRestriction"]["restrictionType"],
                    "Quantity": 0,
                }
            },
            **given(
                inputs,
                Comment="comment",
                Enabled="enabled",
                DefaultRootObject="defaultRootObject",
                PriceClass="priceClass",
                HttpVersion="httpVersion",
                IsIPV6Enabled="isIpv6Enabled",
            ),
        }
    )["Distribution"]
    return created["Id"], {**inputs, "arn": created["ARN"], "domainName": created["DomainName"]}


def _origin(origin: Inputs) -> dict[str, Any]:
    translated = given(origin, Id="originId", DomainName="domainName", OriginAccessControlId="originAccessControlId")
    if custom := origin.get("customOriginConfig"):
        protocols = custom["originSslProtocols"]
        translated["CustomOriginConfig"] = {
            **given(custom, HTTPPort="httpPort", HTTPSPort="httpsPort", OriginProtocolPolicy="originProtocolPolicy"),
            "OriginSslProtocols": _listed(protocols),
        }
    # AWS wants an empty S3OriginConfig beside the access control; moto then refuses China's domain names for S3.
    return translated


def _behaviour(behaviour: Inputs) -> dict[str, Any]:
    return {
        **given(
            behaviour,
            PathPattern="pathPattern",
            TargetOriginId="targetOriginId",
            ViewerProtocolPolicy="viewerProtocolPolicy",
            Compress="compress",
            CachePolicyId="cachePolicyId",
            ResponseHeadersPolicyId="responseHeadersPolicyId",
        ),
        "AllowedMethods": {
            **_listed(behaviour["allowedMethods"]),
            "CachedMethods": _listed(behaviour["cachedMethods"]),
        },
    }


def _error_response(response: Inputs) -> dict[str, Any]:
    return {
        **given(
            response,
            ErrorCode="errorCode",
            ResponsePagePath="responsePagePath",
            ErrorCachingMinTTL="errorCachingMinTtl",
        ),
        "ResponseCode": str(response["responseCode"]),
    }


def _certificate(certificate: Inputs) -> dict[str, Any]:
    return given(
        certificate,
        CloudFrontDefaultCertificate="cloudfrontDefaultCertificate",
        ACMCertificateArn="acmCertificateArn",
        IAMCertificateId="iamCertificateId",
        SSLSupportMethod="sslSupportMethod",
        MinimumProtocolVersion="minimumProtocolVersion",
    )


@creates("wafv2", "WebAcl")
def web_acl(context: Context, name: str, inputs: Inputs) -> Created:
    acl_name = inputs.get("name") or name
    created = context.clients("wafv2").create_web_acl(
        Name=acl_name,
        Scope=inputs["scope"],
        DefaultAction=pascal(inputs["defaultAction"]),
        Rules=[_as_waf(pascal(rule)) for rule in inputs["rules"]],
        VisibilityConfig=_as_waf(pascal(inputs["visibilityConfig"])),
        CustomResponseBodies={
            body["key"]: {"ContentType": body["contentType"], "Content": body["content"]}
            for body in inputs.get("customResponseBodies") or []
        },
    )["Summary"]
    return created["Id"], {**inputs, "name": acl_name, "arn": created["ARN"]}


def _as_waf(value: Any) -> Any:
    """Where WAF's names are not the provider's in capitals."""
    names = {"CloudwatchMetricsEnabled": "CloudWatchMetricsEnabled"}
    if isinstance(value, dict):
        return {names.get(key, key): _as_waf(item) for key, item in value.items()}
    return [_as_waf(item) for item in value] if isinstance(value, list) else value


@creates("wafv2", "WebAclAssociation")
def web_acl_association(context: Context, _name: str, inputs: Inputs) -> Created:
    context.clients("wafv2").associate_web_acl(WebACLArn=inputs["webAclArn"], ResourceArn=inputs["resourceArn"])
    return f"{inputs['webAclArn']},{inputs['resourceArn']}", inputs


def _checked(context: Context, operation: str, parameters: dict[str, Any]) -> str:
    """Have botocore judge a call that moto cannot take; the id the resource would get."""
    model = context.clients("cloudfront").meta.service_model.operation_model(operation)
    validate_parameters(parameters, model.input_shape)
    return str(uuid.uuid4())
