"""Public records = final outcomes of formal payments, one for the beneficiary and one for a payee who is another person."""

import hmac
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

import polars as pl

from auditor.books import is_formal
from auditor.scope import Scope
from auditor.source import RECORDS, Item
from auditor.stories import Story
from auditor.tallies import yuan

FINAL = ("SETTLED", "REJECTED", "RETURNED", "FROZEN")
MOST_KEYS = 2
"""A record is written under the key that is read and under at most one other."""
_Key = tuple[str, str, str]
"""(slot, end-to-end id, role)."""


def check_records(scope: Scope) -> None:
    expected: dict[_Key, tuple[str, dict[str, Any]]] = {}
    unread, trials = False, set()
    for story in scope.stories.values():
        if not is_formal(story.item):
            trials |= set(story.payments["end_to_end_id"]) if story.payments is not None else set()
        elif story.outcomes is not None and _is_published(story, scope):
            expected |= {key: (story.batch_id, row) for key, row in _of(story)}
        unread |= story.instructed and story.outcomes is None
    found: dict[_Key, list[Item]] = {}
    for item in scope.source.items(RECORDS):
        slot, one, role = str(item["sk"]).rsplit("#", 2)
        found.setdefault((slot, one, role), []).append(item)
    for key, (batch_id, row) in sorted(expected.items()):
        _check(key, batch_id, row, found.get(key, []), scope)
    for key in sorted(set(found) - set(expected)):
        if key[1] in trials:
            scope.findings.add("trial_published", _where(key), "无", "有公开记录")
        elif scope.whole and not unread and not _waits(key[1], scope):
            scope.findings.add("record_unknown", _where(key), "已有结果的支付", "无")


def _is_published(story: Story, scope: Scope) -> bool:
    settlement = story.item.get("settlement")
    if settlement and int(story.item.get("published_seq") or 0) == int(settlement["seq"]):
        return True
    scope.findings.note(f"{story.batch_id}：结果还没有（全部）公开，公开记录未核对")
    return False


def _waits(one: str, scope: Scope) -> bool:
    """Whether the payment is one whose batch is not published yet: its records may stand already."""
    return any(
        one in story.payments["end_to_end_id"]
        for story in scope.stories.values()
        if story.payments is not None
        and int(story.item.get("published_seq") or 0) != int((story.item.get("settlement") or {}).get("seq", 0))
    )


def _of(story: Story) -> Iterator[tuple[_Key, dict[str, Any]]]:
    assert story.outcomes is not None
    for row in story.outcomes.filter(pl.col("state").is_in(FINAL)).iter_rows(named=True):
        yield (row["slot"], row["end_to_end_id"], "beneficiary"), row
        if row["payee_id"] != row["beneficiary_id"]:
            yield (row["slot"], row["end_to_end_id"], "payee"), row


def _check(key: _Key, batch_id: str, row: dict[str, Any], items: list[Item], scope: Scope) -> None:
    where, findings = f"{batch_id} {_where(key)}", scope.findings
    if not items:
        findings.add("record_missing", where, row["state"], "无")
        return
    told = f"{row['state']} {yuan(row['amount_fen'])} 元"
    for item in items:
        findings.compare("record_differs", where, told, f"{item['state']} {yuan(int(item['amount_fen']))} 元")
    # While the key is exchanged for another, a record stands under each: marked, and one for each mark.
    marks = Counter(str(item.get("key_mark", "")) for item in items)
    if max(marks.values()) > 1 or len(marks) > MOST_KEYS:
        findings.add("record_differs", where, "每个键下一条", f"{len(items)} 条")
    if scope.record_key is not None:
        role = key[2]
        person = person_key(scope.record_key, row[f"{role}_id"], row[f"{role}_name"])
        marked = [item["pk"] for item in items if item.get("key_mark") == key_mark(scope.record_key)]
        if (marked or [item["pk"] for item in items if not item.get("key_mark")]) != [person]:
            findings.add("record_key_differs", where, "本人的键下一条", f"{len(items)} 条，键不符")


def key_mark(secret: bytes) -> str:
    """By which the records of one key are told from another's."""
    return hmac.digest(secret, b"the mark of a record key", "sha256").hex()[:8]


def _where(key: _Key) -> str:
    return f"{key[0]} {key[1]} {key[2]}"


def person_key(secret: bytes, id_number: str, name: str) -> str:
    """HMAC-SHA-256 over `id|name`, both in their one spelling."""
    plain = re.sub("[·•‧∙⋅・･．.]", "·", "".join(unicodedata.normalize("NFKC", name).split()))
    identity = unicodedata.normalize("NFKC", id_number).strip().upper()
    return hmac.digest(secret, f"{identity}|{plain}".encode(), "sha256").hex()
