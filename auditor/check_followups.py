"""What pays an earlier batch's rows: child batches (PROTOCOL C4, W2) and reissues (PROTOCOL B5)."""

import polars as pl

from auditor.books import stands
from auditor.check_batches import UNCHANGED, rows_text
from auditor.scope import Scope
from auditor.stories import Story
from auditor.tallies import stated, sum_of, yuan

_FAILED = ("REJECTED", "RETURNED")


def check_followups(scope: Scope) -> None:
    for story in scope.stories.values():
        _check_parent(story, scope)
        _check_reissue(story, scope)


def _check_parent(story: Story, scope: Scope) -> None:
    """A child's rows are rows of its parent that were held or not sent, each in one child only; the parent counts them."""
    parents = {one: other for one, other in scope.stories.items() if other.item.get("parent") == story.batch_id}
    named = set(story.item.get("children", ()))
    if set(parents) != named:
        scope.findings.add("passed_on_differs", story.batch_id, sorted(parents), sorted(named))
    frames = [child.roster for child in parents.values() if child.roster is not None]
    if len(frames) < len(parents):
        return
    passed = pl.concat([frame.select(UNCHANGED) for frame in frames]) if frames else None
    scope.findings.compare("passed_on_differs", story.batch_id, sum_of(passed), stated(story.item.get("passed_on")))
    if passed is None or story.selection is None:
        return
    left = story.selection.filter(pl.col("outcome").is_in(["held", "not_sent"]))
    strange = passed.join(left, on=UNCHANGED, how="anti", nulls_equal=True)
    if strange.height:
        where = f"{story.batch_id} 第 {rows_text(strange['row'].to_list())} 行"
        scope.findings.add("child_not_of_parent", where, "暂缓或未发的行", f"{strange.height} 行不是")
    twice = passed.filter(pl.col("row").is_duplicated())["row"].unique().sort().to_list()
    if twice:
        scope.findings.add("child_twice", f"{story.batch_id} 第 {rows_text(twice)} 行", "一个子批次", "两个")


def _check_reissue(story: Story, scope: Scope) -> None:
    """Attempt n is made only of a payment whose attempt n-1 failed, for at most what failed."""
    if story.payments is None:
        return
    source = scope.stories.get(story.item.get("reissue_of", ""))
    if source is not None and source.instructed and source.outcomes is None:
        return
    failed: dict[tuple[str, int], int] = {}
    if source is not None and source.outcomes is not None and stands(source.item):
        rows = (
            source.outcomes.filter(pl.col("state").is_in(_FAILED)).select("payment_id", "attempt", "amount_fen").rows()
        )
        failed = {(payment, attempt): fen for payment, attempt, fen in rows}
    for payment, attempt, fen in story.payments.select("payment_id", "attempt", "amount_fen").rows():
        if attempt == 1 and not story.item.get("reissue_of"):
            continue
        before = failed.get((payment, attempt - 1))
        where = f"{story.batch_id} {payment}-{attempt}"
        if before is None:
            scope.findings.add("reissue_not_failed", where, f"第 {attempt - 1} 次已失败", "没有失败")
        elif fen > before:
            scope.findings.add("reissue_exceeds", where, f"至多 {yuan(before)} 元", f"{yuan(fen)} 元")
