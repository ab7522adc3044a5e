"""A roster's rows, what was approved of them, and what the claim step chose: every row has one fate (DESIGN §7)."""

import polars as pl

from auditor.differences import Findings
from auditor.scope import Scope
from auditor.source import LAKE
from auditor.stories import Story
from auditor.tallies import Sum, stated, sum_of

UNCHANGED = ["row", "beneficiary_id", "beneficiary_name", "payee_id", "payee_name", "key", "slot", "amount_fen"]
"""What must be on an instruction exactly as it was approved."""


def check_batches(scope: Scope) -> None:
    for story in scope.stories.values():
        _check_roster(story, scope.findings)
        _check_approval(story, scope.findings)
        _check_selection(story, scope.findings)
        _check_balance(story, scope.findings)
    if scope.whole:
        _check_evidence_without_batch(scope)


def _check_roster(story: Story, findings: Findings) -> None:
    if story.roster is None:
        return
    item = story.item
    findings.compare("roster_counts_differ", f"{story.batch_id} 行数", story.roster.height, int(item["rows"]))
    for status in ("payable", "held", "review", "excluded"):
        counted = sum_of(story.roster.filter(pl.col("status") == status))
        findings.compare("roster_counts_differ", f"{story.batch_id} {status}", counted, stated(item.get(status)))


def _check_approval(story: Story, findings: Findings) -> None:
    approved, approval = story.approved, story.item.get("approval")
    if approved is None or not approval:
        return
    statuses = {"payable": "payable", "held": "held", "accepted": "review"}
    for part, status in statuses.items():
        counted = sum_of(approved.filter(pl.col("status") == status))
        findings.compare("approval_differs", f"{story.batch_id} {part}", counted, stated(approval.get(part)))
    for part in ("sha256", "mode", "code"):
        findings.compare("approval_differs", f"{story.batch_id} {part}", story.item[part], approval[part])


def _check_selection(story: Story, findings: Findings) -> None:
    """Sent + held + not sent = approved, each row unchanged; the tallies say so; and no row is left out without a reason."""
    selection, approved = story.selection, story.approved
    if selection is None or approved is None:
        return
    chosen, allowed = (frame.select(UNCHANGED).sort(UNCHANGED) for frame in (selection, approved))
    if not chosen.equals(allowed):
        strange = chosen.join(allowed, on=UNCHANGED, how="anti", nulls_equal=True)
        missing = allowed.join(chosen, on=UNCHANGED, how="anti", nulls_equal=True)
        rows = sorted({*strange["row"], *missing["row"]})
        findings.add(
            "selection_not_approved", f"{story.batch_id} 第 {rows_text(rows)} 行", sum_of(allowed), sum_of(chosen)
        )
    for outcome in ("sent", "held", "not_sent"):
        counted = sum_of(story.chosen(outcome))
        told = stated(story.item["selection"].get(outcome))
        findings.compare("selection_counts_differ", f"{story.batch_id} {outcome}", counted, told)
    silent = selection.filter((pl.col("outcome") != "sent") & (pl.col("reason").fill_null("") == ""))
    if silent.height:
        findings.add("reason_missing", f"{story.batch_id} 第 {rows_text(silent['row'].to_list())} 行", "原因", "无")


def _check_balance(story: Story, findings: Findings) -> None:
    line = story.line()
    if line is None or story.roster is None or not story.item.get("approval"):
        return
    fates = sum((part for name, part in line.items() if name != "returned"), Sum())
    findings.compare("rows_not_balanced", story.batch_id, sum_of(story.roster), fates)


def _check_evidence_without_batch(scope: Scope) -> None:
    """Whoever takes a batch out of the table leaves its files behind."""
    for folder in ("rosters/", "selections/", "instructions/", "receipts/", "settlements/"):
        named = {key.split("/")[1] for key in scope.source.keys(LAKE, folder)}
        for batch_id in sorted(named - set(scope.books.batches)):
            scope.findings.add("evidence_without_batch", f"{folder}{batch_id}", "数据表里的批次", "无")


def rows_text(rows: list[int]) -> str:
    """Row numbers, the first ten of them."""
    return "、".join(map(str, rows[:10])) + (f" 等 {len(rows)}" if len(rows) > 10 else "")
