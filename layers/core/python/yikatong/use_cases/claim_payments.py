"""Decide who is paid: claim every slot of a run's batches, once (PROTOCOL C1-C5, W1; reissues B5)."""

from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from yikatong import claims
from yikatong.bank.settings import Banks
from yikatong.batches import Batch, Occasion, Selection, batch_key, batches_pk
from yikatong.errors import Conflict
from yikatong.follow_ups import codes_sharing
from yikatong.manifest import (
    Checkpoint,
    ClaimContext,
    ClaimFile,
    Manifest,
    checkpoint_key,
    claim_file_key,
    empty_manifest,
    manifest_key,
)
from yikatong.payments import digest_of, sha256_hex, sorted_digest
from yikatong.plan import Mode, PlanBook, Settings
from yikatong.ports import Control, Lake
from yikatong.reissues import as_reissue, payable_again
from yikatong.runs import Run, RunInputs, inputs_key, run_key
from yikatong.selection import (
    SELECTION_COLUMNS,
    AlteredRoster,
    Judge,
    after_claims,
    approved_rows,
    encode,
    lost_to,
    tally,
)
from yikatong.settlement import AlteredInstruction
from yikatong.states import BatchState, RunState
from yikatong.use_cases.withdraw_batch import write_releases

LOST_RACES_LIMIT = 50
"""Each lost race means that another run's claim was committed, so this is never reached by bad luck alone."""


CHECKPOINT_AFTER = 16
"""Claim files past the last checkpoint that a reader opens one by one, before the next claim sums them up (PROTOCOL C5)."""


class TooContended(Exception):
    """A slot's manifest kept changing; the step fails and is retried."""


@dataclass(frozen=True)
class Claimed:
    """How many batches are CLAIMED, and how many stopped because their evidence or their slot's was altered."""

    batches: int
    stopped: int


@dataclass
class _Work:
    """One batch under claim: its approved rows, and per slot the rows as judged and the keys it holds.

    `failed` are the payments that it may pay again, where it is a reissue.
    """

    batch: Batch
    rows: pl.DataFrame
    failed: pl.DataFrame | None = None
    lost_to: set[str] = field(default_factory=set)
    parts: list[pl.DataFrame] = field(default_factory=list)
    contexts: list[ClaimContext] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def slots(self) -> set[str]:
        return set(self.rows["slot"])

    def of_slot(self, slot: str) -> pl.DataFrame:
        return self.rows.filter(pl.col("slot") == slot)

    def judged(self, slot: str, judge: Judge, context: ClaimContext, own: pl.DataFrame | None = None) -> pl.DataFrame:
        """The rows of a slot under a claim's context, before anybody else's claims are looked at.

        What a reissue has claimed already (`own`) it keeps as it was judged then, though an answer has come since: whether it
        may be sent is asked again before it is (C3, B6).
        """
        judged = judge.judge(self.of_slot(slot), context, self.batch)
        if self.failed is None:
            return judged
        decided = as_reissue(judged, self.failed)
        if own is None or own.is_empty():
            return decided
        kept = judged.drop("attempt").join(own.select("row", "attempt"), on="row").select(judged.columns)
        return pl.concat([kept, decided.join(kept, on="row", how="anti")]).sort("row")

    def note(self, part: pl.DataFrame, context: ClaimContext, source: str) -> None:
        self.parts.append(part)
        self.contexts.append(context)
        self.sources.append(source)


def claim_payments(
    run_id: str, code: str, *, control: Control, lake: Lake, banks: Banks, book: PlanBook, settings: Settings
) -> Claimed:
    """Claim for every batch that is still this run's, and move those batches to CLAIMED.

    Safe to repeat at any point: slots committed for a batch are done, files not committed are garbage. Where a slot's books
    were altered its batches stop, BOUND and with the reason; the others go on.
    """
    run = control.read(Run, *run_key(code, run_id))
    stored = lake.get(inputs_key(run_id))
    if run is None or stored is None:
        raise LookupError(run_id)
    inputs = RunInputs.model_validate_json(stored)
    policy = settings.for_subsidy(code)
    occasions = control.query(Occasion, f"OCCASIONS#{code}")
    judge = Judge(lake, book, inputs.mode, occasions, account_allowed=policy.account_allowed)
    context = ClaimContext(as_of=inputs.as_of, registry_version=inputs.registry_version)

    _finish_withdrawals(policy.claim_group, inputs.mode, control, book, settings)
    still_own = _own(inputs, control)
    bound = [batch for batch in still_own if batch.state is BatchState.BOUND]
    work = []
    for batch in bound:
        try:
            rows = approved_rows(batch, lake)
            failed = payable_again(batch, control, lake, banks, inputs.as_of) if batch.reissue_of else None
        except (AlteredRoster, AlteredInstruction):
            _stop(batch, "批次的名册或原支付文件被改动或丢失，须先查明恢复", control)
        else:
            work.append(_Work(batch, rows, failed))
    claim_slot = _trial_slot if inputs.mode == Mode.TRIAL else _claim_slot
    going_on = work
    for slot in sorted({slot for item in work for slot in item.slots}):
        try:
            claim_slot(slot, policy.claim_group, context, run_id, going_on, judge, control, lake)
        except claims.AlteredClaim:
            for item in going_on:
                if slot in item.slots:
                    _stop(item.batch, f"属期 {slot} 的发放锁定文件被改动或丢失，须先查明恢复", control)
            going_on = [item for item in going_on if slot not in item.slots]
    claimed = sum(_finish(item, run_id, context, control=control, lake=lake) for item in going_on)
    _move_run(run, control)
    return Claimed(batches=claimed + len(still_own) - len(bound), stopped=len(bound) - len(going_on))


def _finish_withdrawals(claim_group: str, mode: str, control: Control, book: PlanBook, settings: Settings) -> None:
    """Write the release entries that a withdrawal cut short still owes, in every subsidy of the claim group (C1, C2)."""
    for code in codes_sharing(claim_group, book, settings):
        for batch in control.query(Batch, batches_pk(code, mode)):
            if batch.state is BatchState.WITHDRAWN and not batch.released:
                write_releases(batch, claim_group, control=control)


def _own(inputs: RunInputs, control: Control) -> list[Batch]:
    """The run's batches that no withdrawal and no other run has taken, in the order of claiming (C2)."""
    batches = [control.read(Batch, *batch_key(frozen.batch_id)) for frozen in inputs.batches]
    states = (BatchState.BOUND, BatchState.CLAIMED)
    return [batch for batch in batches if batch and batch.run_id == inputs.run_id and batch.state in states]


def _claim_slot(
    slot: str,
    claim_group: str,
    context: ClaimContext,
    run_id: str,
    work: list[_Work],
    judge: Judge,
    control: Control,
    lake: Lake,
) -> None:
    for _ in range(LOST_RACES_LIMIT):
        manifest = control.read(Manifest, *manifest_key(claim_group, slot)) or empty_manifest(claim_group, slot)
        concerned = [item for item in work if slot in item.slots]
        todo = [item for item in concerned if manifest.file_of(item.batch.batch_id) is None]
        if not todo or _commit(manifest, context, run_id, todo, judge, control, lake):
            break
    else:
        raise TooContended(f"{claim_group} {slot}")
    manifest = control.read(Manifest, *manifest_key(claim_group, slot)) or empty_manifest(claim_group, slot)
    every = claims.every_claim(manifest, lake.get)
    standing = claims.not_released(every, manifest)
    for item in concerned:
        file = manifest.file_of(item.batch.batch_id)
        assert file is not None, "a batch that had no turn in this slot"
        own = standing.filter(pl.col("batch_id") == item.batch.batch_id)
        # What a row was lost to may have been released since: it was lost to it all the same, and comes free (C4).
        decided = after_claims(item.judged(slot, judge, file.context, own), own, every)
        item.lost_to |= lost_to(decided, own, every)
        item.note(decided, file.context, file.sha256)


def _commit(
    manifest: Manifest,
    context: ClaimContext,
    run_id: str,
    todo: list[_Work],
    judge: Judge,
    control: Control,
    lake: Lake,
) -> bool:
    """Write a claim file for this base and name it in the manifest; False when the race was lost."""
    standing = claims.read_claims(manifest, lake.get)
    chosen = claims.choose(_candidates(manifest.slot, context, todo, judge), standing)
    inputs = digest_of("claim_payments", context, *((item.batch.batch_id, item.batch.rows_sha256) for item in todo))
    key = claim_file_key(manifest.claim_group, manifest.slot, run_id, manifest.version, inputs)
    data = lake.put_once(key, claims.encode(chosen), inputs).data
    file = ClaimFile(
        key=key,
        sha256=sha256_hex(data),
        count=chosen.height,
        run_id=run_id,
        batches=tuple(item.batch.batch_id for item in todo),
        context=context,
    )
    claimed = manifest.model_copy(update={"files": (*manifest.files, file)})
    try:
        control.save(_with_checkpoint(claimed, run_id, lake))
    except Conflict:
        return False
    return True


def _with_checkpoint(manifest: Manifest, run_id: str, lake: Lake) -> Manifest:
    """The manifest with all its claims in one object, once there are many files to read (C5); releases stay entries."""
    if len(manifest.unread_files) <= CHECKPOINT_AFTER:
        return manifest
    every = claims.every_claim(manifest, lake.get)
    inputs = digest_of("checkpoint", sorted_digest([file.sha256 for file in manifest.files]))
    key = checkpoint_key(manifest.claim_group, manifest.slot, run_id, manifest.version, inputs)
    data = lake.put_once(key, claims.encode(every), inputs).data
    checkpoint = Checkpoint(key=key, sha256=sha256_hex(data), count=every.height, covers=len(manifest.files))
    return manifest.model_copy(update={"checkpoint": checkpoint})


def _candidates(slot: str, context: ClaimContext, todo: list[_Work], judge: Judge) -> pl.DataFrame:
    """What may be claimed, in the run's order of precedence: (approved_at, batch_id), then the roster's own order."""
    frames = []
    for item in todo:
        judged = item.judged(slot, judge, context)
        payable = judged.filter(pl.col("outcome") == "sent").sort("row")
        frames.append(
            payable.select(
                "key",
                "beneficiary_id",
                pl.lit(item.batch.batch_id).alias("batch_id"),
                "row",
                "amount_fen",
                "pay_account",
                "payee_id",
                "attempt",
                "accepted_account",
            )
        )
    return pl.concat(frames)


def _trial_slot(
    slot: str,
    claim_group: str,
    context: ClaimContext,
    _run_id: str,
    work: list[_Work],
    judge: Judge,
    control: Control,
    lake: Lake,
) -> None:
    """A trial reads claims and writes none (DESIGN §4): each batch is tried as if it stood alone."""
    manifest = control.read(Manifest, *manifest_key(claim_group, slot)) or empty_manifest(claim_group, slot)
    standing = claims.read_claims(manifest, lake.get)
    for item in work:
        if slot in item.slots:
            chosen = claims.choose(_candidates(slot, context, [item], judge), standing)
            judged = item.judged(slot, judge, context)
            item.note(after_claims(judged, chosen, standing), context, f"trial v{manifest.version}")


def _finish(item: _Work, run_id: str, context: ClaimContext, *, control: Control, lake: Lake) -> bool:
    """Store the batch's selection and move it to CLAIMED, unless it was taken from this run meanwhile."""
    batch = item.batch
    rows = pl.concat(item.parts) if item.parts else pl.DataFrame(schema=SELECTION_COLUMNS)
    digest = digest_of("select", batch.batch_id, batch.rows_sha256, *item.sources)
    key = f"selections/{batch.batch_id}/{digest}.parquet"
    data = lake.put_once(key, encode(rows), digest).data
    selection = Selection(
        key=key,
        sha256=sha256_hex(data),
        sent=tally(rows, "sent"),
        held=tally(rows, "held"),
        not_sent=tally(rows, "not_sent"),
        lost_to=tuple(sorted(item.lost_to)),
    )
    funds_year = min((used.funds_year for used in item.contexts), default=context.funds_year)

    def claimed(current: Batch) -> Batch:
        return current.moved(BatchState.CLAIMED, selection=selection, funds_year=funds_year, carried="")

    return _save_while(
        batch, control, claimed, lambda current: current.run_id == run_id and current.state is BatchState.BOUND
    )


def _stop(batch: Batch, why: str, control: Control) -> None:
    """Leave the batch to a later run, saying why."""
    current: Batch | None = batch
    while current is not None and current.state is BatchState.BOUND and current.run_id == batch.run_id:
        try:
            control.save(current.changed(carried=why))
        except Conflict:
            current = control.read(Batch, *batch_key(batch.batch_id))
            continue
        return


def _save_while(
    batch: Batch, control: Control, change: Callable[[Batch], Batch], still: Callable[[Batch], bool]
) -> bool:
    """Save the change as long as the batch is still as expected; True when it was saved, now or by a lost answer."""
    current: Batch | None = batch
    while current is not None and still(current):
        try:
            control.save(change(current))
        except Conflict:
            current = control.read(Batch, *batch_key(batch.batch_id))
            continue
        return True
    return current is not None and current.state is BatchState.CLAIMED and current.run_id == batch.run_id


def _move_run(run: Run, control: Control) -> None:
    if run.state is not RunState.OPEN:
        return
    try:
        control.save(run.moved(RunState.CLAIMED))
    except Conflict:
        # open_run's note of the batch count, or a retry of this very step: read again and decide again.
        again = control.read(Run, run.pk, run.sk)
        if again is not None:
            _move_run(again, control)
