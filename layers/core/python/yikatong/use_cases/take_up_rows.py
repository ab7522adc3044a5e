"""Rows that earlier batches could not pay become child batches under the parents' approval (PROTOCOL C4, W2).

Taken up are rows that were held and whose card passes now, and rows lost to a claim that stands no more. Judged by the
claim step's own rules, so that no child is made of rows that fail at once; but a proposal only: the child is claimed,
reserved and instructed like any batch, and that step is the law.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from yikatong import batches, claims, parquet
from yikatong.batches import Approval, Batch, Occasion, Tally, batch_key, batches_pk
from yikatong.errors import Conflict
from yikatong.follow_ups import child_id, codes_sharing, concerns, formal_batches, may_have_children
from yikatong.manifest import ClaimContext, Manifest, manifest_key
from yikatong.payments import sha256_hex
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Lake
from yikatong.registry_version import CURRENT_REGISTRY, CurrentRegistry
from yikatong.runs import Run, inputs_key, run_key
from yikatong.selection import ACCOUNT_OF_ANOTHER, CLAIMED_ELSEWHERE, AlteredRoster, Judge, approved_rows
from yikatong.states import BatchState

PASSES_LIMIT = 20
"""Each further pass means that another execution took up rows of the same parents meanwhile."""
RACES_LIMIT = 20
"""Each lost race means that the parent was written meanwhile: settled, published, or by another execution."""


@dataclass(frozen=True)
class TakenUp:
    """How many rows became child batches, and how many parents were passed over because evidence was altered."""

    rows: int = 0
    altered: int = 0


class TooContended(Exception):
    """Others kept writing the same batches; the step fails and is retried."""


def take_up_rows(
    run_id: str, code: str, *, control: Control, lake: Lake, book: PlanBook, settings: Settings, now: datetime
) -> TakenUp:
    """Make the child batches that the run will bind. Safe to repeat at any point.

    Nothing is taken up once the run has frozen its inputs: it binds no more (R2), and whatever frees rows from then on
    orders a run of its own. A child and its parent's word of it are one transaction, so no row is passed on twice.
    """
    run = control.read(Run, *run_key(code, run_id))
    if run is None:
        raise LookupError(run_id)
    if run.mode != Mode.FORMAL or lake.get(inputs_key(run_id)) is not None:
        return TakenUp()
    taken, altered = 0, set[str]()
    for _ in range(PASSES_LIMIT):
        lost_race = False
        for parent, rows in _ready(run, altered, control, lake, book, settings):
            if _make_child(parent, rows, now, control, lake):
                taken += rows.height
            else:
                lost_race = True
        if not lost_race:
            return TakenUp(taken, len(altered))
    raise TooContended(run_id)


def _ready(
    run: Run, altered: set[str], control: Control, lake: Lake, book: PlanBook, settings: Settings
) -> list[tuple[Batch, pl.DataFrame]]:
    """Every parent with the rows that a claim made now would get, as its frozen roster has them.

    Whose evidence was altered is added to `altered` and stays left over until a person has restored it; nobody else waits.
    """
    parents = sorted(
        (
            batch
            for batch in control.query(Batch, batches_pk(run.code, run.mode))
            if concerns(run.order, batch) and may_have_children(batch, run.as_of, settings)
        ),
        key=_precedence,
    )
    left = []
    for parent in parents:
        try:
            rows = _rows_left(parent, control, lake)
        except AlteredRoster:
            altered.add(parent.batch_id)
            continue
        if not rows.is_empty():
            left.append((parent, rows))
    if not left:
        return []
    chosen = _claimable(left, run, altered, control, lake, book, settings)
    ready = []
    for parent, rows in left:
        own = chosen.filter(pl.col("batch_id") == parent.batch_id)["row"]
        if not own.is_empty():
            ready.append((parent, rows.filter(pl.col("row").is_in(own.implode()))))
    return ready


def _claimable(
    left: Sequence[tuple[Batch, pl.DataFrame]],
    run: Run,
    altered: set[str],
    control: Control,
    lake: Lake,
    book: PlanBook,
    settings: Settings,
) -> pl.DataFrame:
    """Which of the parents' rows a claim made now would get: `batch_id` and `row`."""
    policy = settings.for_subsidy(run.code)
    occasions = control.query(Occasion, f"OCCASIONS#{run.code}")
    judge = Judge(lake, book, run.mode, occasions, account_allowed=policy.account_allowed)
    registry = control.read(CurrentRegistry, *CURRENT_REGISTRY)
    context = ClaimContext(as_of=run.as_of, registry_version=registry.registry_version if registry else "")
    candidates = pl.concat(_candidates(parent, rows, context, judge) for parent, rows in left)
    withdrawn = {
        batch.batch_id
        for batch in formal_batches(codes_sharing(policy.claim_group, book, settings), control)
        if batch.state is BatchState.WITHDRAWN
    }
    parts = [candidates.select("batch_id", "row").clear()]
    for of_slot in candidates.partition_by("slot", maintain_order=True):
        try:
            standing = _standing(policy.claim_group, of_slot["slot"][0], withdrawn, control, lake)
        except claims.AlteredClaim:
            altered |= set(of_slot["batch_id"])
            continue
        parts.append(claims.choose(of_slot, standing).select("batch_id", "row"))
    return pl.concat(parts)


def _precedence(batch: Batch) -> tuple[str, str]:
    """The order of claiming (C2)."""
    assert batch.approval is not None, "only an approved batch is instructed"
    return batch.approval.approved_at, batch.batch_id


def _rows_left(parent: Batch, control: Control, lake: Lake) -> pl.DataFrame:
    """The approved rows that were held or lost to a claim, and that no child took up, a withdrawn one included; with the
    `attempt` each would be.

    A person who withdraws a child means its rows: they would otherwise be taken up again at once.
    """
    selection = parent.selection
    assert selection is not None, "only an instructed batch has rows left"
    data = lake.get(selection.key)
    if data is None or sha256_hex(data) != selection.sha256:
        raise AlteredRoster(f"{parent.batch_id}: its selection")
    lost = (pl.col("outcome") == "not_sent") & pl.col("reason").is_in([CLAIMED_ELSEWHERE, ACCOUNT_OF_ANOTHER])
    left = parquet.decode(data).filter((pl.col("outcome") == "held") | lost).select("row", "attempt")
    rows = approved_rows(parent, lake).join(left, on="row", maintain_order="left")
    for child in parent.children:
        rows = rows.filter(~pl.col("row").is_in(_rows_of(child, control, lake).implode()))
    return rows


def _rows_of(child_id: str, control: Control, lake: Lake) -> pl.Series:
    child = control.read(Batch, *batch_key(child_id))
    assert child is not None, "a child is written with its parent's word of it"
    return approved_rows(child, lake)["row"]


def _candidates(parent: Batch, rows: pl.DataFrame, context: ClaimContext, judge: Judge) -> pl.DataFrame:
    """What of these rows may be sent, as `claims.choose` looks at it, in the roster's own order."""
    parts = [judge.judge(part, context, parent) for part in rows.partition_by("slot", maintain_order=True)]
    return (
        pl.concat(parts)
        .drop("attempt")
        .join(rows.select("row", "attempt"), on="row")
        .filter(pl.col("outcome") == "sent")
        .with_columns(pl.lit(parent.batch_id).alias("batch_id"))
        .sort("row")
    )


def _standing(claim_group: str, slot: str, withdrawn: set[str], control: Control, lake: Lake) -> pl.DataFrame:
    """The slot's standing claims; those of withdrawn batches are void though their release may still be owed (W1)."""
    manifest = control.read(Manifest, *manifest_key(claim_group, slot))
    if manifest is None:
        return pl.DataFrame(schema=claims.CLAIM_COLUMNS)
    return claims.read_claims(manifest, lake.get).filter(~pl.col("batch_id").is_in(list(withdrawn)))


def _make_child(parent: Batch, rows: pl.DataFrame, now: datetime, control: Control, lake: Lake) -> bool:
    """Store the child's roster, then child and parent at once; False when another execution made a child first."""
    child = _child(parent, rows, now, lake)
    current: Batch | None = parent
    for _ in range(RACES_LIMIT):
        if current is None or current.children != parent.children:
            return False
        passed_on = current.passed_on + _tally(rows)
        # A Conflict: the parent was settled or published, another execution came first, or it was this very write.
        with suppress(Conflict):
            control.save(child, current.changed(children=(*current.children, child.batch_id), passed_on=passed_on))
            return True
        current = control.read(Batch, *batch_key(parent.batch_id))
    raise TooContended(parent.batch_id)


def _child(parent: Batch, rows: pl.DataFrame, now: datetime, lake: Lake) -> Batch:
    """The child batch as it begins: the parent's file and approval, but only these rows of it."""
    assert parent.approval is not None, "only an approved batch is instructed"
    identity = child_id(parent.batch_id, len(parent.children) + 1)
    frozen = parquet.encode(
        rows.select(pl.exclude("accepted", "accepted_name", "accepted_account", "attempt")).sort("row")
    )
    digest = sha256_hex(frozen)
    key = batches.rows_key(identity, digest)
    lake.put_once(key, frozen, digest)
    approval = _narrowed(parent.approval, rows)
    pk, sk = batch_key(identity)
    received_at = now.isoformat(timespec="seconds")
    return Batch(
        pk=pk,
        sk=sk,
        batch_id=identity,
        plan_year=parent.plan_year,
        number=parent.number,
        code=parent.code,
        region=parent.region,
        mode=parent.mode,
        state=BatchState.APPROVED,
        object_key=parent.object_key,
        object_version=parent.object_version,
        sequencer=parent.sequencer,
        sha256=parent.sha256,
        uploader=parent.uploader,
        received_at=received_at,
        parent=parent.batch_id,
        reissue_of=parent.reissue_of,
        sheet=parent.sheet,
        rows=rows.height,
        payable=approval.payable,
        held=approval.held,
        review=approval.accepted,
        slots=tuple(sorted(set(rows["slot"]))),
        cards_checked=parent.cards_checked,
        rows_key=key,
        rows_sha256=digest,
        first_approval=_narrowed(parent.first_approval, rows) if parent.first_approval else None,
        approval=approval,
        province=parent.province,
        region_received=f"{parent.region}#{received_at}",
    )


def _narrowed(approval: Approval, rows: pl.DataFrame) -> Approval:
    """The same word of the same person on the same day, for these rows only."""
    by_status = {status: _tally(rows.filter(pl.col("status") == status)) for status in ("payable", "held", "review")}
    return approval.model_copy(
        update={
            "payable": by_status["payable"],
            "held": by_status["held"],
            "accepted_reviews": tuple(rows.filter(pl.col("status") == "review")["row"].sort()),
            "accepted": by_status["review"],
        }
    )


def _tally(rows: pl.DataFrame) -> Tally:
    return Tally(count=rows.height, fen=int(rows["amount_fen"].sum()))
