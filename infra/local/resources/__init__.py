"""Creating a resource of the Pulumi program is one boto3 call against moto: botocore checks every parameter, every
output is real."""

from infra.local.resources.provider import LocalProvider, UnmappedResource, deploy

__all__ = ["LocalProvider", "UnmappedResource", "deploy"]
