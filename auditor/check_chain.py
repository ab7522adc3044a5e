"""The audit chain (PROTOCOL O2): unbroken from the first event to the head the item names, and its fold is the item.

An event is written before the state that names it. Events no state ever named are void, but part of the hash chain:
whoever takes one out breaks it. The events the state did name are walked by `follows`, from the item's own number.
"""

import json
from typing import Any

from auditor.evidence import sha256
from auditor.scope import Scope
from auditor.source import AUDIT, LAKE, Item

_NOT_FOLDED = ("version", "audit_n", "audit_head", "last_failure")
"""The chain's own marks on the item, since an event cannot hold its own hash; and the workflow's note of a failure, which
is written without a version and decides nothing."""


def check_chain(scope: Scope) -> None:
    heads: dict[str, dict[int, str]] = {}
    run = {scope.run_id} if scope.run_id else set()
    for audit_id, item in sorted(scope.books.chained(), key=lambda pair: pair[0]):
        if scope.whole or audit_id in scope.stories or audit_id in run:
            heads[audit_id] = _check_item(audit_id, item, scope)
    if scope.whole:
        _check_items_missing(scope)
        _check_roots(heads, scope)


def _check_item(audit_id: str, item: Item, scope: Scope) -> dict[int, str]:
    """Returns the SHA-256 of every slot that could be read, by number."""
    n = int(item.get("audit_n") or 0)
    if n == 0:
        scope.findings.add("chain_missing", audit_id, "审计链", "无")
        return {}
    events: dict[int, dict[str, Any]] = {}
    hashes: dict[int, str] = {0: ""}
    for slot in range(1, n + 1):
        data = scope.source.read(AUDIT, event_key(audit_id, slot))
        event = _event(data)
        if event is None or (event.get("id"), event.get("n")) != (audit_id, slot):
            scope.findings.add(
                "chain_broken", event_key(audit_id, slot), "事件", "不是这条链的事件" if data else "缺失"
            )
            return hashes
        assert data is not None
        if event.get("previous") != hashes[slot - 1]:
            scope.findings.add("chain_broken", event_key(audit_id, slot), f"前一事件 {hashes[slot - 1][:16]}", "不相连")
            return hashes
        events[slot], hashes[slot] = event, sha256(data)
    if hashes[n] != item["audit_head"]:
        scope.findings.add("chain_broken", event_key(audit_id, n), f"链头 {item['audit_head'][:16]}", hashes[n][:16])
        return hashes
    _check_fold(audit_id, item, n, events, scope)
    return hashes


def _check_fold(audit_id: str, item: Item, n: int, events: dict[int, dict[str, Any]], scope: Scope) -> None:
    named: list[dict[str, Any]] = []
    while n:
        if n not in events:
            scope.findings.add("chain_broken", audit_id, "前后相连的事件", f"第 {n} 个无处可接")
            return
        named.append(events[n])
        n = int(events[n]["follows"]) if int(events[n]["follows"]) < n else -1
    named.reverse()
    folded: dict[str, Any] = {}
    for version, event in enumerate(named, start=1):
        # One event for each version of the item, from the first on.
        if int(event["version"]) != version:
            scope.findings.add("chain_broken", event_key(audit_id, event["n"]), f"第 {version} 版", event["version"])
            return
        folded |= event["changes"]
        _check_evidence(audit_id, event, scope)
    scope.findings.compare("chain_differs", f"{audit_id} version", len(named), int(item["version"]))
    mine, theirs = _plain(folded), _plain(item)
    for name in sorted({*mine, *theirs} - set(_NOT_FOLDED)):
        # What the fields hold may name people's amounts or a reason in words: only the field is named.
        if mine.get(name) != theirs.get(name):
            words = ["有" if name in side else "无" for side in (mine, theirs)]
            scope.findings.add(
                "chain_differs", f"{audit_id} {name}", *(words if words[0] != words[1] else ("链上", "另一值"))
            )


def _check_evidence(audit_id: str, event: dict[str, Any], scope: Scope) -> None:
    for one in event.get("evidence", ()):
        if one["key"] in scope.findings.altered:
            continue
        data = scope.source.read(LAKE, one["key"])
        if data is None or sha256(data) != one["sha256"]:
            where = f"{event_key(audit_id, event['n'])}（{one['key']}）"
            scope.findings.add(
                "chain_evidence_differs", where, one["sha256"][:16], sha256(data)[:16] if data else "缺失"
            )


def _check_items_missing(scope: Scope) -> None:
    """Whoever takes an item out of the table leaves its chain behind."""
    known = {audit_id for audit_id, _ in scope.books.chained()}
    chains = {key.split("/")[1] for key in scope.source.keys(AUDIT, "audit/") if key.endswith(f"/{1:08d}")}
    for audit_id in sorted(chains - known):
        # An intent alone names nothing: the first write of an item may have been lost to a crash.
        if len(scope.source.keys(AUDIT, f"audit/{audit_id}/")) > 1:
            scope.findings.add("chain_differs", audit_id, "数据表里的一项", "无")


def _check_roots(heads: dict[str, dict[int, str]], scope: Scope) -> None:
    """Each daily root names the one before it by hash, and the heads as they were: later heads stand behind them."""
    keys = scope.source.keys(AUDIT, "roots/")
    before: tuple[str, str] | None = None
    for key in keys:
        data = scope.source.read(AUDIT, key)
        root = _event(data)
        if root is None or data is None:
            scope.findings.add("root_broken", key, "每日总根", "读不懂")
            return
        named = root.get("previous") or {}
        if (named.get("key", ""), named.get("sha256", "")) != (before or ("", "")):
            scope.findings.add("root_broken", key, before[0] if before else "第一份", named.get("key") or "无")
        for audit_id, (n, head) in sorted(root["heads"].items()):
            known = heads.get(audit_id, {}).get(int(n))
            if known != head and not _noted(audit_id, scope):
                scope.findings.add("root_differs", f"{key} {audit_id}", head[:16], (known or "无")[:16])
        before = (key, sha256(data))


def _noted(audit_id: str, scope: Scope) -> bool:
    """Whether the chain is known to be broken: the root need not say it again."""
    return any(one.name == "chain_broken" and f"audit/{audit_id}/" in one.where for one in scope.findings.differences)


def event_key(audit_id: str, n: int) -> str:
    return f"audit/{audit_id}/{n:08d}"


def _event(data: bytes | None) -> dict[str, Any] | None:
    try:
        found = json.loads(data or b"")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _plain(value: Any) -> Any:
    """The item as the table keeps it: nothing that is null, at any depth."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    return [_plain(one) for one in value] if isinstance(value, list) else value
