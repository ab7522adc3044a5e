"""Which slots a subsidy may be paid for on a day (DESIGN §4, read off columns 5 to 8 of the notice).

Two questions, answered apart: may this subsidy be run on this day (正式发放时间, 模拟测试时间), and does this slot lie
in the window of the cross-period rule (跨属期发放规则)? A roster that arrives early is asked only the second, on
the day its first run could be; a run is asked both. No rule reads a clock: the day is an input.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from yikatong.errors import Refusal
from yikatong.plan.book import PlanBook
from yikatong.plan.model import Frequency, Mode, Subsidy
from yikatong.plan.periods import Month, Window
from yikatong.plan.slots import Slot


class NotPayable(Refusal):
    """This subsidy pays nothing on this day, with the reason."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_payable")


@dataclass(frozen=True)
class PayableSlot:
    """A slot that may be paid; `review` asks the approver's word, by name, that it was not paid elsewhere."""

    slot: Slot
    review: bool


@dataclass(frozen=True)
class SlotVerdict:
    """The answer for one slot: `day_ok` whether a run may be on that day, `slot_ok` whether the slot is in the window.

    `review` is only meaningful with `slot_ok`. `reason` is Chinese and empty only for an ordinary payable slot.
    """

    slot: Slot
    day_ok: bool
    slot_ok: bool
    review: bool
    reason: str

    @property
    def payable(self) -> bool:
        return self.day_ok and self.slot_ok


def run_days(subsidy: Subsidy, mode: Mode) -> Window | None:
    """正式发放时间; for a trial its month and, late, the rest of the plan year. None: no trial is required."""
    if mode is Mode.FORMAL:
        return subsidy.formal.window
    trial = subsidy.trial.window
    return Window(trial.first, date(subsidy.plan_year, 12, 31)) if trial else None


def day_refusal(subsidy: Subsidy, as_of: date, mode: Mode) -> str:
    """Why no run of this mode may be on this day, in Chinese; empty when one may."""
    days = run_days(subsidy, mode)
    if days is None:
        return f"{subsidy}不需要模拟测试"
    if as_of in days:
        return ""
    when = "早于" if as_of < days.first else "晚于"
    late = "（错过的模拟测试可补做到年底）" if mode is Mode.TRIAL else ""
    return f"{subsidy}的{mode.chinese}时间是 {days}{late}，{as_of} {when}这一时间"


def is_formal_day(subsidy: Subsidy, as_of: date) -> bool:
    """Whether 正式发放时间 allows a formal run on this day."""
    return not day_refusal(subsidy, as_of, Mode.FORMAL)


def is_late_trial(subsidy: Subsidy, as_of: date) -> bool:
    """Whether a trial on this day comes after its month: no schedule fires then, but it may be ordered."""
    window = subsidy.trial.window
    return window is not None and window.last < as_of and not day_refusal(subsidy, as_of, Mode.TRIAL)


def judging_date(subsidy: Subsidy, as_of: date, mode: Mode) -> date:
    """The day on which slots are judged: max(as_of, formal.from) in both modes (DESIGN §4).

    For a trial roster that arrives before its trial month, not before that month either. A day after the window stays
    as it is: nothing is payable then.
    """
    days = run_days(subsidy, mode)
    return max(as_of, subsidy.formal.window.first, days.first if days else as_of)


def _rule_window(subsidy: Subsidy, on: date) -> list[Slot]:
    rule = subsidy.cross_period
    if rule is None:
        return list(Slot.of_year(subsidy.plan_year, subsidy.frequency))
    current = Slot.containing(Month.of(on), subsidy.frequency)
    return [current.shifted(step) for step in range(-rule.back, rule.forward + 1)]


def _needs_review(book: PlanBook, subsidy: Subsidy, slot: Slot) -> bool:
    """A slot outside every published plan's 发放属期: before the subsidy went live, or in a year not yet planned."""
    there = subsidy if slot.year == subsidy.plan_year else book.counterpart(subsidy, slot.year)
    if there is None or there.frequency is not slot.frequency:
        return True
    return not there.entitlement.covers(slot.first_month, slot.last_month)


def _slot_refusal(subsidy: Subsidy, slot: Slot, on: date, occasions: Collection[str]) -> str:
    if slot.frequency is not subsidy.frequency:
        return f"属期 {slot} 不是“{subsidy.frequency}”的属期"
    if subsidy.frequency is Frequency.PER_OCCASION:
        if slot.year != subsidy.plan_year:
            return f"属期 {slot} 不在计划年度{subsidy.plan_year}年"
        opened = slot.occasion in occasions or str(slot) in occasions
        return "" if opened else f"属期 {slot} 的发放事项尚未登记，请先登记再上传"
    window = _rule_window(subsidy, on)
    if slot in window:
        return ""
    span = f"{window[0]}" if len(window) == 1 else f"{window[0]} 至 {window[-1]}"
    rule = f"{subsidy.plan_year}年计划无跨属期规则"
    if subsidy.cross_period is not None:
        rule = f"以 {on} 为准，{subsidy.cross_period}"
    return f"属期 {slot} 不在可发放的属期 {span} 之内（{rule}）"


def judge_slot(
    book: PlanBook, subsidy: Subsidy, slot: Slot, as_of: date, mode: Mode, occasions: Collection[str] = ()
) -> SlotVerdict:
    """May this slot be paid by a run of `mode` on `as_of`? Never raises; the slot is judged at `judging_date`.

    `occasions` are those opened for this subsidy, as slots (`2023#NAME`) or by the names alone, of its plan year.
    """
    by_day = day_refusal(subsidy, as_of, mode)
    by_slot = _slot_refusal(subsidy, slot, judging_date(subsidy, as_of, mode), occasions)
    review = not by_slot and subsidy.frequency is not Frequency.PER_OCCASION and _needs_review(book, subsidy, slot)
    reasons = [reason for reason in (by_day, by_slot) if reason]
    if review:
        reasons.append(f"属期 {slot} 不在任何已发布计划的发放属期之内，须由审批人逐项确认未在别处发放")
    return SlotVerdict(slot, not by_day, not by_slot, review, "；".join(reasons))


def payable_slots(
    book: PlanBook, subsidy: Subsidy, as_of: date, mode: Mode, occasions: Collection[str] = ()
) -> list[PayableSlot]:
    """Every slot a run of `mode` on `as_of` may pay, in order.

    Raises NotPayable when the day allows none. For 多次/年 the slots are those of the occasions named.
    """
    if reason := day_refusal(subsidy, as_of, mode):
        raise NotPayable(reason)
    if subsidy.frequency is Frequency.PER_OCCASION:
        prefix = f"{subsidy.plan_year:04d}#"
        texts = {text if "#" in text else prefix + text for text in occasions}
        slots = [Slot.parse(text, subsidy.frequency) for text in sorted(texts) if text.startswith(prefix)]
        return [PayableSlot(slot, review=False) for slot in slots]
    window = _rule_window(subsidy, judging_date(subsidy, as_of, mode))
    return [PayableSlot(slot, _needs_review(book, subsidy, slot)) for slot in window]
