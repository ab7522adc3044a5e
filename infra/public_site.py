"""The public service area as objects of the site bucket: the pages of `site/`, and `config.json`, which tells them where
the API is."""

import json

import pulumi
import pulumi_aws as aws

from infra.settings import StackSettings
from infra.site_files import CONFIG_KEY, CONTENT_TYPES, PAGE_CACHE, site_files
from infra.storage import PrivateBucket


class Site(pulumi.ComponentResource):
    """The pages, deployed."""

    def __init__(self, bucket: PrivateBucket, settings: StackSettings) -> None:
        super().__init__("yikatong:site:Site", "site", None, None)
        own = pulumi.ResourceOptions(parent=self)
        for file in site_files(settings.site_folder):
            aws.s3.BucketObjectv2(
                f"site-{file.key}",
                bucket=bucket.name,
                key=file.key,
                source=pulumi.FileAsset(str(file.path)),
                content_type=file.content_type,
                cache_control=PAGE_CACHE,
                opts=own,
            )
        aws.s3.BucketObjectv2(
            f"site-{CONFIG_KEY}",
            bucket=bucket.name,
            key=CONFIG_KEY,
            content=json.dumps({"api": "/public"}),
            content_type=CONTENT_TYPES[".json"],
            cache_control=PAGE_CACHE,
            opts=own,
        )
        self.register_outputs({})
