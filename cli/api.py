"""A small client of the two APIs: plain calls to the public one, SigV4-signed calls to the bureau one.

On the local cloud one gateway serves both, and `--as NAME` signs with the key of one of its invented people. In AWS
each API has its own address and the caller's credentials come from the environment, as for any AWS tool.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
import typer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from yikatong.errors import Refusal

PUBLIC_URL, BUREAU_URL = "YIKATONG_PUBLIC_URL", "YIKATONG_BUREAU_URL"
TIMEOUT_S = 60
BROKEN = 500
"""From this status on the other side failed, and what it had done by then is not known."""
LOOKS = {
    "/v1/runs": "yikatong run list",
    "/v1/batches": "yikatong batch show 批次",
    "/v1/funds": "yikatong funds show",
    "/v1/occasions": "yikatong occasion list",
    "/v1/subsidies": "yikatong subsidy list",
    "/v1/queues": "yikatong queue list",
    "/v1/records": "yikatong records status",
    "/v1/uploads": "yikatong batch list",
}
"""Where a person sees whether what they asked for was done, by what its path holds."""
ONLY_READ = ("/v1/query", "/v1/trace")
"""What is asked with a POST because names must not stand in an address, and changes nothing."""

Endpoint = Annotated[
    str, typer.Option("--endpoint", envvar="YIKATONG_ENDPOINT", metavar="地址", help="本机云的网关地址。")
]
As = Annotated[
    str,
    typer.Option("--as", envvar="YIKATONG_AS", metavar="账号", help="以本机云的哪个账号办理；在 AWS 用自己的凭证。"),
]


@dataclass(frozen=True)
class Signer:
    """Whose key signs, and for which region."""

    credentials: Credentials
    region: str

    def sign(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request."""
        request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        return dict(request.headers.items())


def call_public(endpoint: str, method: str, path: str, body: Any = None) -> Any:
    """Call the public API: `call_public(endpoint, "POST", "/v1/query", {...})`. A problem becomes a Refusal."""
    url = f"{_base(endpoint, 'public', PUBLIC_URL)}{path}"
    return _send(method, url, _encode(body), {"Content-Type": "application/json"})


def call_bureau(
    endpoint: str, name: str, method: str, path: str, body: Any = None, query: Mapping[str, str | None] | None = None
) -> Any:
    """Call the bureau API as `name` (locally) or with one's AWS credentials. A problem becomes a Refusal."""
    given = {key: value for key, value in (query or {}).items() if value is not None}
    url = f"{_base(endpoint, 'bureau', BUREAU_URL)}{path}" + (f"?{urlencode(given)}" if given else "")
    content = _encode(body)
    signer = _local_signer(endpoint, name) if name else _aws_signer()
    return _send(method, url, content, signer.sign(method, url, content))


def put_file(url: str, headers: Mapping[str, str], content: bytes) -> None:
    """Hand a file to a presigned address."""
    answer = _request("PUT", url, content, headers)
    if answer.status_code >= BROKEN:
        raise Refusal(f"上传没有得到确定的答复（{answer.status_code}）。请再报送一次：同一份内容不会重复受理。")
    if answer.is_error:
        raise Refusal(f"上传没有成功（{answer.status_code}），请重试。")


def get_file(url: str) -> bytes:
    """Fetch a file from a presigned address."""
    answer = _request("GET", url, b"", {})
    if answer.is_error:
        raise Refusal(f"下载没有成功（{answer.status_code}），请重试。")
    return answer.content


def _base(endpoint: str, mount: str, variable: str) -> str:
    if url := os.environ.get(variable):
        return url.rstrip("/")
    if not endpoint:
        raise Refusal(f"请用 --endpoint 或 YIKATONG_ENDPOINT 给出本机云的地址，或用 {variable} 给出接口地址。")
    return f"{local_address(endpoint)}/{mount}"


def local_address(endpoint: str) -> str:
    """The local cloud's address, `http://host:port` and nothing after it; anything else is refused with the way to write it."""
    address = endpoint.rstrip("/")
    if not re.match("https?://", address):
        raise Refusal(f"地址“{endpoint}”应以 http:// 开头，如 http://127.0.0.1:8000（由 yikatong local up 打印）。")
    if re.fullmatch(r"https?://[^/?#]+", address) is None:
        raise Refusal(
            f"地址“{endpoint}”应写到端口为止，不带 /bureau、/public 等；在 AWS 请改用 {BUREAU_URL} 和 {PUBLIC_URL}。"
        )
    return address


def _local_signer(endpoint: str, name: str) -> Signer:
    if not endpoint:
        raise Refusal("--as 只用于本机云，请同时给出 --endpoint；在 AWS 请使用自己的凭证。")
    about = _send("GET", f"{local_address(endpoint)}/_local", b"", {})
    person = about["principals"].get(name)
    if person is None:
        raise Refusal(f"本机云没有账号 {name}，已有：{'、'.join(about['principals'])}")
    return Signer(Credentials(person["access_key_id"], person["secret_access_key"]), about["region"])


def _aws_signer() -> Signer:
    from botocore.session import Session

    session = Session()
    credentials = session.get_credentials()
    region = session.get_config_variable("region")
    if credentials is None or not region:
        raise Refusal("没有 AWS 凭证或地区：请先登录并设定 AWS_REGION；用本机云时请给出 --as。")
    return Signer(credentials, region)


def _encode(body: Any) -> bytes:
    return b"" if body is None else json.dumps(body, ensure_ascii=False).encode()


def _request(method: str, url: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
    try:
        return httpx.request(method, url, content=content, headers=dict(headers), timeout=TIMEOUT_S)
    except httpx.TransportError as error:
        if _may_be_done(method, url) and not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            raise Refusal(_not_known("连接中断", url), "not_known") from None
        # The address may be presigned, and then it is a key: it is not repeated.
        raise Refusal(f"连不上 {httpx.URL(url).netloc.decode()}，请检查地址和网络。") from None


def _may_be_done(method: str, url: str) -> bool:
    return method != "GET" and not httpx.URL(url).path.endswith(ONLY_READ)


def _not_known(what: str, url: str) -> str:
    """Without a certain answer nobody may be told that it was refused: an order may have been placed, and is paid later."""
    looks = next((look for path, look in LOOKS.items() if path in httpx.URL(url).path), "")
    where = f"（{looks}）" if looks else ""
    return f"没有得到确定的答复（{what}），不知是否已经办成：请先查看{where}，再决定是否重试。"


def _send(method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Any:
    answer = _request(method, url, content, headers)
    if answer.status_code >= BROKEN and _may_be_done(method, url):
        raise Refusal(_not_known(str(answer.status_code), url), "not_known")
    try:
        value = answer.json()
    except ValueError:
        raise Refusal(f"接口的答复读不懂（{answer.status_code}）。") from None
    if answer.is_error:
        # Our own problems speak Chinese under `detail`; API Gateway's speak English under `message`.
        words = value.get("detail") or f"接口拒绝了请求（{answer.status_code}）：{value.get('message', '')}"
        raise Refusal(words, str(value.get("type", "refused")).rsplit(":", 1)[-1])
    return value


def fen_of(text: str) -> int:
    """Yuan as people type them (`1234.5`, `1,234.50`) to fen; more than two decimals are refused."""
    match = re.fullmatch(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?", text.replace(",", ""))
    if match is None:
        raise Refusal("金额应写作 1234.50 的样子，单位为元，至多两位小数。", "bad_amount")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
