"""The public service area: the pages of `site/` as objects of the site bucket, `config.json`, which tells them where the API
is, and the way people reach both (`yikatong:siteHosting`).

`cloudfront`: a distribution over the private bucket (`infra.distribution`).

`website`: the S3 website of the bucket, where CloudFront is not to be had. It speaks http only, so whoever sits between may
change a page and read what is typed into it, and it sends no header of ours: each page carries its policy in a meta tag, which
cannot keep it from being framed. It is for trying things out and for a network of one's own; to the public it is shown only
from behind something that ends TLS and sends `infra.site_headers`.

`config.json`: `api` is where everything is asked; `cached`, where there is one, a second address for what is public, answered
from a cache nearby.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

from infra.api import Api
from infra.context import Context
from infra.distribution import PUBLIC_PATH, Distribution, DistributionArgs
from infra.settings import StackSettings
from infra.site_files import (
    CONFIG_KEY,
    CONTENT_TYPES,
    ERROR_PAGE,
    INDEX_PAGE,
    PAGE_CACHE,
    SiteFile,
    public_keys,
    site_files,
)
from infra.site_headers import with_api_origin
from infra.storage import PrivateBucket


class Site(pulumi.ComponentResource):
    """The pages, deployed and open to everybody. `origin` is what browsers call the site, for CORS."""

    def __init__(self, bucket: PrivateBucket, api: Api, settings: StackSettings, context: Context) -> None:
        super().__init__("yikatong:site:Site", "site", None, None)
        self._own, self._bucket, self._context = pulumi.ResourceOptions(parent=self), bucket, context
        files = site_files(settings.site_folder)
        api_origin: pulumi.Input[str] = "" if settings.site_front else api.origin
        if settings.site_hosting == "website":
            self.origin, reader = self._website(settings)
            config: dict[str, pulumi.Input[str]] = {"api": api.url}
        else:
            self.origin, reader = self._distribution(api, api_origin, settings)
            config = {"api": api.url, "cached": PUBLIC_PATH}
        bucket.open(reader, *public_keys(files))
        for file in files:
            self._object(file.key, file.content_type, **_content(file, api_origin))
        self._object(
            CONFIG_KEY,
            CONTENT_TYPES[".json"],
            content=pulumi.Output.json_dumps({"api": PUBLIC_PATH} if settings.site_front else config),
        )
        self.register_outputs({"origin": self.origin})

    def _distribution(
        self, api: Api, api_origin: pulumi.Input[str], settings: StackSettings
    ) -> tuple[pulumi.Output[str], Any]:
        if self._context.partition == "aws-cn" and settings.site_domain is None and settings.site_front is None:
            raise ValueError("siteDomain, siteCertificate: in China CloudFront serves under a domain of one's own only")
        args = DistributionArgs(self._bucket, api, settings.site_domain, settings.site_certificate, api_origin)
        distribution = Distribution(args, self._context)
        host = distribution.domain_name if settings.site_domain is None else settings.site_domain
        origin = settings.site_front or pulumi.Output.concat("https://", host)
        return pulumi.Output.from_input(origin), distribution.reader

    def _website(self, settings: StackSettings) -> tuple[pulumi.Output[str], Any]:
        website = aws.s3.BucketWebsiteConfiguration(
            "site",
            bucket=self._bucket.name,
            index_document={"suffix": INDEX_PAGE},
            error_document={"key": ERROR_PAGE},
            opts=self._own,
        )
        origin = settings.site_front or pulumi.Output.concat("http://", website.website_endpoint)
        return pulumi.Output.from_input(origin), {"Sid": "EverybodyReads", "Principal": "*"}

    def _object(self, key: str, content_type: str, **content: Any) -> None:
        aws.s3.BucketObjectv2(
            f"site-{key}",
            bucket=self._bucket.name,
            key=key,
            content_type=content_type,
            cache_control=PAGE_CACHE,
            opts=self._own,
            **content,
        )


def _content(file: SiteFile, api_origin: pulumi.Input[str]) -> dict[str, Any]:
    """A page's own policy names the API's address; every other file is what it is."""
    if file.path.suffix != ".html":
        return {"source": pulumi.FileAsset(str(file.path))}
    text = file.path.read_text(encoding="utf-8")
    return {"content": pulumi.Output.from_input(api_origin).apply(lambda origin: with_api_origin(text, origin))}
