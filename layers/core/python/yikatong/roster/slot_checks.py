"""属期: each distinct slot of a file is judged once by the plan, then joined back to its rows."""

import re
import unicodedata
from dataclasses import dataclass

import polars as pl

from yikatong.errors import Refusal
from yikatong.plan import Slot, judge_slot
from yikatong.plan.model import Frequency
from yikatong.plan.slots import OCCASION_EXAMPLE
from yikatong.roster.columns import Column
from yikatong.roster.context import RosterContext
from yikatong.roster.findings import unreadable
from yikatong.roster.hits import Hit

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
    """`slot` per row (canonical, null where unreadable), its rank among the file's slots (UInt16), and what was found."""

    slot: pl.Series
    rank: pl.Series
    hits: list[Hit]


def check_slots(raw: pl.Series, context: RosterContext) -> SlotChecks:
    """Judge a column of slots. Raises Unreadable when there are too many different ones."""
    counted = raw.value_counts(name="rows").sort("rows", raw.name, descending=True)
    if counted.height > MAX_DISTINCT:
        raise unreadable("slots_too_many", count=counted.height)
    judged = {text: _judge(text, context) for text in counted[raw.name].to_list()}
    slots = sorted({found.slot for found in judged.values() if found.slot is not None})
    ranks = {slot: rank for rank, slot in enumerate(slots)}
    # Most rosters have one slot, written one way: every row gets that answer, and only the others are looked at.
    common = counted[raw.name][0]
    everywhere = judged[common]
    slot = pl.repeat(everywhere.slot, len(raw), dtype=pl.String, eager=True)
    rank = pl.repeat(ranks.get(everywhere.slot or ""), len(raw), dtype=pl.UInt16, eager=True)
    hits = [
        Hit(code, Column.SLOT, raw.eq_missing(pl.Series([common], dtype=pl.String)).arg_true(), details)
        for code, details in everywhere.codes.items()
    ]
    others = raw.ne_missing(pl.Series([common], dtype=pl.String)).arg_true()
    texts = raw.gather(others)
    for text, found in judged.items():
        if text != common:
            at = others.filter(texts.eq_missing(pl.Series([text], dtype=pl.String)))
            count = len(at)
            slot = slot.scatter(at, pl.repeat(found.slot, count, dtype=pl.String, eager=True))
            rank = rank.scatter(at, pl.repeat(ranks.get(found.slot or ""), count, dtype=pl.UInt16, eager=True))
            hits += [Hit(code, Column.SLOT, at, details) for code, details in found.codes.items()]
    return SlotChecks(slot, rank, hits)


@dataclass(frozen=True)
class _Judged:
    slot: str | None
    codes: dict[str, dict[str, object]]


def _judge(text: str | None, context: RosterContext) -> _Judged:
    subsidy = context.subsidy
    example = slot_example(context)
    tidy = _tidy(text or "", subsidy.frequency)
    if not tidy:
        return _Judged(None, {"slot_empty": {"example": example}})
    try:
        slot = Slot.parse(tidy, subsidy.frequency)
    except Refusal:
        return _Judged(None, {"slot_unreadable": {"frequency": subsidy.frequency, "example": example}})
    codes: dict[str, dict[str, object]] = {}
    if str(slot) != text:
        codes["slot_normalised"] = {"slot": slot}
    verdict = judge_slot(context.book, subsidy, slot, context.as_of, context.mode, context.occasions)
    # The day is asked of the whole file: a roster may arrive before its first run.
    if not verdict.slot_ok:
        codes["slot_not_payable"] = {"detail": verdict.reason}
    elif verdict.review:
        codes["slot_unplanned"] = {"detail": verdict.reason}
    return _Judged(str(slot), codes)


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
