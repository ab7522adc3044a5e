"""属期: each distinct slot of a file is judged once by the plan, for all the rows that name it."""

import re
import unicodedata
from dataclasses import dataclass
from threading import Lock

import polars as pl

from yikatong.errors import Refusal
from yikatong.plan import Slot, judge_slot
from yikatong.plan.model import Frequency
from yikatong.plan.slots import OCCASION_EXAMPLE
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import unreadable
from yikatong.roster.hits import NOWHERE, Hit, where

# A year has 12 slots and a window reaches few years; a file with more is a shifted column, or hostile.
MAX_DISTINCT = 500
_EXAMPLES = {
    Frequency.MONTHLY: "{year}-06",
    Frequency.QUARTERLY: "{year}Q2",
    Frequency.HALF_YEARLY: "{year}H1",
    Frequency.YEARLY: "{year}",
}


@dataclass(frozen=True)
class SlotChecks:
    """`slot` per row (canonical, null where unreadable), `rank` (UInt16, null likewise) equal where slots are, and hits."""

    slot: pl.Series
    rank: pl.Series
    hits: list[Hit]


@dataclass(frozen=True)
class _Judged:
    slot: str | None
    rank: int | None
    codes: dict[str, dict[str, object]]


class SlotJudge:
    """What the plan says of each slot a file names; asked by several stretches at once, it judges every spelling once."""

    def __init__(self, context: RosterContext) -> None:
        self._context = context
        self._judged: dict[str | None, _Judged] = {}
        self._ranks: dict[str, int] = {}
        self._lock = Lock()

    def judge(self, text: str | None) -> _Judged:
        """Raises Unreadable when the file has too many different ones."""
        with self._lock:
            found = self._judged.get(text)
            if found is None:
                if len(self._judged) == MAX_DISTINCT:
                    raise unreadable("slots_too_many", count=MAX_DISTINCT)
                slot, codes = _judge(text, self._context)
                rank = None if slot is None else self._ranks.setdefault(slot, len(self._ranks))
                found = self._judged[text] = _Judged(slot, rank, codes)
            return found

    def slots(self) -> pl.Series:
        """The slots by their rank."""
        with self._lock:
            return pl.Series(list(self._ranks), dtype=pl.String)


def check_slots(raw: pl.Series, judge: SlotJudge) -> SlotChecks:
    """Judge a column of slots. Raises Unreadable when there are too many different ones in the file."""
    # Most rosters have one slot, written one way: every row gets that answer, and only the others are looked at.
    if raw.is_empty():
        return SlotChecks(raw, raw.cast(pl.UInt16), [])
    common: str | None = raw[0]
    usual = judge.judge(common)
    rank = pl.repeat(usual.rank, len(raw), dtype=pl.UInt16, eager=True)
    is_common = raw.is_null() if common is None else (raw == common).fill_null(False)
    at = is_common.arg_true() if usual.codes else NOWHERE
    hits = [Hit(code, Column.SLOT, at, details) for code, details in usual.codes.items()]
    others = where(~is_common)
    if others.is_empty():
        return SlotChecks(pl.repeat(usual.slot, len(raw), dtype=pl.String, eager=True), rank, hits)
    texts = raw.gather(others)
    for text in texts.unique(maintain_order=True).to_list():
        found = judge.judge(text)
        at = others.filter(texts.eq_missing(pl.Series([text], dtype=pl.String)))
        rank = rank.scatter(at, pl.repeat(found.rank, len(at), dtype=pl.UInt16, eager=True))
        hits += [Hit(code, Column.SLOT, at, details) for code, details in found.codes.items()]
    return SlotChecks(judge.slots().gather(rank), rank, hits)


def _judge(text: str | None, context: RosterContext) -> tuple[str | None, dict[str, dict[str, object]]]:
    subsidy = context.subsidy
    example = slot_example(context)
    tidy = _tidy(text or "", subsidy.frequency)
    if not tidy:
        return None, {"slot_empty": {"example": example}}
    try:
        slot = Slot.parse(tidy, subsidy.frequency)
    except Refusal:
        return None, {"slot_unreadable": {"frequency": subsidy.frequency, "example": example}}
    codes: dict[str, dict[str, object]] = {}
    if str(slot) != text:
        codes["slot_normalised"] = {"slot": slot}
    if context.is_reissue:
        return str(slot), codes
    verdict = judge_slot(context.book, subsidy, slot, context.as_of, context.mode, context.occasions)
    # The day is asked of the whole file: a roster may arrive before its first run.
    if not verdict.slot_ok:
        codes["slot_not_payable"] = {"detail": verdict.reason}
    elif verdict.review:
        codes["slot_unplanned"] = {"detail": verdict.reason}
    return str(slot), codes


def slot_example(context: RosterContext) -> str:
    """How a slot of this subsidy is written, for a cure."""
    example = _EXAMPLES.get(context.subsidy.frequency, OCCASION_EXAMPLE)
    return example.format(year=context.subsidy.plan_year)


def _tidy(text: str, frequency: Frequency) -> str:
    """The spellings a slot cannot be misread in: full-width, blanks, 2023年6月, 2023/6, 202306, 2023年."""
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).upper()
    if frequency is Frequency.MONTHLY:
        found = re.fullmatch(r"([0-9]{4})(?:年|-|/|\.)([0-9]{1,2})月?", plain) or re.fullmatch(
            r"([0-9]{4})([0-9]{2})", plain
        )
        return f"{found[1]}-{int(found[2]):02d}" if found else plain
    if frequency is Frequency.YEARLY:
        return plain.removesuffix("度").removesuffix("年")
    return plain
