"""A subsidy whose formal payout is paused: no run begins, and a run under way instructs no further batch.

A trial goes on: it moves no money, and shows whether what the pause was for is mended. Of what is already instructed the
bank's answers are taken in as ever.
"""

from datetime import date

from pydantic import Field

from yikatong.ledger import Chained
from yikatong.plan import Mode
from yikatong.ports import Control

PAUSED = "该补贴已暂停发放"
"""Why a batch is carried to the run that the resumption orders."""


class Pause(Chained):
    """Of one subsidy, over all plan years: whether it is paused now, and on whose word; kept after the resumption."""

    code: str
    paused: bool = False
    reason: str = ""
    by: str = ""
    at: str = ""
    missed: dict[str, date] = Field(default_factory=dict)
    """By plan year, the latest `as_of` of a run that did not begin because of it: 正式发放时间 may be over afterwards."""

    @property
    def audit_id(self) -> str:
        return f"pause.{self.code}"


def pause_key(code: str) -> tuple[str, str]:
    return f"PAUSE#{code}", "PAUSE"


def read_pause(control: Control, code: str) -> Pause:
    """The subsidy's pause; where nobody ever ordered one, not paused."""
    pk, sk = pause_key(code)
    return control.read(Pause, pk, sk) or Pause(pk=pk, sk=sk, code=code)


def is_paused(control: Control, code: str, mode: str) -> bool:
    return mode == Mode.FORMAL and read_pause(control, code).paused
