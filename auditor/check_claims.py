"""Claims: disjoint over (claim group, slot, key or beneficiary, attempt), and exactly what is sent (PROTOCOL C1-C5, W1)."""

from collections.abc import Sequence

import polars as pl

from auditor.books import is_formal, stands
from auditor.check_batches import rows_text
from auditor.evidence import parquet, sha256
from auditor.scope import Scope
from auditor.source import LAKE, Item
from auditor.stories import Story

COLUMNS = {
    "key": pl.String, "beneficiary_id": pl.String, "batch_id": pl.String, "row": pl.Int32, "amount_fen": pl.Int64,
    "pay_account": pl.String, "attempt": pl.Int32,
}  # fmt: skip
_ROW = ["batch_id", "row", "key", "beneficiary_id", "amount_fen", "slot"]


def check_claims(scope: Scope) -> None:
    frames = [pl.DataFrame(schema={**COLUMNS, "slot": pl.String})]
    whole = True
    for (group, slot), manifest in sorted(scope.books.manifests.items()):
        batches = {batch for file in manifest.get("files", ()) for batch in file["batches"]}
        if not scope.whole and not batches & set(scope.stories):
            continue
        claims = _read(group, slot, manifest, scope)
        if claims is None:
            whole = False
            continue
        releases = list(manifest.get("releases", ()))
        _check_releases(f"{group} {slot}", claims, releases, scope)
        standing = claims.filter(~pl.col("batch_id").is_in(releases))
        _check_disjoint(f"{group} {slot}", standing, scope)
        frames.append(standing.with_columns(pl.lit(slot).alias("slot")))
    standing = pl.concat(frames)
    _check_owners(standing, scope)
    for story in scope.stories.values():
        own = standing.filter(pl.col("batch_id") == story.batch_id)
        _check_rows(story, own, scope)
        if whole:
            _check_sent(story, own, scope)


def _read(group: str, slot: str, manifest: Item, scope: Scope) -> pl.DataFrame | None:
    """Every claim the manifest ever committed, released ones included; None when a file of it cannot be trusted."""
    frames = [_file(file, "claim_altered", f"{group} {slot}", scope) for file in manifest.get("files", ())]
    if any(frame is None for frame in frames):
        return None
    good = [pl.DataFrame(schema=COLUMNS), *(frame for frame in frames if frame is not None)]
    if checkpoint := manifest.get("checkpoint"):
        covered = pl.concat(good[: 1 + int(checkpoint["covers"])])
        whole = _file(checkpoint, "checkpoint_altered", f"{group} {slot}", scope)
        by = list(COLUMNS)
        if whole is not None and not whole.sort(by).equals(covered.sort(by)):
            where = f"{group} {slot}（{checkpoint['key']}）"
            scope.findings.add("checkpoint_altered", where, f"{covered.height} 行", f"{whole.height} 行，内容不同")
    return pl.concat(good)


def _file(file: Item, name: str, where: str, scope: Scope) -> pl.DataFrame | None:
    data = scope.source.read(LAKE, file["key"])
    frame = parquet(data, COLUMNS) if data is not None and sha256(data) == file["sha256"] else None
    place = f"{where}（{file['key']}）"
    if frame is None:
        scope.findings.add(name, place, f"SHA-256 {file['sha256'][:16]}", sha256(data)[:16] if data else "缺失")
        return None
    scope.findings.compare(name, place, f"{file['count']} 行", f"{frame.height} 行")
    return frame.select(pl.col(column).cast(kind) for column, kind in COLUMNS.items())


def _check_releases(where: str, claims: pl.DataFrame, releases: Sequence[str], scope: Scope) -> None:
    for batch_id in releases:
        item = scope.books.batches.get(batch_id)
        if item is not None and item["state"] != "WITHDRAWN":
            scope.findings.add("release_without_withdrawal", f"{where} {batch_id}", "WITHDRAWN", item["state"])
    for batch_id in claims["batch_id"].unique().sort():
        item = scope.books.batches.get(batch_id)
        # Not said to be released yet: a withdrawal cut short, which the next run's claim step finishes (PROTOCOL W1).
        if item is not None and item.get("released") and batch_id not in releases:
            scope.findings.add("release_missing", f"{where} {batch_id}", "释放", "无")


def _check_disjoint(where: str, standing: pl.DataFrame, scope: Scope) -> None:
    """A row speaks for its key and its beneficiary: neither may stand in another row of the same attempt."""
    rows = standing.with_row_index("at")
    ids = pl.concat(
        [rows.select("at", "attempt", id="key"), rows.select("at", "attempt", id="beneficiary_id")]
    ).unique()
    twice = ids.filter(pl.struct("id", "attempt").is_duplicated())
    for (_, _), same in twice.sort("at").group_by("id", "attempt", maintain_order=True):
        who = rows.filter(pl.col("at").is_in(same["at"].implode())).select("batch_id", "row").rows()
        places = "、".join(f"{batch_id} 第 {row} 行" for batch_id, row in who)
        scope.findings.add("claimed_twice", f"{where}：{places}", "一次", f"{len(who)} 次")


def _check_owners(standing: pl.DataFrame, scope: Scope) -> None:
    for batch_id in standing["batch_id"].unique().sort():
        item = scope.books.batches.get(batch_id)
        if item is None:
            scope.findings.add("evidence_without_batch", f"claims {batch_id}", "数据表里的批次", "无")
        elif not is_formal(item):
            scope.findings.add("claim_of_trial", batch_id, "无", "有锁定")


def _check_rows(story: Story, own: pl.DataFrame, scope: Scope) -> None:
    """Every claim is an approved row of its batch, for that person and that amount."""
    approved = story.approved
    if own.is_empty() or approved is None:
        return
    rows = approved.with_columns(pl.lit(story.batch_id).alias("batch_id")).select(_ROW)
    strange = own.join(rows, on=_ROW, how="anti")
    if strange.height:
        where = f"{story.batch_id} 第 {rows_text(strange['row'].to_list())} 行"
        scope.findings.add("claim_of_no_row", where, "经审批的行", f"{strange.height} 行不符")


def _check_sent(story: Story, own: pl.DataFrame, scope: Scope) -> None:
    """What is sent is claimed, and what is claimed is sent: a claim for nothing keeps somebody from being paid."""
    sent = story.chosen("sent")
    if sent is None or not is_formal(story.item) or not stands(story.item):
        return
    attempt = pl.col("attempt") if "attempt" in sent.columns else pl.lit(1)
    wanted = sent.with_columns(attempt.cast(pl.Int32).alias("attempt"))
    on = ["row", "key", "beneficiary_id", "amount_fen", "pay_account", "slot", "attempt"]
    for name, left, right in (("sent_without_claim", wanted, own), ("claim_not_selected", own, wanted)):
        lonely = left.join(right, on=on, how="anti", nulls_equal=True)
        if lonely.height:
            where = f"{story.batch_id} 第 {rows_text(lonely['row'].to_list())} 行"
            scope.findings.add(name, where, "相符", f"{lonely.height} 行不符")
