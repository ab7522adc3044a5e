"""Resources are created by the calls AWS would get, or not at all."""

import pulumi
import pulumi_aws as aws
import pytest

from infra.local.resources import UnmappedResource
from tests.infra.local.conftest import Bench

pytestmark = pytest.mark.cloud


def test_a_resource_type_nobody_mapped_is_an_error_that_names_it(bench: Bench) -> None:
    def program() -> dict[str, pulumi.Output[str]]:
        return {"id": aws.ec2.Vpc("net", cidr_block="10.0.0.0/16").id}

    with pytest.raises(UnmappedResource, match="aws:ec2/vpc:Vpc"):
        bench.cloud.deploy(program)


def test_a_parameter_aws_would_refuse_is_refused(bench: Bench) -> None:
    def program() -> dict[str, pulumi.Output[str]]:
        return {"id": aws.sqs.Queue("queue", name="a queue with blanks").id}

    with pytest.raises(Exception, match="alphanumeric"):
        bench.cloud.deploy(program)


def test_a_notification_moto_would_never_deliver_is_an_error(bench: Bench) -> None:
    def program() -> dict[str, pulumi.Output[str]]:
        rule = aws.cloudwatch.EventRule("r", event_pattern='{"source": ["x"]}')
        aws.cloudwatch.EventTarget("r", rule=rule.name, arn="arn:aws-cn:lambda:cn-north-1:123456789012:function:f")
        return {"id": rule.id}

    with pytest.raises(ValueError, match="moto delivers events to SQS only"):
        bench.cloud.deploy(program)


def test_outputs_are_real_arns_of_chinas_partition(bench: Bench) -> None:
    assert bench.resources["machine"] == "arn:aws-cn:states:cn-north-1:123456789012:stateMachine:bench"
