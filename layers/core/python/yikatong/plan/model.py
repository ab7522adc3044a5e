"""One row of the plan as typed values (the notice's table; words of DESIGN §1, readings of DESIGN §4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from yikatong.plan.periods import Month, Window


class Mode(StrEnum):
    """模拟测试 or 正式发放: fixed at upload, bound into the approval; a run takes only batches of its mode."""

    TRIAL = "trial"
    FORMAL = "formal"

    @property
    def chinese(self) -> str:
        return {"trial": "模拟测试", "formal": "正式发放"}[self.value]


class Frequency(StrEnum):
    """发放频次, with the notice's own words as values."""

    YEARLY = "1次/年"
    HALF_YEARLY = "2次/年"
    QUARTERLY = "4次/年"
    MONTHLY = "1次/月"
    PER_OCCASION = "多次/年"


@dataclass(frozen=True)
class CrossPeriodRule:
    """跨属期发放规则: how many months or quarters before and after the current one a slot may lie."""

    back: int
    forward: int
    unit: Literal["month", "quarter"]

    def fits(self, frequency: Frequency) -> bool:
        """A rule in months belongs to monthly subsidies, one in quarters to quarterly ones."""
        return frequency is {"month": Frequency.MONTHLY, "quarter": Frequency.QUARTERLY}[self.unit]

    def __str__(self) -> str:
        unit = {"month": "个月", "quarter": "个季度"}[self.unit]
        if self.back == self.forward:
            return f"前后各{self.back}{unit}"
        return f"前{self.back}{unit}、后{self.forward}{unit}"


@dataclass(frozen=True)
class Entitlement:
    """发放属期 in months, both ends inside, written `YYYY-MM`."""

    first: str
    last: str

    def covers(self, first: Month, last: Month) -> bool:
        """Whether the months from `first` to `last` all lie inside."""
        return Month.parse(self.first) <= first and last <= Month.parse(self.last)


@dataclass(frozen=True)
class Trial:
    """模拟测试时间: the window in which the trial is due, or none where the notice says 已上线发放 or 直接上线发放."""

    window: Window | None

    @property
    def required(self) -> bool:
        return self.window is not None


@dataclass(frozen=True)
class Formal:
    """正式发放时间: the days a formal run may fall on; `on_demand` for 实际发放日 (an approval orders the run)."""

    window: Window
    on_demand: bool = False


@dataclass(frozen=True)
class Subsidy:
    """补贴项目: one row. `number` counts within `plan_year`; `code` is permanent, None where the name is unknown."""

    plan_year: int
    number: int
    code: str | None
    name: str
    lead_departments: tuple[str, ...]
    frequency: Frequency
    entitlement: Entitlement
    cross_period: CrossPeriodRule | None
    trial: Trial
    formal: Formal

    def __post_init__(self) -> None:
        rule = self.cross_period
        assert rule is None or rule.fits(self.frequency), "a rule counts in the slots of its frequency"

    def __str__(self) -> str:
        # Some names carry quotation marks of their own (#21, #22): inside ours they become single ones.
        name = self.name.translate(str.maketrans("“”", "‘’"))
        return f"{self.plan_year}年第{self.number}项“{name}”"

    def as_record(self) -> dict[str, object]:
        """The row as JSON-ready data: what `yikatong plan show --format json` prints. Dates are ISO, inclusive."""
        rule, trial, formal = self.cross_period, self.trial.window, self.formal
        return {
            "number": self.number,
            "name": self.name,
            "lead_departments": list(self.lead_departments),
            "frequency": self.frequency.value,
            "entitlement": {"first": self.entitlement.first, "last": self.entitlement.last},
            "cross_period": rule and {"back": rule.back, "forward": rule.forward, "unit": rule.unit},
            "trial": {
                "required": self.trial.required,
                "from": trial.first.isoformat() if trial else None,
                "to": trial.last.isoformat() if trial else None,
            },
            "formal": {
                "from": formal.window.first.isoformat(),
                "to": formal.window.last.isoformat(),
                "on_demand": formal.on_demand,
            },
        }
