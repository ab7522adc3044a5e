"""A run: one scheduled or ordered payout of a subsidy, over many batches (PROTOCOL R1, R2)."""

import re
from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from yikatong.ledger import Chained
from yikatong.payments import run_id
from yikatong.ports import RunOrder
from yikatong.states import RunState, event_of

CAUSE = re.compile(r"[A-Za-z0-9]{1,32}")
"""Causes go into execution names, which AWS limits to letters, digits, `_` and `-`, 80 in all."""


ATTEMPTS_BEFORE_A_PERSON_LOOKS = 5
"""How many executions a run gets by itself: one that dies of a defect would otherwise be started again for ever."""


class FrozenBatch(BaseModel):
    """One batch as a run bound it; the run's order of claiming is (approved_at, batch_id) (PROTOCOL C2)."""

    model_config = ConfigDict(frozen=True)

    batch_id: str
    approved_at: str


class RunInputs(BaseModel):
    """A run's frozen inputs, written once to `runs/{run_id}/run.json` and used as they are ever after (PROTOCOL R2)."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    plan_year: int
    code: str
    mode: str
    as_of: date
    registry_version: str
    batches: tuple[FrozenBatch, ...]
    waiting_for_trial: tuple[str, ...] = ()
    """Approved batches left out because their region has not passed its trial."""
    approval_expired: tuple[str, ...] = ()
    """Approved batches left out because nobody took them up within the approval's time."""


class Run(Chained):
    run_id: str
    plan_year: int
    code: str
    mode: str
    as_of: date
    cause: str
    state: RunState
    attempt: int = 1
    """The n of the execution `{run_id}-{n}` that carries the run."""
    attempts_allowed: int = ATTEMPTS_BEFORE_A_PERSON_LOOKS
    batch_count: int = 0
    note: str = ""
    totals: dict[str, int] = Field(default_factory=dict)
    open_lines: tuple[str, ...] = ()

    @property
    def audit_id(self) -> str:
        return self.run_id

    @property
    def execution(self) -> str:
        return f"{self.run_id}-{self.attempt}"

    @property
    def order(self) -> RunOrder:
        return RunOrder(self.plan_year, self.code, self.mode, self.as_of, self.cause)

    def allowed_again(self) -> "Run":
        """A person has looked: so many further executions by itself."""
        return self.model_copy(update={"attempts_allowed": self.attempt + ATTEMPTS_BEFORE_A_PERSON_LOOKS})

    def moved(self, to: RunState, **changes: object) -> "Run":
        event_of(self.state, to)
        return self.model_copy(update={"state": to, **changes})


def name_run(order: RunOrder) -> str:
    if not CAUSE.fullmatch(order.cause):
        raise ValueError(f"cause {order.cause!r} cannot be part of an execution's name")
    return run_id(order.code, order.as_of.strftime("%Y%m%d"), order.mode, order.cause)


def run_key(code: str, identity: str) -> tuple[str, str]:
    return f"RUNS#{code}", identity


def inputs_key(identity: str) -> str:
    return f"runs/{identity}/run.json"


def map_items_key(identity: str) -> str:
    return f"runs/{identity}/batches.json"


def closing_key(identity: str) -> str:
    return f"runs/{identity}/closing.json"
