"""Funds of one subsidy, region and year of `as_of`: reserved once per batch, never negative (PROTOCOL W3).

A limit is optional. `available_fen` exists only when a limit was set; what is reserved and spent is counted either way.
No counter per payment: only batches change these numbers.
"""

from collections.abc import Callable

from yikatong.batches import Batch, batch_key
from yikatong.errors import Conflict, Refusal
from yikatong.ledger import Chained
from yikatong.ports import Control


class Funds(Chained):
    code: str
    region: str
    year: int
    allocated_fen: int | None = None
    reserved_fen: int = 0
    spent_fen: int = 0
    reason: str = ""
    set_by: str = ""

    @property
    def audit_id(self) -> str:
        return f"funds.{self.code}.{self.region}.{self.year}"

    @property
    def available_fen(self) -> int | None:
        """Fen still free to reserve; None when no limit was set."""
        return None if self.allocated_fen is None else self.allocated_fen - self.reserved_fen - self.spent_fen

    def reserve(self, amount_fen: int) -> "Funds":
        """Raises `ShortOfFunds` when the limit does not cover the whole amount: nothing of that batch is paid."""
        available = self.available_fen
        if available is not None and amount_fen > available:
            raise ShortOfFunds(missing_fen=amount_fen - available)
        return self._with(reserved_fen=self.reserved_fen + amount_fen)

    def release(self, amount_fen: int) -> "Funds":
        return self._with(reserved_fen=self.reserved_fen - amount_fen)

    def settle(self, *, reserved_change_fen: int, spent_change_fen: int) -> "Funds":
        """Apply a batch's settlement: what it no longer holds reserved, and what is now spent (negative on a return)."""
        return self._with(
            reserved_fen=self.reserved_fen + reserved_change_fen, spent_fen=self.spent_fen + spent_change_fen
        )

    def allocate(self, amount_fen: int, reason: str, set_by: str) -> "Funds":
        if amount_fen < self.reserved_fen + self.spent_fen:
            raise Refusal(f"额度不能低于已占用和已支出的金额（{self.reserved_fen + self.spent_fen} 分）。")
        return self._with(allocated_fen=amount_fen, reason=reason, set_by=set_by)

    def _with(self, **changes: int | str) -> "Funds":
        changed = self.model_copy(update=changes)
        if changed.reserved_fen < 0 or changed.spent_fen < 0:
            raise WouldBeNegative(f"funds of {self.code} {self.region} {self.year}")
        return changed


class ShortOfFunds(Exception):
    def __init__(self, missing_fen: int) -> None:
        super().__init__(f"{missing_fen} fen missing")
        self.missing_fen = missing_fen


class WouldBeNegative(AssertionError):
    """More given back than was taken: a defect, unless batch and funds were not read at one moment (`funds_after`)."""


def funds_after(batch: Batch, change: Callable[[Funds], Funds], control: Control) -> Funds:
    """The batch's funds with a change that follows from the batch as it was read; to be saved together with it.

    Raises `Conflict` where the batch has moved on since: another worker gave back meanwhile what this one would.
    """
    funds = control.read(Funds, *funds_key(batch.code, batch.region, batch.funds_year))
    assert funds is not None, "funds are counted from the reservation on, with or without a limit"
    try:
        return change(funds)
    except WouldBeNegative:
        now = control.read(Batch, *batch_key(batch.batch_id))
        if now is not None and now.version == batch.version:
            raise
        raise Conflict(f"{batch.batch_id} 刚被另一操作改动，请重新读取后再试。", "conflict") from None


def funds_key(code: str, region: str, year: int) -> tuple[str, str]:
    return f"FUNDS#{code}", f"{region}#{year}"


def no_funds_yet(code: str, region: str, year: int) -> Funds:
    pk, sk = funds_key(code, region, year)
    return Funds(pk=pk, sk=sk, code=code, region=region, year=year)
