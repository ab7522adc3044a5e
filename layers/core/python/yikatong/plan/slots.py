"""发放属期 as a type: the period a payment is for (DESIGN §1). One person is paid at most once per subsidy and slot."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from yikatong.errors import Refusal
from yikatong.plan.model import Frequency
from yikatong.plan.periods import Month

OCCASION_NAME = r"[A-Z0-9-]{1,20}"
OCCASION_EXAMPLE = "2023#名称（名称用大写字母、数字、连字符，1至20个）"
# Months one slot of a frequency lasts; an occasion belongs to its whole year.
_MONTHS = {
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.HALF_YEARLY: 6,
    Frequency.YEARLY: 12,
    Frequency.PER_OCCASION: 12,
}
_SHAPES = {
    Frequency.MONTHLY: (r"(?P<year>[0-9]{4})-(?P<index>0[1-9]|1[0-2])", "2023-06"),
    Frequency.QUARTERLY: (r"(?P<year>[0-9]{4})Q(?P<index>[1-4])", "2023Q2"),
    Frequency.HALF_YEARLY: (r"(?P<year>[0-9]{4})H(?P<index>[12])", "2023H1"),
    Frequency.YEARLY: (r"(?P<year>[0-9]{4})", "2023"),
    Frequency.PER_OCCASION: (rf"(?P<year>[0-9]{{4}})#(?P<occasion>{OCCASION_NAME})", OCCASION_EXAMPLE),
}


@dataclass(frozen=True, order=True)
class Slot:
    """A slot; `index` counts the slots of its year from 1. Ordered in time within a frequency."""

    year: int
    index: int
    frequency: Frequency
    occasion: str = ""

    def __str__(self) -> str:
        match self.frequency:
            case Frequency.MONTHLY:
                return f"{self.year:04d}-{self.index:02d}"
            case Frequency.QUARTERLY:
                return f"{self.year:04d}Q{self.index}"
            case Frequency.HALF_YEARLY:
                return f"{self.year:04d}H{self.index}"
            case Frequency.YEARLY:
                return f"{self.year:04d}"
            case Frequency.PER_OCCASION:
                return f"{self.year:04d}#{self.occasion}"

    @classmethod
    def parse(cls, text: str, frequency: Frequency) -> "Slot":
        """Read a slot of this frequency; anything else, full-width digits and blanks included, is refused."""
        pattern, example = _SHAPES[frequency]
        match = re.fullmatch(pattern, text)
        if match is None or int(match["year"]) == 0:
            raise Refusal(f"“{text}”不是“{frequency}”的属期，应写作 {example}", "bad_slot")
        groups = match.groupdict()
        return cls(int(match["year"]), int(groups.get("index") or 1), frequency, groups.get("occasion") or "")

    @classmethod
    def containing(cls, month: Month, frequency: Frequency) -> "Slot":
        """The slot a month lies in. Occasions have names, not places in the calendar."""
        assert frequency is not Frequency.PER_OCCASION, "an occasion is named, never derived from a date"
        return cls(month.year, (month.month - 1) // _MONTHS[frequency] + 1, frequency)

    @classmethod
    def of_year(cls, year: int, frequency: Frequency) -> "Iterator[Slot]":
        """The slots of a year as the frequency gives them."""
        for index in range(1, 12 // _MONTHS[frequency] + 1):
            yield cls.containing(Month(year, (index - 1) * _MONTHS[frequency] + 1), frequency)

    @property
    def first_month(self) -> Month:
        return Month(self.year, (self.index - 1) * _MONTHS[self.frequency] + 1)

    @property
    def last_month(self) -> Month:
        return self.first_month.shifted(_MONTHS[self.frequency] - 1)

    def shifted(self, count: int) -> "Slot":
        """The slot so many slots later (earlier when negative), across the year's end as well."""
        return Slot.containing(self.first_month.shifted(count * _MONTHS[self.frequency]), self.frequency)
