"""A public bucket on S3: what is told to browsers, and who wins where two put at once (moto)."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from yikatong.aws.site import S3Site


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="site")
        yield client


def test_what_is_public_is_served_as_what_its_name_says_and_is_not_kept_for_long(s3: Any) -> None:
    site = S3Site(s3, "site")
    wanted = {
        "published/policies/230000.json": "application/json; charset=utf-8",
        "policies/230000/x/standard/0001.pdf": "application/pdf",
        "policies/230000/x/standard/0002.html": "text/html; charset=utf-8",
        "published/policy-lists/2023/230000.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    for key, media_type in wanted.items():
        assert site.put_once(key, b"x")
        served = s3.get_object(Bucket="site", Key=key)
        assert (served["ContentType"], served["CacheControl"]) == (media_type, "public, max-age=300")


def test_a_put_on_condition_loses_to_whoever_came_first(s3: Any) -> None:
    one, other = S3Site(s3, "site"), S3Site(s3, "site")
    assert one.put_if("index.json", b"1", None)
    assert not other.put_if("index.json", b"2", None)
    read = other.get_tagged("index.json")
    assert read is not None
    assert one.put_if("index.json", b"3", read.tag)
    assert not other.put_if("index.json", b"4", read.tag)
    assert one.get("index.json") == b"3"


def test_what_is_put_once_stays_and_the_same_bytes_again_are_no_loss(s3: Any) -> None:
    site = S3Site(s3, "site")
    assert site.put_once("policies/x/0001.pdf", b"first")
    assert site.put_once("policies/x/0001.pdf", b"first")
    assert not site.put_once("policies/x/0001.pdf", b"second")
    assert site.get("policies/x/0001.pdf") == b"first"


def test_a_put_that_meets_another_under_way_is_tried_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    class Busy:
        """S3 while another conditional put of the key is under way, so many times."""

        def __init__(self, times: int) -> None:
            self.left = times

        def put_object(self, **_request: Any) -> None:
            self.left -= 1
            if self.left >= 0:
                raise ClientError({"ResponseMetadata": {"HTTPStatusCode": 409}}, "PutObject")  # type: ignore[typeddict-item]

    assert S3Site(Busy(2), "site").put_if("k", b"", None)  # type: ignore[arg-type]
    with pytest.raises(TimeoutError):
        S3Site(Busy(99), "site").put_if("k", b"", None)  # type: ignore[arg-type]
