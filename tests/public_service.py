"""The public API without a cloud: the handler called with API Gateway's events, what it touches in memory.

What other functions publish is written here in the shapes of docs/architecture.md, Public files.
"""

import base64
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from functions.public_api.handler import handler
from tests.fakes import MemoryRecords
from yikatong.attempts import LIMITS, Limits
from yikatong.aws.public_api.common import logger
from yikatong.challenge import LocalChallenge
from yikatong.disclosure import Cell, subsidy_index, year_index
from yikatong.disclosure_keys import index_key, year_index_key
from yikatong.plan import PlanBook, Settings

SECRET = b"a secret of the tests"
CONTEXT: Any = SimpleNamespace(
    function_name="public_api", memory_limit_in_mb=1, invoked_function_arn="arn:aws-cn:lambda:::f", aws_request_id="r"
)
TODAY = date(2023, 6, 12)
LAVISH = Limits.model_validate(
    {
        "address": {"window_s": 3600, "free": 10**9, "most": 10**9},
        "person": {"window_s": 3600, "free": 10**9, "most": 10**9},
    }
)
"""For tests of something else than limits."""


class MemoryAttempts:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.expires: dict[str, int] = {}

    def count(self, name: str, expires: int) -> int:
        self.counts[name] += 1
        self.expires[name] = expires
        return self.counts[name]


class MemorySite:
    """The site bucket: JSON documents by key. `asked` are the keys somebody looked for."""

    def __init__(self) -> None:
        self.documents: dict[str, Any] = {}
        self.asked: list[str] = []

    def get(self, key: str) -> bytes | None:
        self.asked.append(key)
        return json.dumps(self.documents[key]).encode() if key in self.documents else None


class PublicWiring:
    """Stands for `yikatong.aws.wiring.Wiring`, as far as the public API goes."""

    def __init__(self, limits: Limits = LIMITS, **environment: str) -> None:
        self.book, self.settings = PlanBook.committed(), Settings.committed()
        self.records, self.attempts, self.site = MemoryRecords(), MemoryAttempts(), MemorySite()
        self.record_secret, self.limits = SECRET, limits
        self.environment = environment
        self.challenge: LocalChallenge | None = LocalChallenge(SECRET, self.attempts.count)

    def now(self) -> datetime:
        return datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def api_event(
    method: str,
    path: str,
    body: str | bytes | None = None,
    query: list[tuple[str, str]] | None = None,
    headers: dict[str, str] | None = None,
    address: str = "192.0.2.10",
) -> dict[str, Any]:
    """What a Lambda proxy integration gets (payload format 1.0)."""
    pairs: dict[str, list[str]] = {}
    for name, value in query or []:
        pairs.setdefault(name, []).append(value)
    encoded = isinstance(body, bytes)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers or {},
        "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
        "queryStringParameters": {name: values[-1] for name, values in pairs.items()} or None,
        "multiValueQueryStringParameters": pairs or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "requestId": "request-1",
            "stage": "t",
            "path": path,
            "httpMethod": method,
            "identity": {"sourceIp": address},
        },
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": encoded,
    }


def policy_version(code: str, document: str, version: int, since: str, until: str | None = None) -> dict[str, Any]:
    return {
        "code": code,
        "document": document,
        "version": version,
        "title": "城市最低生活保障办法",
        "document_number": "黑民规〔2023〕1号",
        "issuer": "黑龙江省民政厅",
        "valid_from": since,
        "valid_to": until,
        "href": f"/policies/230000/{code}/{document}/{version:04d}.pdf",
        "media_type": "application/pdf",
        "size_bytes": 1234,
        "sha256": "0" * 64,
        "published_at": "2023-01-05T09:00:00+08:00",
        "published_by": "civil-affairs",
    }


def list_entry(code: str | None, number: int | None, name: str, standard: str) -> dict[str, Any]:
    return {
        "number": number,
        "code": code,
        "name": name,
        "department": "省民政厅",
        "beneficiaries": "家庭人均收入低于当地低保标准的城市居民",
        "standard": standard,
        "basis": "《黑龙江省社会救助条例》",
        "procedure": "向户籍所在地的乡镇（街道）申请",
        "telephone": "0451-00000000",
        "remark": "",
    }


def policy_list(region: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "year": 2023,
        "region": region,
        "collected_at": "2023-02-01T09:00:00+08:00",
        "entries": entries,
        "missing": [{"department": "省教育厅", "subsidies": [27, 28]}],
    }


def cell(code: str, slot: str, region: str, people: int = 5, kind: str = "list", merged: Sequence[str] = ()) -> Cell:
    return Cell(
        plan_year=2023,
        code=code,
        subsidy="城市最低生活保障金",
        slot=slot,
        region=region,
        regions=frozenset({region, *merged}),
        kind=kind,
        people=people,
        amount_fen=65_000 * people,
        as_of=date(2023, 6, 30),
        follows="0" * 16,
    )


def publish_cells(site: MemorySite, *cells: Cell) -> None:
    """The cells, their subsidies' indexes and the year's, each as `publish_disclosure` writes it."""
    row = {"name": "张*", "amount_fen": 65_000, "paid_on": "2023-06-12"}
    indexes = []
    for code in sorted({each.code for each in cells}):
        lines = []
        for each in (one for one in cells if one.code == code):
            line, objects = each.objects(1, [row] * each.people if each.kind == "list" else [])
            lines.append(line)
            site.documents |= {key: json.loads(body) for key, body in objects.items()}
        index = subsidy_index(2023, code, "城市最低生活保障金", "list", 1, date(2023, 6, 30), lines)
        site.documents[index_key(2023, code)] = index
        indexes.append(index)
    site.documents[year_index_key(2023)] = year_index(2023, date(2023, 6, 30), indexes)


def publish_everything(site: MemorySite) -> None:
    """One policy in two versions, one county's own, two lists, and two cells."""
    site.documents |= {
        "published/policies/230000.json": {
            "region": "230000",
            "documents": [
                policy_version("urban-minimum-living", "measures", 2, "2023-04-01"),
                policy_version("urban-minimum-living", "measures", 1, "2020-01-01"),
            ],
        },
        "published/policies/230102.json": {
            "region": "230102",
            "documents": [policy_version("urban-minimum-living", "daoli", 1, "2023-01-01", "2023-12-31")],
        },
        "published/policy-lists/2023/230000.json": policy_list(
            "230000", [list_entry("urban-minimum-living", 2, "城市最低生活保障金", "每人每月不低于 650 元")]
        ),
        "published/policy-lists/2023/230102.json": policy_list(
            "230102",
            [
                list_entry("urban-minimum-living", 2, "城市最低生活保障金", "每人每月 700 元"),
                list_entry(None, None, "本区高龄津贴", "每人每月 100 元"),
            ],
        ),
    }
    publish_cells(
        site, cell("urban-minimum-living", "2023-06", "230102"), cell("temporary-relief", "2023#FLOOD", "230000", 9)
    )


@dataclass(frozen=True)
class Answered:
    """An answer of the API; `json` is what its body holds."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """Which problem it is."""
        assert self.headers["Content-Type"] == "application/problem+json"
        return str(self.json["type"]).removeprefix("urn:yikatong:problem:")


class Service:
    """The public API as its visitors meet it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, made: PublicWiring) -> None:
        self.made = made
        monkeypatch.setattr("yikatong.aws.wiring._wiring", made)
        # Windows begin on the hour: a test must not run across one.
        monkeypatch.setattr("yikatong.aws.public_api.queries.system_clock", made.now)
        self.log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", self.log)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Answered:
        """`body` is sent as JSON unless it is text or bytes; `more` as `api_event` takes it."""
        text = body if body is None or isinstance(body, str | bytes) else json.dumps(body)
        if text is not None and "headers" not in more:
            more["headers"] = {"Content-Type": "application/json"}
        answer = handler(api_event(method, path, text, **more), CONTEXT)
        headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        assert headers["X-Correlation-Id"] == "request-1"
        return Answered(answer["statusCode"], headers, answer["body"])

    def get(self, path: str, **query: str) -> Answered:
        return self.call("GET", path, query=list(query.items()))

    def query(self, name: str, id_number: str, address: str = "192.0.2.10", **more: str) -> Answered:
        return self.call("POST", "/v1/query", {"name": name, "id_number": id_number} | more, address=address)
