"""The public service area: what of its bucket anybody may get, from whom, and with which headers."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.archives import REPOSITORY
from infra.site_files import CONTENT_TYPES, site_files
from infra.site_headers import CONNECT_TO_SELF, DOCUMENT_POLICIES, SiteHeaders, page_policy
from tests.infra.recorder import ACCOUNT, Recorder, deployed, settings

BUCKET = f"arn:aws-cn:s3:cn-north-1:{ACCOUNT}:Bucket/yikatong-test-site-{ACCOUNT}"
API = "https://public-api-id.execute-api.cn-north-1.amazonaws.com.cn"
PAGES = sorted((REPOSITORY / "site").glob("*.html"))


@pytest.fixture(scope="module")
def website() -> Recorder:
    return deployed(site_hosting="website", site_domain=None, site_certificate=None)


def objects(stack: Recorder) -> dict[str, dict[str, Any]]:
    found = {inputs["key"]: inputs for name, inputs in stack.of("BucketObjectv2").items() if name.startswith("site-")}
    assert "config.json" in found
    return found


def site_policy(stack: Recorder) -> dict[str, dict[str, Any]]:
    policy = json.loads(stack.of("BucketPolicy")["site"]["policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def distribution(stack: Recorder) -> dict[str, Any]:
    return stack.of("Distribution")["site"]


def behaviours(stack: Recorder) -> dict[str, dict[str, Any]]:
    """By path pattern; `*` is the default."""
    ordered = {each["pathPattern"]: each for each in distribution(stack)["orderedCacheBehaviors"]}
    return {**ordered, "*": distribution(stack)["defaultCacheBehavior"]}


def test_every_file_of_the_site_is_an_object_of_its_type_and_fresh_for_five_minutes(stack: Recorder) -> None:
    found, files = objects(stack), site_files(REPOSITORY / "site")
    assert found.keys() == {file.key for file in files} | {"config.json"}
    for file in files:
        assert found[file.key]["contentType"] == CONTENT_TYPES[file.path.suffix]
        assert found[file.key]["bucket"] == f"yikatong-test-site-{ACCOUNT}"
    assert {each["cacheControl"] for each in found.values()} == {"public, max-age=300"}


@pytest.mark.parametrize("name", ["notes.md", ".hidden.html", "config.json", "assets/.DS_Store", "page.php"])
def test_a_file_that_is_no_part_of_a_site_stops_the_deployment(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="not a page"):
        site_files(tmp_path)


def test_only_that_distribution_reads_the_bucket_and_only_what_is_public_of_it(stack: Recorder) -> None:
    statement = site_policy(stack)["TheDistributionReads"]
    assert statement["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert statement["Action"] == ["s3:GetObject"], "nobody lists"
    (arn,) = statement["Condition"]["StringEquals"].values()
    assert arn.endswith("Distribution/site")
    assert statement["Condition"].keys() == {"StringEquals"}
    keys = {resource.removeprefix(f"{BUCKET}/") for resource in statement["Resource"]}
    assert keys == {page.name for page in PAGES} | {"config.json", "assets/*", "published/*", "policies/*"}


def test_the_bucket_itself_stays_closed_to_everybody_and_to_plain_http(stack: Recorder) -> None:
    block = stack.of("BucketPublicAccessBlock")["site"]
    assert all(block[way] for way in ("blockPublicPolicy", "restrictPublicBuckets", "blockPublicAcls"))
    assert site_policy(stack)["EncryptedTransportOnly"]["Action"] == ["s3:*"]
    assert not [resource for resource in stack.resources if "WebsiteConfiguration" in resource.type]


def test_the_origin_is_signed_for(stack: Recorder) -> None:
    (control,) = stack.of("OriginAccessControl").values()
    assert (control["originAccessControlOriginType"], control["signingBehavior"]) == ("s3", "always")
    site, api = distribution(stack)["origins"]
    assert site["originAccessControlId"] == "site-id"
    assert "customOriginConfig" not in site
    assert api["domainName"] == API.removeprefix("https://")
    assert api["customOriginConfig"]["originProtocolPolicy"] == "https-only"


def test_nothing_but_reading_passes_the_distribution_and_always_encrypted(stack: Recorder) -> None:
    assert behaviours(stack).keys() == {"/public/*", "/policies/*.html", "/policies/*.pdf", "*"}
    for each in behaviours(stack).values():
        assert each["allowedMethods"] == each["cachedMethods"] == ["GET", "HEAD"]
        assert each["viewerProtocolPolicy"] == "redirect-to-https"
    assert behaviours(stack)["/public/*"]["targetOriginId"] == "public-api"
    assert distribution(stack)["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert "loggingConfig" not in distribution(stack), "what people looked at is nobody's business"


def test_an_answer_of_the_api_is_kept_only_as_long_as_it_says(stack: Recorder) -> None:
    caches = stack.of("CachePolicy")
    assert behaviours(stack)["/public/*"]["cachePolicyId"] == "answers-id"
    assert (caches["answers"]["minTtl"], caches["answers"]["defaultTtl"]) == (0, 0)
    for cache in caches.values():
        key = cache["parametersInCacheKeyAndForwardedToOrigin"]
        assert key["cookiesConfig"] == {"cookieBehavior": "none"}
        assert cache["minTtl"] == 0, "a no-store is honoured"
    asked = {name: c["parametersInCacheKeyAndForwardedToOrigin"]["queryStringsConfig"] for name, c in caches.items()}
    assert asked == {"answers": {"queryStringBehavior": "all"}, "objects": {"queryStringBehavior": "none"}}


def test_the_apis_own_404_stays_problem_details_and_a_missing_page_gets_the_sites(stack: Recorder) -> None:
    (response,) = distribution(stack)["customErrorResponses"]
    assert (response["errorCode"], response["responseCode"]) == (403, 404)
    assert response["responsePagePath"] == "/404.html"


def test_the_stage_is_named_after_the_path_cloudfront_passes_on(stack: Recorder) -> None:
    stages = {name: inputs["stageName"] for name, inputs in stack.aws_of("apigateway", "Stage").items()}
    assert stages == {"public-api": "public", "bureau-api": "bureau"}
    assert "originPath" not in distribution(stack)["origins"][1]


def test_pages_ask_the_api_itself_and_read_what_is_public_from_nearby(stack: Recorder) -> None:
    assert json.loads(objects(stack)["config.json"]["content"]) == {"api": f"{API}/public", "cached": "/public"}


def test_the_function_answers_the_sites_own_origin_only(stack: Recorder, website: Recorder) -> None:
    origins = [
        each.aws_of("lambda", "Function")["public_api"]["environment"]["variables"]["SITE_ORIGIN"]
        for each in (stack, website, deployed(site_front="http://127.0.0.1:8080"))
    ]
    assert origins == [
        "https://butie.example.invalid",
        f"http://yikatong-test-site-{ACCOUNT}.s3-website.cn-north-1.amazonaws.com.cn",
        "http://127.0.0.1:8080",
    ]


def sent(stack: Recorder, noun: str) -> dict[str, str]:
    """What a response headers policy makes CloudFront send."""
    policy = stack.of("ResponseHeadersPolicy")[noun]
    known, custom = policy["securityHeadersConfig"], policy["customHeadersConfig"]["items"]
    assert all(header["override"] for header in (*known.values(), *custom))
    transport = known["strictTransportSecurity"]
    subdomains = "; includeSubDomains" if transport["includeSubdomains"] else ""
    return {
        "Content-Security-Policy": known["contentSecurityPolicy"]["contentSecurityPolicy"],
        "Referrer-Policy": known["referrerPolicy"]["referrerPolicy"],
        "Strict-Transport-Security": f"max-age={transport['accessControlMaxAgeSec']:.0f}{subdomains}",
        "X-Content-Type-Options": "nosniff" if "contentTypeOptions" in known else "",
        "X-Frame-Options": known["frameOptions"]["frameOption"],
        **{header["header"]: header["value"] for header in custom},
    }


def test_cloudfront_and_the_local_gateway_send_the_very_same_headers(stack: Recorder) -> None:
    assert sent(stack, "pages") == dict(SiteHeaders.of("index.html", API).as_pairs())
    assert sent(stack, "documents-html") == dict(SiteHeaders.of("policies/230000/a/b/0001.html").as_pairs())
    assert sent(stack, "documents-pdf") == dict(SiteHeaders.of("policies/230000/a/b/0001.pdf").as_pairs())
    used = {pattern: each["responseHeadersPolicyId"] for pattern, each in behaviours(stack).items()}
    assert used == {
        "*": "pages-id",
        "/public/*": "pages-id",
        "/policies/*.html": "documents-html-id",
        "/policies/*.pdf": "documents-pdf-id",
    }


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


def test_a_page_runs_its_own_scripts_calls_its_own_api_and_is_framed_by_nobody() -> None:
    assert directives(page_policy("https://api.example.invalid")) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'", "https://api.example.invalid"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


def test_a_departments_document_is_shown_and_runs_nothing() -> None:
    html, pdf = (directives(policy) for policy in DOCUMENT_POLICIES.values())
    for policy in (html, pdf):
        assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == ["'none'"]
        assert not policy.keys() & {"script-src", "connect-src", "frame-src"}
    assert html["sandbox"] == [], "without allowances"
    assert "sandbox" not in pdf, "browsers would not show it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_carries_the_policy_itself_where_nobody_sends_it(page: Path) -> None:
    found = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page.read_text(encoding="utf-8"))
    (own,) = [directives(policy) for policy in found]
    expected = directives(page_policy())
    del expected["frame-ancestors"]  # a meta tag cannot say it (CSP Level 3, section 3.3)
    assert own.pop("form-action") == (["'none'"] if page.name == "query.html" else ["'self'"])
    assert expected.pop("form-action") == ["'self'"]
    assert own == expected
    assert '<meta name="referrer" content="no-referrer">' in page.read_text(encoding="utf-8")


def test_a_deployed_page_may_call_the_api_at_its_own_address(stack: Recorder, website: Recorder) -> None:
    for each in (stack, website):
        for page in PAGES:
            content = objects(each)[page.name]["content"]
            assert f"{CONNECT_TO_SELF} {API};" in content
            assert content.replace(f" {API}", "") == page.read_text(encoding="utf-8")
    behind_one_address = objects(deployed(site_front="http://127.0.0.1:8080"))
    assert behind_one_address["index.html"]["content"] == (REPOSITORY / "site/index.html").read_text(encoding="utf-8")
    assert json.loads(behind_one_address["config.json"]["content"]) == {"api": "/public"}


def test_a_website_is_open_to_everybody_and_still_shows_only_what_is_public(stack: Recorder, website: Recorder) -> None:
    statement = site_policy(website)["EverybodyReads"]
    assert statement["Principal"] == "*"
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == site_policy(stack)["TheDistributionReads"]["Resource"]
    block = website.of("BucketPublicAccessBlock")["site"]
    assert (block["blockPublicPolicy"], block["restrictPublicBuckets"]) == (False, False)
    assert (block["blockPublicAcls"], block["ignorePublicAcls"]) == (True, True)
    denied = site_policy(website)["EncryptedTransportOnly"]
    assert denied["NotAction"] == ["s3:GetObject"], "it speaks http, but nobody writes in the clear"
    assert "Action" not in denied


def test_no_other_bucket_is_opened_by_a_website(website: Recorder) -> None:
    blocks = website.of("BucketPublicAccessBlock")
    assert [name for name, block in blocks.items() if not block["blockPublicPolicy"]] == ["site"]
    allowing = {
        name
        for name, inputs in website.of("BucketPolicy").items()
        if any(statement["Effect"] == "Allow" for statement in json.loads(inputs["policy"])["Statement"])
    }
    assert allowing == {"site"}


def test_a_website_has_its_first_and_its_error_page_and_pages_ask_the_api_directly(website: Recorder) -> None:
    (configuration,) = website.of("BucketWebsiteConfiguration").values()
    assert configuration["indexDocument"] == {"suffix": "index.html"}
    assert configuration["errorDocument"] == {"key": "404.html"}
    assert json.loads(objects(website)["config.json"]["content"]) == {"api": f"{API}/public"}
    assert not [resource for resource in website.resources if ":cloudfront/" in resource.type]


def test_in_china_cloudfront_needs_a_domain_and_no_site_has_half_a_certificate() -> None:
    with pytest.raises(ValueError, match="siteDomain"):
        deployed(site_domain=None, site_certificate=None)
    with pytest.raises(ValueError, match="both or neither"):
        settings(site_certificate=None)
    with pytest.raises(ValueError, match="website"):
        settings(site_hosting="website")
    with pytest.raises(ValueError, match="site_hosting"):
        settings(site_hosting="ftp")
    for domain in ("https://butie.example.invalid", "butie", "BUTIE.example.invalid", "butie.example.invalid/"):
        with pytest.raises(ValueError, match="host name"):
            settings(site_domain=domain)


def test_a_certificate_is_of_iam_in_china_and_of_acm_elsewhere(stack: Recorder) -> None:
    assert distribution(stack)["viewerCertificate"]["iamCertificateId"] == "ASCAEXAMPLE"
    arn = "arn:aws-cn:acm:somewhere:123456789012:certificate/1"
    elsewhere = distribution(deployed(site_certificate=arn))["viewerCertificate"]
    assert elsewhere["acmCertificateArn"] == arn
    assert "iamCertificateId" not in elsewhere


@pytest.mark.parametrize("part", ["header", "footer"])
def test_every_page_repeats_the_same_header_and_footer(part: str) -> None:
    """Nothing builds the pages, so nothing else would keep them the same. 404 stands at any address: its links begin at /."""
    found = set()
    for page in PAGES:
        (text,) = re.findall(rf"<{part}.*?</{part}>", page.read_text(encoding="utf-8"), re.DOTALL)
        found.add(re.sub(r'\s+aria-current="page"', "", text).replace('="/', '="'))
    assert len(found) == 1
