"""The gateway's site: what it hands out, what it keeps, and that nothing else can be reached."""

import gzip
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.local.gateway import Request
from infra.local.site_server import SiteObject, SiteServer, public_keys
from infra.site_headers import SiteHeaders

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

LONG = ("补贴" * 1000).encode()
OBJECTS = {
    "index.html": SiteObject("首页".encode(), "text/html; charset=utf-8", '"a"', "public, max-age=300"),
    "404.html": SiteObject("没有这一页".encode(), "text/html; charset=utf-8", '"n"', None),
    "published/list.json": SiteObject(LONG, "application/json", '"l"', None),
    "policies/230000/a/b/0001.html": SiteObject(b"<p>", "text/html; charset=utf-8", '"p"', None),
    "policies/230000/a/b/0001.pdf": SiteObject(LONG, "application/pdf", '"f"', None),
    "secret.json": SiteObject(b"{}", "application/json", '"s"', None),
    "../secret.json": SiteObject(b"{}", "application/json", '"s"', None),
}
PATTERNS = ("index.html", "404.html", "published/*", "policies/*")


def get(path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = SiteServer(OBJECTS.get, PATTERNS).answer(Request(method, path, named, b"", "127.0.0.1"))
    return reply.status, reply.body, dict(reply.headers)


def test_the_first_page_stands_at_the_root_with_the_sites_headers() -> None:
    status, body, headers = get("/")
    assert (status, body.decode()) == (200, "首页")
    assert dict(SiteHeaders.of("index.html").as_pairs()).items() <= headers.items()
    assert headers["Cache-Control"] == "public, max-age=300"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_departments_document_comes_sandboxed() -> None:
    assert get("/policies/230000/a/b/0001.html")[2]["Content-Security-Policy"].endswith("; sandbox")
    assert "sandbox" not in get("/policies/230000/a/b/0001.pdf")[2]["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.html",
        "/secret.json",
        "/published/../secret.json",
        "/published/%2e%2e/secret.json",
        "/published/..%2f..%2fsecret.json",
        "/published/..%5csecret.json",
        "/../secret.json",
        "//secret.json",
        "/published//list.json",
        "/published/./list.json",
        "/published/",
        "/published/%00list.json",
        "/published/%ff",
        "/published",
    ],
)
def test_what_is_not_public_and_what_climbs_is_like_what_is_not_there(path: str) -> None:
    status, body, headers = get(path)
    assert (status, body.decode()) == (404, "没有这一页")
    assert headers["X-Frame-Options"] == "DENY"


def test_what_the_browser_holds_is_not_sent_again() -> None:
    for tag in ('"a"', 'W/"a"', '"x", "a"', "*"):
        status, body, headers = get("/", if_none_match=tag)
        assert (status, body) == (304, b"")
        assert headers["ETag"] == '"a"'
        assert "Content-Type" not in headers
    assert get("/", if_none_match='"x"')[0] == 200
    assert get("/nothing.html", if_none_match='"n"')[0] == 404


def test_text_is_compressed_for_whoever_can_read_it_and_pictures_and_pdf_are_not() -> None:
    status, body, headers = get("/published/list.json", accept_encoding="gzip, br")
    assert (status, gzip.decompress(body)) == (200, LONG)
    assert (headers["Content-Encoding"], headers["ETag"], headers["Vary"]) == ("gzip", 'W/"l"', "Accept-Encoding")
    assert get("/published/list.json", if_none_match='W/"l"')[0] == 304
    assert get("/published/list.json")[1] == LONG
    assert get("/policies/230000/a/b/0001.pdf", accept_encoding="gzip")[1] == LONG


def test_the_site_is_only_read() -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, _, headers = get("/", method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_what_is_public_is_what_the_buckets_policy_allows() -> None:
    arn = "arn:aws-cn:s3:::site"
    policy = {
        "Statement": [
            {"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": [f"{arn}/no/*"]},
            {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": [f"{arn}/in/*"]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [f"{arn}/a.html", f"{arn}/b/*"]},
            {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws-cn:s3:::lake/*"]},
        ]
    }
    assert public_keys(policy, arn) == ("a.html", "b/*")


@pytest.mark.cloud
class TestDeployed:
    """The deployed site through the gateway."""

    def test_every_page_and_the_address_of_the_api_are_there(self, cloud: "LocalCloud") -> None:
        gateway = cloud.endpoints["gateway"]
        assert httpx.get(f"{gateway}/config.json").json() == {"api": "/public"}
        front = httpx.get(gateway)
        assert (front.status_code, front.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert front.headers["content-security-policy"] == SiteHeaders.of("index.html").content_security_policy
        assert httpx.get(gateway, headers={"If-None-Match": front.headers["etag"]}).status_code == 304
        head = httpx.head(gateway)
        assert (head.content, head.headers["content-length"]) == (b"", front.headers["content-length"])

    def test_of_the_site_bucket_only_what_is_published_is_served(self, cloud: "LocalCloud") -> None:
        s3, site = cloud.client("s3"), cloud.resources["buckets"]["site"]
        for key in ("published/try.json", "portal/try.json"):
            s3.put_object(Bucket=site, Key=key, Body=b"{}", ContentType="application/json")
        gateway = cloud.endpoints["gateway"]
        assert httpx.get(f"{gateway}/published/try.json").json() == {}
        hidden = httpx.get(f"{gateway}/portal/try.json")
        assert (hidden.status_code, hidden.headers["content-type"]) == (404, "text/html; charset=utf-8")

    def test_the_web_acl_stands_before_the_public_api(self, cloud: "LocalCloud") -> None:
        api = cloud.resources["apis"]["public"]
        stage = f"arn:aws-cn:apigateway:cn-north-1::/restapis/{api}/stages/public"
        acl = cloud.client("wafv2").get_web_acl_for_resource(ResourceArn=stage)["WebACL"]
        assert [rule["Name"] for rule in acl["Rules"]] == ["questions-per-address", "short-bodies", "common"]

    def test_cloudfront_was_asked_for_a_distribution_before_site_and_api(self, cloud: "LocalCloud") -> None:
        (found,) = cloud.client("cloudfront").list_distributions()["DistributionList"]["Items"]
        origins = {origin["Id"]: origin["DomainName"] for origin in found["Origins"]["Items"]}
        assert origins["site"].startswith(cloud.resources["buckets"]["site"])
        assert origins["public-api"].startswith(cloud.resources["apis"]["public"])
