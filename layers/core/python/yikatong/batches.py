"""A batch: one accepted roster of one region and one subsidy; the unit of work and of distribution (DESIGN §1)."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from yikatong.ledger import Chained
from yikatong.payments import split_batch_id
from yikatong.ports import Stored
from yikatong.states import BatchState, event_of


class Tally(BaseModel):
    """A number of rows and their sum in fen."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    fen: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(count=self.count + other.count, fen=self.fen + other.fen)

    def __sub__(self, other: "Tally") -> "Tally":
        return Tally(count=self.count - other.count, fen=self.fen - other.fen)


class Approval(BaseModel):
    """What an approver put their name to: exactly that file, and exactly those rows (DESIGN §2)."""

    model_config = ConfigDict(frozen=True)

    approver: str
    approved_at: str
    sha256: str
    object_version: str
    mode: str
    code: str
    slots: tuple[str, ...]
    payable: Tally
    held: Tally
    accepted_reviews: tuple[int, ...] = ()
    accepted: Tally = Tally()
    """The rows under review that were accepted by name (their row numbers above), and their sum."""


class Selection(BaseModel):
    """What the claim step decided for the approved rows; the rows themselves are in the lake under `key`."""

    model_config = ConfigDict(frozen=True)

    key: str
    sha256: str
    sent: Tally
    held: Tally
    not_sent: Tally
    lost_to: tuple[str, ...] = ()
    """The batches whose claims hold what rows of this one lost: rows come free when one of them is withdrawn (C4)."""


class Instruction(BaseModel):
    """What the bank is told: one payments file and its messages, stored before the batch says INSTRUCTED."""

    model_config = ConfigDict(frozen=True)

    bank_id: str
    payments_key: str
    sha256: str
    messages: tuple[str, ...]
    instructed_at: str


class Settlement(BaseModel):
    """The latest committed settlement of a batch: one row per payment under `key`, tallies here."""

    model_config = ConfigDict(frozen=True)

    seq: int
    key: str
    digest: str
    """Of what it was folded from, the receipts; `sha256` is the stored object's, by which the books name it."""
    sha256: str = ""
    settled: Tally = Tally()
    rejected: Tally = Tally()
    in_doubt: Tally = Tally()
    returned: Tally = Tally()
    frozen: Tally = Tally()
    """`settled` counts every payment the bank credited, those later `returned` included (returned ⊆ settled);
    `in_doubt` those not answered and those `frozen` by contradictory answers (frozen ⊆ in doubt)."""

    @property
    def complete(self) -> bool:
        return self.in_doubt.count == 0


class Batch(Chained):
    batch_id: str
    plan_year: int
    number: int
    code: str
    region: str
    mode: str
    state: BatchState
    object_key: str
    object_version: str
    sequencer: str = ""
    """Orders the versions of one object key, as S3 numbers them."""
    sha256: str
    uploader: str
    received_at: str
    parent: str = ""
    """Of a child batch: the batch whose approved rows it takes up, held then or lost to a claim (PROTOCOL C4, W2)."""
    children: tuple[str, ...] = ()
    """The child batches that took up rows of this one, oldest first."""
    passed_on: Tally = Tally()
    """How many rows, and how much, the children took up: of those held or not sent here."""
    reissue_of: str = ""
    """Of a reissue: the batch whose rejected and returned payments it pays again (PROTOCOL B5)."""
    recovered: Tally = Tally()
    """How many recoveries (追回) were recorded against its payments, and their sum."""
    sheet: str = ""
    """The workbook's sheet that was read, where the bureau named one."""
    fingerprint: str = ""
    """Of the rows, whatever file said them (`roster.fingerprint`): the same rows again are known by it."""
    rows: int = 0
    payable: Tally = Tally()
    held: Tally = Tally()
    review: Tally = Tally()
    excluded: Tally = Tally()
    slots: tuple[str, ...] = ()
    refusal: str = ""
    findings: int = 0
    """Number of findings in the report, remarks included."""
    cards_checked: bool = True
    """False when no card registry had been imported yet: which rows are held is then known at claim time only."""
    rows_key: str = ""
    rows_sha256: str = ""
    report_key: str = ""
    first_approval: Approval | None = None
    """Above the subsidy's threshold two approvers must agree; this is the first one's word, `approval` the second's."""
    approval: Approval | None = None
    run_id: str = ""
    former_runs: tuple[str, ...] = ()
    """The runs that left this batch to the next one, oldest first; its lines there are closed."""
    funds_year: int = 0
    selection: Selection | None = None
    reserved_fen: int | None = None
    """Fen this batch holds reserved in its funds; None while nothing has been reserved."""
    instruction: Instruction | None = None
    settlement: Settlement | None = None
    published_seq: int = 0
    carried: str = ""
    """Why a run left this batch to the next one, in words; empty when it did not."""
    withdrawn_because: str = ""
    province: str = ""
    region_received: str = ""
    """With `province` the keys of the `by_region` index: `{region}#{received_at}`, so that a prefix is a county or a city."""
    released: bool = False
    """True once a withdrawn batch has its release entry in every slot's manifest (PROTOCOL W1)."""

    @property
    def audit_id(self) -> str:
        return self.batch_id

    @property
    def digest(self) -> str:
        return self.batch_id.rsplit(".", 1)[1]

    @property
    def spent_fen(self) -> int:
        """What it has cost so far: credited, and neither returned nor recovered. Money that came back both ways counts once
        more than it was paid; that is the payee's, and no other batch's."""
        if self.settlement is None:
            return 0
        return max(0, self.settlement.settled.fen - self.settlement.returned.fen - self.recovered.fen)

    @property
    def follows_up(self) -> bool:
        """Whether it pays what an earlier batch could not: 正式发放时间 was kept by that one."""
        return bool(self.parent or self.reissue_of)

    @property
    def approved_on(self) -> date:
        """The Shanghai date of the approval; only asked of batches that have one."""
        assert self.approval is not None, f"{self.batch_id} has no approval"
        return datetime.fromisoformat(self.approval.approved_at).date()

    def moved(self, to: BatchState, **changes: object) -> "Batch":
        """This batch in its next state, with changes; raises `IllegalMove` when the table has no such edge."""
        event_of(self.state, to)
        return self.changed(state=to, **changes)

    def changed(self, **changes: object) -> "Batch":
        return self.model_copy(update=changes)


def scope_prefix(region: str) -> str:
    """The digits that all regions inside a GB/T 2260 region share: 230000 → 23, 230100 → 2301, 230102 → 230102."""
    return region[:2] if region.endswith("0000") else region[:4] if region.endswith("00") else region


def batches_pk(code: str, mode: str) -> str:
    return f"BATCHES#{code}#{mode}"


def batch_key(identity: str) -> tuple[str, str]:
    """(pk, sk) of a batch in the control table."""
    code, mode, _ = split_batch_id(identity)
    return batches_pk(code, mode), identity


def rows_key(identity: str, digest: str) -> str:
    """The frozen roster's object; the digest is its content's, and the batch names the one that counts."""
    return f"rosters/{identity}/{digest[:16]}.parquet"


def review_key(frozen_rows_key: str) -> str:
    """The list of rows under review beside a frozen roster: row, fen and finding code, without anybody's name."""
    return frozen_rows_key.removesuffix(".parquet") + ".review.json"


class RosterObject(Stored):
    """Which batch stands for a roster object's key, and the newest arrival seen there (S3's `sequencer`)."""

    batch_id: str
    sequencer: str = ""


def roster_object_key(object_key: str, mode: str, reissues: str = "") -> tuple[str, str]:
    """Per mode: a trial's roster is no correction of the formal one under the same name, nor the other way round.

    So with a reissue (`reissues` is the batch it pays again): it corrects only another reissue of that batch.
    """
    return f"OBJECT#{object_key}", f"{mode}#{reissues}" if reissues else mode


class WaitingTask(Stored):
    """The token of the task that waits for a batch's receipts (PROTOCOL B4)."""

    token: str


def waiting_key(identity: str) -> tuple[str, str]:
    return f"TOKEN#{identity}", "TOKEN"


class PassedTrial(Stored):
    """A trial of one subsidy in one region whose every payment the bank's test channel answered (DESIGN §4)."""

    batch_id: str
    passed_at: str


def trial_key(code: str, plan_year: int, region: str) -> tuple[str, str]:
    return f"TRIALS#{code}", f"{plan_year}#{region}"


class Occasion(Stored):
    """One occasion of a 多次/年 subsidy, opened beforehand; its slot is `{year}#NAME`."""

    code: str
    slot: str
    title: str
    region: str
    first: str
    last: str
    opened_by: str

    def covers(self, region: str, on: date) -> bool:
        """Whether a payment in `region` on that day belongs to the occasion: both its region and its dates bound it."""
        return region.startswith(scope_prefix(self.region)) and self.first <= on.isoformat() <= self.last


def occasion_key(code: str, slot: str) -> tuple[str, str]:
    return f"OCCASIONS#{code}", slot
