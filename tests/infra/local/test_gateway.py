"""API Gateway's part: who signed, what the function gets, and what becomes of its answer."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.gateway import MAX_BODY_BYTES, Gateway, Reply
from infra.local.sigv4 import BadSignature, Credential, verify

if TYPE_CHECKING:
    from infra.local.cloud import LocalCloud

NOW = datetime(2023, 6, 1, 1, tzinfo=UTC)
KEY = Credential("AKIDEXAMPLE", "secret", "arn:aws-cn:iam::123456789012:user/clerk", "AIDA", "123456789012")
URL = "http://127.0.0.1:1234/bureau/v1/batches/%E4%B8%80%20a?state=VALIDATED&region=230100&empty="


def _signed(secret: str = KEY.secret, method: str = "POST", url: str = URL, body: bytes = b"{}") -> dict[str, str]:
    request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
    SigV4Auth(Credentials(KEY.access_key, secret), "execute-api", "cn-north-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1:1234"}


def _verify(headers: dict[str, str], url: str = URL, body: bytes = b"{}", now: datetime | None = None) -> Credential:
    target = url.split("1234", 1)[1]
    find = {KEY.access_key: KEY}.get
    return verify("POST", target, headers, body, "cn-north-1", find, now)


def test_a_right_signature_tells_who_called() -> None:
    assert _verify(_signed()) == KEY


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda h: h.pop("authorization"), "Missing Authentication Token"),
        (lambda h: h.update(authorization=h["authorization"][:-4] + "beef"), "does not match"),
        (lambda h: h.update(authorization=h["authorization"].replace("AKIDEXAMPLE", "AKIDOTHER")), "invalid"),
        (lambda h: h.update(authorization=h["authorization"].replace("execute-api", "s3")), "scoped"),
        (lambda h: h.update({"x-amz-date": "20200101T000000Z"}), "expired"),
        (lambda h: h.update(host="elsewhere"), "does not match"),
        (lambda h: h.update(authorization="Bearer x"), "Signature Version 4"),
    ],
)
def test_a_forged_or_altered_signature_is_refused(change: Any, why: str) -> None:
    headers = _signed()
    change(headers)
    with pytest.raises(BadSignature, match=why):
        _verify(headers)


def test_another_body_or_query_than_the_signed_one_is_refused() -> None:
    with pytest.raises(BadSignature, match="does not match"):
        _verify(_signed(), body=b'{"amount": 1}')
    with pytest.raises(BadSignature, match="does not match"):
        _verify(_signed(), url=URL.replace("230100", "230200"))


def test_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature, match="does not match"):
        _verify(_signed(secret="guess"))


def test_a_signature_is_good_for_five_minutes() -> None:
    with pytest.raises(BadSignature, match="expired"):
        _verify(_signed(), now=datetime.now(UTC) + timedelta(minutes=6))


@pytest.mark.cloud
class TestDeployed:
    """The deployed APIs through the gateway."""

    def test_the_public_api_answers_everyone(self, cloud: "LocalCloud") -> None:
        answer = httpx.get(f"{cloud.endpoints['public']}/v1/plan", params={"year": 2023}, timeout=30)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["subsidies"]) == 45
        assert answer.headers["x-amzn-requestid"]

    def test_the_bureau_api_refuses_the_unsigned(self, cloud: "LocalCloud") -> None:
        answer = httpx.get(f"{cloud.endpoints['bureau']}/v1/batches")
        assert (answer.status_code, answer.json()) == (403, {"message": "Missing Authentication Token"})

    def test_the_bureau_api_knows_the_signer_by_name(self, cloud: "LocalCloud") -> None:
        from cli.api import call_bureau
        from yikatong.errors import Refusal

        gateway = cloud.endpoints["gateway"]
        shown = call_bureau(gateway, "harbin-clerk", "GET", "/v1/batches", query={"region": "230100"})["batches"]
        assert all(batch["region"].startswith("2301") for batch in shown)
        with pytest.raises(Refusal, match="230100"):
            call_bureau(gateway, "harbin-clerk", "GET", "/v1/batches", query={"region": "230200"})

    def test_a_path_of_no_api_gets_api_gateways_403_or_the_sites_404(self, cloud: "LocalCloud") -> None:
        assert httpx.get(f"{cloud.endpoints['gateway']}/nothing").status_code == 404
        assert httpx.get(f"{cloud.endpoints['public']}/v1/nothing", timeout=30).status_code == 404

    def test_a_body_beyond_ten_megabytes_is_refused_unread(self, cloud: "LocalCloud") -> None:
        answer = httpx.post(f"{cloud.endpoints['public']}/v1/query", content=b"x" * (MAX_BODY_BYTES + 1))
        assert answer.status_code == 413

    def test_the_local_cloud_tells_about_itself(self, cloud: "LocalCloud") -> None:
        about = httpx.get(f"{cloud.endpoints['gateway']}/_local").json()
        assert about["resources"]["state_machine_arn"].startswith("arn:aws-cn:states:cn-north-1:")
        assert about["principals"]["harbin-clerk"]["access_key_id"]
        assert json.dumps(about)
        assert httpx.get(f"{cloud.endpoints['gateway']}/_local/clock").json()["now"].endswith("+08:00")
        assert httpx.get(f"{cloud.endpoints['gateway']}/_local/runs/idle").json() == {"idle": True}


def test_a_browser_that_closes_before_its_answer_leaves_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    gateway = Gateway(lambda _: Reply(200))
    try:
        for error in (BrokenPipeError(), ConnectionResetError(), ZeroDivisionError()):
            try:
                raise error
            except Exception:  # noqa: BLE001 - as the server meets it
                gateway._server.handle_error(None, ("127.0.0.1", 1))
    finally:
        gateway.close()
    printed = capsys.readouterr().err
    assert printed.count("Traceback") == 1
    assert "ZeroDivisionError" in printed
