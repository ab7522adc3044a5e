"""The two layers as Lambda knows them.

A layer of more than 50 MB cannot be sent to Lambda directly, it has to lie in S3 first (Lambda quotas); the columnar
layer is 55 MB zipped. So built layers go through a bucket of their own, under a key that holds their digest.
"""

import hashlib
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra.archives import CodeSource
from infra.context import Context
from infra.function import ARCHITECTURE, RUNTIME
from infra.storage import BucketArgs, PrivateBucket

LAYERS = ("core", "columnar")


def create_layers(code: CodeSource, context: Context) -> dict[str, pulumi.Output[str]]:
    """The ARN of each layer's version, by name."""
    built = {name: code.built_layer(name) for name in LAYERS}
    staged = {name: path for name, path in built.items() if path is not None}
    bucket = PrivateBucket("artifacts", BucketArgs("ARTIFACTS_BUCKET"), context) if staged else None
    arns: dict[str, pulumi.Output[str]] = {}
    for name in LAYERS:
        content = {"code": code.layer(name)} if bucket is None else _in_bucket(name, staged[name], bucket)
        layer = aws.lambda_.LayerVersion(
            name,
            layer_name=context.name(name),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            # A version still in use by a running function must outlive the deployment that replaces it.
            skip_destroy=True,
            **content,
        )
        arns[name] = layer.arn
    return arns


def _in_bucket(name: str, archive: Path, bucket: PrivateBucket) -> dict[str, pulumi.Input[str]]:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    staged = aws.s3.BucketObjectv2(
        f"layer-{name}",
        bucket=bucket.name,
        key=f"layers/{name}-{digest}.zip",
        source=pulumi.FileAsset(str(archive)),
        opts=pulumi.ResourceOptions(parent=bucket),
    )
    return {"s3_bucket": bucket.name, "s3_key": staged.key, "s3_object_version": staged.version_id}
