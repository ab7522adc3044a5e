"""What became of the payments: settlements, recoveries and the net of each payment (DESIGN §7, PROTOCOL B6)."""

from collections import defaultdict

import polars as pl

from auditor.books import is_formal
from auditor.evidence import checked_parquet
from auditor.scope import Scope
from auditor.stories import STATES, Story
from auditor.tallies import stated, sum_of, yuan

_SHOWN = 20


def check_settlements(scope: Scope) -> None:
    for story in scope.stories.values():
        if story.outcomes is not None:
            _check_settlement(story, scope)
        _check_recoveries(story, scope)
    _check_net(scope)


def _check_settlement(story: Story, scope: Scope) -> None:
    settlement, findings = story.item.get("settlement"), scope.findings
    assert story.outcomes is not None
    if not settlement:
        if story.outcomes.filter(pl.col("state") != "IN_DOUBT").height:
            findings.note(f"{story.batch_id}：银行已有答复，平台还没有结算")
        return
    for column in STATES:
        rebuilt, told = sum_of(story.paid(column)), stated(settlement.get(column))
        findings.compare("settlement_differs", f"{story.batch_id} {column}", rebuilt, told)
    columns, name = ("row", "end_to_end_id", "amount_fen", "state"), "settlement_altered"
    key, digest = settlement["key"], settlement["sha256"]
    rows = checked_parquet(scope.source, key, digest, columns, findings, name, story.batch_id)
    if rows is None:
        return
    mine, theirs = (
        {one: tuple(rest) for one, *rest in frame.select("end_to_end_id", "row", "amount_fen", "state").rows()}
        for frame in (story.outcomes, rows)
    )
    wrong = [one for one in sorted({*mine, *theirs}) if mine.get(one) != theirs.get(one)]
    for one in wrong[:_SHOWN]:
        findings.add("settlement_rows_differ", f"{story.batch_id} {one}", _said(mine.get(one)), _said(theirs.get(one)))
    if len(wrong) > _SHOWN or (not wrong and rows.height != story.outcomes.height):
        findings.add("settlement_rows_differ", story.batch_id, story.outcomes.height, f"{rows.height} 笔")


def _said(payment: tuple[int, int, str] | None) -> str:
    return f"{payment[2]} {yuan(payment[1])} 元（第 {payment[0]} 行）" if payment else "无"


def _check_recoveries(story: Story, scope: Scope) -> None:
    told = stated(story.item.get("recovered"))
    if story.payments is not None or told.count:
        scope.findings.compare("recovered_differs", story.batch_id, story.recovered, told)
    if story.outcomes is None or not story.recoveries:
        return
    kept = story.outcomes.filter(pl.col("state").is_in(["SETTLED", "FROZEN"]))
    amounts = dict(kept.select("end_to_end_id", "amount_fen").rows())
    for one, parts in sorted(story.recoveries.items()):
        fen = sum(parts)
        if fen > amounts.get(one, 0):
            where = f"{story.batch_id} {one}"
            scope.findings.add("recovered_too_much", where, f"至多 {yuan(amounts.get(one, 0))} 元", f"{yuan(fen)} 元")


def _check_net(scope: Scope) -> None:
    """Credited less returned less recovered, over all attempts, is at most what the payment is for."""
    net: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = {}
    for story in scope.stories.values():
        if story.outcomes is None or not is_formal(story.item):
            continue
        columns = ("payment_id", "attempt", "end_to_end_id", "amount_fen", "state")
        for payment, attempt, one, fen, state in story.outcomes.select(columns).rows():
            if attempt == 1 or payment not in owed:
                owed[payment] = fen
            if state == "SETTLED":
                net[payment] += fen - sum(story.recoveries.get(one, ()))
    for payment, fen in sorted(net.items()):
        if fen > owed[payment]:
            scope.findings.add("paid_too_much", payment, f"至多 {yuan(owed[payment])} 元", f"{yuan(fen)} 元")
