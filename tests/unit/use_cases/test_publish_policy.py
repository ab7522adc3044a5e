"""A policy from the drop to the public's list: two halves, in any order, twice, replaced halfway, and never a wrong pair."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes import MemoryControl, MemoryReports, MemorySite
from tests.policies import MemoryDrop, pdf_of, policy_document, policy_metadata
from yikatong.plan import PlanBook
from yikatong.policy_drops import MAX_DOCUMENT_BYTES, MAX_METADATA_BYTES
from yikatong.principals import Principal, Role, principal_key
from yikatong.uploads import Upload, upload_key
from yikatong.use_cases.publish_policy import Adapters, publish_policy

NOW = datetime(2023, 1, 3, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
CODE = "urban-minimum-living"
KEY = f"230000/{CODE}/标准.pdf"
DOCUMENT = policy_document("城市最低生活保障标准（示例）")


class Office:
    """One region's drop and what the public sees of it."""

    def __init__(self) -> None:
        self.drop, self.site, self.control, self.reports = (
            MemoryDrop(),
            MemorySite(),
            MemoryControl(),
            MemoryReports(),
        )
        self.adapters = Adapters(self.drop, self.site, self.control, self.reports, PlanBook.committed())

    def woken(self, key: str) -> str:
        return publish_policy(key, self.adapters, NOW)

    def dropped(self, document: bytes = DOCUMENT, key: str = KEY, /, **metadata: Any) -> str:
        self.drop.now += timedelta(seconds=1)
        self.drop.put(key, document)
        self.drop.put(f"{key}.json", policy_metadata(document, **metadata))
        return self.woken(key)

    def public(self, region: str = "230000") -> list[dict[str, Any]]:
        data = self.site.objects.get(f"published/policies/{region}.json")
        documents: list[dict[str, Any]] = json.loads(data)["documents"] if data else []
        return documents

    def told(self, key: str = KEY) -> dict[str, Any]:
        outcome: dict[str, Any] = json.loads(self.reports.objects[f"policies/{key}.json"])
        return outcome


@pytest.fixture
def office() -> Office:
    return Office()


def test_a_document_with_its_metadata_is_published_under_its_first_version(office: Office) -> None:
    assert office.dropped(title="标准", valid_to="2023-12-31") == "published"
    (entry,) = office.public()
    assert entry["href"] == f"/policies/230000/{CODE}/measure/0001.pdf"
    assert office.site.objects[entry["href"][1:]] == DOCUMENT
    assert entry["media_type"] == "application/pdf"
    assert {name: entry[name] for name in ("code", "document", "version", "title", "valid_from", "valid_to")} == {
        "code": CODE,
        "document": "measure",
        "version": 1,
        "title": "标准",
        "valid_from": "2023-01-01",
        "valid_to": "2023-12-31",
    }
    assert (entry["size_bytes"], entry["published_at"]) == (len(DOCUMENT), NOW.isoformat(timespec="seconds"))
    assert office.told()["in_force"] == [{"version": 1, "from": "2023-01-01", "to": "2023-12-31"}]


def test_the_half_that_comes_first_is_told_what_is_missing_and_nothing_is_published(office: Office) -> None:
    office.drop.put(KEY, DOCUMENT)
    assert office.woken(KEY) == "waiting"
    assert "还缺说明文件 标准.pdf.json" in office.told()["message"]
    office.drop.put(f"{KEY}.json", policy_metadata(DOCUMENT))
    assert office.woken(f"{KEY}.json") == "published"
    other = f"230102/{CODE}/标准.html"
    office.drop.put(f"{other}.json", policy_metadata(DOCUMENT))
    assert office.woken(f"{other}.json") == "waiting"
    assert "还缺政策文件 标准.html" in office.told(other)["message"]
    assert office.public("230102") == []


def test_events_that_come_again_publish_nothing_again(office: Office) -> None:
    office.dropped()
    assert [office.woken(KEY), office.woken(f"{KEY}.json")] == ["published", "published"]
    assert [entry["version"] for entry in office.public()] == [1]


def test_the_same_sent_once_more_is_no_new_version_and_says_so(office: Office) -> None:
    office.dropped()
    assert office.dropped() == "unchanged"
    assert [entry["version"] for entry in office.public()] == [1]
    assert "与已发布的第 1 版相同" in office.told()["message"]


def _orders() -> Iterator[tuple[str, ...]]:
    """Every way in which four puts, in their order, and one late event for each may interleave."""
    puts = ("doc1", "meta1", "doc2", "meta2")
    for slots in itertools.product(range(4), repeat=4):
        if all(slot >= index for index, slot in enumerate(slots)):
            steps: list[str] = []
            for index, put in enumerate(puts):
                steps.append(put)
                steps += [f"event {puts[event]}" for event, slot in enumerate(slots) if slot == index]
            yield tuple(steps)


@pytest.mark.parametrize("first", [("doc1", "meta1"), ("meta1", "doc1")])
@pytest.mark.parametrize("second", [("doc2", "meta2"), ("meta2", "doc2")])
def test_whatever_comes_when_no_document_stands_under_anothers_metadata(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    renamed = dict(zip(("doc1", "meta1", "doc2", "meta2"), (*first, *second), strict=True))
    documents = {"1": policy_document(seed=1), "2": policy_document(seed=2)}
    orders = list(_orders())
    assert len(orders) == 24
    for order in orders:
        office = Office()
        for step in order:
            kind, n = renamed[step.removeprefix("event ")][:-1], step[-1]
            key = KEY if kind == "doc" else f"{KEY}.json"
            if step.startswith("event "):
                office.woken(key)
            elif kind == "doc":
                office.drop.put(key, documents[n])
            else:
                office.drop.put(key, policy_metadata(documents[n], title=f"第{n}份"))
        for entry in office.public():
            assert office.site.objects[entry["href"][1:]] == documents[entry["title"][1]], order
        assert office.public()[0]["title"] == "第2份", order
        assert [entry["title"] for entry in office.public()][1:] in ([], ["第1份"]), order


def test_a_document_replaced_halfway_waits_and_says_so(office: Office) -> None:
    office.dropped()
    office.drop.put(KEY, policy_document(seed=2))
    assert office.woken(KEY) == "waiting"
    assert "两份要一起换" in office.told()["message"]
    assert [entry["version"] for entry in office.public()] == [1]


def test_a_new_text_is_a_new_version_and_the_old_one_stays_to_be_read(office: Office) -> None:
    office.dropped()
    office.dropped(policy_document(seed=2), valid_from="2023-07-01")
    assert [entry["version"] for entry in office.public()] == [2, 1]
    assert office.site.objects[f"policies/230000/{CODE}/measure/0001.pdf"] == DOCUMENT
    assert office.told()["in_force"] == [
        {"version": 2, "from": "2023-07-01", "to": None},
        {"version": 1, "from": "2023-01-01", "to": "2023-06-30"},
    ]


def test_the_same_bytes_with_other_dates_are_a_new_version_so_that_a_policy_can_be_ended(office: Office) -> None:
    office.dropped()
    assert office.dropped(valid_to="2023-06-30") == "published"
    assert office.told()["in_force"] == [{"version": 2, "from": "2023-01-01", "to": "2023-06-30"}]


def test_the_first_text_again_after_a_second_is_a_third_version(office: Office) -> None:
    office.dropped()
    office.dropped(policy_document(seed=2))
    office.dropped()
    assert [entry["version"] for entry in office.public()] == [3, 2, 1]


def test_two_workers_at_once_publish_both_documents_and_lose_none(office: Office) -> None:
    other_key = f"230000/{CODE}/办法.pdf"
    other = policy_document("办法（示例）")
    office.drop.put(other_key, other)
    office.drop.put(f"{other_key}.json", policy_metadata(other, document="procedure"))

    def once(_key: str) -> None:
        office.site.before_put = lambda _key: None
        office.woken(other_key)

    office.site.before_put = once
    assert office.dropped() == "published"
    assert {(entry["document"], entry["version"]) for entry in office.public()} == {("measure", 1), ("procedure", 1)}


def test_a_slow_worker_does_not_publish_an_old_pair_over_the_new_one(office: Office) -> None:
    newer = policy_document(seed=2)

    def meanwhile(key: str) -> None:
        if key.startswith("published/"):
            office.site.before_put = lambda _key: None
            office.dropped(newer, title="新")

    office.site.before_put = meanwhile
    office.dropped(title="旧")
    assert [entry["title"] for entry in office.public()] == ["新"]
    assert office.told()["outcome"] == "published"
    assert office.told()["version"] == office.public()[0]["version"]


def test_a_slow_workers_word_does_not_stand_over_a_newer_one(office: Office) -> None:
    office.drop.put(KEY, DOCUMENT)

    def meanwhile(key: str) -> None:
        if key.endswith(".json"):
            office.drop.after_read = lambda _key: None
            office.drop.put(f"{KEY}.json", policy_metadata(DOCUMENT))
            office.woken(f"{KEY}.json")

    office.drop.after_read = meanwhile
    assert office.woken(KEY) == "published"
    assert (office.told()["outcome"], office.told()["version"]) == ("published", 1)


def test_of_two_names_of_one_document_the_one_dropped_earlier_does_not_come_after(office: Office) -> None:
    early = f"230000/{CODE}/初稿.pdf"
    draft = policy_document("初稿（示例）")
    office.drop.put(early, draft)
    office.drop.put(f"{early}.json", policy_metadata(draft))
    office.dropped()
    assert office.woken(early) == "refused"
    assert "更晚报送的第 1 版" in office.told(early)["message"]
    assert [entry["file"] for entry in office.public()] == ["标准.pdf"]


def test_a_version_whose_worker_died_before_the_index_is_not_overwritten(office: Office) -> None:
    left = f"policies/230000/{CODE}/measure/0001.pdf"
    office.site.objects[left] = b"%PDF- left behind"
    office.dropped()
    assert [entry["version"] for entry in office.public()] == [2]
    assert office.site.objects[left] == b"%PDF- left behind"


@pytest.mark.parametrize(
    ("document", "key", "words"),
    [
        (b"PK\x03\x04 a workbook", KEY, "内容都不是"),
        (policy_document(html=True), KEY, "文件名与内容不符"),
        (DOCUMENT, f"230000/{CODE}/标准.html", "文件名与内容不符"),
        (pdf_of(["x"], "t", "<< /S /JavaScript /JS (x) >>"), KEY, "脚本"),
        (b"<!doctype html><script>1</script>", f"230000/{CODE}/标准.html", "脚本"),
        (b"%PDF-" + b"0" * MAX_DOCUMENT_BYTES, KEY, "超过 20 MB"),
    ],
    ids=["neither", "page as pdf", "pdf as page", "pdf script", "page script", "size"],
)
def test_what_may_not_be_published_is_refused_with_the_reason(
    office: Office, document: bytes, key: str, words: str
) -> None:
    assert office.dropped(document, key) == "refused"
    assert words in office.told(key)["message"]
    assert office.public() == []
    assert set(office.site.objects) == set()


def test_a_page_is_published_as_a_page(office: Office) -> None:
    key = f"230000/{CODE}/标准.htm"
    assert office.dropped(policy_document(html=True), key) == "published"
    (entry,) = office.public()
    assert entry["href"].endswith("/0001.html")
    assert entry["media_type"] == "text/html"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"valid_from": "2023-07-01", "valid_to": "2023-06-30"}, "早于生效日期"),
        ({"valid_from": "2023-02-30"}, "生效日期 valid_from应写作"),
        ({"valid_from": "0023-01-01"}, "生效日期 valid_from应写作"),
        ({"title": "  "}, "标题 title应有"),
        ({"title": "名单\n张三"}, "换行、控制字符"),
        ({"issuer": "230102199001011234"}, "12位以上的数字"),
        ({"document": "标准"}, "文件标识 document应是"),
        ({"document": "a\n"}, "文件标识 document应是"),
        ({"sha256": "0"}, "文件摘要 sha256应是"),
        ({"contact": "x"}, "不认识的项"),
    ],
)
def test_metadata_is_refused_with_every_fault_and_never_repeated(
    office: Office, changed: dict[str, Any], words: str
) -> None:
    assert office.dropped(**changed) == "refused"
    assert words in office.told()["message"]
    assert "张三" not in office.told()["message"]
    assert "1990" not in office.told()["message"].replace("1990-01-01", "")


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"{", b" " * (MAX_METADATA_BYTES + 1)])
def test_metadata_that_is_no_object_is_refused(office: Office, data: bytes) -> None:
    office.drop.put(KEY, DOCUMENT)
    office.drop.put(f"{KEY}.json", data)
    assert office.woken(KEY) == "refused"


@pytest.mark.parametrize(
    "key",
    [
        f"239999/{CODE}/标准.pdf",
        "230000/no-such-subsidy/标准.pdf",
        f"230000/{CODE}/标准.docx",
        f"230000/{CODE}/a/标准.pdf",
        f"230000/{CODE}/230102199001011234.pdf",
        f"230000/{CODE}/标准.json",
    ],
)
def test_a_misplaced_file_is_refused_without_its_name_where_that_may_be_a_number(office: Office, key: str) -> None:
    office.drop.put(key, DOCUMENT)
    assert office.woken(key) == "refused"
    ((told_under, _),) = office.reports.objects.items()
    assert told_under.startswith("policies/")
    assert "19900101" not in told_under


def test_who_published_is_a_department_or_a_region_and_the_account_is_not_shown(office: Office) -> None:
    pk, sk = principal_key("zhang-san")
    office.control.save(
        Principal(pk=pk, sk=sk, name="zhang-san", role=Role.DEPARTMENT, region="230000", departments=("省民政厅",))
    )
    for upload_id, key in (("u1", KEY), ("u2", f"{KEY}.json")):
        upk, usk = upload_key(upload_id)
        office.control.save(
            Upload(pk=upk, sk=usk, upload_id=upload_id, principal="zhang-san", object_key=key, mode="policy")
        )
    office.drop.put(KEY, DOCUMENT, "u1")
    office.drop.put(f"{KEY}.json", policy_metadata(DOCUMENT), "u2")
    assert office.woken(KEY) == "published"
    assert office.public()[0]["published_by"] == "省民政厅"
    assert b"zhang-san" not in b"".join(office.site.objects.values())


def test_a_half_that_was_asked_for_under_another_name_is_refused(office: Office) -> None:
    pk, sk = upload_key("u1")
    office.control.save(Upload(pk=pk, sk=sk, upload_id="u1", principal="x", object_key="other", mode="policy"))
    office.drop.put(KEY, DOCUMENT, "u1")
    office.drop.put(f"{KEY}.json", policy_metadata(DOCUMENT))
    assert office.woken(KEY) == "refused"
    assert "重新申请上传" in office.told()["message"]
