"""Funds: reserved and spent, counted again from every batch; and trials, which hold none (PROTOCOL W3, DESIGN §4)."""

from collections import defaultdict

from auditor.books import is_formal
from auditor.scope import Scope
from auditor.tallies import yuan


def check_funds(scope: Scope) -> None:
    reserved: dict[tuple[str, str, int], int] = defaultdict(int)
    spent: dict[tuple[str, str, int], int] = defaultdict(int)
    known = True
    for story in scope.stories.values():
        item = story.item
        held = int(item.get("reserved_fen") or 0)
        if not is_formal(item):
            if held or item.get("recovered", {}).get("fen"):
                scope.findings.add("trial_holds_money", story.batch_id, "0.00 元", f"{yuan(held)} 元")
            continue
        # What altered evidence does not tell is not guessed: those differences have been noted already.
        if story.instructed and story.outcomes is None:
            known = False
            continue
        scope.findings.compare("reserved_differs", story.batch_id, f"{yuan(story.held_fen)} 元", f"{yuan(held)} 元")
        key = (item["code"], item["region"], int(item.get("funds_year") or 0))
        reserved[key] += story.held_fen
        spent[key] += story.spent_fen
    if scope.whole and known:
        _compare(scope, reserved, spent)


def _compare(scope: Scope, reserved: dict[tuple[str, str, int], int], spent: dict[tuple[str, str, int], int]) -> None:
    for key in sorted({*scope.books.funds, *(key for key in reserved if reserved[key] or spent[key])}):
        where, item = " ".join(map(str, key)), scope.books.funds.get(key)
        if item is None:
            found = f"占用 {yuan(reserved[key])} 元，支出 {yuan(spent[key])} 元"
            scope.findings.add("funds_missing", where, "资金账", f"无；{found}")
            continue
        for name, words, counted in (("reserved_fen", "占用", reserved[key]), ("spent_fen", "支出", spent[key])):
            told = f"{yuan(int(item.get(name) or 0))} 元"
            scope.findings.compare("funds_differ", f"{where} {words}", f"{yuan(counted)} 元", told)
        limit = item.get("allocated_fen")
        if limit is not None and reserved[key] + spent[key] > int(limit):
            used = f"{yuan(reserved[key] + spent[key])} 元"
            scope.findings.add("funds_exceeded", where, f"至多 {yuan(int(limit))} 元", used)
