"""The plans of one or more years, loaded side by side, with their subsidies' permanent codes."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from yikatong.errors import Refusal
from yikatong.plan import phrases
from yikatong.plan.model import Subsidy
from yikatong.plan.notice import COLUMNS, RawRow, read_csv, read_text, row_faults
from yikatong.plan.register import Register

PLANS_FOLDER = Path(__file__).parent / "plans"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Plan:
    """发放工作计划: one year's subsidies in the order of their 序号, 1 to n without a gap."""

    year: int
    subsidies: tuple[Subsidy, ...]

    @classmethod
    def from_rows(cls, rows: list[RawRow], register: Register) -> "Plan":
        """Read rows of words. Refused with every fault at once, each naming row and column."""
        faults = row_faults(rows)
        if not rows:
            faults.append("计划里一行也没有")
        if faults:
            raise Refusal("\n".join(faults), "bad_plan")
        subsidies: list[Subsidy] = []
        year = _plan_year(rows)
        for row in rows:
            subsidy, found = _read_row(row, year, register)
            faults += found
            if subsidy is not None:
                subsidies.append(subsidy)
        names = [subsidy.name for subsidy in subsidies]
        faults += [
            f"第{row.line}行（序号{row.cells[0]}）“{COLUMNS[1]}”列：“{name}”重复"
            for index, (row, name) in enumerate(zip(rows, names, strict=False))
            if name in names[:index]
        ]
        if faults:
            raise Refusal("\n".join(faults), "bad_plan")
        return cls(year, tuple(subsidies))

    @property
    def names(self) -> dict[int, str]:
        """Each 序号 with the subsidy's name."""
        return {subsidy.number: subsidy.name for subsidy in self.subsidies}

    def subsidy(self, number: int) -> Subsidy:
        """The subsidy with this 序号; an unknown number is refused."""
        if not 1 <= number <= len(self.subsidies):
            raise Refusal(f"{self.year}年的计划没有第{number}项，序号为 1 至 {len(self.subsidies)}", "no_subsidy")
        return self.subsidies[number - 1]


def _plan_year(rows: list[RawRow]) -> int:
    """The plan's year is the one most 发放属期 cells are in; the others are then at fault, each by name."""
    years: Counter[int] = Counter()
    for row in rows:
        with suppress(Refusal):
            years[phrases.year_of(row.cells[4])] += 1
    if not years:
        raise Refusal(f"{rows[0].place}“{COLUMNS[4]}”列：没有一行读得懂，无法确定计划年度", "bad_plan")
    return years.most_common(1)[0][0]


def _read_row(row: RawRow, year: int, register: Register) -> tuple[Subsidy | None, list[str]]:
    """One row as a subsidy, or every fault in it, each with its column."""
    faults: list[str] = []

    def read(column: int, reader: Callable[[str], Value]) -> Value | None:
        try:
            return reader(row.cells[column])
        except Refusal as refusal:
            faults.append(f"{row.place}“{COLUMNS[column]}”列：{refusal.message}")
            return None

    name = read(1, phrases.name)
    departments = read(2, phrases.departments)
    frequency = read(3, phrases.frequency)
    entitlement = read(4, lambda text: phrases.entitlement(text, year))
    rule = read(5, lambda text: phrases.cross_period(text, frequency))
    trial = read(6, lambda text: phrases.trial(text, year))
    formal = read(7, lambda text: phrases.formal(text, year, frequency))
    if faults or not (name and departments and frequency and entitlement and trial and formal):
        return None, faults
    number = int(row.cells[0])
    code = register.code_of(year, number, name)
    return Subsidy(year, number, code, name, departments, frequency, entitlement, rule, trial, formal), []


@dataclass(frozen=True)
class PlanBook:
    """The published plans, in year order, and the register their codes come from."""

    plans: tuple[Plan, ...]
    register: Register

    @classmethod
    def committed(cls) -> "PlanBook":
        """The plans this release carries."""
        return cls.load(sorted(PLANS_FOLDER.glob("*.csv")))

    @classmethod
    def load(cls, paths: Sequence[Path], register: Register | None = None) -> "PlanBook":
        """Read plan CSVs; two plans of one year are refused. `register` gives codes (by default the committed one)."""
        register = register or Register.committed()
        plans: dict[int, Plan] = {}
        for path in paths:
            try:
                plan = Plan.from_rows(read_csv(read_text(path)), register)
            except Refusal as refusal:
                raise Refusal(f"计划文件 {path.name}：\n{refusal.message}", refusal.code) from None
            if plan.year in plans:
                raise Refusal(f"{plan.year}年的计划给了两份，只能有一份：{path.name}", "two_plans")
            plans[plan.year] = plan
        if not plans:
            raise Refusal("没有任何计划文件", "no_plan")
        return cls(tuple(plans[year] for year in sorted(plans)), register)

    @property
    def years(self) -> tuple[int, ...]:
        return tuple(plan.year for plan in self.plans)

    def plan(self, year: int) -> Plan:
        """The plan of a year; refused when none was published (loaded)."""
        for plan in self.plans:
            if plan.year == year:
                return plan
        raise Refusal(f"没有{year}年的计划，已有：{'、'.join(map(str, self.years))}年", "no_plan")

    def subsidy(self, plan_year: int, number: int) -> Subsidy:
        """What people mean by a 序号: it is read in the plan of that year."""
        return self.plan(plan_year).subsidy(number)

    def by_code(self, plan_year: int, code: str) -> Subsidy:
        """The subsidy with this permanent code in the plan of that year; refused when that plan has none."""
        for subsidy in self.plan(plan_year).subsidies:
            if subsidy.code == code:
                return subsidy
        raise Refusal(f"{plan_year}年的计划没有代码为“{code}”的项目", "no_subsidy")

    def counterpart(self, subsidy: Subsidy, year: int) -> Subsidy | None:
        """The same subsidy in another year's plan: by code, or by name where either has no code yet."""
        plan = next((plan for plan in self.plans if plan.year == year), None)
        for other in plan.subsidies if plan else ():
            if (subsidy.code is not None and subsidy.code == other.code) or (
                None in (subsidy.code, other.code) and subsidy.name == other.name
            ):
                return other
        return None
