"""What AWS or Python would refuse, refused here first."""

import re
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from infra.archives import REPOSITORY
from tests.infra.recorder import PARTITION, Recorder, settings

# From the services' API references.
VALID = {
    "s3/bucket:Bucket": ("bucket", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
    "dynamodb/table:Table": ("name", r"[A-Za-z0-9_.-]{3,255}"),
    "lambda/function:Function": ("name", r"[A-Za-z0-9_-]{1,64}"),
    "lambda/layerVersion:LayerVersion": ("layerName", r"[A-Za-z0-9_-]{1,140}"),
    "sqs/queue:Queue": ("name", r"[A-Za-z0-9_-]{1,80}"),
    "scheduler/schedule:Schedule": ("name", r"[A-Za-z0-9_.-]{1,64}"),
    "scheduler/scheduleGroup:ScheduleGroup": ("name", r"[A-Za-z0-9_.-]{1,64}"),
    "sfn/stateMachine:StateMachine": ("name", r"[A-Za-z0-9_-]{1,80}"),
    "iam/role:Role": ("name", r"[A-Za-z0-9_+=,.@-]{1,64}"),
    "iam/rolePolicy:RolePolicy": ("name", r"[A-Za-z0-9_+=,.@-]{1,128}"),
    "cloudwatch/eventRule:EventRule": ("name", r"[A-Za-z0-9_.-]{1,64}"),
    "cloudwatch/eventBus:EventBus": ("name", r"[A-Za-z0-9_./-]{1,256}"),
    "cloudwatch/logGroup:LogGroup": ("name", r"[A-Za-z0-9_./#-]{1,512}"),
    "secretsmanager/secret:Secret": ("name", r"[A-Za-z0-9/_+=.@-]{1,512}"),
    "apigateway/restApi:RestApi": ("name", r".{1,255}"),
    "apigateway/stage:Stage": ("stageName", r"[A-Za-z0-9_-]{1,128}"),
    "cloudfront/originAccessControl:OriginAccessControl": ("name", r"[A-Za-z0-9_-]{1,64}"),
    "cloudfront/cachePolicy:CachePolicy": ("name", r"[A-Za-z0-9_-]{1,128}"),
    "cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": ("name", r"[A-Za-z0-9_-]{1,128}"),
    "wafv2/webAcl:WebAcl": ("name", r"[A-Za-z0-9_-]{1,128}"),
}


@pytest.mark.parametrize("kind", VALID)
def test_every_name_is_one_that_aws_takes(stack: Recorder, kind: str) -> None:
    attribute, pattern = VALID[kind]
    names = [r.inputs[attribute] for r in stack.resources if r.type == f"aws:{kind}"]
    assert names
    assert not [name for name in names if not re.fullmatch(pattern, name)]
    assert len(set(names)) == len(names) or (attribute == "name" and kind.endswith("RolePolicy"))


def test_the_longest_stage_still_makes_valid_names() -> None:
    longest = "a" * 16
    settings(stage=longest)
    nouns = ("bank-exchange", "roster-drop", "policy-drop", "portal-export")
    assert all(len(f"yikatong-{longest}-{noun}-123456789012") <= 63 for noun in nouns)
    assert len(f"yikatong-{longest}-publish_records-cn-northwest-1") <= 64, "a role's name carries the region"


def test_a_stage_that_would_not_make_a_bucket_name_is_refused() -> None:
    for stage in ("", "A", "with_underscore", "a" * 17, "1st", "测试"):
        with pytest.raises(ValueError, match="stage"):
            settings(stage=stage)


def test_no_arn_is_written_with_its_partition_by_hand() -> None:
    files = [*(REPOSITORY / "infra").glob("*.py"), *(REPOSITORY / "infra" / "workflows").glob("*.json")]
    assert len(files) > 15
    # The one mention is the docstring that forbids it.
    assert not [path.name for path in files if re.search(r"arn:aws[:-]", path.read_text(encoding="utf-8"))]


def test_every_arn_lies_in_the_partition_of_the_region(stack: Recorder) -> None:
    found = [arn for r in stack.resources for arn in re.findall(r"arn:[a-z-]+:", str(r.inputs))]
    assert set(found) == {f"arn:{PARTITION}:"}


def test_the_example_stack_is_in_china() -> None:
    config = yaml.safe_load((REPOSITORY / "Pulumi.heilongjiang.yaml").read_text(encoding="utf-8"))
    assert config["config"]["aws:region"] == "cn-north-1"


def test_no_module_of_the_program_hides_one_of_the_standard_library() -> None:
    """Pulumi runs the folder as a program, so the folder comes first on the path."""
    ours = {Path(path).stem for path in (REPOSITORY / "infra").glob("*.py")}
    assert not ours & sys.stdlib_module_names
