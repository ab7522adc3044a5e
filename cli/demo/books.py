"""Does the money balance? The platform's lines on one side, the bank's own book on the other."""

from collections.abc import Iterable
from typing import Any

PARTS = ("excluded", "held", "not_sent", "waiting", "rejected", "in_doubt", "settled")


def faults(batches: Iterable[dict[str, Any]], lines: dict[str, dict[str, Any]], bank: dict[str, Any]) -> list[str]:
    """Everything that does not balance, in words; empty when the books are right.

    `lines` are the closing lines by batch id, `bank` is what the bank simulator's `/book` says.
    """
    found = []
    net = 0
    for batch in batches:
        line = lines.get(batch["batch_id"])
        if line is None:
            found.append(f"{batch['batch_id']} 没有结账")
            continue
        rows = sum(line[part]["count"] for part in PARTS)
        if rows != batch["rows"]:
            found.append(f"{batch['batch_id']}：名册 {batch['rows']} 行，去向合计 {rows} 行")
        approved = sum(line[part]["fen"] for part in PARTS[1:])
        if approved != line["approved"]["fen"]:
            found.append(f"{batch['batch_id']}：审批 {line['approved']['fen']} 分，去向合计 {approved} 分")
        if batch["mode"] == "formal":
            net += line["settled"]["fen"] - line["returned"]["fen"]
    moved = bank["moved_fen"] - bank["returned_fen"]
    if moved != net:
        found.append(f"银行账簿净支出 {moved} 分，平台净发放 {net} 分")
    if bank["duplicates"]:
        found.append(f"银行账簿有重复入账 {len(bank['duplicates'])} 笔")
    twice = [one for one, entry in bank["payments"].items() if entry["credited_times"] > 1]
    if twice:
        found.append(f"有 {len(twice)} 笔支付入账不止一次")
    return found
