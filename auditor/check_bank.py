"""The bank's own book: money per end-to-end id, counted by the bank alone, beside what we told it and what it told us."""

from collections import Counter
from typing import Any

from auditor.books import is_formal
from auditor.scope import Scope
from auditor.source import LAKE
from auditor.tallies import yuan

_BANK_SAYS = {"SETTLED": (1, 0), "RETURNED": (1, 1), "REJECTED": (0, 0)}
"""By our state of a payment: how often the bank credited it, and how often it came back."""


def check_bank(scope: Scope) -> None:
    if scope.bank_books is None:
        scope.findings.note("银行没有开放自己的账簿（真实银行都不开放），与银行的核对以回执为准")
        return
    for book in scope.bank_books:
        _check_channel(book["payments"], True, scope)
        _check_channel((book.get("trial") or {}).get("payments", {}), False, scope)
        _check_messages(book.get("messages", {}), scope)


def _check_channel(entries: Any, formal: bool, scope: Scope) -> None:
    """One ledger against the payments of that channel."""
    payments, unread, other = _payments(scope, formal), False, _payments(scope, not formal)
    unread = any(story.instructed and story.payments is None for story in scope.stories.values())
    for one, entry in sorted(entries.items()):
        row = payments.get(one)
        if row is not None:
            _check_entry(one, entry, row, scope)
        elif one in other and formal:
            scope.findings.add("trial_moved_money", one, "测试通道", "正式账簿")
        elif scope.whole and not unread:
            scope.findings.add("bank_unknown_payment", one, "付款指令", f"入账 {yuan(entry['credited_fen'])} 元")
    for one, row in sorted(payments.items()):
        if row["state"] in ("SETTLED", "RETURNED") and one not in entries:
            scope.findings.add("bank_missing_payment", f"{row['batch_id']} {one}", row["state"], "无")


def _payments(scope: Scope, formal: bool) -> dict[str, dict[str, Any]]:
    columns = ("end_to_end_id", "amount_fen", "pay_account", "state", "slot")
    return {
        row["end_to_end_id"]: {**row, "batch_id": story.batch_id}
        for story in scope.stories.values()
        if story.outcomes is not None and is_formal(story.item) is formal
        for row in story.outcomes.select(columns).iter_rows(named=True)
    }


def _check_entry(one: str, entry: Any, row: dict[str, Any], scope: Scope) -> None:
    where, findings = f"{row['batch_id']} {one}", scope.findings
    credited, returned = int(entry["credited_times"]), int(entry["returned_times"])
    if credited > 1:
        findings.add("bank_paid_twice", where, f"一次 {yuan(row['amount_fen'])} 元",
                     f"{credited} 次 {yuan(int(entry['credited_fen']))} 元")  # fmt: skip
        return
    findings.compare(
        "bank_amount_differs", where, f"{yuan(row['amount_fen'])} 元", f"{yuan(int(entry['amount_fen']))} 元"
    )
    if credited:
        amount = f"{yuan(int(entry['credited_fen']))} 元"
        findings.compare("bank_amount_differs", f"{where} 入账", f"{yuan(row['amount_fen'])} 元", amount)
    if returned:
        amount = f"{yuan(int(entry['returned_fen']))} 元"
        findings.compare("bank_amount_differs", f"{where} 退票", f"{yuan(row['amount_fen'])} 元", amount)
    if entry["account"] != row["pay_account"]:
        findings.add("bank_account_differs", where, "付款指令的账户", "另一账户")
    # In doubt: the bank knows more than it has told us; frozen: it has told us two things, and a person looks.
    if (says := _BANK_SAYS.get(row["state"])) and says != (credited, returned):
        findings.add("bank_outcome_differs", where, row["state"], f"入账 {credited} 次，退回 {returned} 次")


def _check_messages(messages: Any, scope: Scope) -> None:
    """Every message the bank has was marked before it left, and came no more often than it was ordered to."""
    marks = {key.removeprefix("sent/") for key in scope.source.keys(LAKE, "sent/")}
    again = Counter(key.split("/")[1] for key in scope.source.keys(LAKE, "sent-again/"))
    ours = {
        message
        for story in scope.stories.values()
        if story.instructed
        for message in story.item["instruction"]["messages"]
    }
    for message, entry in sorted(messages.items()):
        if not scope.whole and message not in ours:
            continue
        if message not in marks:
            scope.findings.add("bank_unknown_message", message, "发送标记", "无")
        elif int(entry["posts"]) > 1 + again[message]:
            ordered, posts = 1 + again[message], int(entry["posts"])
            scope.findings.add("bank_sent_again", message, f"至多 {ordered} 次", f"{posts} 次")
