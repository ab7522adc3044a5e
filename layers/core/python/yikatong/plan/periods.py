"""Months and inclusive date windows: the small change every rule of the plan is counted in."""

import calendar
import re
from dataclasses import dataclass
from datetime import date

from yikatong.errors import Refusal


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; `str` gives `2023-06`."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month a day lies in."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `YYYY-MM`; anything else is refused."""
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text):
            raise Refusal(f"月份应写作 2023-06 的样子，读到“{text}”", "bad_month")
        return cls(int(text[:4]), int(text[5:]))

    def shifted(self, months: int) -> "Month":
        """The month so many months later (earlier when negative), across the year's end as well."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])


@dataclass(frozen=True)
class Window:
    """The days from `first` to `last`, both inside."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise Refusal(f"时间段的起点 {self.first} 晚于终点 {self.last}", "bad_window")

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first.isoformat()} 至 {self.last.isoformat()}"

    @classmethod
    def of_months(cls, year: int, first: int, last: int) -> "Window":
        """Whole months of one year."""
        return cls(Month(year, first).first_day, Month(year, last).last_day)

    @classmethod
    def of_year(cls, year: int) -> "Window":
        return cls.of_months(year, 1, 12)

    @property
    def is_whole_year(self) -> bool:
        return self == Window.of_year(self.first.year)
